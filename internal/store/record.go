package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// Arrival is one ping that has arrived and is to be recorded.
type Arrival struct {
	// of the check; zero: that of the slug, found by Prefetch or RecordPings
	Code uuid.UUID
	// of the project that the slug is of
	PingKey string
	// of the check, when Code is zero
	Slug string
	// that the check belongs to; set by Locate
	Project uuid.UUID
	// it has its place in the rate limits
	Admitted bool
	// all but CheckID and N; Kind as the URL says
	Ping monitor.Ping
	// what the check's filters make of it; nil: Ping.Kind stands
	Classify func(*monitor.Filter) monitor.PingKind
	// what Classify reads of an e-mail; nil: it came by HTTP
	Mail *monitor.MailText
	// its commit was tried, and nobody knows whether it happened: Replay looks for it
	Uncertain bool
	// KeepBody tells whether the body, of size bytes, is to be kept with a check of
	// the project; nil: it is. It must not wait for the database, and what the ping
	// means does not depend on it.
	KeepBody func(project uuid.UUID, size int) bool

	// out: the change of status, nil = none
	Flip *monitor.Flip
	// out: it is a ping of our own, see ProbeCode
	Own bool
	// out: errs.NotFound when there is no such check, ErrAmbiguousSlug when several have the slug
	Err error

	// the project that KeepBody has said yes for
	kept *uuid.UUID
	// by a call of RecordPings that failed for others
	recorded bool
	// by a call that failed; Ping.CheckID and Ping.N are where it would be
	tried bool
}

// bySlug tells whether the check is yet to be found by its slug.
func (a *Arrival) bySlug() bool { return a.Code == uuid.Nil && a.Slug != "" }

// RecordPings records a batch of pings, in their order, flushed to the database's
// disk when it returns nil. A ping whose check cannot be told has its
// Err set and does not disturb the others.
//
// When it returns an error, some pings may have been recorded: it is then to be
// called again with the same arrivals, all or one by one, and records those that
// are not. So a connection lost during the commit makes no ping count twice.
func (s *Store) RecordPings(ctx context.Context, batch []*Arrival) error {
	if s.db.Engine == db.Postgres {
		return s.recordPostgres(ctx, batch)
	}
	return s.recordSQLite(ctx, batch)
}

// Knows tells whether RecordPings will find the check of a without reading it
// first, as far as that can be told.
func (s *Store) Knows(a *Arrival) bool {
	switch {
	case s.db.Engine != db.Postgres:
		// they are read in the transaction that writes
		return true
	case a.bySlug():
		return false
	case s.known.distrust.Load() > 0:
		// as above
		return true
	}
	_, ok := s.known.get(a.Code)
	return ok
}

// Prefetch reads the checks of a batch that are not known yet, for RecordPings
// to find them known. It may run beside it, with other arrivals.
func (s *Store) Prefetch(ctx context.Context, batch []*Arrival) error {
	if s.db.Engine != db.Postgres {
		return nil
	}
	batch, err := s.resolvePostgres(ctx, batch)
	if err == nil && s.known.distrust.Load() <= 0 {
		_, err = s.lookUp(ctx, batch)
	}
	return err
}

// pruneEvery is how often, counted in pings of a check, its oldest pings are
// removed while new ones arrive (docs/contract.md §1.7).
const pruneEvery = 100

// batchResult is what applying a batch gives to be written.
type batchResult struct {
	checks []*monitor.Check
	pings  []*monitor.Ping
	flips  []*monitor.Flip
	// have reached a multiple of pruneEvery
	prune []*monitor.Check
}

// applyBatch applies the arrivals to the checks they are for; checks are those
// that there are, in any order.
func applyBatch(batch []*Arrival, checks []*monitor.Check) batchResult {
	byCode := make(map[uuid.UUID]*monitor.Check, len(checks))
	for _, c := range checks {
		byCode[c.Code] = c
	}
	var out batchResult
	touched := make(map[*monitor.Check]bool, len(checks))
	for _, a := range batch {
		a.Flip = nil
		a.Err = nil
		c := byCode[a.Code]
		if c == nil {
			a.Err = errs.NotFoundf("not found")
			continue
		}
		if a.Classify != nil {
			a.Ping.Kind = a.Classify(&c.Filter)
		}
		a.dropBody(c.ProjectID)
		a.Own = c.ID == ProbeCheck
		a.Flip = monitor.Take(c, &a.Ping)
		out.pings = append(out.pings, &a.Ping)
		if a.Flip != nil {
			out.flips = append(out.flips, a.Flip)
		}
		if !touched[c] {
			touched[c] = true
			out.checks = append(out.checks, c)
		}
		if a.Ping.N%pruneEvery == 0 {
			out.prune = append(out.prune, c)
		}
	}
	return out
}

