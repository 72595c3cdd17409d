package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// prunePingsOfCheck keeps the newest pings of check $1.
const prunePingsOfCheck = `DELETE FROM pings WHERE check_id = $1 AND n <= (SELECT c.n_pings - ` + pingLimit + `
	FROM checks c LEFT JOIN projects p ON p.id = c.project_id LEFT JOIN users u ON u.id = p.owner_id WHERE c.id = $1)`

var (
	// Parameters without a name: the driver looks up each one that has one.
	sqliteInsertPing = `INSERT INTO pings (` + wholePing.names() + `) VALUES (` + wholePing.marks() + `)`

	sqliteSelectHot = `SELECT ` + hotCheck.list + ` FROM checks c WHERE c.code IN (SELECT value FROM json_each(?))`
	sqliteOverdue   = `SELECT ` + hotCheck.list + ` FROM checks c WHERE c.watch_at IS NOT NULL AND c.watch_at <= ? ORDER BY c.watch_at LIMIT ?`

	sqliteUpdateState = `UPDATE checks SET ` + stateOfCheck.numbered("%[1]s = ?", 1) + ` WHERE id = ?`
	// The same without the columns that are in indexes: SQLite takes an entry out of its
	// index and puts it back even when it has not changed.
	sqliteUpdateRest = `UPDATE checks SET ` + restOfState.numbered("%[1]s = ?", 1) + ` WHERE id = ?`
)

func (s *Store) recordSQLite(ctx context.Context, batch []*Arrival) error {
	// A context that can be cancelled costs the driver a goroutine for each
	// statement; a batch takes milliseconds and is not worth cancelling.
	ctx = context.WithoutCancel(ctx)
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		cached, err := tx.TakeCache(ctx)
		if err != nil {
			return fmt.Errorf("look for changes: %w", err)
		}
		known, _ := cached.(*knownChecks)
		if known == nil {
			known = new(knownChecks)
		}
		batch, err := resolveSQLite(ctx, tx, batch)
		if err != nil || len(batch) == 0 {
			return err
		}
		checks, err := checksOfBatch(ctx, tx, known, batch)
		if err != nil {
			return err
		}
		before := make(map[int64]indexed, len(checks))
		for _, c := range checks {
			before[c.ID] = indexedOf(c)
		}
		out := applyBatch(batch, checks)
		if err := insertPingsSQLite(ctx, tx, out.pings); err != nil {
			return err
		}
		for _, c := range out.checks {
			if err := writeStateSQLite(ctx, tx, c, indexedOf(c) != before[c.ID]); err != nil {
				return err
			}
		}
		prune := tx.Prepared(prunePingsOfCheck)
		for _, c := range out.prune {
			_, err := prune.Exec(ctx, c.ID)
			if err != nil {
				return fmt.Errorf("prune pings: %w", err)
			}
		}
		tx.Wake(db.TopicPings)
		if err := insertFlipsSQLite(ctx, tx, out.flips); err != nil {
			return err
		}
		return tx.PutCache(ctx, known)
	})
}

// resolveSQLite gives the arrivals with a slug their codes and returns the batch
// without those that cannot have one.
func resolveSQLite(ctx context.Context, tx *db.Tx, batch []*Arrival) ([]*Arrival, error) {
	if !slices.ContainsFunc(batch, (*Arrival).bySlug) {
		return batch, nil
	}
	resolve := tx.Prepared(selectBySlug)
	for _, a := range batch {
		if !a.bySlug() {
			continue
		}
		var codes []uuid.UUID
		var code uuid.UUID
		see := func() { codes = append(codes, code) }
		if err := resolve.Each(ctx, []any{db.UUID(&code)}, see, a.PingKey, a.Slug); err != nil {
			return nil, fmt.Errorf("look up slug: %w", err)
		}
		a.Code, a.Err = onlyCode(codes)
	}
	return slices.DeleteFunc(slices.Clone(batch), (*Arrival).bySlug), nil
}

