package testdb

import (
	"context"
	"fmt"
	"strings"

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

// Rows are the rows of one INSERT: thousands of statements of a row each take longer than what is tested.
type Rows struct {
	// Values are those of all rows, one after the other.
	Values []any
	places []string
}

// Add adds a row.
func (r *Rows) Add(values ...any) {
	places := make([]string, len(values))
	for i := range values {
		places[i] = fmt.Sprintf("$%d", len(r.Values)+i+1)
	}
	r.places = append(r.places, "("+strings.Join(places, ", ")+")")
	r.Values = append(r.Values, values...)
}

// List is what stands behind VALUES: ($1, $2), ($3, $4).
func (r *Rows) List() string { return strings.Join(r.places, ", ") }
