package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// SlugTakenError is the error of a change that would give a check the slug of
// another one of its project.
type SlugTakenError struct {
	Slug string
	// like it, and free at that moment
	Free string
}

func (e *SlugTakenError) Error() string { return fmt.Sprintf("another check has the slug %q", e.Slug) }

// CreateCheckFreeSlug is CreateCheck for people: where another check of the
// project has the slug of c, c gets it with a number at its end, as pings by a
// slug of two checks are refused. Two calls at once do not get the same, nor do
// a call and one of UpdateCheckFreeSlug or EnsureSlug.
func (s *Store) CreateCheckFreeSlug(ctx context.Context, c *monitor.Check, channels Channels) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := roomForCheck(ctx, tx, c.ProjectID, 1); err != nil {
			return err
		}
		slug, err := freeSlug(ctx, tx, c.ProjectID, c.Slug, 0)
		if err != nil {
			return err
		}
		c.Slug = slug
		if err := insertCheck(ctx, tx, c); err != nil {
			return err
		}
		return assignChannels(ctx, tx, c, channels)
	})
}

// UpdateCheckFreeSlug is UpdateCheck for people: it fails with a *SlugTakenError
// where change gives the check a slug that another one of its project has. A slug
// that change leaves as it is may be shared, as the API allows that.
func (s *Store) UpdateCheckFreeSlug(ctx context.Context, code uuid.UUID, change func(*CheckChange) error) (*monitor.Check, error) {
	var out *monitor.Check
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := lockCheck(ctx, tx, code)
		if err != nil {
			return err
		}
		before := c.Slug
		edit := &CheckChange{Check: c, Now: tx.Now()}
		if err := change(edit); err != nil {
			return err
		}
		if err := slugIsFree(ctx, tx, c, before); err != nil {
			return err
		}
		out = c
		return storeChange(ctx, tx, edit)
	})
	return out, err
}

// slugIsFree fails where c has got another slug than before, and it is not free.
func slugIsFree(ctx context.Context, tx *db.Tx, c *monitor.Check, before string) error {
	if c.Slug == before {
		return nil
	}
	free, err := freeSlug(ctx, tx, c.ProjectID, c.Slug, c.ID)
	if err != nil {
		return err
	}
	if free != c.Slug {
		return &SlugTakenError{Slug: c.Slug, Free: free}
	}
	return nil
}

// FreeSlug returns slug where no check of the project has it, else the first of
// slug-2, slug-3, … that is free. No slug is always free.
func (s *Store) FreeSlug(ctx context.Context, project uuid.UUID, slug string) (string, error) {
	return freeSlug(ctx, s.db, project, slug, 0)
}

// freeSlug is FreeSlug to which the check with the id except (0 = none) does not
// count.
func freeSlug(ctx context.Context, q db.Querier, project uuid.UUID, slug string, except int64) (string, error) {
	if slug == "" {
		return "", nil
	}
	rows, err := q.Query(ctx, `SELECT c.slug FROM checks c WHERE c.project_id = $1 AND c.id <> $2 AND c.slug <> ''`, project, except)
	taken, err := db.Collect(rows, err, func(r *sql.Rows, slug *string) error { return r.Scan(slug) })
	if err != nil {
		return "", fmt.Errorf("look for slugs: %w", err)
	}
	is := make(map[string]bool, len(taken))
	for _, t := range taken {
		is[t] = true
	}
	free := slug
	for n := 2; is[free]; n++ {
		suffix := "-" + strconv.Itoa(n)
		free = slug[:min(len(slug), monitor.MaxSlugLength-len(suffix))] + suffix
	}
	return free, nil
}

// ChecksWithSlug counts the checks of a project that have a slug; 0 for none.
func (s *Store) ChecksWithSlug(ctx context.Context, project uuid.UUID, slug string) (int, error) {
	if slug == "" {
		return 0, nil
	}
	var n int
	err := s.db.QueryRow(ctx, `SELECT count(*) FROM checks WHERE project_id = $1 AND slug = $2`, project, slug).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count checks with a slug: %w", err)
	}
	return n, nil
}
