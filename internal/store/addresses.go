package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// Address is where a check is pinged.
type Address struct {
	Code uuid.UUID
	// of its project; "": it has none
	PingKey string
	// "": it has none
	Slug string
}

const selectAddresses = `SELECT c.code, coalesce(p.ping_key, ''), c.slug FROM checks c LEFT JOIN projects p ON p.id = c.project_id`

// addressPage is how many addresses are read at once.
const addressPage = 5000

// Addresses reads the addresses of all checks, page by page, and gives them to see. It ends
// with the error of see.
func (s *Store) Addresses(ctx context.Context, see func([]Address) error) error {
	after := int64(0)
	for {
		var page []Address
		var a Address
		var id int64
		err := s.db.Each(ctx, []any{&id, db.UUID(&a.Code), &a.PingKey, &a.Slug}, func() {
			page = append(page, a.usable())
			after = id
		}, `SELECT c.id, c.code, coalesce(p.ping_key, ''), c.slug FROM checks c LEFT JOIN projects p ON p.id = c.project_id
			WHERE c.id > $1 ORDER BY c.id LIMIT $2`, after, addressPage)
		if err != nil {
			return fmt.Errorf("read the addresses of checks: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		if err := see(page); err != nil {
			return err
		}
	}
}

// usable is a without a slug that leads nowhere.
func (a Address) usable() Address {
	if a.PingKey == "" {
		a.Slug = ""
	}
	return a
}

// AddressChanges are the addresses that have changed since a moment, and codes that are gone.
type AddressChanges struct {
	Changed []Address
	Gone    []uuid.UUID
	// by the clock of the database: all changes before it are among them, or were before
	Until time.Time
}

// ErrTooManyChanges is returned when so much has changed that all addresses are to be read.
var ErrTooManyChanges = errors.New("too many addresses have changed")

const (
	// one more than are looked up
	maxAddressChanges = 20_000
	// a transaction that changes addresses may last so long
	changesOverlap = time.Minute
)

// AddressesChanged reads what has changed since a moment that an earlier call has returned. It
// fails with ErrTooManyChanges.
func (s *Store) AddressesChanged(ctx context.Context, since time.Time) (AddressChanges, error) {
	var out AddressChanges
	err := s.db.QueryRow(ctx, `SELECT `+databaseNow(s.db.Engine)).Scan(db.Time(&out.Until))
	if err != nil {
		return out, fmt.Errorf("ask for the time: %w", err)
	}
	var code uuid.UUID
	seen := make(map[uuid.UUID]bool)
	err = s.db.Each(ctx, []any{db.UUID(&code)}, func() { seen[code] = true },
		`SELECT DISTINCT a.code FROM address_changes a WHERE a.changed_at >= $1 LIMIT $2`, since.Add(-changesOverlap), maxAddressChanges)
	if err != nil {
		return out, fmt.Errorf("look which addresses have changed: %w", err)
	}
	if len(seen) == 0 {
		return out, nil
	}
	if len(seen) == maxAddressChanges {
		return out, ErrTooManyChanges
	}
	codes := make([]uuid.UUID, 0, len(seen))
	for code := range seen {
		codes = append(codes, code)
	}
	var a Address
	err = s.db.Each(ctx, []any{db.UUID(&a.Code), &a.PingKey, &a.Slug}, func() {
		out.Changed = append(out.Changed, a.usable())
		delete(seen, a.Code)
	}, selectAddresses+` WHERE `+inSet(s.db.Engine, "c.code", 1, uuidSet), setOfUUIDs(s.db.Engine, codes))
	if err != nil {
		return out, fmt.Errorf("read changed addresses: %w", err)
	}
	for code := range seen {
		out.Gone = append(out.Gone, code)
	}
	return out, nil
}

// databaseNow is the present time by the clock of the database.
func databaseNow(e db.Engine) string {
	if e == db.Postgres {
		return `clock_timestamp()`
	}
	return `CAST(unixepoch('subsec') * 1000000 AS integer)`
}

// AddressChangesKept is how long changes can be followed.
const AddressChangesKept = 24 * time.Hour

// StaleAddressChanges are changes that all who follow them have seen.
func (s *Store) StaleAddressChanges() Stale {
	return staleRows("changes of ping URLs", "address_changes", "id", `changed_at < $1`, s.Now().Add(-2*AddressChangesKept))
}