// dropBody leaves the body out where it is not to be kept.
func (a *Arrival) dropBody(project uuid.UUID) {
	if a.KeepBody == nil || len(a.Ping.Body) == 0 || a.kept != nil && *a.kept == project {
		return
	}
	if !a.KeepBody(project, len(a.Ping.Body)) {
		a.Ping.Body = nil
		return
	}
	a.kept = &project
}

// notifies tells whether people are told of any of the flips, as far as that can be
// known beforehand.
func notifies(flips []*monitor.Flip) bool {
	for _, f := range flips {
		if f.Notifies() || f.MayNotify() {
			return true
		}
	}
	return false
}

// ErrAmbiguousSlug is returned when several checks of a project share a slug.
var ErrAmbiguousSlug = errors.New("ambiguous slug")

// CodeBySlug finds the check a slug URL means. It fails with errs.NotFound or
// ErrAmbiguousSlug.
func (s *Store) CodeBySlug(ctx context.Context, pingKey, slug string) (uuid.UUID, error) {
	return codeBySlug(ctx, s.db, pingKey, slug)
}

// selectBySlug finds the check with slug $2 of the project with ping key $1. Two
// are enough to know that there are several.
const selectBySlug = `SELECT c.code FROM projects p JOIN checks c ON c.project_id = p.id WHERE p.ping_key = $1 AND c.slug = $2 LIMIT 2`

func codeBySlug(ctx context.Context, q db.Querier, pingKey, slug string) (uuid.UUID, error) {
	rows, err := q.Query(ctx, selectBySlug, pingKey, slug)
	codes, err := db.Collect(rows, err, func(r *sql.Rows, code *uuid.UUID) error {
		return r.Scan(code)
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("look up slug: %w", err)
	}
	return onlyCode(codes)
}

// onlyCode returns the code of the only check with a slug, of which codes has up
// to two.
func onlyCode(codes []uuid.UUID) (uuid.UUID, error) {
	switch len(codes) {
	case 0:
		return uuid.Nil, errs.NotFoundf("not found")
	case 1:
		return codes[0], nil
	}
	return uuid.Nil, ErrAmbiguousSlug
}

// EnsureSlug finds the check a slug URL means and makes it when there is none,
// with all channels of the project (docs/contract.md §1.4). configure, which may
// be nil, changes the settings of a check to be made; its error is returned and
// nothing is made. Two calls at once make one check. It fails with errs.NotFound
// for an unknown ping key and when the owner has twice the limit of checks.
func (s *Store) EnsureSlug(ctx context.Context, pingKey, slug string, configure func(*monitor.Check) error) (code uuid.UUID, created bool,
	err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		created = false
		var project uuid.UUID
		err := tx.QueryRow(ctx, `SELECT id FROM projects WHERE ping_key = $1`, pingKey).Scan(&project)
		if err != nil {
			return notFound(err, "project")
		}
		// It locks the project: of two calls at once the second finds what the first has
		// made, and nobody gives the slug to another check meanwhile.
		full := roomForCheck(ctx, tx, project, 2)
		if full != nil && errs.KindOf(full) != errs.Conflict {
			return full
		}
		code, err = codeBySlug(ctx, tx, pingKey, slug)
		if errs.KindOf(err) != errs.NotFound {
			return err
		}
		if full != nil {
			return errs.NotFoundf("not found").Because(full)
		}
		// A longer one could not be saved again through the API or the site.
		if !monitor.ValidSlug(slug) {
			return errs.Invalidf("slug", "slug is too long, a new check may have at most %d characters", monitor.MaxSlugLength)
		}
		c := monitor.NewCheck(project, tx.Now())
		c.Name = slug
		c.Slug = slug
		if configure != nil {
			if err := configure(&c); err != nil {
				return err
			}
		}
		if err := insertCheck(ctx, tx, &c); err != nil {
			return err
		}
		code = c.Code
		created = true
		tx.Wake(db.TopicChecks)
		return assignAllChannels(ctx, tx, &c)
	})
	return code, created, err
}