// checksOfBatch returns the checks of a batch, those it does not know from the
// database, and knows them then. They are the caller's to change: known belongs
// to its transaction, and is gone when that fails.
func checksOfBatch(ctx context.Context, tx *db.Tx, known *knownChecks, batch []*Arrival) ([]*monitor.Check, error) {
	found, unknown := known.of(batch)
	checks := make([]*monitor.Check, 0, len(batch))
	for _, k := range found {
		checks = append(checks, k.check)
	}
	if len(unknown) == 0 {
		return checks, nil
	}
	read, err := readHot(ctx, tx, sqliteSelectHot, codesJSON(unknown))
	if err != nil {
		return nil, fmt.Errorf("load checks: %w", err)
	}
	for _, c := range read {
		known.put(knownCheck{check: c})
	}
	return append(checks, read...), nil
}

// readHot reads checks by a query for hotCheck.
func readHot(ctx context.Context, tx *db.Tx, query string, args ...any) (checks []*monitor.Check, err error) {
	var row monitor.Check
	see := func() {
		c := row
		checks = append(checks, &c)
	}
	err = tx.Prepared(query).Each(ctx, hotCheck.dest(&row), see, args...)
	return checks, err
}

// codesJSON is a list of codes for json_each.
func codesJSON(codes []uuid.UUID) string {
	b := make([]byte, 0, 2+39*len(codes))
	b = append(b, '[')
	for i, code := range codes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, code.String()...)
		b = append(b, '"')
	}
	return string(append(b, ']'))
}

func insertPingsSQLite(ctx context.Context, tx *db.Tx, pings []*monitor.Ping) error {
	insert := tx.Prepared(sqliteInsertPing)
	for _, p := range pings {
		_, err := insert.Exec(ctx, wholePing.values(make([]any, 0, 16), p)...)
		if err != nil {
			return fmt.Errorf("insert ping: %w", err)
		}
	}
	return nil
}

// indexed is what indexes of checks hold of a state: the columns inIndex.
type indexed struct {
	status  monitor.Status
	watchAt int64
}

func indexedOf(c *monitor.Check) indexed { return indexed{c.Status, c.WatchAt.UnixMicro()} }

// writeStateSQLite writes what pings and time change of a check; indexed = false:
// status and watch_at have not changed.
func writeStateSQLite(ctx context.Context, tx *db.Tx, c *monitor.Check, indexed bool) error {
	query := sqliteUpdateRest
	columns := restOfState
	if indexed {
		query = sqliteUpdateState
		columns = stateOfCheck
	}
	args := append(columns.values(make([]any, 0, 16), c), c.ID)
	_, err := tx.Prepared(query).Exec(ctx, args...)
	if err != nil {
		return fmt.Errorf("update check: %w", err)
	}
	return nil
}

// insertFlipsSQLite is insertFlip for many.
func insertFlipsSQLite(ctx context.Context, tx *db.Tx, flips []*monitor.Flip) error {
	if len(flips) == 0 {
		return nil
	}
	insert := tx.Prepared(insertFlipSQL)
	now := tx.Now()
	for _, f := range flips {
		if err := insert.Each(ctx, []any{&f.ID}, func() {}, f.CheckID, f.CreatedAt, string(f.Old), string(f.New), string(f.Reason),
			f.Silent, f.Heard); err != nil {
			return fmt.Errorf("insert flip: %w", err)
		}
		deliver := deliveriesOfFlipSQL(db.SQLite, f)
		if deliver == "" {
			continue
		}
		_, err := tx.Prepared(deliver).Exec(ctx, f.ID, f.CheckID, now)
		if err != nil {
			return fmt.Errorf("insert deliveries: %w", err)
		}
		if f.New == monitor.StatusDown {
			_, err := tx.Prepared(insertUntoldSQL).Exec(ctx, f.ID, f.CheckID)
			if err != nil {
				return fmt.Errorf("insert who is not told: %w", err)
			}
		}
		tx.Wake(db.TopicDeliveries)
	}
	tx.Wake(db.TopicChecks)
	return nil
}
