package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

const (
	// A loop over indexes whatever PostgreSQL believes of the tables. Two of a slug are
	// enough to know that it is not unique.
	pgResolve = `SELECT i.pos, c.code FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i(ping_key, slug, pos)
		JOIN projects p ON p.ping_key = i.ping_key
		CROSS JOIN LATERAL (SELECT code FROM checks WHERE project_id = p.id AND slug = i.slug LIMIT 2) c`

	// Two that record on the strength of what they know may wait for each other's rows;
	// the one that gives up locks them in order then.
	pgLittlePatience = `SELECT set_config('lock_timeout', '100ms', true)`

	// A ping is the same when it is of the same time at the same place.
	pgRecordedBefore = `SELECT i.pos FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) WITH ORDINALITY AS i(check_id, n, created_at, pos)
		JOIN pings p ON p.check_id = i.check_id AND p.n = i.n AND p.created_at = i.created_at`
)

var (
	pgInsertPings = `INSERT INTO pings (` + wholePing.names() + `) SELECT * FROM ` + pgPings(1)

	// One statement stores all flips and, for those that are news, their deliveries; of
	// those checks only that this transaction has written.
	pgInsertFlips = `WITH f AS (
			INSERT INTO flips (check_id, created_at, old_status, new_status, reason, heard_at)
			SELECT v.* FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
				AS v(check_id, created_at, old_status, new_status, reason, heard_at)
			WHERE (SELECT c.xmin FROM checks c WHERE c.id = v.check_id) = pg_current_xact_id()::xid
			RETURNING id, check_id, old_status, new_status),
		n AS (
			INSERT INTO untold (flip_id, channel_id, why)
			SELECT f.id, h.id, ` + whyUntold + ` FROM f JOIN check_channels cc ON cc.check_id = f.check_id JOIN channels h ON h.id = cc.channel_id
			WHERE f.new_status = 'down' AND f.old_status <> 'down' AND (h.disabled OR NOT h.verified))
		INSERT INTO deliveries (code, flip_id, check_id, channel_id, status, created_at, next_try_at)
		SELECT gen_random_uuid(), f.id, f.check_id, h.id, 'pending', $7, $7
		FROM f JOIN check_channels cc ON cc.check_id = f.check_id JOIN channels h ON h.id = cc.channel_id
		WHERE (f.new_status = 'down' AND f.old_status <> 'down' OR f.new_status = 'up' AND f.old_status = 'down'
			OR f.new_status = 'up' AND f.old_status IN ('new', 'paused') AND ` + notifiedDownSQL("f.check_id") + `)
			AND h.verified AND NOT h.disabled
		ORDER BY f.id`

	// Of flips that nobody is told of.
	pgInsertSilentFlips = `INSERT INTO flips (check_id, created_at, old_status, new_status, reason, heard_at, silent)
		SELECT v.*, true FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
			AS v(check_id, created_at, old_status, new_status, reason, heard_at)`

	// The rows are locked in id order, so that two recorders cannot deadlock.
	pgSelectHot = `SELECT ` + hotCheck.list + ` FROM checks c WHERE c.code = ANY($1::uuid[]) ORDER BY c.id FOR NO KEY UPDATE`

	pgSelectKnown = `SELECT ` + hotCheck.list + `, c.xmin FROM checks c WHERE c.code = ANY($1::uuid[])`

	pgClaimOverdue = `SELECT ` + hotCheck.list + ` FROM checks c WHERE c.watch_at IS NOT NULL AND c.watch_at <= $1
		ORDER BY c.watch_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED`

	pgUpdateStates = `UPDATE checks c SET ` + stateOfCheck.numbered("%[1]s = v.%[1]s", 1) + `
		FROM unnest($1::bigint[], ` + stateOfCheck.arrayParams(2) + `) AS v(id, ` + stateOfCheck.names() + `)
		WHERE c.id = v.id AND c.id = ANY($1)`

	// Writes the states and pings of those checks only that are still of the version
	// known ($1), and returns them with their new one.
	pgRecordKnown = `WITH u AS (UPDATE checks c SET ` + stateOfPing.numbered("%[1]s = v.%[1]s", 1) + `
			FROM unnest($1::xid[], $2::bigint[], ` + stateOfPing.arrayParams(3) + `) AS v(version, id, ` + stateOfPing.names() + `)
			WHERE c.id = v.id AND c.id = ANY($2) AND c.xmin = v.version
			RETURNING c.id, c.xmin AS version),
		p AS (INSERT INTO pings (` + wholePing.names() + `)
			SELECT * FROM ` + pgPings(3+len(stateOfPing.columns)) + ` WHERE check_id IN (SELECT id FROM u))
		SELECT id, version FROM u`
)

