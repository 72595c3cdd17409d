package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// Spool is what is known of pings that a process keeps on its disk, until the database
// takes them.
type Spool struct {
	ID   uuid.UUID
	Host string
	// the number of its last entry that is recorded, 0 = none is
	ReplayedTo int64
}

// SpoolByID returns how far a spool is recorded. One that is not known is recorded up to 0.
func (s *Store) SpoolByID(ctx context.Context, id uuid.UUID, host string) (Spool, error) {
	out := Spool{ID: id, Host: host}
	err := s.db.Each(ctx, []any{&out.ReplayedTo}, func() {}, `SELECT s.replayed_to FROM spools s WHERE s.id = $1`, id)
	if err != nil {
		return out, fmt.Errorf("look how far a spool is recorded: %w", err)
	}
	return out, nil
}

const upsertSpool = `INSERT INTO spools (id, host, replayed_to, replayed_at) VALUES ($1, $2, $3, $4)
	ON CONFLICT (id) DO UPDATE SET host = excluded.host, replayed_to = excluded.replayed_to, replayed_at = excluded.replayed_at`

// Replay records pings that were kept in a spool, each at the time at which it arrived, and
// stores in the same transaction that the spool is recorded up to sp.ReplayedTo. A ping that
// is Uncertain and has been recorded is not recorded again. A ping whose check is gone has
// its Err set.
//
// Nobody else may replay the same spool. Without pings it finds out whether the database
// takes writes.
func (s *Store) Replay(ctx context.Context, sp Spool, batch []*Arrival) error {
	record := s.replaySQLite
	if s.db.Engine == db.Postgres {
		record = s.replayPostgres
	}
	if err := record(ctx, sp, batch); err != nil {
		return fmt.Errorf("record the pings of a spool: %w", err)
	}
	return nil
}

func (s *Store) replaySQLite(ctx context.Context, sp Spool, batch []*Arrival) error {
	var flips []*monitor.Flip
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		ask := func(ctx context.Context, query string, dest []any, see func(), args ...any) error {
			return tx.Prepared(query).Each(ctx, dest, see, args...)
		}
		checks, err := readHot(ctx, tx, sqliteSelectHot, codesJSON(codesOf(batch)))
		if err != nil {
			return fmt.Errorf("load checks: %w", err)
		}
		r := replaying{ask: ask, engine: db.SQLite, now: tx.Now()}
		if err := r.apply(ctx, batch, checks); err != nil {
			return err
		}
		if err := insertPingsSQLite(ctx, tx, r.out.pings); err != nil {
			return err
		}
		for _, c := range r.out.checks {
			if err := writeStateSQLite(ctx, tx, c, true); err != nil {
				return err
			}
		}
		for _, run := range r.settled {
			_, err := tx.Exec(ctx, settleRunSQL, run.ID, run.Verdict, run.VerdictAt)
			if err != nil {
				return fmt.Errorf("settle an unknown run: %w", err)
			}
		}
		if len(r.out.pings) > 0 {
			tx.Wake(db.TopicPings)
		}
		if len(r.settled) > 0 {
			tx.Wake(db.TopicChecks)
		}
		flips = r.out.flips
		if err := insertFlipsSQLite(ctx, tx, flips); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, upsertSpool, sp.ID, sp.Host, sp.ReplayedTo, tx.Now())
		return err
	})
	return err
}

func (s *Store) replayPostgres(ctx context.Context, sp Spool, batch []*Arrival) error {
	tx, err := s.pgOpen(ctx, pgSelectHot, pgUUIDs(codesOf(batch)))
	if err != nil {
		return fmt.Errorf("lock checks: %w", err)
	}
	ended := false
	// also where a ping makes us panic
	defer func() {
		if !ended {
			tx.rollback()
		}
	}()
	now := s.Now()
	r := replaying{ask: tx.ask, engine: db.Postgres, now: now}
	if err := r.apply(ctx, batch, tx.checks); err != nil {
		return err
	}
	b := &pgx.Batch{}
	if len(r.out.pings) > 0 {
		b.Queue(pgInsertPings, wholePing.arrays(r.out.pings)...)
	}
	queueStates(b, r.out.checks)
	for _, run := range r.settled {
		b.Queue(settleRunSQL, run.ID, string(run.Verdict), run.VerdictAt)
	}
	queueFlips(b, r.out.flips, now)
	if len(r.settled) > 0 {
		b.Queue(db.NotifySQL(db.TopicChecks))
	}
	b.Queue(upsertSpool, sp.ID, sp.Host, sp.ReplayedTo, now)
	ended = true
	if err := tx.commit(ctx, b); err != nil {
		return err
	}
	s.db.WakeLocal(db.TopicPings)
	s.wakeAfterFlips(r.out.flips)
	return nil
}

// settleRunSQL stores what a late ping says of unknown run $1.
const settleRunSQL = `UPDATE unknown_runs SET verdict = $2, verdict_at = $3 WHERE id = $1 AND verdict = ''`

func codesOf(batch []*Arrival) []uuid.UUID {
	codes := make([]uuid.UUID, 0, len(batch))
	for _, a := range batch {
		codes = append(codes, a.Code)
	}
	return codes
}

// replaying is a Replay under way: it asks the database within the transaction.
type replaying struct {
	ask    asker
	engine db.Engine
	now    time.Time

	out     batchResult
	settled []*monitor.UnknownRun
}

