package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"punctual/internal/monitor"
)

const pgLocateSlugs = `SELECT i.pos, p.id, c.code FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i(ping_key, slug, pos)
		JOIN projects p ON p.ping_key = i.ping_key
		LEFT JOIN LATERAL (SELECT code FROM checks WHERE project_id = p.id AND slug = i.slug LIMIT 2) c ON true
		ORDER BY i.pos`

// What recording needs comes along, so that the Recorder need not read it again.
func (s *Store) locateCodesPostgres(ctx context.Context, codes []uuid.UUID, found func(code, project uuid.UUID)) error {
	rows, err := s.db.RecordPool().Query(ctx, pgSelectKnown, pgUUIDs(codes))
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		k := knownCheck{check: new(monitor.Check)}
		if err := row.Scan(append(hotCheck.dest(k.check), &k.version)...); err != nil {
			return struct{}{}, err
		}
		s.known.put(k)
		found(k.check.Code, k.check.ProjectID)
		return struct{}{}, nil
	})
	return err
}

func (s *Store) locateSlugsPostgres(ctx context.Context, batch []*Arrival, found func(i int, project uuid.UUID, codes []uuid.UUID)) error {
	keys := make([]string, len(batch))
	slugs := make([]string, len(batch))
	for i, a := range batch {
		keys[i] = a.PingKey
		slugs[i] = a.Slug
	}
	rows, err := s.db.RecordPool().Query(ctx, pgLocateSlugs, keys, slugs)
	if err != nil {
		return err
	}
	codes := make([][]uuid.UUID, len(batch))
	projects := make([]uuid.UUID, len(batch))
	var pos int
	var project, code pgtype.UUID
	_, err = pgx.ForEachRow(rows, []any{&pos, &project, &code}, func() error {
		projects[pos-1] = project.Bytes
		if code.Valid {
			codes[pos-1] = append(codes[pos-1], code.Bytes)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, p := range projects {
		if p != uuid.Nil {
			found(i, p, codes[i])
		}
	}
	return nil
}
