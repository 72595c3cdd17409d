package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Round is what one call of JudgeOverdue has done.
type Round struct {
	// checks looked at; when it is the limit, there may be more
	Claimed int
	// stored, each stamped with its deadline or its ping
	Flips []*monitor.Flip
	// stored
	Unknown []*monitor.UnknownRun
	// checks whose schedule cannot be computed, put aside for an hour
	Broken []*monitor.Check
	// the deadlines that were looked at, without those of unknown runs
	Passed []monitor.Passed
	// nothing is stored: it is to wait
	Waits bool
}

// JudgeOverdue claims up to limit checks whose deadline may have passed, the oldest
// first, looks again at the truth, and stores the new status, the flips with their
// deliveries, and the unknown runs in one transaction. Only deadlines are judged until
// which all pings are known; that is read in the same transaction. Several processes may
// call it at once: none takes what another holds.
func (s *Store) JudgeOverdue(ctx context.Context, limit int) (Round, error) {
	return s.JudgeUnless(ctx, limit, nil)
}

// JudgeUnless is JudgeOverdue, but asks before anything is stored, with the deadlines of
// which some were missed: where waits says so, nothing is stored, and the checks are left
// as they are. waits must be quick and not ask the database.
func (s *Store) JudgeUnless(ctx context.Context, limit int, waits func([]monitor.Passed) bool) (Round, error) {
	judge := s.judgeSQLite
	if s.db.Engine == db.Postgres {
		judge = s.judgePostgres
	}
	out, checks, err := judge(ctx, limit, waits)
	switch {
	case errors.Is(err, errWaits):
		return Round{Claimed: len(checks), Passed: out.passed, Waits: true}, nil
	case err != nil:
		return Round{}, err
	}
	round := Round{Claimed: len(checks), Flips: out.Flips, Unknown: out.Unknown, Passed: out.passed}
	for _, c := range checks {
		if c.ScheduleError != "" {
			round.Broken = append(round.Broken, c)
		}
	}
	return round, nil
}

// errWaits ends a transaction of JudgeUnless that is to wait.
var errWaits = errors.New("the flips are to wait")

// verdicts are what the passing of time has made of the checks claimed.
type verdicts struct {
	monitor.Judged
	passed []monitor.Passed
}

// judging is a JudgeOverdue under way: it asks the database within the transaction.
type judging struct {
	ask     asker
	engine  db.Engine
	hearing Hearing
	// nil: nothing waits
	waits func([]monitor.Passed) bool
}

// lookAgain is when a check is looked at again whose deadline cannot be judged yet, while
// others can.
const (
	lookAgain     = 10 * time.Second
	lookAgainSoon = 10 * time.Millisecond
)

// judge looks at the truth of the checks claimed and changes them.
func (j *judging) judge(ctx context.Context, checks []*monitor.Check) (verdicts, error) {
	var out verdicts
	missed := false
	evidence, err := j.evidence(ctx, checks)
	if err != nil {
		return out, err
	}
	furthest := j.hearing.Furthest()
	for _, c := range checks {
		ways := evidence.waysOf(c.ID)
		passed := monitor.Passed{At: c.WatchAt, MissRate: c.MissRate()}
		judged := j.judgeOne(c, ways, evidence)
		for _, f := range judged.Flips {
			if f.Reason == monitor.ReasonTimeout {
				f.Heard = j.hearing.Heard(ways)
			}
		}
		passed.Missed = slices.ContainsFunc(judged.Flips, func(f *monitor.Flip) bool { return f.Reason == monitor.ReasonTimeout })
		missed = missed || passed.Missed
		out.Flips = append(out.Flips, judged.Flips...)
		out.Unknown = append(out.Unknown, judged.Unknown...)
		switch {
		case !c.WatchAt.IsZero() && !c.WatchAt.After(furthest):
			c.WatchAt = j.hearing.Now.Add(j.again(ways))
		case len(judged.Unknown) == 0:
			out.passed = append(out.passed, passed)
		}
	}
	if missed && j.waits != nil && j.waits(out.passed) {
		return out, errWaits
	}
	return out, nil
}