// arrayParams are the parameters, from number first on, that many rows are given to
// PostgreSQL in, see arrays: "$1::bigint[], $2::text[]".
func (s columnSet[R]) arrayParams(first int) string {
	return s.each(func(i int, col column[R]) string { return fmt.Sprintf("$%d::%s[]", first+i, col.postgres) })
}

// pgPings are the rows of many pings, whose arrays are the parameters from number
// first on.
func pgPings(first int) string {
	return `unnest(` + wholePing.arrayParams(first) + `) AS i(` + wholePing.names() + `)`
}

// recordPostgres records what it can in one round trip, on the strength of what
// is known of the checks. What was out of date, or failed the last time, it
// records in two: with the checks locked and read first.
func (s *Store) recordPostgres(ctx context.Context, batch []*Arrival) error {
	batch = slices.DeleteFunc(slices.Clone(batch), func(a *Arrival) bool { return a.recorded })
	batch, err := s.resolvePostgres(ctx, batch)
	if err != nil || len(batch) == 0 {
		return err
	}
	err = s.recordOnce(ctx, batch)
	if err != nil {
		// an older database may take the place of this one
		s.known.forgetAll()
		for _, a := range batch {
			a.tried = true
		}
	}
	return err
}

func (s *Store) recordOnce(ctx context.Context, batch []*Arrival) error {
	if slices.ContainsFunc(batch, func(a *Arrival) bool { return a.tried }) || !s.known.trusted() {
		return s.recordLocked(ctx, batch)
	}
	stale, err := s.recordKnown(ctx, batch)
	switch {
	case err == nil:
	case db.IsUnavailable(err) || ctx.Err() != nil:
		return err
	default:
		// such as two that wait for each other: that cannot come about with locks in their order
		stale = batch
		s.known.forgetAll()
	}
	if len(stale) == 0 {
		return nil
	}
	s.known.learn(len(batch), len(stale))
	return s.recordLocked(ctx, stale)
}

// recordKnown records pings in one transaction that is one statement, whatever
// their number. It returns those whose checks somebody else has changed
// meanwhile: of them nothing is recorded.
func (s *Store) recordKnown(ctx context.Context, batch []*Arrival) (stale []*Arrival, err error) {
	known, err := s.lookUp(ctx, batch)
	if err != nil {
		return nil, err
	}
	versions := make(map[int64]uint32, len(known))
	checks := make([]*monitor.Check, 0, len(known))
	for _, k := range known {
		c := *k.check
		checks = append(checks, &c)
		versions[c.ID] = k.version
	}
	out := applyBatch(batch, checks)
	if len(out.pings) == 0 {
		return nil, nil
	}
	if slices.ContainsFunc(out.checks, func(c *monitor.Check) bool { return c.Unjudged != "" }) {
		// what is yet to be judged is written by the other way alone
		return batch, nil
	}
	// Two recorders that lock their rows in the same order do not wait for each
	// other; most plans follow this one.
	slices.SortFunc(out.checks, func(a, b *monitor.Check) int { return cmp.Compare(a.ID, b.ID) })
	before := make([]uint32, len(out.checks))
	for i, c := range out.checks {
		before[i] = versions[c.ID]
	}
	b := &pgx.Batch{}
	b.Queue(pgLittlePatience)
	args := append([]any{before}, stateArrays(stateOfPing, out.checks)...)
	b.Queue(pgRecordKnown, append(args, wholePing.arrays(out.pings)...)...)
	queueFlips(b, out.flips, s.Now())
	queuePrunes(b, out.prune)
	written, err := s.sendRecord(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("record pings: %w", err)
	}
	for _, c := range out.checks {
		version, ok := written[c.ID]
		if ok {
			s.known.put(knownCheck{c, version})
		} else {
			s.known.forget(c.Code)
		}
	}
	for _, a := range batch {
		_, ok := written[a.Ping.CheckID]
		if ok && a.Err == nil {
			a.recorded = true
		} else if a.Err == nil {
			stale = append(stale, a)
		}
	}
	if len(written) > 0 {
		s.db.WakeLocal(db.TopicPings)
		s.wakeAfterFlips(out.flips)
	}
	return stale, nil
}

// sendRecord runs b, which begins with pgLittlePatience and pgRecordKnown, as one
// transaction and returns the versions of the checks written.
func (s *Store) sendRecord(ctx context.Context, b *pgx.Batch) (map[int64]uint32, error) {
	res := s.db.RecordPool().SendBatch(ctx, b)
	defer res.Close()
	rows, err := secondRows(res)
	if err != nil {
		return nil, err
	}
	written := make(map[int64]uint32)
	var id int64
	var version uint32
	if _, err := pgx.ForEachRow(rows, []any{&id, &version}, func() error {
		written[id] = version
		return nil
	}); err != nil {
		return nil, err
	}
	// the commit
	return written, res.Close()
}

