package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// ProbeCheck is the id of the check that our own pings go to: those by which we find out
// whether our public ping address works. It belongs to nobody, its pings are ignored, so
// that it has no deadline, and whatever counts or lists checks has those above it only. It
// is not negative: SQLite gives the next check the highest id and one.
const ProbeCheck = 0

// RoadSource is who asks our public ping address.
type RoadSource string

// The sources.
const (
	// this instance
	RoadOwn RoadSource = "own"
	// a second Punctual, from outside
	RoadPeer RoadSource = "peer"
)

// RoadState is what has become of asking our public ping address.
type RoadState struct {
	Source RoadSource
	// that was asked
	Address string
	// when asking began last
	AskedAt time.Time
	// when the last ping arrived that way; zero: none ever has
	GoodAt time.Time
	// the first failure since then; zero: it works, or never has
	FailingAt time.Time
	// why it failed last; "" = it did not
	Error string
}

const (
	// RoadKnown is how long a ping that arrived proves that the address can be asked from
	// there, so that a failure says something.
	RoadKnown = time.Hour

	// roadBlind is how long, within roadSpan, failures may hide what is silent.
	roadBlind = time.Hour
	roadSpan  = 2 * time.Hour
)

// Known tells whether a failure at time now says something: a ping has arrived within the
// hour before.
func (r *RoadState) Known(now time.Time) bool {
	return !r.GoodAt.IsZero() && now.Sub(r.GoodAt) < RoadKnown
}

// ProbeCode is the code of the check that our own pings go to. The check is made where
// there is none.
func (s *Store) ProbeCode(ctx context.Context) (code uuid.UUID, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO checks (id, code, badge_key, created_at, name, methods) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO NOTHING`, ProbeCheck, uuid.New(), uuid.New(), tx.Now(), "Our own public ping address", "POST")
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT c.code FROM checks c WHERE c.id = $1`, ProbeCheck).Scan(db.UUID(&code))
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("make the check of our own pings: %w", err)
	}
	return code, nil
}

// ProbeArrived is when our own ping with the run id arrived; zero where it has not.
func (s *Store) ProbeArrived(ctx context.Context, rid uuid.UUID) (at time.Time, err error) {
	err = s.db.QueryRow(ctx, `SELECT max(g.created_at) FROM pings g WHERE g.check_id = $1 AND g.rid = $2`, ProbeCheck, rid).Scan(db.Time(&at))
	if err != nil {
		return at, fmt.Errorf("look for our own ping: %w", err)
	}
	return at, nil
}

// RoadStates are those of all sources that have asked.
func (s *Store) RoadStates(ctx context.Context) ([]RoadState, error) {
	return roadStates(ctx, s.db)
}

func roadStates(ctx context.Context, q db.Querier) ([]RoadState, error) {
	rows, err := q.Query(ctx, `SELECT p.source, p.address, p.asked_at, p.good_at, p.failing_at, p.error FROM public_probes p ORDER BY p.source`)
	out, err := db.Collect(rows, err, func(r *sql.Rows, s *RoadState) error {
		return r.Scan(&s.Source, &s.Address, db.Time(&s.AskedAt), db.Time(&s.GoodAt), db.Time(&s.FailingAt), &s.Error)
	})
	if err != nil {
		return nil, fmt.Errorf("load what our public ping address has answered: %w", err)
	}
	return out, nil
}

// ClaimRoad notes that source begins to ask the address. It returns false where somebody
// has begun less than every ago. An address other than the one asked before is asked for
// the first time; an interval that is open for the other one ends.
func (s *Store) ClaimRoad(ctx context.Context, source RoadSource, address string, every time.Duration) (claimed bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx, `UPDATE public_probes SET asked_at = $3 WHERE source = $1 AND address = $2 AND asked_at <= $4`,
			source, address, tx.Now(), tx.Now().Add(-every))
		claimed = n > 0
		if err != nil || claimed {
			return err
		}
		n, err = execAffects(ctx, tx, `INSERT INTO public_probes (source, address, asked_at) VALUES ($1, $2, $3)
			ON CONFLICT (source) DO UPDATE SET address = excluded.address, asked_at = excluded.asked_at, good_at = NULL, failing_at = NULL, error = ''
			WHERE public_probes.address <> excluded.address`, source, address, tx.Now())
		claimed = n > 0
		if err != nil || !claimed {
			return err
		}
		return endRoad(ctx, tx, tx.Now())
	})
	if err != nil {
		return false, fmt.Errorf("begin to ask our public ping address: %w", err)
	}
	return claimed, nil
}

