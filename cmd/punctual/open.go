package main

import (
	"context"
	"fmt"

	"punctual/internal/config"
	"punctual/internal/db"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/migrations"
)

// openStore opens the database of the settings for a command that works on what
// is there. A database that is missing, or a schema that is not this program's, is
// an error that says what to do; nothing is made or migrated, but for the secret
// key of an SQLite database. The function returned closes it again.
func openStore(ctx context.Context, cfg *config.Config) (*store.Store, func(), error) {
	d, err := db.Open(ctx, cfg.DatabaseURL, db.Options{MustExist: true, MaxConns: cfg.DBMaxConns})
	if err != nil {
		return nil, nil, err
	}
	status, err := d.SchemaStatus(ctx, migrations.FS)
	if err == nil {
		err = status.Check()
	}
	s := store.New(d, kinds.Address)
	if err == nil && cfg.NewSecretKey() {
		err = makeKey(ctx, s, cfg)
	}
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	return s, func() { d.Close() }, nil
}

// makeKey makes the secret key of an SQLite database that has none yet. It fails
// where the database was made with one that is missing: a new one would hide that.
func makeKey(ctx context.Context, s *store.Store, cfg *config.Config) error {
	fingerprint, err := s.KeyFingerprint(ctx)
	if err != nil {
		return err
	}
	if fingerprint != "" {
		return fmt.Errorf(
			"the secret key of this database is missing: put %s back from a backup, or set PUNCTUAL_SECRET_KEY. If it is lost, "+
				"docs/secret-key.md says what to do",
			cfg.SecretKeyFile())
	}
	return cfg.EnsureSecretKey()
}
