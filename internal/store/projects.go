package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

const projectColumns = `p.id, p.owner_id, p.name, p.api_key, p.api_key_readonly, p.ping_key, p.badge_key, p.show_slugs, p.created_at`

func projectDest(p *monitor.Project) []any {
	return []any{db.UUID(&p.ID), db.UUID(&p.OwnerID), &p.Name, &p.APIKey, &p.APIKeyReadonly, db.Text(&p.PingKey), &p.BadgeKey,
		&p.ShowSlugs, db.Time(&p.CreatedAt)}
}

func insertProject(ctx context.Context, q db.Querier, p *monitor.Project) error {
	newRow(q, &p.ID, &p.CreatedAt)
	if p.BadgeKey == "" {
		p.BadgeKey = uuid.NewString()
	}
	_, err := q.Exec(ctx, `INSERT INTO projects (id, owner_id, name, api_key, api_key_readonly, ping_key, badge_key, show_slugs, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		p.ID, p.OwnerID, p.Name, p.APIKey, p.APIKeyReadonly, db.NullText(p.PingKey), p.BadgeKey, p.ShowSlugs, p.CreatedAt)
	if err != nil {
		return fmt.Errorf("insert project: %w", err)
	}
	return nil
}

// CreateProject stores a new project with its first channels. Its id and badge
// key are made where missing. It fails with errs.Conflict, because of ErrCap, when
// its owner may have no more.
func (s *Store) CreateProject(ctx context.Context, p *monitor.Project, channels ...*monitor.Channel) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.makeRoom(ctx, tx, p.OwnerID, Caps{Projects: 1, Channels: len(channels)}); err != nil {
			return err
		}
		if err := insertProject(ctx, tx, p); err != nil {
			return err
		}
		for _, ch := range channels {
			ch.ProjectID = p.ID
			if err := s.insertChannel(ctx, tx, ch); err != nil {
				return err
			}
		}
		return nil
	})
}

// ProjectByID returns the project with the id.
func (s *Store) ProjectByID(ctx context.Context, id uuid.UUID) (*monitor.Project, error) {
	return s.projectWhere(ctx, `p.id = $1`, id)
}

// ProjectByAPIKey returns the project one of whose stored API keys is stored,
// and whether that is the read-only one. An empty key opens nothing.
func (s *Store) ProjectByAPIKey(ctx context.Context, stored string) (p *monitor.Project, readonly bool, err error) {
	if stored == "" {
		return nil, false, errs.NotFoundf("project not found")
	}
	p, err = s.projectWhere(ctx, `p.api_key = $1 OR p.api_key_readonly = $1`, stored)
	if err != nil {
		return nil, false, err
	}
	return p, p.APIKey != stored, nil
}

// ProjectByOwnerAndName returns the oldest project of the owner with the name.
func (s *Store) ProjectByOwnerAndName(ctx context.Context, owner uuid.UUID, name string) (*monitor.Project, error) {
	return s.projectWhere(ctx, `p.owner_id = $1 AND p.name = $2`, owner, name)
}

func (s *Store) projectWhere(ctx context.Context, where string, args ...any) (*monitor.Project, error) {
	var p monitor.Project
	err := s.db.QueryRow(ctx, `SELECT `+projectColumns+` FROM projects p WHERE `+where+` ORDER BY p.created_at, p.id LIMIT 1`,
		args...).Scan(projectDest(&p)...)
	return &p, notFound(err, "project")
}

// ChangeProject lets change work on the project as stored now, keeps others
// from changing it meanwhile, stores it and returns it. Its owner changes only
// by AcceptTransfer. It fails with the error of change. change may run more than
// once, and must not use the store.
func (s *Store) ChangeProject(ctx context.Context, id uuid.UUID, change func(*monitor.Project) error) (*monitor.Project, error) {
	var p *monitor.Project
	err := s.db.InTx(ctx, func(tx *db.Tx) (err error) {
		p, err = lockProject(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := change(p); err != nil {
			return err
		}
		return updateProject(ctx, tx, p)
	})
	return p, err
}

// updateProject stores a project that lockProject has returned.
func updateProject(ctx context.Context, tx *db.Tx, p *monitor.Project) error {
	return execOne(ctx, tx, "update project", "project",
		`UPDATE projects SET name = $2, api_key = $3, api_key_readonly = $4, ping_key = $5, show_slugs = $6
		WHERE id = $1`, p.ID, p.Name, p.APIKey, p.APIKeyReadonly, db.NullText(p.PingKey), p.ShowSlugs)
}

// ProjectRow is a project as one user sees it.
type ProjectRow struct {
	monitor.Project
	Role monitor.Role
	// the owner asks the user to take the project over
	Offered    bool
	OwnerEmail string
	Checks     int
	Channels   int
	// disabled, unverified or with a failed last delivery
	BadChannels int
	// down by stored status or past their deadline
	DownChecks   int
	LateChecks   int
	PausedChecks int
	Started      int
	// never pinged
	NewChecks int
}

// projectRows selects the projects that wanted chooses, by id, role and offered,
// as ProjectRows; $1 is the present moment. All counts of checks come from one
// look at each check: nearly every page shows them, and there may be ten thousand.
func projectRows(wanted string) string {
	return `WITH w AS (` + wanted + `)
		SELECT ` + projectColumns + `, o.email, coalesce(n.checks, 0),
			(SELECT count(*) FROM channels h WHERE h.project_id = p.id),
			(SELECT count(*) FROM channels h WHERE h.project_id = p.id AND (h.disabled OR NOT h.verified OR h.last_error <> '')),
			coalesce(n.down, 0), coalesce(n.late, 0), coalesce(n.paused, 0), coalesce(n.started, 0), coalesce(n.fresh, 0), w.role, w.offered
		FROM w JOIN projects p ON p.id = w.id JOIN users o ON o.id = p.owner_id
		LEFT JOIN (SELECT c.project_id, count(*) AS checks,
				sum(CASE WHEN c.status = 'down' OR (c.alert_at <= $1 AND c.schedule_error = '') THEN 1 ELSE 0 END) AS down,
				sum(CASE WHEN c.status = 'up' AND c.last_start_at IS NULL AND c.due_at <= $1 AND c.alert_at > $1 THEN 1 ELSE 0 END) AS late,
				sum(CASE WHEN c.status = 'paused' THEN 1 ELSE 0 END) AS paused,
				sum(CASE WHEN c.last_start_at IS NULL THEN 0 ELSE 1 END) AS started,
				sum(CASE WHEN c.status = 'new' AND c.last_start_at IS NULL THEN 1 ELSE 0 END) AS fresh
			FROM checks c WHERE c.project_id IN (SELECT id FROM w) GROUP BY c.project_id) n ON n.project_id = p.id`
}

func projectRowDest(p *ProjectRow) []any {
	return append(projectDest(&p.Project), &p.OwnerEmail, &p.Checks, &p.Channels, &p.BadChannels, &p.DownChecks, &p.LateChecks,
		&p.PausedChecks, &p.Started, &p.NewChecks, &p.Role, &p.Offered)
}

// ownProjects chooses the projects that user $2 owns or is a member of.
const ownProjects = `SELECT p.id, CASE WHEN p.owner_id = $2 THEN 'o' ELSE m.role END AS role, m.transfer_requested_at IS NOT NULL AS offered
	FROM projects p LEFT JOIN members m ON m.project_id = p.id AND m.user_id = $2
	WHERE (p.owner_id = $2 OR m.user_id IS NOT NULL)`

// ProjectsOf lists the projects the user owns or is a member of, by name.
func (s *Store) ProjectsOf(ctx context.Context, user uuid.UUID) ([]ProjectRow, error) {
	return db.List(ctx, s.db, projectRowDest, projectRows(ownProjects)+` ORDER BY lower(p.name), p.created_at`, s.Now(), user)
}

// ProjectOf returns one project of those that ProjectsOf lists.
func (s *Store) ProjectOf(ctx context.Context, user, project uuid.UUID) (*ProjectRow, error) {
	var p ProjectRow
	err := s.db.QueryRow(ctx, projectRows(ownProjects+` AND p.id = $3`), s.Now(), user, project).Scan(projectRowDest(&p)...)
	return &p, notFound(err, "project")
}

// Projects lists all projects whose name or owner contains search, newest
// first, for the admin pages.
func (s *Store) Projects(ctx context.Context, search string, limit, offset int) ([]ProjectRow, error) {
	return db.List(ctx, s.db, projectRowDest, projectRows(
		`SELECT p.id, 'o' AS role, false AS offered FROM projects p JOIN users o ON o.id = p.owner_id
		WHERE lower(p.name) LIKE lower($2) ESCAPE '!' OR o.email LIKE lower($2) ESCAPE '!'
		ORDER BY p.created_at DESC, p.id LIMIT $3 OFFSET $4`)+` ORDER BY p.created_at DESC, p.id`, s.Now(), "%"+escapeLike(
		search)+"%", limit, offset)
}

// RoleIn returns what the user may do in the project: RoleOwner, a member's
// role, or RoleNone.
func (s *Store) RoleIn(ctx context.Context, user, project uuid.UUID) (monitor.Role, error) {
	var role monitor.Role
	err := s.db.QueryRow(ctx, `SELECT CASE WHEN p.owner_id = $1 THEN 'o' ELSE coalesce(m.role, '') END
		FROM projects p LEFT JOIN members m ON m.project_id = p.id AND m.user_id = $1 WHERE p.id = $2`, user, project).Scan(&role)
	if db.IsNoRows(err) {
		return monitor.RoleNone, nil
	}
	if err != nil {
		return monitor.RoleNone, fmt.Errorf("load role: %w", err)
	}
	return role, nil
}
