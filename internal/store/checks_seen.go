package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// ChecksSeenBy lists the checks of all projects that the user owns or is a
// member of, whose name, slug or code contains search, by name and at most
// limit of them. OwnerEmail stays empty.
func (s *Store) ChecksSeenBy(ctx context.Context, user uuid.UUID, search string, limit int) ([]CheckRow, error) {
	rows, err := s.db.Query(ctx, `SELECT `+wholeCheck.list+`, p.name
		FROM checks c JOIN projects p ON p.id = c.project_id LEFT JOIN members m ON m.project_id = p.id AND m.user_id = $1
		WHERE (p.owner_id = $1 OR m.user_id IS NOT NULL)
			AND (lower(c.name) LIKE lower($2) ESCAPE '!' OR c.slug LIKE lower($2) ESCAPE '!' OR CAST(c.code AS text) LIKE lower($2) ESCAPE '!')
		ORDER BY lower(c.name), c.id LIMIT $3`, user, "%"+escapeLike(search)+"%", limit)
	return db.Collect(rows, err, func(r *sql.Rows, c *CheckRow) error {
		return r.Scan(append(wholeCheck.dest(&c.Check), &c.ProjectName)...)
	})
}