// resolvePostgres gives the arrivals with a slug their codes and returns the batch
// without those that cannot have one.
func (s *Store) resolvePostgres(ctx context.Context, batch []*Arrival) ([]*Arrival, error) {
	var unresolved []*Arrival
	var keys, slugs []string
	for _, a := range batch {
		if a.bySlug() {
			unresolved = append(unresolved, a)
			keys = append(keys, a.PingKey)
			slugs = append(slugs, a.Slug)
		}
	}
	if len(unresolved) == 0 {
		return batch, nil
	}
	rows, err := s.db.RecordPool().Query(ctx, pgResolve, keys, slugs)
	if err != nil {
		return nil, fmt.Errorf("look up slugs: %w", err)
	}
	codes := make([][]uuid.UUID, len(unresolved))
	var pos int
	var code uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&pos, &code}, func() error { codes[pos-1] = append(codes[pos-1], code); return nil }); err != nil {
		return nil, fmt.Errorf("look up slugs: %w", err)
	}
	for i, a := range unresolved {
		a.Code, a.Err = onlyCode(codes[i])
	}
	return slices.DeleteFunc(slices.Clone(batch), (*Arrival).bySlug), nil
}

// lookUp returns the checks of a batch, those it does not know from the
// database. Of a check that does not exist there is none.
func (s *Store) lookUp(ctx context.Context, batch []*Arrival) ([]knownCheck, error) {
	known, unknown := s.known.of(batch)
	if len(unknown) == 0 {
		return known, nil
	}
	rows, err := s.db.RecordPool().Query(ctx, pgSelectKnown, pgUUIDs(unknown))
	if err != nil {
		return nil, fmt.Errorf("load checks: %w", err)
	}
	read, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k knownCheck, err error) {
		k.check = new(monitor.Check)
		return k, row.Scan(append(hotCheck.dest(k.check), &k.version)...)
	})
	if err != nil {
		return nil, fmt.Errorf("load checks: %w", err)
	}
	for _, k := range read {
		s.known.put(k)
	}
	return append(known, read...), nil
}

// recordLocked records pings in two round trips, whatever their number: one locks
// and reads the checks, one writes everything and commits.
func (s *Store) recordLocked(ctx context.Context, batch []*Arrival) error {
	codes := make([]uuid.UUID, 0, len(batch))
	for _, a := range batch {
		codes = append(codes, a.Code)
	}
	tx, err := s.pgOpen(ctx, pgSelectHot, pgUUIDs(codes))
	if err != nil {
		return fmt.Errorf("lock checks: %w", err)
	}
	batch, err = tx.notRecorded(ctx, batch)
	if err != nil {
		tx.rollback()
		return fmt.Errorf("look for pings recorded before: %w", err)
	}
	out := applyBatch(batch, tx.checks)
	b := &pgx.Batch{}
	if len(out.pings) > 0 {
		b.Queue(pgInsertPings, wholePing.arrays(out.pings)...)
		queueStates(b, out.checks)
		queueFlips(b, out.flips, s.Now())
		queuePrunes(b, out.prune)
	}
	if err := tx.commit(ctx, b); err != nil {
		return fmt.Errorf("record pings: %w", err)
	}
	s.db.WakeLocal(db.TopicPings)
	s.wakeAfterFlips(out.flips)
	return nil
}

// notRecorded returns those of a batch that an earlier call has not recorded
// although it failed. It knows for sure, for the checks are locked: that call
// may still have been going on in the database until then.
func (tx *pgTx) notRecorded(ctx context.Context, batch []*Arrival) ([]*Arrival, error) {
	var tried []*Arrival
	var check, num []int64
	var created []pgtype.Timestamptz
	for _, a := range batch {
		if a.tried {
			tried = append(tried, a)
			check = append(check, a.Ping.CheckID)
			num = append(num, a.Ping.N)
			created = append(created, pgTime(a.Ping.CreatedAt))
		}
	}
	if len(tried) == 0 {
		return batch, nil
	}
	rows, err := tx.conn.Query(ctx, pgRecordedBefore, check, num, created)
	if err != nil {
		return nil, err
	}
	var i int
	if _, err := pgx.ForEachRow(rows, []any{&i}, func() error { tried[i-1].recorded = true; return nil }); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(batch), func(a *Arrival) bool { return a.recorded }), nil
}

