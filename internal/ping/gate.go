package ping

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/store"
	"punctual/internal/text"
)

// gate stands before the queue of the Recorder. It lets pings of checks in that
// it knows, as long as they keep the rates, and has the others looked up, many at
// once: a flood of addresses that mean nothing takes no place in the queue.
//
// It knows a check until others have been pinged by the ten thousand. That it
// knows one decides nothing else: the Recorder finds out again whether the check
// is there, and which one a slug means.
type gate struct {
	store gateStore
	rates Rates
	began time.Time

	mu       sync.Mutex
	checks   generations[uuid.UUID, *gateCheck]
	slugs    generations[slugAddress, uuid.UUID]
	projects generations[uuid.UUID, *gateProject]
}

// gateStore is the part of the store that the gate needs.
type gateStore interface {
	Locate(ctx context.Context, batch []*store.Arrival) error
	ProjectSize(ctx context.Context, check uuid.UUID) (store.ProjectSize, error)
}

// How much a gate remembers, twice: about 15 MB in all.
const (
	gateChecks   = 1 << 16
	gateProjects = 1 << 14
	gateSlugs    = 1 << 14
	// maxGateSlug is the longest slug that is remembered.
	maxGateSlug = 200
)

type slugAddress struct{ pingKey, slug string }

type gateCheck struct {
	// zero: it belongs to none
	project uuid.UUID
	buckets [classes]bucket
}

type gateProject struct {
	buckets [classes]bucket
	// as counted last
	checks int
	// when that was; 0 = never
	counted time.Duration
	// they are being counted
	asking bool
}

func newGate(s gateStore, rates Rates) *gate {
	return &gate{
		store: s, rates: rates, began: time.Now(),
		checks:   generations[uuid.UUID, *gateCheck]{limit: gateChecks},
		slugs:    generations[slugAddress, uuid.UUID]{limit: gateSlugs},
		projects: generations[uuid.UUID, *gateProject]{limit: gateProjects},
	}
}

// now never goes back, whatever becomes of the clock. It is never 0.
func (g *gate) now() time.Duration { return time.Since(g.began) + 1 }

// knows tells whether the check has been pinged here.
func (g *gate) knows(code uuid.UUID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, known := g.checks.get(code)
	return known
}

// codeOf is the check that a slug meant when it was pinged here last.
func (g *gate) codeOf(pingKey, slug string) (code uuid.UUID, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.slugs.get(slugAddress{pingKey, slug})
}

// admit takes a place in the rates for a ping. known is false where its check has
// to be located first. It fails with errs.TooMany.
func (g *gate) admit(a *store.Arrival) (known bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	code := a.Code
	if code == uuid.Nil {
		code, known = g.slugs.get(slugAddress{a.PingKey, a.Slug})
		if !known {
			return false, nil
		}
	}
	c, known := g.checks.get(code)
	if !known {
		return false, nil
	}
	return true, g.take(a, code, c)
}

// take takes a place of the check and of its project, or of neither. mu is held.
func (g *gate) take(a *store.Arrival, code uuid.UUID, c *gateCheck) error {
	if a.Admitted {
		return nil
	}
	k := classOf(a.Ping.Kind)
	now := g.now()
	next := c.buckets[k]
	if g.rates.Check > 0 {
		var wait time.Duration
		next, wait = next.after(now, g.rates.Check)
		if wait > 0 {
			return tooMany(CheckRate, wait, "check")
		}
	}
	if err := g.takeProject(c.project, code, k, now); err != nil {
		return err
	}
	c.buckets[k] = next
	a.Admitted = true
	return nil
}

