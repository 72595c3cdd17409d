package testdb

import (
	"context"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// ChecksOf returns the checks of a project, oldest first, with everything that is
// stored of them.
func ChecksOf(ctx context.Context, s *store.Store, project uuid.UUID) ([]monitor.Check, error) {
	list, err := s.CheckList(ctx, project)
	if err != nil {
		return nil, err
	}
	checks := make([]monitor.Check, 0, len(list))
	for i := range list {
		c, err := s.CheckByCode(ctx, list[i].Code)
		if err != nil {
			return nil, err
		}
		checks = append(checks, *c)
	}
	return checks, nil
}

// CountChecks returns how many checks there are in all projects of the owner.
func CountChecks(ctx context.Context, s *store.Store, owner uuid.UUID) (int, error) {
	return count(ctx, s.DB(), `SELECT count(*) FROM checks c JOIN projects p ON p.id = c.project_id WHERE p.owner_id = $1`, owner)
}

// PendingDeliveries returns how many deliveries are neither sent nor given up.
func PendingDeliveries(ctx context.Context, s *store.Store) (int, error) {
	return count(ctx, s.DB(), `SELECT count(*) FROM deliveries WHERE status = 'pending'`)
}

func count(ctx context.Context, q db.Querier, query string, args ...any) (n int, err error) {
	err = q.QueryRow(ctx, query, args...).Scan(&n)
	return n, err
}