// again is when a check that is pinged in these ways is looked at again: soon where the mark
// of one of them is only a moment behind.
func (j *judging) again(ways monitor.Ways) time.Duration {
	if j.hearing.Now.Sub(j.hearing.Heard(ways)) < carriedOn {
		return lookAgainSoon
	}
	return lookAgain
}

func (j *judging) judgeOne(c *monitor.Check, ways monitor.Ways, e evidence) monitor.Judged {
	heard := j.hearing.Heard(ways)
	blinds := j.hearing.givenUp(meeting(e.blinds, ways))
	if c.Unjudged == "" {
		return c.Judge(heard, blinds)
	}
	return c.Fold(e.pings[c.ID], heard, blinds)
}

// evidence is what is known of those checks whose deadline has passed.
type evidence struct {
	// in which pings of them may have been lost
	blinds []monitor.Blind
	// nil: nobody has ever taken pings by mail
	ways map[int64]monitor.Ways
	// of those that have some to be folded
	pings map[int64][]monitor.Ping
}

func (e *evidence) waysOf(check int64) monitor.Ways {
	ways, ok := e.ways[check]
	if ok {
		return ways
	}
	return monitor.WayHTTP
}

// evidence loads what judging the checks needs to know.
func (j *judging) evidence(ctx context.Context, checks []*monitor.Check) (evidence, error) {
	var e evidence
	var ids []int64
	from := j.hearing.Now
	for _, c := range checks {
		began, passed := c.JudgedFrom(j.hearing.Now)
		if !passed {
			continue
		}
		ids = append(ids, c.ID)
		if began.Before(from) {
			from = began
		}
	}
	var err error
	e.pings, err = j.unjudgedPings(ctx, checks)
	if err != nil || len(ids) == 0 {
		return e, err
	}
	e.blinds, err = blindsBetween(ctx, j.ask, j.engine, ids, from, j.hearing.Now)
	if err != nil {
		return e, err
	}
	if j.hearing.listens(monitor.WayMail) || len(meeting(e.blinds, monitor.WayMail)) > 0 {
		e.ways, err = waysOf(ctx, j.ask, j.engine, ids, j.hearing.Now)
		if err != nil {
			return e, err
		}
	}
	return e, nil
}

// meeting are the intervals that concern one of the ways.
func meeting(blinds []monitor.Blind, ways monitor.Ways) []monitor.Blind {
	var out []monitor.Blind
	for _, b := range blinds {
		if b.Ways.Meet(ways) {
			out = append(out, b)
		}
	}
	return out
}

// unjudgedPings loads the pings that are to be folded, by check.
func (j *judging) unjudgedPings(ctx context.Context, checks []*monitor.Check) (map[int64][]monitor.Ping, error) {
	first := make(map[int64]int64)
	var ids []int64
	for _, c := range checks {
		if c.Unjudged != "" {
			first[c.ID] = c.FirstUnjudged()
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	out := make(map[int64][]monitor.Ping, len(ids))
	var p monitor.Ping
	see := func() {
		if p.N >= first[p.CheckID] {
			out[p.CheckID] = append(out[p.CheckID], p)
		}
	}
	err := j.ask(ctx, `SELECT g.check_id, g.n, g.created_at, g.kind, g.rid FROM pings g WHERE `+inSet(j.engine, "g.check_id", 1, idSet)+
		` ORDER BY g.check_id, g.n`, []any{&p.CheckID, &p.N, db.Time(&p.CreatedAt), &p.Kind, &p.RID}, see, setOfIDs(j.engine, ids))
	if err != nil {
		return nil, fmt.Errorf("load pings to be folded: %w", err)
	}
	return out, nil
}

const insertUnknownSQL = `INSERT INTO unknown_runs (check_id, due_at, deadline_at, blind_from, blind_until, cause, decided_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (check_id, deadline_at) DO NOTHING`

// judgeSQLite is the SQLite side of JudgeOverdue.
func (s *Store) judgeSQLite(ctx context.Context, limit int, waits func([]monitor.Passed) bool) (out verdicts, checks []*monitor.Check,
	err error) {
	ctx = context.WithoutCancel(ctx)
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		ask := func(ctx context.Context, query string, dest []any, see func(), args ...any) error {
			return tx.Prepared(query).Each(ctx, dest, see, args...)
		}
		h, err := s.hearing(ctx, ask, tx.Now())
		if err != nil {
			return err
		}
		checks, err = readHot(ctx, tx, sqliteOverdue, h.Furthest(), limit)
		if err != nil {
			return fmt.Errorf("claim overdue checks: %w", err)
		}
		j := judging{ask, db.SQLite, h, waits}
		out, err = j.judge(ctx, checks)
		if err != nil {
			return err
		}
		for _, c := range checks {
			if err := writeStateSQLite(ctx, tx, c, true); err != nil {
				return err
			}
		}
		for _, u := range out.Unknown {
			_, err := tx.Prepared(insertUnknownSQL).Exec(ctx, u.CheckID, u.Due, u.Deadline, u.BlindFrom, u.BlindUntil, string(u.Cause), tx.Now())
			if err != nil {
				return fmt.Errorf("insert unknown run: %w", err)
			}
		}
		if len(out.Unknown) > 0 {
			tx.Wake(db.TopicChecks)
		}
		return insertFlipsSQLite(ctx, tx, out.Flips)
	})
	return out, checks, err
}

