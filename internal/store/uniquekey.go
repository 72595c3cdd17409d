package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// CheckByUniqueKey returns the check with the public name (monitor.UniqueKey)
// among the checks of the given projects; no projects have no checks.
func (s *Store) CheckByUniqueKey(ctx context.Context, key string, projects ...uuid.UUID) (*monitor.Check, error) {
	if len(projects) == 0 {
		return nil, errs.NotFoundf("check not found")
	}
	where := ` WHERE c.project_id IN (`
	args := make([]any, 0, len(projects))
	for i, p := range projects {
		if i > 0 {
			where += ", "
		}
		where += fmt.Sprintf("$%d", i+1)
		args = append(args, p)
	}
	return s.checkByUniqueKey(ctx, key, where+")", args...)
}

// AnyCheckByUniqueKey is CheckByUniqueKey over the checks of all projects, for
// superusers.
func (s *Store) AnyCheckByUniqueKey(ctx context.Context, key string) (*monitor.Check, error) {
	return s.checkByUniqueKey(ctx, key, ` WHERE c.project_id IS NOT NULL`)
}

// checkByUniqueKey looks at the codes only: the key is a hash that the database
// cannot look up.
func (s *Store) checkByUniqueKey(ctx context.Context, key, where string, args ...any) (*monitor.Check, error) {
	rows, err := s.db.Query(ctx, `SELECT c.id, c.code FROM checks c`+where, args...)
	if err != nil {
		return nil, fmt.Errorf("look for unique key: %w", err)
	}
	defer rows.Close()
	var found int64
	for rows.Next() {
		var id int64
		var code uuid.UUID
		if err := rows.Scan(&id, db.UUID(&code)); err != nil {
			return nil, fmt.Errorf("look for unique key: %w", err)
		}
		if monitor.UniqueKey(code) == key {
			found = id
			break
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for unique key: %w", err)
	}
	if found == 0 {
		return nil, errs.NotFoundf("check not found")
	}
	return s.CheckByID(ctx, found)
}
