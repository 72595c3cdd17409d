package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
)

// OwnerProjects returns the owner of a project and all projects of theirs. It
// fails with errs.NotFound when there is no such project.
func (s *Store) OwnerProjects(ctx context.Context, project uuid.UUID) (owner uuid.UUID, projects []uuid.UUID, err error) {
	rows, err := s.db.Query(ctx, `SELECT o.owner_id, o.id FROM projects p JOIN projects o ON o.owner_id = p.owner_id WHERE p.id = $1`, project)
	projects, err = db.Collect(rows, err, func(r *sql.Rows, id *uuid.UUID) error {
		return r.Scan(db.UUID(&owner), db.UUID(id))
	})
	if err != nil {
		return uuid.Nil, nil, fmt.Errorf("load the projects of an owner: %w", err)
	}
	if len(projects) == 0 {
		return uuid.Nil, nil, errs.NotFoundf("project not found")
	}
	return owner, projects, nil
}

// bodyStep is how many checks BodyBytes looks at in one statement: none is to last
// long, and SQLite cannot shorten its write-ahead log meanwhile.
const bodyStep = 500

// BodyBytes counts the bytes of the bodies of all pings of the owner's projects.
// It reads the row of each ping, but not the bodies.
func (s *Store) BodyBytes(ctx context.Context, owner uuid.UUID) (int64, error) {
	rows, err := s.db.Query(ctx, `SELECT c.id FROM checks c JOIN projects p ON p.id = c.project_id WHERE p.owner_id = $1`, owner)
	checks, err := db.Collect(rows, err, func(r *sql.Rows, id *int64) error { return r.Scan(id) })
	if err != nil {
		return 0, fmt.Errorf("list the checks of an owner: %w", err)
	}
	query := `SELECT coalesce(sum(length(g.body)), 0) FROM pings g WHERE ` + inSet(s.db.Engine, "g.check_id", 1, idSet)
	total := int64(0)
	for step := range slices.Chunk(checks, bodyStep) {
		var bytes int64
		if err := s.db.QueryRow(ctx, query, setOfIDs(s.db.Engine, step)).Scan(&bytes); err != nil {
			return 0, fmt.Errorf("count the bytes of bodies: %w", err)
		}
		total += bytes
	}
	return total, nil
}