// DropRoad forgets a source that does not ask any more.
func (s *Store) DropRoad(ctx context.Context, source RoadSource) error {
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx, `DELETE FROM public_probes WHERE source = $1`, source)
		if err != nil || n == 0 {
			return err
		}
		return endRoad(ctx, tx, tx.Now())
	})
	if err != nil {
		return fmt.Errorf("forget who asks our public ping address: %w", err)
	}
	return nil
}

// RoadWorks stores that a ping of source has arrived at a time. An interval that is open
// ends then, where no other source fails.
func (s *Store) RoadWorks(ctx context.Context, source RoadSource, at time.Time) error {
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE public_probes SET good_at = CASE WHEN good_at > $2 THEN good_at ELSE $2 END, failing_at = NULL, error = ''
			WHERE source = $1`, source, at)
		if err != nil {
			return err
		}
		return endRoad(ctx, tx, at)
	})
	if err != nil {
		return fmt.Errorf("store that our public ping address works: %w", err)
	}
	return nil
}

// RoadFailed stores that source has asked since a time, and no ping arrived. Where one had
// arrived within the hour before, pings may have been lost from then on: that is stored as
// an interval, which ends with the next that arrives, but at the latest when such
// intervals have hidden an hour of the last two.
//
// It returns false and stores nothing where no process has taken pings all the time, as far
// as is known: the address cannot answer then, and what is lost is stored of the takers.
func (s *Store) RoadFailed(ctx context.Context, source RoadSource, since time.Time, why string) (stored bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		stored = false
		h, err := s.hearing(ctx, askIn(tx), tx.Now())
		if err != nil || !h.takesSince(since) {
			return err
		}
		stored = true
		_, err = tx.Exec(ctx, `UPDATE public_probes SET failing_at = CASE WHEN failing_at IS NULL THEN $2 ELSE failing_at END, error = $3
			WHERE source = $1`, source, since, why)
		if err != nil {
			return err
		}
		return blindRoad(ctx, tx, &h, source)
	})
	if err != nil {
		return false, fmt.Errorf("store that our public ping address fails: %w", err)
	}
	return stored, nil
}

// askIn asks within a transaction.
func askIn(tx *db.Tx) asker {
	return func(ctx context.Context, query string, dest []any, see func(), args ...any) error {
		rows, err := tx.Query(ctx, query, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows, _ *struct{}) error {
			err := r.Scan(dest...)
			see()
			return err
		})
		return err
	}
}

// RoadUntold stores why asking by source has shown nothing.
func (s *Store) RoadUntold(ctx context.Context, source RoadSource, why string) error {
	_, err := s.db.Exec(ctx, `UPDATE public_probes SET error = $2 WHERE source = $1`, source, why)
	if err != nil {
		return fmt.Errorf("store why our public ping address was not asked: %w", err)
	}
	return nil
}

// takesSince tells whether a process has taken pings by HTTP from then on, and has said so
// since.
func (h *Hearing) takesSince(since time.Time) bool {
	return h.OpenSince(monitor.WayHTTP).IsZero() && slices.ContainsFunc(h.Takers, func(t monitor.Taker) bool {
		return t.Counts && t.Ways.Meet(monitor.WayHTTP) && !t.BeganAt.After(since) && !t.SeenAt.Before(since)
	})
}

// blindRoad begins the interval that a failure of source means, or ends the one that is
// open, if it has lasted for as long as it may.
func blindRoad(ctx context.Context, tx *db.Tx, h *Hearing, source RoadSource) error {
	if len(h.Road) > 0 {
		until, err := roadLimit(ctx, tx, h.Road[0].From)
		if err != nil || h.Now.Before(until) {
			return err
		}
		return closeRoad(ctx, tx, until)
	}
	states, err := roadStates(ctx, tx)
	if err != nil {
		return err
	}
	for i := range states {
		r := &states[i]
		if r.Source != source || !r.Known(h.Now) {
			continue
		}
		from, err := roadEnd(ctx, tx, r.GoodAt)
		if err != nil {
			return err
		}
		until, err := roadLimit(ctx, tx, from)
		if err != nil || !h.Now.Before(until) {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO blind_intervals (began_at, ways, cause) VALUES ($1, $2, $3)`, from, monitor.WayHTTP,
			monitor.CauseUnreachable)
		if err != nil {
			return err
		}
		tx.Wake(db.TopicMarks)
	}
	return nil
}

