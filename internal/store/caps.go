package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
)

// Caps are how many things the projects of one owner may have together; 0 = any
// number. Who has more when a cap comes down keeps them, and gets no new ones.
// The cap of checks is the user's own.
type Caps struct {
	Projects int
	Channels int
	// memberships: one person in two projects counts twice
	Members int
}

// ErrCap is the cause of an errs.Conflict which says that a cap is reached.
var ErrCap = errors.New("a cap of the account is reached")

// SetCaps sets the caps, before others use the store. Without them there are none:
// commands of the operator have none.
func (s *Store) SetCaps(c Caps) { s.caps = c }

// makeRoom locks the owner, so that two who take the last place at once cannot
// both have it, and fails with errs.Conflict, because of ErrCap, where what is to
// be added is more than the caps allow.
func (s *Store) makeRoom(ctx context.Context, tx *db.Tx, owner uuid.UUID, add Caps) error {
	kinds := []struct {
		cap, add int
		count    string
		message  string
	}{
		{s.caps.Projects, add.Projects, `SELECT count(*) FROM projects p WHERE p.owner_id = $1`,
			"The limit on projects is reached: %d per account."},
		{s.caps.Channels, add.Channels, `SELECT count(*) FROM channels h JOIN projects p ON p.id = h.project_id WHERE p.owner_id = $1`,
			"The limit on integrations is reached: %d in all projects of an owner together."},
		{s.caps.Members, add.Members, `SELECT count(*) FROM members m JOIN projects p ON p.id = m.project_id WHERE p.owner_id = $1`,
			"The limit on members is reached: %d in all projects of an owner together."},
	}
	locked := false
	for _, k := range kinds {
		if k.cap == 0 || k.add == 0 {
			continue
		}
		if !locked {
			var id uuid.UUID
			if err := tx.QueryRow(ctx, `SELECT u.id FROM users u WHERE u.id = $1`+forUpdate(tx), owner).Scan(db.UUID(&id)); err != nil {
				return notFound(err, "user")
			}
			locked = true
		}
		var n int
		if err := tx.QueryRow(ctx, k.count, owner).Scan(&n); err != nil {
			return fmt.Errorf("count what the account has: %w", err)
		}
		if n+k.add > k.cap {
			return errs.Conflictf(k.message, k.cap).Because(ErrCap)
		}
	}
	return nil
}

// makeRoomIn is makeRoom for the owner of a project, which it locks.
func (s *Store) makeRoomIn(ctx context.Context, tx *db.Tx, project uuid.UUID, add Caps) error {
	p, err := lockProject(ctx, tx, project)
	if err != nil {
		return err
	}
	return s.makeRoom(ctx, tx, p.OwnerID, add)
}
