package alert

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"punctual/internal/notify"
	"punctual/internal/store"
)

// Limits bound what is in flight at once. Zero fields take the defaults. What has
// been in flight for more than a second no longer counts for Total and PerKind,
// for it costs little to wait, so that those that hang do not keep others out;
// with these together it may be four times as many.
type Limits struct {
	Total   int            // of all together; 200
	PerKind map[string]int // of one kind; 10 for email, 5 for po, 100 for webhook, 20 for others

	// A destination begins with PerDestination at once (4). Each success while
	// others wait allows one more, up to MaxPerDestination (32); a failure leaves
	// it one: a fast receiver is not held back, a dead one gets no crowd.
	PerDestination, MaxPerDestination int
}

func (l Limits) withDefaults() Limits {
	kinds := map[string]int{"email": 10, "webhook": 100, "po": 5}
	for kind, n := range l.PerKind {
		kinds[kind] = n
	}
	l.PerKind = kinds
	if l.Total == 0 {
		l.Total = 200
	}
	if l.PerDestination == 0 {
		l.PerDestination = 4
	}
	if l.MaxPerDestination == 0 {
		l.MaxPerDestination = max(32, l.PerDestination)
	}
	return l
}

func (l Limits) ofKind(kind string) int {
	if n := l.PerKind[kind]; n > 0 {
		return n
	}
	return 20
}

const (
	claimBatch = 200  // deliveries per claim
	perChannel = 64   // of one channel per claim, until its destination is known to be quick
	maxQueued  = 2000 // deliveries leased and waiting for their turn
	perSlot    = 8    // deliveries that may wait for each slot of a lane

	slow    = time.Second     // in flight for longer, a delivery makes room for others
	stuck   = 3 * time.Second // a lane is, when all that may be in flight has been for longer
	crowded = 4               // times the limits are the most there is room for
)

// job is a leased delivery on its way through the dispatcher.
type job struct {
	*store.Claimed
	notifier notify.Notifier
	lane     *lane
	startBy  time.Time // begun later, the lease could run out while sending
	begun    time.Time // taken by next
	slow     bool      // has made room for others
	worked   bool      // set when done: the destination is well
}

// flights counts what is in flight.
type flights struct{ quick, slow int }

func (f flights) room(limit int) bool { return f.quick < limit && f.quick+f.slow < crowded*limit }

// end takes note that j has ended.
func (f *flights) end(j *job) {
	if j.slow {
		f.slow--
	} else {
		f.quick--
	}
}

func (f *flights) slows() {
	f.quick--
	f.slow++
}

// lane is the queue of one kind and destination.
type lane struct {
	kind, destination string
	channels          map[uuid.UUID]bool // seen in this lane
	queue             []*job
	inFlight          []*job
	window            int  // how many may be in flight
	full              bool // claims leave its channels out until it has drained
	stuck             bool // and until something in flight has ended
}

// ready is how many could start if only the lane counted.
func (l *lane) ready() int { return max(0, min(len(l.queue), l.window-len(l.inFlight))) }

// lanes decides what is sent next and what is claimed next. It does nothing by
// itself and is used by one goroutine.
type lanes struct {
	limits   Limits
	ring     []*lane // in order of their turns
	turn     int
	queued   int
	inFlight flights
	ofKind   map[string]*flights
}

func newLanes(l Limits) *lanes {
	return &lanes{limits: l.withDefaults(), ofKind: make(map[string]*flights)}
}

// add queues a job. It returns false when its lane has no room: the job is to be
// released, and the lane knows the channel and keeps it out of the next claim.
func (ls *lanes) add(j *job) bool {
	l := ls.lane(j.Channel.Kind, j.notifier.Destination(j.Channel.Config))
	l.channels[j.ChannelID] = true
	if len(l.queue) >= perSlot*l.window+claimBatch {
		return false
	}
	j.lane = l
	l.queue = append(l.queue, j)
	ls.queued++
	return true
}

func (ls *lanes) lane(kind, destination string) *lane {
	for _, l := range ls.ring {
		if l.kind == kind && l.destination == destination {
			return l
		}
	}
	l := &lane{kind: kind, destination: destination, channels: make(map[uuid.UUID]bool), window: ls.limits.PerDestination}
	ls.ring = append(ls.ring, l)
	return l
}

