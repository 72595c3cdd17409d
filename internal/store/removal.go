package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// ProjectContent is what goes when a project is removed.
type ProjectContent struct {
	ID uuid.UUID
	// "" = none
	Name     string
	Checks   int
	Channels int
	// by address; the owner is none
	Members []Member
}

// Title is the name to show.
func (p ProjectContent) Title() string { return monitor.ProjectTitle(p.Name) }

// Farewell makes the mails for those who lose what is being removed. It may be
// called more than once, and must not use the store; nil: nobody is mailed.
type Farewell func(gone []ProjectContent) ([]*monitor.Email, error)

const contentColumns = `p.id, p.name, (SELECT count(*) FROM checks c WHERE c.project_id = p.id), (SELECT count(*) FROM channels h WHERE h.project_id = p.id)`

// ContentOwnedBy lists the projects that go with the account of the user, by name.
func (s *Store) ContentOwnedBy(ctx context.Context, user uuid.UUID) ([]ProjectContent, error) {
	return content(ctx, s.db, `p.owner_id = $1`, user)
}

// ContentOf returns what goes with a project.
func (s *Store) ContentOf(ctx context.Context, project uuid.UUID) (*ProjectContent, error) {
	return contentOf(ctx, s.db, project)
}

func contentOf(ctx context.Context, q db.Querier, project uuid.UUID) (*ProjectContent, error) {
	found, err := content(ctx, q, `p.id = $1`, project)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errs.NotFoundf("project not found")
	}
	return &found[0], nil
}

// content lists the projects p that wanted chooses, with their members: two
// statements, however many there are.
func content(ctx context.Context, q db.Querier, wanted string, arg uuid.UUID) ([]ProjectContent, error) {
	rows, err := q.Query(ctx, `SELECT `+contentColumns+` FROM projects p WHERE `+wanted+` ORDER BY lower(p.name), p.created_at, p.id`, arg)
	projects, err := db.Collect(rows, err, func(r *sql.Rows, p *ProjectContent) error {
		return r.Scan(db.UUID(&p.ID), &p.Name, &p.Checks, &p.Channels)
	})
	if err != nil {
		return nil, fmt.Errorf("list what is in projects: %w", err)
	}
	type placed struct {
		Member
		project uuid.UUID
	}
	rows, err = q.Query(ctx, `SELECT `+memberColumns+
		`, m.project_id FROM members m JOIN users u ON u.id = m.user_id JOIN projects p ON p.id = m.project_id
		WHERE `+wanted+` ORDER BY u.email`, arg)
	members, err := db.Collect(rows, err, func(r *sql.Rows, m *placed) error { return scanMember(r, &m.Member, db.UUID(&m.project)) })
	if err != nil {
		return nil, fmt.Errorf("list who works in projects: %w", err)
	}
	at := make(map[uuid.UUID]int, len(projects))
	for i := range projects {
		at[projects[i].ID] = i
	}
	for _, m := range members {
		i, known := at[m.project]
		if known {
			projects[i].Members = append(projects[i].Members, m.Member)
		}
	}
	return projects, nil
}

// DeleteProject removes a project with its checks, channels and members, and
// queues the mails that farewell makes for them in the same transaction.
func (s *Store) DeleteProject(ctx context.Context, id uuid.UUID, farewell Farewell) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if _, err := lockProject(ctx, tx, id); err != nil {
			return err
		}
		if err := lockRemoved(ctx, tx, `c.project_id = $1`, `h.project_id = $1`, id); err != nil {
			return err
		}
		gone, err := contentOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := queueFarewell(ctx, tx, farewell, []ProjectContent{*gone}); err != nil {
			return err
		}
		tx.Wake(db.TopicChecks)
		return execOne(ctx, tx, "delete project", "project", `DELETE FROM projects WHERE id = $1`, id)
	})
}

// DeleteUser removes a user with everything owned (projects, checks, channels,
// sessions, tokens) and the mails about them, and queues the mails that farewell
// makes for the members of the projects in the same transaction.
func (s *Store) DeleteUser(ctx context.Context, id uuid.UUID, farewell Farewell) error {
	return s.withAllOf(ctx, id, func(tx *db.Tx) error {
		u, err := lockUser(ctx, tx, id)
		if err != nil {
			return err
		}
		gone, err := content(ctx, tx, `p.owner_id = $1`, id)
		if err != nil {
			return err
		}
		// First, so that what the farewell queues is not taken for a mail of the account.
		if err := deleteUser(ctx, tx, id, u.Email); err != nil {
			return err
		}
		tx.Wake(db.TopicChecks)
		return queueFarewell(ctx, tx, farewell, gone)
	})
}

func queueFarewell(ctx context.Context, tx *db.Tx, farewell Farewell, gone []ProjectContent) error {
	if farewell == nil {
		return nil
	}
	mails, err := farewell(gone)
	if err != nil {
		return err
	}
	for _, m := range mails {
		if err := enqueueEmail(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

// deleteUser removes the row of a user, whatever refers to it, and their mails.
// A mail about somebody else's account that still waits to be sent to the address
// is theirs.
func deleteUser(ctx context.Context, tx *db.Tx, id uuid.UUID, email string) error {
	_, err := tx.Exec(ctx, `DELETE FROM emails WHERE account_id = $1 OR (recipient = $2 AND (account_id IS NULL OR status <> 'queued'))`, id,
		email)
	if err != nil {
		return fmt.Errorf("delete mails of a user: %w", err)
	}
	return execOne(ctx, tx, "delete user", "user", `DELETE FROM users WHERE id = $1`, id)
}