// apply applies the pings to the checks they are for, in the order of time.
func (r *replaying) apply(ctx context.Context, batch []*Arrival, checks []*monitor.Check) error {
	if len(batch) == 0 {
		return nil
	}
	byCode := make(map[uuid.UUID]*monitor.Check, len(checks))
	ids := make([]int64, 0, len(checks))
	for _, c := range checks {
		byCode[c.Code] = c
		ids = append(ids, c.ID)
	}
	batch = slices.Clone(batch)
	slices.SortStableFunc(batch, func(a, b *Arrival) int { return a.Ping.CreatedAt.Compare(b.Ping.CreatedAt) })
	past, pings, err := r.past(ctx, ids, batch[0].Ping.CreatedAt)
	if err != nil {
		return err
	}
	touched := make(map[*monitor.Check]bool, len(checks))
	for _, a := range batch {
		a.Err = nil
		c := byCode[a.Code]
		if c == nil {
			a.Err = errs.NotFoundf("not found")
			continue
		}
		if a.Classify != nil {
			a.Ping.Kind = a.Classify(&c.Filter)
		}
		if a.Ping.Kind == monitor.PingSuccess {
			past[c.ID].Coming = append(past[c.ID].Coming, a.Ping.CreatedAt)
		}
	}
	for _, a := range batch {
		c := byCode[a.Code]
		if c == nil || a.Uncertain && slices.ContainsFunc(pings[c.ID], a.isRecordedAs) {
			continue
		}
		a.dropBody(c.ProjectID)
		applied := monitor.Replay(c, &a.Ping, past[c.ID], r.now)
		r.out.pings = append(r.out.pings, &a.Ping)
		r.out.flips = append(r.out.flips, applied.Flips...)
		if applied.Settled != nil {
			r.settled = append(r.settled, applied.Settled)
		}
		if !touched[c] {
			touched[c] = true
			r.out.checks = append(r.out.checks, c)
		}
	}
	return nil
}

// isRecordedAs tells whether a stored ping of the check is a. It arrived at the same
// microsecond, in the same way: a process gives no two pings the same time.
func (a *Arrival) isRecordedAs(p monitor.Ping) bool {
	return p.CreatedAt.Equal(a.Ping.CreatedAt) && p.Scheme == a.Ping.Scheme && p.Method == a.Ping.Method && p.UserAgent == a.Ping.UserAgent &&
		p.RemoteAddr == a.Ping.RemoteAddr
}

// past loads what is stored of checks since a time.
func (r *replaying) past(ctx context.Context, ids []int64, since time.Time) (map[int64]*monitor.Past, map[int64][]monitor.Ping, error) {
	past := make(map[int64]*monitor.Past, len(ids))
	for _, id := range ids {
		past[id] = new(monitor.Past)
	}
	set := setOfIDs(r.engine, ids)
	var f monitor.Flip
	err := r.ask(ctx, `SELECT f.check_id, f.created_at, f.old_status, f.new_status, f.reason FROM flips f
		WHERE `+inSet(r.engine, "f.check_id", 1, idSet)+` AND f.created_at >= $2 ORDER BY f.created_at, f.id`,
		[]any{&f.CheckID, db.Time(&f.CreatedAt), &f.Old, &f.New, &f.Reason}, func() {
			flip := f
			past[f.CheckID].Flips = append(past[f.CheckID].Flips, &flip)
		}, set, since)
	if err != nil {
		return nil, nil, fmt.Errorf("load flips: %w", err)
	}
	pings := make(map[int64][]monitor.Ping)
	var p monitor.Ping
	err = r.ask(ctx, `SELECT g.check_id, g.n, g.created_at, g.kind, g.scheme, g.method, g.ua, coalesce(g.remote_addr, '') FROM pings g
		WHERE `+inSet(r.engine, "g.check_id", 1, idSet)+` AND g.created_at >= $2`,
		[]any{&p.CheckID, &p.N, db.Time(&p.CreatedAt), &p.Kind, &p.Scheme, &p.Method, &p.UserAgent, &p.RemoteAddr}, func() {
			pings[p.CheckID] = append(pings[p.CheckID], p)
			if p.Kind == monitor.PingSuccess || p.Kind == monitor.PingFail {
				past[p.CheckID].Ends = append(past[p.CheckID].Ends, p)
			}
		}, set, since)
	if err != nil {
		return nil, nil, fmt.Errorf("load pings: %w", err)
	}
	var u monitor.UnknownRun
	err = r.ask(ctx, `SELECT u.id, u.check_id, u.due_at, u.deadline_at, u.blind_from, u.blind_until FROM unknown_runs u
		WHERE `+inSet(r.engine, "u.check_id", 1, idSet)+` AND u.deadline_at >= $2 AND u.verdict = '' ORDER BY u.deadline_at`,
		[]any{&u.ID, &u.CheckID, db.Time(&u.Due), db.Time(&u.Deadline), db.Time(&u.BlindFrom), db.Time(&u.BlindUntil)}, func() {
			run := u
			past[u.CheckID].Unknown = append(past[u.CheckID].Unknown, &run)
		}, set, since)
	if err != nil {
		return nil, nil, fmt.Errorf("load unknown runs: %w", err)
	}
	return past, pings, nil
}
