package alert

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"punctual/internal/store"
)

// job is a leased delivery on its way through the dispatcher, with others of the same
// channel that go out in the same message.
type job struct {
	*store.Claimed
	others []*store.Claimed
	// one message may tell of several deliveries
	digests bool
	// how often the checks have changed lately
	flaps map[int64]store.Flaps
	// destination is where its message goes: notify.Kind.Destination.
	destination string
	queue       *queue
	// begun later, the lease could run out while sending
	startBy time.Time
	// taken by next
	begun time.Time
	// takes a slow slot: it hangs, or its owner's deliveries do
	slow bool
	// set when done: the destination is well
	worked bool
}

// all are the deliveries of the job.
func (j *job) all() []*store.Claimed { return append([]*store.Claimed{j.Claimed}, j.others...) }

// queue has what one owner has for one destination.
type queue struct {
	share       *share
	destination *destination
	// seen in this queue
	channels map[uuid.UUID]bool
	waiting  []*job
	inFlight []*job
	// how many may be in flight
	window int
	// claims leave its channels out until it has drained
	full bool
	// and until something in flight has ended
	stuck bool
}

// ready is how many could start if only the window counted.
func (q *queue) ready() int { return max(0, min(len(q.waiting), q.window-len(q.inFlight))) }

// idle tells whether it may be forgotten.
func (q *queue) idle() bool { return len(q.waiting) == 0 && len(q.inFlight) == 0 }

// destination is one of a kind, whoever sends to it.
type destination struct {
	name destinationKey
	// of how many owners
	queues   int
	inFlight int
}

type destinationKey struct{ kind, destination string }

// share is what one owner has of one kind.
type share struct {
	store.OwnerKind
	owner *owner
	// of the kind
	pool     *pool
	ring     []*queue
	turn     int
	byName   map[string]*queue
	waiting  int
	inFlight flights
	// its owner's deliveries hang: until then they take slow slots only
	slowUntil time.Time
	// claims leave it out until there is room again
	full bool
	// what waits was given back
	stuck bool
}

// owner is what one owner has of all kinds.
type owner struct {
	shares   int
	waiting  int
	inFlight flights
}

// queues decides what is sent next and what is claimed next. It does nothing by
// itself and is used by one goroutine.
type queues struct {
	limits Limits
	// in order of their turns
	ring    []*share
	turn    int
	waiting int
	// the last claim has found all it asked for
	flood        bool
	total        *pool
	kinds        map[string]*pool
	owners       map[uuid.UUID]*owner
	shares       map[store.OwnerKind]*share
	destinations map[destinationKey]*destination
}

func newQueues(l Limits) *queues {
	l = l.withDefaults()
	return &queues{
		limits:       l,
		total:        &pool{limit: l.Total},
		kinds:        make(map[string]*pool),
		owners:       make(map[uuid.UUID]*owner),
		shares:       make(map[store.OwnerKind]*share),
		destinations: make(map[destinationKey]*destination),
	}
}

// add queues a job. It returns false when its queue has no room: the job is to be
// released, and the queue knows the channel and keeps it out of the next claim.
func (qs *queues) add(j *job) bool {
	s := qs.share(store.OwnerKind{Owner: j.Owner.ID, Kind: j.Channel.Kind})
	q := qs.queue(s, j.destination)
	q.channels[j.ChannelID] = true
	if len(q.waiting) >= perSlot*q.window+claimBatch {
		return false
	}
	j.queue = q
	q.waiting = append(q.waiting, j)
	qs.count(s, 1)
	return true
}

// count takes note that n more of the share wait.
func (qs *queues) count(s *share, n int) {
	s.waiting += n
	s.owner.waiting += n
	qs.waiting += n
}

func (qs *queues) share(key store.OwnerKind) *share {
	if s := qs.shares[key]; s != nil {
		return s
	}
	o := qs.owners[key.Owner]
	if o == nil {
		o = new(owner)
		qs.owners[key.Owner] = o
	}
	o.shares++
	s := &share{OwnerKind: key, owner: o, pool: qs.kind(key.Kind), byName: make(map[string]*queue)}
	qs.shares[key] = s
	qs.ring = append(qs.ring, s)
	return s
}

func (qs *queues) queue(s *share, name string) *queue {
	if q := s.byName[name]; q != nil {
		return q
	}
	key := destinationKey{s.Kind, name}
	d := qs.destinations[key]
	if d == nil {
		d = &destination{name: key}
		qs.destinations[key] = d
	}
	d.queues++
	q := &queue{share: s, destination: d, channels: make(map[uuid.UUID]bool), window: qs.limits.PerDestination}
	s.byName[name] = q
	s.ring = append(s.ring, q)
	return q
}

// kind has the slots of a kind.
func (qs *queues) kind(name string) *pool {
	p := qs.kinds[name]
	if p == nil {
		p = &pool{limit: qs.limits.ofKind(name)}
		qs.kinds[name] = p
	}
	return p
}

// startable is how many more of the share the slots allow.
func (qs *queues) startable(s *share, now time.Time) int {
	slow := s.hangs(now)
	return min(s.pool.startable(s.inFlight, slow), qs.total.startable(s.owner.inFlight, slow))
}

func (s *share) hangs(now time.Time) bool { return now.Before(s.slowUntil) }