// kind counts what is in flight of a kind.
func (ls *lanes) kind(name string) *flights {
	f := ls.ofKind[name]
	if f == nil {
		f = new(flights)
		ls.ofKind[name] = f
	}
	return f
}

// next takes the job that is to start now, lanes in turn; nil when none may.
func (ls *lanes) next(now time.Time) *job {
	if !ls.inFlight.room(ls.limits.Total) || ls.queued == 0 {
		return nil
	}
	for range ls.ring {
		l := ls.ring[ls.turn%len(ls.ring)]
		ls.turn = (ls.turn + 1) % len(ls.ring)
		kind := ls.kind(l.kind)
		if l.ready() == 0 || !kind.room(ls.limits.ofKind(l.kind)) {
			continue
		}
		j := l.queue[0]
		j.begun = now
		l.queue = l.queue[1:]
		l.inFlight = append(l.inFlight, j)
		ls.queued--
		ls.inFlight.quick++
		kind.quick++
		return j
	}
	return nil
}

// done takes note that a job of next has ended.
func (ls *lanes) done(j *job) {
	l := j.lane
	switch {
	case !j.worked:
		l.window = 1
	case len(l.queue) > 0:
		l.window = min(l.window+1, ls.limits.MaxPerDestination)
	}
	l.inFlight = slices.DeleteFunc(l.inFlight, func(other *job) bool { return other == j })
	l.stuck = false
	ls.inFlight.end(j)
	ls.kind(l.kind).end(j)
	ls.forget()
}

// makeRoom lets others start beside what has been in flight for long at time now,
// and takes out what waits in lanes that are stuck.
func (ls *lanes) makeRoom(now time.Time) (out []*job) {
	for _, l := range ls.ring {
		var hanging int
		for _, j := range l.inFlight {
			since := now.Sub(j.begun)
			if !j.slow && since > slow {
				j.slow = true
				ls.inFlight.slows()
				ls.kind(l.kind).slows()
			}
			if since > stuck {
				hanging++
			}
		}
		if l.stuck = hanging > 0 && hanging >= l.window; l.stuck {
			out = append(out, l.queue...)
			l.queue = nil
		}
	}
	ls.queued -= len(out)
	return out
}

// forget drops lanes that have nothing to do.
func (ls *lanes) forget() {
	ls.ring = slices.DeleteFunc(ls.ring, func(l *lane) bool { return len(l.inFlight) == 0 && len(l.queue) == 0 })
}

// late takes out the jobs that have waited too long to start at time now; at
// the zero time it takes out all that wait.
func (ls *lanes) late(now time.Time) []*job {
	var out []*job
	for _, l := range ls.ring {
		l.queue = slices.DeleteFunc(l.queue, func(j *job) bool {
			late := now.IsZero() || now.After(j.startBy)
			if late {
				out = append(out, j)
			}
			return late
		})
	}
	ls.queued -= len(out)
	ls.forget()
	return out
}

// room is what there is room for.
type room struct {
	limit       int // deliveries; 0 = do not claim
	perChannel  int // of them of one channel
	notChannels []uuid.UUID
	notKinds    []string
	closed      int // how much of it all is closed: when it gets less, a claim may find more
}

// room looks where deliveries may be added. A full lane stays closed until it
// has nearly drained, so that claims are few and large; one that is stuck, until
// something of it has ended.
func (ls *lanes) room() room {
	r := room{perChannel: perChannel}
	ready := make(map[string]int)
	total := 0
	for _, l := range ls.ring {
		ready[l.kind] += l.ready()
		total += l.ready()
		if l.full = l.stuck || len(l.queue) >= perSlot*l.window || l.full && len(l.queue) > 2*l.window; !l.full {
			r.perChannel = max(r.perChannel, min(claimBatch, perSlot*l.window))
			continue
		}
		r.closed++
		for id := range l.channels {
			r.notChannels = append(r.notChannels, id)
		}
	}
	for kind, n := range ready {
		if n >= ls.limits.ofKind(kind) {
			r.notKinds = append(r.notKinds, kind)
			r.closed++
		}
	}
	if r.limit = min(claimBatch, maxQueued-ls.queued); r.limit < claimBatch/2 || total >= ls.limits.Total {
		r.limit = 0
		r.closed++
	}
	return r
}
