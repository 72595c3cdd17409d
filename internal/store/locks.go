package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// lockProject returns the project and keeps others from changing it meanwhile.
func lockProject(ctx context.Context, tx *db.Tx, id uuid.UUID) (*monitor.Project, error) {
	var p monitor.Project
	err := tx.QueryRow(ctx, `SELECT `+projectColumns+` FROM projects p WHERE p.id = $1`+forUpdate(tx), id).Scan(projectDest(&p)...)
	return &p, notFound(err, "project")
}

// lockUser returns the user and keeps others from changing them meanwhile.
func lockUser(ctx context.Context, tx *db.Tx, id uuid.UUID) (*monitor.User, error) {
	var u monitor.User
	err := scanUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`+forUpdate(tx), id), &u)
	return &u, notFound(err, "user")
}

// lockUsers is lockUser for several, some of whom may be the same.
func lockUsers(ctx context.Context, tx *db.Tx, ids ...uuid.UUID) (map[uuid.UUID]*monitor.User, error) {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	users := make(map[uuid.UUID]*monitor.User, len(ids))
	for _, id := range slices.Compact(ids) {
		u, err := lockUser(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		users[id] = u
	}
	return users, nil
}

// withAllOf runs fn in a transaction that has locked the projects of a user, if
// there is one, the user, and what is removed with them: what the user owns stays
// as it is. It fails with the error of fn, which may run more than once.
func (s *Store) withAllOf(ctx context.Context, user uuid.UUID, fn func(*db.Tx) error) error {
	for {
		err := s.db.InTx(ctx, func(tx *db.Tx) error {
			if err := lockOwned(ctx, tx, user); err != nil {
				return err
			}
			return fn(tx)
		})
		if !errors.Is(err, errOwnsMore) {
			return err
		}
	}
}

// errOwnsMore is the error of lockOwned when the user has got one more project
// while it waited for the user. The next try finds it.
var errOwnsMore = errors.New("a project came meanwhile")

func lockOwned(ctx context.Context, tx *db.Tx, user uuid.UUID) error {
	const owned = `SELECT p.id FROM projects p WHERE p.owner_id = $1`
	var locked int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM (`+owned+` ORDER BY p.id`+forUpdate(tx)+`) locked`, user).Scan(&locked)
	if err != nil {
		return fmt.Errorf("lock the projects of a user: %w", err)
	}
	if _, err := lockUsers(ctx, tx, user); errs.KindOf(err) == errs.NotFound {
		return nil
	} else if err != nil {
		return err
	}
	// Those that are locked stay the user's, and with the user locked no more come.
	var all int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM (`+owned+`) owned`, user).Scan(&all); err != nil {
		return fmt.Errorf("count the projects of a user: %w", err)
	}
	if all > locked {
		return errOwnsMore
	}
	return lockRemoved(ctx, tx, `c.project_id IN (`+owned+`)`, `h.project_id IN (`+owned+`)`, user)
}

// lockCheck returns the check with the code, its project locked before it. It is
// for what touches more of a project than the check.
func lockCheck(ctx context.Context, tx *db.Tx, code uuid.UUID) (*monitor.Check, error) {
	found, err := checkWhere(ctx, tx, `c.code = $1`, code)
	if err != nil {
		return nil, err
	}
	if found.ProjectID != uuid.Nil {
		_, err := lockProject(ctx, tx, found.ProjectID)
		if err != nil {
			return nil, err
		}
	}
	return checkWhere(ctx, tx, `c.code = $1`+forUpdate(tx), code)
}

// lockChannel returns the channel, its project locked before it, and keeps others
// from changing it meanwhile.
func lockChannel(ctx context.Context, tx *db.Tx, id uuid.UUID) (*monitor.Channel, error) {
	if _, err := lockProjectOfChannel(ctx, tx, id); err != nil {
		return nil, err
	}
	var ch monitor.Channel
	err := tx.QueryRow(ctx, `SELECT `+channelColumns+` FROM channels h WHERE h.id = $1`+forUpdate(tx), id).Scan(channelDest(&ch)...)
	return &ch, notFound(err, "channel")
}

// lockProjectOfChannel locks the project that a channel belongs to, and returns
// its id.
func lockProjectOfChannel(ctx context.Context, tx *db.Tx, id uuid.UUID) (uuid.UUID, error) {
	var project uuid.UUID
	err := tx.QueryRow(ctx, `SELECT h.project_id FROM channels h WHERE h.id = $1`, id).Scan(db.UUID(&project))
	if err != nil {
		return uuid.Nil, notFound(err, "channel")
	}
	_, err = lockProject(ctx, tx, project)
	return project, err
}

// lockRemoved locks, of the checks c and channels h that the conditions choose by
// $1, and that are going to be removed or to lose what they have, the checks and
// the deliveries that are not over: what records pings and deliveries holds these.
func lockRemoved(ctx context.Context, tx *db.Tx, checks, channels string, arg uuid.UUID) error {
	for _, query := range []string{
		`SELECT c.id FROM checks c WHERE ` + checks + ` ORDER BY c.id`,
		`SELECT d.id FROM deliveries d WHERE d.status = 'pending'
			AND d.channel_id IN (SELECT h.id FROM channels h WHERE ` + channels + `) ORDER BY d.id`,
	} {
		var n int
		err := tx.QueryRow(ctx, `SELECT count(*) FROM (`+query+forUpdate(tx)+`) locked`, arg).Scan(&n)
		if err != nil {
			return fmt.Errorf("lock what is to be removed: %w", err)
		}
	}
	return nil
}
