package ping

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/store"
)

// Bodies holds the bodies of all pings of an owner below a limit. Beyond it a ping
// counts as always, its keywords too, but is kept without its body.
//
// How many bytes there are is no row of the database, for all pings of an owner
// would have to write it. Each process reads it from time to time, beside the
// pings, and adds what it has let in since. So no ping waits for it, and the limit
// may be passed by what comes until an owner is counted for the first time, and by
// what other processes let in between two counts.
type Bodies struct {
	store *store.Store
	limit int64
	log   *slog.Logger

	mu       sync.Mutex
	projects generations[uuid.UUID, *ownerBodies]
	owners   generations[uuid.UUID, *ownerBodies]
	// projects whose owners are to be counted
	queue    []uuid.UUID
	asked    map[uuid.UUID]*question
	counting bool
}

// question is a project whose owner is to be counted.
type question struct {
	// closed when that is done, or has failed
	done chan struct{}
	// bytes let in while the owner was not known
	added int64
}

// ownerBodies is what is known of the bodies of one owner.
type ownerBodies struct {
	projects []uuid.UUID
	// bytes, as counted last
	used int64
	// bytes let in since that count began
	added int64
	// size of the last body, where it had no room
	missed int64
	// used has been counted
	counted bool
	// as it was logged
	full bool

	// when the last count did
	began time.Time
	// how long it lasted
	took time.Duration
}

// NewBodies returns the guard of a limit of bytes for each owner; 0 = no limit.
func NewBodies(s *store.Store, limit int64, log *slog.Logger) *Bodies {
	return &Bodies{
		store: s, limit: limit, log: log,
		projects: generations[uuid.UUID, *ownerBodies]{limit: gateProjects},
		owners:   generations[uuid.UUID, *ownerBodies]{limit: gateProjects},
		asked:    make(map[uuid.UUID]*question),
	}
}

// keep tells whether the body of a ping, of size bytes, is to be kept with a check
// of the project, and takes its room then. A check that belongs to no project has
// no owner, and no limit.
func (b *Bodies) keep(project uuid.UUID, size int) bool {
	if b.limit == 0 || project == uuid.Nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.of(project)
	if o == nil {
		b.asked[project].added += int64(size)
		return true
	}
	if o.counted && o.used+o.added+int64(size) > b.limit {
		o.missed = int64(size)
		return false
	}
	o.missed = 0
	o.added += int64(size)
	return true
}

// pageWait is how long a page waits for an owner who has not been counted yet.
const pageWait = 300 * time.Millisecond

// Full tells whether bodies of new pings of the project are dropped at present, as
// far as this process knows: it may be behind by a count. It waits for the first
// count of an owner, but not for long.
func (b *Bodies) Full(ctx context.Context, project uuid.UUID) bool {
	if b == nil || b.limit == 0 {
		return false
	}
	b.mu.Lock()
	o := b.of(project)
	if o != nil && o.counted {
		defer b.mu.Unlock()
		return b.isFull(o)
	}
	q := b.ask(project)
	b.mu.Unlock()
	select {
	case <-q.done:
	case <-ctx.Done():
	case <-time.After(pageWait):
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	o, _ = b.projects.get(project)
	return o != nil && b.isFull(o)
}

// nearlyFull is which part of the limit may be left where an owner is called full:
// other processes have met bodies that had no room.
const nearlyFull = 10_000

// isFull tells whether an owner has no room. mu is held.
func (b *Bodies) isFull(o *ownerBodies) bool {
	return o.counted && o.used+o.added+max(1, o.missed, b.limit/nearlyFull) > b.limit
}

// of returns what is known of the owner of a project, nil when nothing is, and has
// the owner counted where it is time. mu is held.
func (b *Bodies) of(project uuid.UUID) *ownerBodies {
	o, found := b.projects.get(project)
	if !found || b.due(o, b.store.Now()) {
		b.ask(project)
	}
	return o
}

// How old a count may be: where more than half of the limit is used, and else. One
// that takes long is not made more often than it can be afforded. Projects that
// have changed hands are noticed with it, too.
const (
	countNear  = time.Minute
	countFar   = 15 * time.Minute
	countShare = 50
	countTime  = 5 * time.Minute
)

// due tells whether it is time to count an owner. mu is held.
func (b *Bodies) due(o *ownerBodies, now time.Time) bool {
	wait := countFar
	if !o.counted || o.used+o.added > b.limit/2 {
		wait = countNear
	}
	age := now.Sub(o.began)
	return age < 0 || age >= max(wait, countShare*o.took)
}

// ask has the owner of a project counted, one after the other. mu is held.
func (b *Bodies) ask(project uuid.UUID) *question {
	if q := b.asked[project]; q != nil {
		return q
	}
	q := &question{done: make(chan struct{})}
	b.asked[project] = q
	b.queue = append(b.queue, project)
	if !b.counting {
		b.counting = true
		go b.countAll()
	}
	return q
}

// countAll counts those who wait for it, until nobody does.
func (b *Bodies) countAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) > 0 {
		project := b.queue[0]
		b.queue = b.queue[1:]
		b.mu.Unlock()
		err := incident.Catch("worker", func() error { return b.count(project) })
		if err != nil && errs.KindOf(err) != errs.NotFound && !isAway(err) {
			b.log.Warn("the bodies of an owner's pings were not counted", "project", project, "error", err)
		}
		b.mu.Lock()
		close(b.asked[project].done)
		delete(b.asked, project)
	}
	b.counting = false
	b.queue = nil
}

func (b *Bodies) count(project uuid.UUID) error {
	ctx, cancel := context.WithTimeout(context.Background(), countTime)
	defer cancel()
	owner, projects, err := b.store.OwnerProjects(ctx, project)
	if err != nil {
		return err
	}
	o, before := b.begin(project, owner, projects)
	if o == nil {
		return nil
	}
	began := time.Now()
	used, err := b.store.BodyBytes(ctx, owner)
	b.mu.Lock()
	defer b.mu.Unlock()
	o.took = time.Since(began)
	if err != nil {
		return err
	}
	o.counted = true
	o.used = used
	o.added -= before
	full := b.isFull(o)
	if full != o.full {
		o.full = full
		b.log.Info("the bodies of an owner's pings", "owner", owner, "bytes", used, "limit", b.limit, "kept", !full)
	}
	return nil
}

// begin takes up which projects an owner has, and begins a count: nil when there
// is one that is young enough. before is what was let in until now and will be part
// of the count. What was let in for the project while its owner was not known may be
// on its way still, and counts beside it.
func (b *Bodies) begin(project, owner uuid.UUID, projects []uuid.UUID) (o *ownerBodies, before int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, found := b.owners.get(owner)
	if !found {
		o = &ownerBodies{}
		b.owners.put(owner, o)
	}
	for _, p := range o.projects {
		known, _ := b.projects.get(p)
		if known == o {
			b.projects.forget(p)
		}
	}
	for _, p := range projects {
		b.projects.put(p, o)
	}
	o.projects = projects
	before = o.added
	q := b.asked[project]
	o.added += q.added
	q.added = 0
	now := b.store.Now()
	if !b.due(o, now) {
		return nil, 0
	}
	o.began = now
	return o, before
}