// takeProject takes a place of a project. check is one of it, zero where there is
// none yet. mu is held.
func (g *gate) takeProject(project, check uuid.UUID, k class, now time.Duration) error {
	if g.rates.Project == 0 || project == uuid.Nil {
		return nil
	}
	p, found := g.projects.get(project)
	if !found {
		p = &gateProject{}
		g.projects.put(project, p)
	}
	next, wait := p.buckets[k].after(now, g.limitOf(p))
	if wait > 0 && check != uuid.Nil && (p.counted == 0 || now-p.counted > recount) {
		// It may have more checks than we know. While they are being counted the
		// ping counts as one of them: nobody is refused for what we do not know.
		g.count(project, p, check)
		wait = 0
	}
	if wait > 0 {
		return tooMany(ProjectRate, wait, "project")
	}
	p.buckets[k] = next
	return nil
}

// recount is how often the checks of a project are counted at most, and only
// while it sends more pings than it may.
const recount = time.Minute

func (g *gate) limitOf(p *gateProject) int { return max(g.rates.Project, perCheck*p.checks) }

// count finds out how many checks a project has, and whether the check is one of
// it still. mu is held.
func (g *gate) count(project uuid.UUID, p *gateProject, check uuid.UUID) {
	if p.asking {
		return
	}
	p.asking = true
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
		defer cancel()
		var size store.ProjectSize
		err := incident.Catch("worker", func() (err error) {
			size, err = g.store.ProjectSize(ctx, check)
			return err
		})
		g.mu.Lock()
		defer g.mu.Unlock()
		p.asking = false
		p.counted = g.now()
		c, found := g.checks.get(check)
		if err == nil && size.Project != project && found {
			// it has moved
			c.project = size.Project
			return
		}
		if err != nil {
			return
		}
		before := g.limitOf(p)
		p.checks = size.Checks
		for k := range p.buckets {
			p.buckets[k] = p.buckets[k].rescaled(p.counted, before, g.limitOf(p))
		}
	}()
}

// admitNew takes a place of the project for a ping whose check is yet to be made.
// It fails with errs.TooMany.
func (g *gate) admitNew(a *store.Arrival) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.takeProject(a.Project, uuid.Nil, classOf(a.Ping.Kind), g.now()); err != nil {
		return err
	}
	a.Admitted = true
	return nil
}

// admitLocated takes a place in the rates for a ping whose Code and Project have
// been found, and returns what is to be remembered of its check.
func (g *gate) admitLocated(a *store.Arrival) (*gateCheck, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, found := g.checks.get(a.Code)
	if !found {
		c = &gateCheck{project: a.Project}
	}
	return c, g.take(a, a.Code, c)
}

// remember makes the check of a ping known.
func (g *gate) remember(a *store.Arrival, c *gateCheck) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.checks.put(a.Code, c)
	if a.Slug != "" && len(a.Slug) <= maxGateSlug {
		g.slugs.put(slugAddress{a.PingKey, a.Slug}, a.Code)
	}
}

// learned takes up what came of a ping that was let in as one of a known check.
func (g *gate) learned(a *store.Arrival, bySlug bool, err error) {
	gone := errs.KindOf(err) == errs.NotFound || errors.Is(err, store.ErrAmbiguousSlug)
	found := bySlug && err == nil
	if !gone && !found {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case gone && bySlug:
		g.slugs.forget(slugAddress{a.PingKey, a.Slug})
	case gone:
		g.checks.forget(a.Code)
	default:
		address := slugAddress{a.PingKey, a.Slug}
		// the slug is another check's now
		code, found := g.slugs.get(address)
		if found && code != a.Code {
			g.slugs.forget(address)
		}
	}
}

// tooMany says which of the rates was passed, and when a ping will have a place.
func tooMany(why Refusal, wait time.Duration, of string) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	return errs.TooManyf(time.Duration(seconds)*time.Second,
		"Too many pings of this %s. This one was not recorded; the next is taken in %s.", of,
		text.Plural(seconds, "second", "seconds")).Because(rateError(why))
}

// rateError is the cause of errs.TooMany: which rate it was.
type rateError Refusal

func (e rateError) Error() string { return string(e) }
