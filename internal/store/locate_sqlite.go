package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/google/uuid"

	"punctual/internal/db"
)

const (
	sqliteLocate = `SELECT c.code, c.project_id FROM checks c WHERE c.code IN (SELECT value FROM json_each(?))`

	// Two of a slug are enough to know that it is not unique.
	sqliteLocateSlugs = `SELECT i.key, p.id,
			(SELECT c.code FROM checks c WHERE c.project_id = p.id AND c.slug = i.value ->> 1 LIMIT 1),
			(SELECT c.code FROM checks c WHERE c.project_id = p.id AND c.slug = i.value ->> 1 LIMIT 1 OFFSET 1)
		FROM json_each(?) i JOIN projects p ON p.ping_key = i.value ->> 0`
)

func (s *Store) locateCodesSQLite(ctx context.Context, codes []uuid.UUID, found func(code, project uuid.UUID)) error {
	rows, err := s.db.Query(ctx, sqliteLocate, codesJSON(codes))
	_, err = db.Collect(rows, err, func(r *sql.Rows, _ *struct{}) error {
		var code, project uuid.UUID
		err := r.Scan(db.UUID(&code), db.UUID(&project))
		if err == nil {
			found(code, project)
		}
		return err
	})
	return err
}

func (s *Store) locateSlugsSQLite(ctx context.Context, batch []*Arrival, found func(i int, project uuid.UUID, codes []uuid.UUID)) error {
	pairs := make([][2]string, len(batch))
	for i, a := range batch {
		pairs[i] = [2]string{a.PingKey, a.Slug}
	}
	list, err := json.Marshal(pairs)
	if err != nil {
		return err
	}
	rows, err := s.db.Query(ctx, sqliteLocateSlugs, string(list))
	_, err = db.Collect(rows, err, func(r *sql.Rows, _ *struct{}) error {
		var i int
		var project, first, second uuid.UUID
		if err := r.Scan(&i, db.UUID(&project), db.UUID(&first), db.UUID(&second)); err != nil {
			return err
		}
		var codes []uuid.UUID
		for _, code := range []uuid.UUID{first, second} {
			if code != uuid.Nil {
				codes = append(codes, code)
			}
		}
		found(i, project, codes)
		return nil
	})
	return err
}
