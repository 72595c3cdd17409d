package main

import (
	"context"

	"punctual/internal/config"
	"punctual/internal/db"
	"punctual/internal/store"
	"punctual/migrations"
)

// openStore opens the database of the settings for a command that works on what
// is there. A database that is missing, or a schema that is not this program's, is
// an error that says what to do; nothing is made or migrated, but for the secret
// key of an SQLite database. The function returned closes it again.
func openStore(ctx context.Context, cfg *config.Config) (*store.Store, func(), error) {
	d, err := openDB(ctx, cfg, db.Options{MustExist: true})
	if err != nil {
		return nil, nil, err
	}
	status, err := d.SchemaStatus(ctx, migrations.FS)
	if err == nil {
		err = status.Check()
	}
	if err == nil && cfg.NewSecretKey() {
		err = cfg.EnsureSecretKey()
	}
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	return store.New(d), func() { d.Close() }, nil
}