// roadEnd is from, or the end of a road's interval that has ended later: what one source
// has begun must not be hidden again for another.
func roadEnd(ctx context.Context, tx *db.Tx, from time.Time) (time.Time, error) {
	var last time.Time
	err := tx.QueryRow(ctx, `SELECT max(b.ended_at) FROM blind_intervals b WHERE b.check_id IS NULL AND b.ended_at > $1 AND b.cause = $2`, from,
		monitor.CauseUnreachable).Scan(db.Time(&last))
	if err != nil {
		return from, err
	}
	if last.After(from) {
		return last, nil
	}
	return from, nil
}

// roadLimit is when an interval has to end that began at a time: together with those before
// it, it may hide roadBlind of roadSpan.
func roadLimit(ctx context.Context, tx *db.Tx, from time.Time) (time.Time, error) {
	rows, err := tx.Query(ctx, `SELECT b.began_at, b.ended_at FROM blind_intervals b WHERE b.check_id IS NULL AND b.ended_at >= $1 AND b.cause = $2`,
		from.Add(-roadSpan), monitor.CauseUnreachable)
	past, err := db.Collect(rows, err, func(r *sql.Rows, b *monitor.Blind) error { return r.Scan(db.Time(&b.From), db.Time(&b.Until)) })
	if err != nil {
		return from, err
	}
	return from.Add(roadBlind - covered(past, from.Add(-roadSpan), from)), nil
}

// endRoad ends the interval that is open at a time, or before where it has lasted for as
// long as it may, unless a source fails.
func endRoad(ctx context.Context, tx *db.Tx, at time.Time) error {
	var failing bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM public_probes WHERE failing_at IS NOT NULL AND good_at > $1)`,
		tx.Now().Add(-RoadKnown)).Scan(&failing)
	if err != nil || failing {
		return err
	}
	var from time.Time
	err = tx.QueryRow(ctx, `SELECT min(b.began_at) FROM blind_intervals b WHERE b.check_id IS NULL AND b.ended_at IS NULL AND b.cause = $1`,
		monitor.CauseUnreachable).Scan(db.Time(&from))
	if err != nil || from.IsZero() {
		return err
	}
	until, err := roadLimit(ctx, tx, from)
	if err != nil {
		return err
	}
	if at.Before(until) {
		until = at
	}
	return closeRoad(ctx, tx, until)
}

func closeRoad(ctx context.Context, tx *db.Tx, until time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE blind_intervals SET ended_at = CASE WHEN began_at > $1 THEN began_at ELSE $1 END
		WHERE ended_at IS NULL AND check_id IS NULL AND cause = $2`, until, monitor.CauseUnreachable)
	tx.Wake(db.TopicMarks)
	return err
}

// manyMisses is how many flips RecentMisses looks at: with more, there are enough.
const manyMisses = 2000

// RecentMisses are the deadlines later than since that were missed, of those stored last.
func (s *Store) RecentMisses(ctx context.Context, since time.Time) ([]monitor.Passed, error) {
	var out []monitor.Passed
	var at time.Time
	var runs string
	see := func() {
		// as they were before
		c := monitor.Check{State: monitor.State{RecentRuns: strings.TrimSuffix(runs, string(monitor.RunMissed))}}
		out = append(out, monitor.Passed{At: at, Missed: true, MissRate: c.MissRate()})
	}
	err := s.db.Each(ctx, []any{db.Time(&at), &runs}, see, `SELECT f.created_at, c.recent_runs
		FROM (SELECT check_id, created_at, reason FROM flips ORDER BY id DESC LIMIT $2) f JOIN checks c ON c.id = f.check_id
		WHERE f.reason = $3 AND f.created_at > $1`, since, manyMisses, string(monitor.ReasonTimeout))
	if err != nil {
		return nil, fmt.Errorf("load deadlines that were missed: %w", err)
	}
	return out, nil
}
