package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
)

// Locate finds the checks of a batch without recording anything: it sets Code
// where there was a slug only, and Project, which of a slug that no check has is
// that of the ping key. Where there is no such check, or several, it sets Err.
func (s *Store) Locate(ctx context.Context, batch []*Arrival) error {
	byCode := make(map[uuid.UUID][]*Arrival, len(batch))
	var bySlug []*Arrival
	for _, a := range batch {
		a.Err = nil
		a.Project = uuid.Nil
		if a.bySlug() {
			bySlug = append(bySlug, a)
			continue
		}
		a.Err = errs.NotFoundf("not found")
		byCode[a.Code] = append(byCode[a.Code], a)
	}
	if len(byCode) > 0 {
		codes := make([]uuid.UUID, 0, len(byCode))
		for code := range byCode {
			codes = append(codes, code)
		}
		found := func(code, project uuid.UUID) {
			for _, a := range byCode[code] {
				a.Project = project
				a.Err = nil
			}
		}
		if err := s.locateCodes(ctx, codes, found); err != nil {
			return fmt.Errorf("look for checks: %w", err)
		}
	}
	if len(bySlug) > 0 {
		if err := s.locateSlugs(ctx, bySlug); err != nil {
			return fmt.Errorf("look for slugs: %w", err)
		}
	}
	return nil
}

// locateCodes tells of each check that there is the project it belongs to, zero
// for none.
func (s *Store) locateCodes(ctx context.Context, codes []uuid.UUID, found func(code, project uuid.UUID)) error {
	if s.db.Engine == db.Postgres {
		return s.locateCodesPostgres(ctx, codes, found)
	}
	return s.locateCodesSQLite(ctx, codes, found)
}

// locateSlugs sets Code, Project and Err of arrivals that have a slug only.
func (s *Store) locateSlugs(ctx context.Context, batch []*Arrival) error {
	for _, a := range batch {
		a.Err = errs.NotFoundf("not found")
	}
	found := func(i int, project uuid.UUID, codes []uuid.UUID) {
		a := batch[i]
		a.Project = project
		a.Code, a.Err = onlyCode(codes)
	}
	if s.db.Engine == db.Postgres {
		return s.locateSlugsPostgres(ctx, batch, found)
	}
	return s.locateSlugsSQLite(ctx, batch, found)
}

// ProjectSize is how large the project of a check is.
type ProjectSize struct {
	// zero: the check belongs to none
	Project uuid.UUID
	Checks  int
}

// ProjectSize returns the project of a check and how many checks it has. It
// fails with errs.NotFound when there is no such check.
func (s *Store) ProjectSize(ctx context.Context, check uuid.UUID) (size ProjectSize, err error) {
	err = s.db.QueryRow(ctx,
		`SELECT c.project_id, (SELECT count(*) FROM checks o WHERE o.project_id = c.project_id) FROM checks c WHERE c.code = $1`, check).
		Scan(db.UUID(&size.Project), &size.Checks)
	return size, notFound(err, "check")
}