// judgePostgres is the PostgreSQL side of JudgeOverdue.
func (s *Store) judgePostgres(ctx context.Context, limit int, waits func([]monitor.Passed) bool) (out verdicts, checks []*monitor.Check,
	err error) {
	conn, err := s.db.RecordPool().Acquire(ctx)
	if err != nil {
		return out, nil, err
	}
	tx := &pgTx{conn: conn}
	done := false
	defer func() {
		if !done {
			tx.rollback()
		}
	}()
	_, err = conn.Exec(ctx, "BEGIN")
	if err != nil {
		return out, nil, err
	}
	h, err := s.hearing(ctx, tx.ask, s.Now())
	if err != nil {
		return out, nil, err
	}
	checks, err = tx.readHot(ctx, pgClaimOverdue, h.Furthest(), limit)
	if err != nil {
		return out, nil, fmt.Errorf("claim overdue checks: %w", err)
	}
	j := judging{tx.ask, db.Postgres, h, waits}
	out, err = j.judge(ctx, checks)
	if err != nil {
		return out, checks, err
	}
	b := &pgx.Batch{}
	queueStates(b, checks)
	for _, u := range out.Unknown {
		b.Queue(insertUnknownSQL, u.CheckID, u.Due, u.Deadline, u.BlindFrom, u.BlindUntil, string(u.Cause), h.Now)
	}
	queueFlips(b, out.Flips, h.Now)
	if len(out.Flips) == 0 && len(out.Unknown) > 0 {
		b.Queue(db.NotifySQL(db.TopicChecks))
	}
	done = true
	if err := tx.commit(ctx, b); err != nil {
		return out, nil, fmt.Errorf("judge overdue checks: %w", err)
	}
	s.wakeAfterFlips(out.Flips)
	if len(out.Unknown) > 0 {
		s.db.WakeLocal(db.TopicChecks)
	}
	return out, checks, nil
}

// ask is an asker.
func (tx *pgTx) ask(ctx context.Context, query string, dest []any, see func(), args ...any) error {
	rows, err := tx.conn.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, dest, func() error {
		see()
		return nil
	})
	return err
}

// readHot reads checks by a query for hotCheck.
func (tx *pgTx) readHot(ctx context.Context, query string, args ...any) ([]*monitor.Check, error) {
	rows, err := tx.conn.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, hotRow)
}

// NextWatch returns the earliest moment at which a check may have gone down, be it in the
// past, zero when none can.
func (s *Store) NextWatch(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := s.db.QueryRow(ctx, `SELECT min(watch_at) FROM checks WHERE watch_at IS NOT NULL`).Scan(db.Time(&t))
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the next deadline: %w", err)
	}
	return t, nil
}

// NextDeadline returns the earliest moment after a time at which a check may have gone
// down, zero when none can. Many a check will turn out to have been pinged since.
func (s *Store) NextDeadline(ctx context.Context, after time.Time) (time.Time, error) {
	var t time.Time
	err := s.db.QueryRow(ctx, `SELECT min(watch_at) FROM checks WHERE watch_at > $1`, after).Scan(db.Time(&t))
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the next deadline: %w", err)
	}
	return t, nil
}
