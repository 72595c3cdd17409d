package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Wall is a screen that shows projects to whoever has its address.
type Wall struct {
	ID uuid.UUID
	// who made it
	UserID    uuid.UUID
	Name      string
	CreatedAt time.Time
	// to the minute; zero = never
	LastShownAt time.Time
	Projects    []WallProject
}

// WallProject is a project on a wall.
type WallProject struct {
	ID   uuid.UUID
	Name string
}

// WallCheck is a check as a wall shows it: ID, ProjectID, Name, CreatedAt, and
// what StatusAt needs.
type WallCheck struct {
	monitor.Check
	// since when Status, the stored one, is what it is
	StateSince time.Time
}

// MaxWalls is how many walls one user may have.
const MaxWalls = 20

const wallColumns = `w.id, w.user_id, w.name, w.created_at, w.last_shown_at`

func wallDest(w *Wall) []any {
	return []any{db.UUID(&w.ID), db.UUID(&w.UserID), &w.Name, db.Time(&w.CreatedAt), db.Time(&w.LastShownAt)}
}

// wallProjects joins the walls w with the projects p on them that their makers
// own or may change: what somebody may not change, they may not show around.
const wallProjects = ` JOIN wall_projects wp ON wp.wall_id = w.id JOIN projects p ON p.id = wp.project_id
	LEFT JOIN members m ON m.project_id = p.id AND m.user_id = w.user_id`

const wallMayShow = `(p.owner_id = w.user_id OR m.role IN ('w', 'm'))`

// CreateWall stores a new wall with the IDs of its projects; its own id and time
// are made where missing. Projects that the user may not change never show. It
// fails with errs.Conflict when the user has MaxWalls.
func (s *Store) CreateWall(ctx context.Context, w *Wall) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := roomForOne(ctx, tx, w.UserID, "walls", "walls", MaxWalls); err != nil {
			return err
		}
		newRow(tx, &w.ID, &w.CreatedAt)
		_, err := tx.Exec(ctx, `INSERT INTO walls (id, user_id, name, created_at) VALUES ($1, $2, $3, $4)`, w.ID, w.UserID, w.Name, w.CreatedAt)
		if err != nil {
			return fmt.Errorf("insert wall: %w", err)
		}
		for _, p := range w.Projects {
			_, err := tx.Exec(ctx, `INSERT INTO wall_projects (wall_id, project_id) VALUES ($1, $2)`, w.ID, p.ID)
			if err != nil {
				return fmt.Errorf("insert project of a wall: %w", err)
			}
		}
		return nil
	})
}

// WallsOf lists the walls of a user, oldest first, with the projects they show.
func (s *Store) WallsOf(ctx context.Context, user uuid.UUID) ([]Wall, error) {
	rows, err := s.db.Query(ctx, `SELECT `+wallColumns+` FROM walls w WHERE w.user_id = $1 ORDER BY w.created_at, w.id`, user)
	walls, err := db.Collect(rows, err, func(r *sql.Rows, w *Wall) error { return r.Scan(wallDest(w)...) })
	if err != nil {
		return nil, fmt.Errorf("list walls: %w", err)
	}
	rows, err = s.db.Query(ctx, `SELECT w.id, p.id, p.name FROM walls w`+wallProjects+` WHERE w.user_id = $1 AND `+wallMayShow+
		` ORDER BY lower(p.name), p.created_at`, user)
	type placed struct {
		WallProject
		wall uuid.UUID
	}
	projects, err := db.Collect(rows, err, func(r *sql.Rows, p *placed) error { return r.Scan(db.UUID(&p.wall), db.UUID(&p.ID), &p.Name) })
	if err != nil {
		return nil, fmt.Errorf("list projects of walls: %w", err)
	}
	for i := range walls {
		for _, p := range projects {
			if p.wall == walls[i].ID {
				walls[i].Projects = append(walls[i].Projects, p.WallProject)
			}
		}
	}
	return walls, nil
}

// ShowWall returns a wall with its projects and, by project, their checks. It is
// errs.NotFound for one that is not there, or whose maker's account is not
// active. That it was shown is noted, at most once a minute.
func (s *Store) ShowWall(ctx context.Context, id uuid.UUID) (*Wall, map[uuid.UUID][]WallCheck, error) {
	var w Wall
	err := s.db.QueryRow(ctx, `SELECT `+wallColumns+` FROM walls w JOIN users u ON u.id = w.user_id WHERE w.id = $1 AND u.is_active`,
		id).Scan(wallDest(&w)...)
	if err != nil {
		return nil, nil, notFound(err, "wall")
	}
	rows, err := s.db.Query(ctx, `SELECT p.id, p.name FROM walls w`+wallProjects+` WHERE w.id = $1 AND `+wallMayShow+
		` ORDER BY lower(p.name), p.created_at`, id)
	w.Projects, err = db.Collect(rows, err, func(r *sql.Rows, p *WallProject) error { return r.Scan(db.UUID(&p.ID), &p.Name) })
	if err != nil {
		return nil, nil, fmt.Errorf("list projects of a wall: %w", err)
	}
	rows, err = s.db.Query(ctx, `SELECT `+wallCheck.list+`, (SELECT max(f.created_at) FROM flips f WHERE f.check_id = c.id)
		FROM walls w`+wallProjects+` JOIN checks c ON c.project_id = p.id WHERE w.id = $1 AND `+wallMayShow+` ORDER BY lower(c.name), c.id`, id)
	now := s.Now()
	checks, err := db.Collect(rows, err, func(r *sql.Rows, c *WallCheck) error {
		var flip time.Time
		dest := append(wallCheck.dest(&c.Check), db.Time(&flip))
		if err := r.Scan(dest...); err != nil {
			return err
		}
		c.StateSince = stateSince(&c.Check, flip, now)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list checks of a wall: %w", err)
	}
	byProject := make(map[uuid.UUID][]WallCheck, len(w.Projects))
	for i := range checks {
		byProject[checks[i].ProjectID] = append(byProject[checks[i].ProjectID], checks[i])
	}
	minute := now.Truncate(time.Minute)
	if w.LastShownAt.Before(minute) {
		_, err := s.db.Exec(ctx, `UPDATE walls SET last_shown_at = $2 WHERE id = $1`, w.ID, minute)
		if err != nil {
			return nil, nil, fmt.Errorf("note that a wall was shown: %w", err)
		}
		w.LastShownAt = minute
	}
	return &w, byProject, nil
}

// DeleteWall removes the wall with the id if it is the user's; otherwise it
// fails with errs.NotFound.
func (s *Store) DeleteWall(ctx context.Context, user, id uuid.UUID) error {
	return execOne(ctx, s.db, "delete wall", "wall", `DELETE FROM walls WHERE id = $1 AND user_id = $2`, id, user)
}
