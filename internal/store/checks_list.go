package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// inListOrder is the end of a statement that lists the checks of a project. An index
// has them in this order, so that SQLite does not hold all rows, with their
// descriptions, to sort them.
const inListOrder = ` FROM checks c WHERE c.project_id = $1 ORDER BY c.created_at, c.id`

// CheckList lists the checks of a project, oldest first, as pages list them:
// what a row has no place for (codes of badges, description, filters, when the
// watcher looks) is zero.
func (s *Store) CheckList(ctx context.Context, project uuid.UUID) ([]monitor.Check, error) {
	leave, err := s.Turn(ctx, project)
	if err != nil {
		return nil, err
	}
	defer leave()
	dest := func(c *monitor.Check) []any {
		c.ProjectID = project
		return rowCheck.dest(c)
	}
	return db.List(ctx, s.db, dest, `SELECT `+rowCheck.list+inListOrder, project)
}

// EachCheckObject calls see for each check of a project, oldest first, as the API
// shows them: the last runs, the run id of a start and when the watcher looks are
// zero. The check is the same variable each time; see must not ask the database
// for anything. Like all lists of checks it takes a turn, see Turn.
func (s *Store) EachCheckObject(ctx context.Context, project uuid.UUID, see func(*monitor.Check)) error {
	leave, err := s.Turn(ctx, project)
	if err != nil {
		return err
	}
	defer leave()
	c := monitor.Check{ProjectID: project}
	err = s.db.Each(ctx, objectCheck.dest(&c), func() { see(&c) },
		`SELECT `+objectCheck.list+inListOrder, project)
	if err != nil {
		return fmt.Errorf("list checks: %w", err)
	}
	return nil
}

// Descriptions are the descriptions of the checks of a project with the ids, by
// id; those that are gone are not in it. One project reads one such set at a time;
// it fails with errs.Unavailable where that takes too long.
func (s *Store) Descriptions(ctx context.Context, project uuid.UUID, ids []int64) (map[int64]string, error) {
	leave, err := enter(ctx, s.turns.texts, project.String())
	if err != nil {
		return nil, err
	}
	defer leave()
	var id int64
	var description string
	found := make(map[int64]string, len(ids))
	err = s.db.Each(ctx, []any{&id, &description}, func() { found[id] = description },
		`SELECT c.id, c.description FROM checks c WHERE c.project_id = $1 AND `+inSet(s.db.Engine, "c.id", 2, idSet),
		project, setOfIDs(s.db.Engine, ids))
	if err != nil {
		return nil, fmt.Errorf("read descriptions: %w", err)
	}
	return found, nil
}