// next takes the job that is to start now, owners in turn; nil when none may.
func (qs *queues) next(now time.Time) *job {
	if qs.waiting == 0 {
		return nil
	}
	for range qs.ring {
		s := qs.ring[qs.turn%len(qs.ring)]
		qs.turn = (qs.turn + 1) % len(qs.ring)
		if s.waiting == 0 || qs.startable(s, now) == 0 {
			continue
		}
		q := qs.nextQueue(s)
		if q != nil {
			return qs.begin(q, now)
		}
	}
	return nil
}

// nextQueue is the share's next queue that may send; nil when none may.
func (qs *queues) nextQueue(s *share) *queue {
	for range s.ring {
		q := s.ring[s.turn%len(s.ring)]
		s.turn = (s.turn + 1) % len(s.ring)
		if q.ready() > 0 && len(q.inFlight) < fairShare(ofAll(qs.limits.MaxPerDestination), q.destination.inFlight) {
			return q
		}
	}
	return nil
}

func (qs *queues) begin(q *queue, now time.Time) *job {
	j := q.waiting[0]
	j.begun = now
	j.slow = q.share.hangs(now)
	q.waiting = q.waiting[1:]
	q.inFlight = append(q.inFlight, j)
	q.destination.inFlight++
	qs.count(q.share, -1)
	qs.fly(q.share, j.slow, 1)
	return j
}

// fly takes note that n more of the share are in flight, in quick or slow slots.
func (qs *queues) fly(s *share, slow bool, n int) {
	for _, f := range []*flights{&s.inFlight, &s.owner.inFlight, &s.pool.all, &qs.total.all} {
		f.add(slow, n)
	}
}

// done takes note that a job of next has ended.
func (qs *queues) done(j *job) {
	q := j.queue
	switch {
	case !j.worked:
		q.window = 1
	case len(q.waiting) > 0:
		q.window = min(q.window+1, qs.limits.MaxPerDestination)
	}
	q.inFlight = slices.DeleteFunc(q.inFlight, func(other *job) bool { return other == j })
	q.stuck = false
	q.destination.inFlight--
	qs.fly(q.share, j.slow, -1)
	qs.forget(q)
}

// forget drops a queue that has nothing to do, and its share.
func (qs *queues) forget(q *queue) {
	if !q.idle() {
		return
	}
	s := q.share
	delete(s.byName, q.destination.name.destination)
	s.ring = slices.DeleteFunc(s.ring, func(other *queue) bool { return other == q })
	if q.destination.queues--; q.destination.queues == 0 {
		delete(qs.destinations, q.destination.name)
	}
	if s.slowUntil.IsZero() {
		qs.forgetShare(s)
	}
}

func (qs *queues) forgetShare(s *share) {
	if len(s.ring) > 0 {
		return
	}
	delete(qs.shares, s.OwnerKind)
	qs.ring = slices.DeleteFunc(qs.ring, func(other *share) bool { return other == s })
	if s.owner.shares--; s.owner.shares == 0 {
		delete(qs.owners, s.Owner)
	}
}

// makeRoom lets others start beside what has been in flight for long at time now,
// and takes out what waits for those that are stuck.
func (qs *queues) makeRoom(now time.Time) (out []*job) {
	for _, s := range slices.Clone(qs.ring) {
		out = append(out, qs.makeRoomIn(s, now)...)
		if !s.hangs(now) {
			s.slowUntil = time.Time{}
			qs.forgetShare(s)
		}
	}
	return out
}

func (qs *queues) makeRoomIn(s *share, now time.Time) (out []*job) {
	var hang, inFlight, stay int
	for _, q := range s.ring {
		here := 0
		for _, j := range q.inFlight {
			since := now.Sub(j.begun)
			if since > slow {
				hang++
				qs.makeSlow(s, j)
			}
			if since > stuck {
				here++
			}
		}
		inFlight += len(q.inFlight)
		stay += here
		q.stuck = here > 0 && here >= q.window
		if q.stuck {
			out = append(out, qs.takeOut(q)...)
		}
	}
	if hang >= manyHang {
		s.slowUntil = now.Add(slowMemory)
	}
	// Those that began a moment ago hang no less than the others.
	s.stuck = stay >= manyHang && 4*stay >= 3*inFlight && qs.startable(s, now) == 0
	if s.stuck {
		for _, q := range s.ring {
			out = append(out, qs.takeOut(q)...)
		}
	}
	return out
}

// makeSlow moves a job into a slow slot, where there is one for its owner.
func (qs *queues) makeSlow(s *share, j *job) {
	if j.slow || s.pool.startable(s.inFlight, true) == 0 || qs.total.startable(s.owner.inFlight, true) == 0 {
		return
	}
	j.slow = true
	qs.fly(s, false, -1)
	qs.fly(s, true, 1)
}

// takeOut empties a queue.
func (qs *queues) takeOut(q *queue) []*job {
	out := q.waiting
	q.waiting = nil
	qs.count(q.share, -len(out))
	return out
}

// late takes out the jobs that have waited too long to start at time now; at
// the zero time it takes out all that wait.
func (qs *queues) late(now time.Time) []*job {
	var out []*job
	for _, s := range slices.Clone(qs.ring) {
		for _, q := range slices.Clone(s.ring) {
			before := len(q.waiting)
			q.waiting = slices.DeleteFunc(q.waiting, func(j *job) bool {
				late := now.IsZero() || now.After(j.startBy)
				if late {
					out = append(out, j)
				}
				return late
			})
			qs.count(s, len(q.waiting)-before)
			qs.forget(q)
		}
	}
	return out
}
