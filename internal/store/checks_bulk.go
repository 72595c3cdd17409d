package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// bulkBatch is how many checks one transaction changes: pings of the checks
// that are being changed wait for it.
const bulkBatch = 250

// UpdateChecks is UpdateCheck for those of the checks, by internal id, that are
// in the project. change tells whether it has changed anything; a check of which
// it has not is left alone. It returns how many were changed. It works in
// batches: an error leaves what was done before.
func (s *Store) UpdateChecks(ctx context.Context, project uuid.UUID, checks []int64, change func(*CheckChange) bool) (changed int,
	err error) {
	err = inBatches(checks, func(ids []int64) error {
		var n int
		err := s.db.InTx(ctx, func(tx *db.Tx) error {
			// this may run again
			n = 0
			if _, err := lockProject(ctx, tx, project); err != nil {
				return unlessGone(err)
			}
			found, err := lockChecks(ctx, tx, project, ids)
			if err != nil {
				return err
			}
			for i := range found {
				edit := newChange(&found[i], tx.Now())
				if !change(edit) {
					continue
				}
				n++
				if err := storeChange(ctx, tx, edit); err != nil {
					return err
				}
			}
			return nil
		})
		changed += n
		return err
	})
	if err != nil {
		return changed, fmt.Errorf("change checks: %w", err)
	}
	return changed, nil
}

// unlessGone is no error where a project is not there any more: none of its checks
// are then.
func unlessGone(err error) error {
	if errs.KindOf(err) == errs.NotFound {
		return nil
	}
	return err
}

// lockChecks locks the rows in the order of their ids, as those who record pings do.
func lockChecks(ctx context.Context, tx *db.Tx, project uuid.UUID, ids []int64) ([]monitor.Check, error) {
	rows, err := tx.Query(ctx, `SELECT `+wholeCheck.list+` FROM checks c WHERE c.project_id = $1 AND `+inSet(tx.Engine(), "c.id", 2, idSet)+
		` ORDER BY c.id`+forUpdate(tx),
		project, setOfIDs(tx.Engine(), ids))
	return db.Collect(rows, err, collectCheck)
}

// DeleteChecks is DeleteCheck for those of the checks, by internal id, that are
// in the project. It returns how many there were, and works in batches.
func (s *Store) DeleteChecks(ctx context.Context, project uuid.UUID, checks []int64) (deleted int, err error) {
	err = inBatches(checks, func(ids []int64) error {
		var n int64
		err := s.db.InTx(ctx, func(tx *db.Tx) (err error) {
			n = 0
			if _, err := lockProject(ctx, tx, project); err != nil {
				return unlessGone(err)
			}
			if _, err := lockChecks(ctx, tx, project, ids); err != nil {
				return err
			}
			n, err = execAffects(ctx, tx, `DELETE FROM checks WHERE project_id = $1 AND `+inSet(tx.Engine(), "id", 2, idSet), project,
				setOfIDs(tx.Engine(), ids))
			tx.Wake(db.TopicChecks)
			return err
		})
		deleted += int(n)
		return err
	})
	if err != nil {
		return deleted, fmt.Errorf("delete checks: %w", err)
	}
	return deleted, nil
}

// AssignChannels switches the channels on or off for the checks, by internal id,
// and returns of each channel the checks for which that was a change. Checks and
// channels that are not in the project are passed over.
func (s *Store) AssignChannels(ctx context.Context, project uuid.UUID, checks []int64, channels []uuid.UUID,
	on bool) (map[uuid.UUID][]int64, error) {
	var changed map[uuid.UUID][]int64
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		changed = map[uuid.UUID][]int64{}
		e := tx.Engine()
		if _, err := lockProject(ctx, tx, project); err != nil {
			return unlessGone(err)
		}
		if _, err := lockChecks(ctx, tx, project, checks); err != nil {
			return err
		}
		pairs := `SELECT c.id, h.id FROM checks c JOIN channels h ON h.project_id = c.project_id WHERE c.project_id = $1 AND ` +
			inSet(e, "c.id", 2, idSet) + ` AND ` + inSet(e, "h.id", 3, uuidSet)
		query := `DELETE FROM check_channels WHERE (check_id, channel_id) IN (` + pairs + `) RETURNING check_id, channel_id`
		if on {
			query = `INSERT INTO check_channels (check_id, channel_id) ` + pairs + ` ON CONFLICT DO NOTHING RETURNING check_id, channel_id`
		}
		rows, err := tx.Query(ctx, query, project, setOfIDs(e, checks), setOfUUIDs(e, channels))
		type pair struct {
			check   int64
			channel uuid.UUID
		}
		got, err := db.Collect(rows, err, func(r *sql.Rows, p *pair) error { return r.Scan(&p.check, db.UUID(&p.channel)) })
		if err != nil {
			return fmt.Errorf("assign channels: %w", err)
		}
		for _, p := range got {
			changed[p.channel] = append(changed[p.channel], p.check)
		}
		tx.Wake(db.TopicChecks)
		return nil
	})
	return changed, err
}

// inBatches calls work with the ids, in order, some at a time.
func inBatches(ids []int64, work func([]int64) error) error {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	for batch := range slices.Chunk(slices.Compact(ids), bulkBatch) {
		if err := work(batch); err != nil {
			return err
		}
	}
	return nil
}