// wakeAfterFlips wakes this process; queueFlips' NOTIFY wakes the others.
func (s *Store) wakeAfterFlips(flips []*monitor.Flip) {
	if len(flips) == 0 {
		return
	}
	s.db.WakeLocal(db.TopicChecks)
	if notifies(flips) {
		s.db.WakeLocal(db.TopicDeliveries)
	}
}

// pgTx is a transaction that holds the locks of some checks.
type pgTx struct {
	conn   *pgxpool.Conn
	checks []*monitor.Check
}

// pgOpen begins a transaction with the checks that query locks.
func (s *Store) pgOpen(ctx context.Context, query string, args ...any) (*pgTx, error) {
	conn, err := s.db.RecordPool().Acquire(ctx)
	if err != nil {
		return nil, err
	}
	checks, err := beginAndLock(ctx, conn, query, args)
	if err != nil {
		conn.Release()
		return nil, err
	}
	return &pgTx{conn, checks}, nil
}

// commit writes what b says and ends the transaction.
func (tx *pgTx) commit(ctx context.Context, b *pgx.Batch) error {
	defer tx.rollback()
	b.Queue("COMMIT")
	return tx.conn.SendBatch(ctx, b).Close()
}

// rollback returns the connection, or drops it, and the transaction with it,
// when that is still open.
func (tx *pgTx) rollback() { tx.conn.Release() }

// secondRows returns the rows of a batch's second statement; those of the first
// are of no interest.
func secondRows(res pgx.BatchResults) (pgx.Rows, error) {
	_, err := res.Exec()
	if err != nil {
		return nil, err
	}
	return res.Query()
}

func beginAndLock(ctx context.Context, conn *pgxpool.Conn, query string, args []any) ([]*monitor.Check, error) {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(query, args...)
	res := conn.SendBatch(ctx, b)
	defer res.Close()
	rows, err := secondRows(res)
	if err != nil {
		return nil, err
	}
	checks, err := pgx.CollectRows(rows, hotRow)
	if err != nil {
		return nil, err
	}
	return checks, res.Close()
}

// hotRow is a row of a query for hotCheck.
func hotRow(row pgx.CollectableRow) (*monitor.Check, error) {
	c := new(monitor.Check)
	return c, row.Scan(hotCheck.dest(c)...)
}

func queueStates(b *pgx.Batch, checks []*monitor.Check) {
	if len(checks) > 0 {
		b.Queue(pgUpdateStates, stateArrays(stateOfCheck, checks)...)
	}
}

func queuePrunes(b *pgx.Batch, checks []*monitor.Check) {
	for _, c := range checks {
		b.Queue(prunePingsOfCheck, c.ID)
	}
}

// stateArrays are the ids of checks and some columns of them, as parameters.
func stateArrays(columns checkSet, checks []*monitor.Check) []any {
	ids := make([]int64, len(checks))
	for i, c := range checks {
		ids[i] = c.ID
	}
	return append([]any{ids}, columns.arrays(checks)...)
}

// queueFlips stores flips, with deliveries of those that are news. Flips that one check
// has after each other are stored in their order.
func queueFlips(b *pgx.Batch, flips []*monitor.Flip, now time.Time) {
	if len(flips) == 0 {
		return
	}
	var loud, silent []*monitor.Flip
	for _, f := range flips {
		if f.Silent {
			silent = append(silent, f)
		} else {
			loud = append(loud, f)
		}
	}
	if len(silent) > 0 {
		b.Queue(pgInsertSilentFlips, flipArrays(silent)...)
	}
	if len(loud) > 0 {
		b.Queue(pgInsertFlips, append(flipArrays(loud), now)...)
	}
	b.Queue(db.NotifySQL(db.TopicChecks))
	if notifies(flips) {
		b.Queue(db.NotifySQL(db.TopicDeliveries))
	}
}

// flipArrays are the first parameters of pgInsertFlips.
func flipArrays(flips []*monitor.Flip) []any {
	n := len(flips)
	var (
		check   = make([]int64, n)
		created = make([]pgtype.Timestamptz, n)
		from    = make([]string, n)
		to      = make([]string, n)
		reason  = make([]string, n)
		heard   = make([]pgtype.Timestamptz, n)
	)
	for i, f := range flips {
		check[i] = f.CheckID
		created[i] = pgTime(f.CreatedAt)
		from[i] = string(f.Old)
		to[i] = string(f.New)
		reason[i] = string(f.Reason)
		heard[i] = pgTime(f.Heard)
	}
	return []any{check, created, from, to, reason, heard}
}

func pgUUIDs(codes []uuid.UUID) []pgtype.UUID {
	out := make([]pgtype.UUID, len(codes))
	for i, code := range codes {
		out[i] = pgtype.UUID{Bytes: code, Valid: true}
	}
	return out
}

func pgTime(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()}
}
