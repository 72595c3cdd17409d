package main

import (
	"context"

	"punctual/internal/config"
	"punctual/internal/store"
	"punctual/migrations"
)

// openStore opens the database of the settings for a command that works on what
// is there. A schema that is older or newer than this program is an error that
// says what to do; nothing is migrated. The function returned closes it again.
func openStore(ctx context.Context, cfg *config.Config) (*store.Store, func(), error) {
	d, err := openDB(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	status, err := d.SchemaStatus(ctx, migrations.FS)
	if err == nil {
		err = status.Check()
	}
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	return store.New(d), func() { d.Close() }, nil
}
