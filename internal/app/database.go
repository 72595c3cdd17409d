package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"punctual/internal/auth"
	"punctual/internal/config"
	"punctual/internal/db"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/migrations"
)

const (
	// databaseWait is how long a start waits for a PostgreSQL that does not answer
	// yet: after a reboot, both often start at once.
	databaseWait = 30 * time.Second
	// databaseTry bounds one attempt, so that a host that swallows packets does not
	// use up the whole wait in silence.
	databaseTry = 5 * time.Second
	// databasePause lies between two attempts.
	databasePause = 500 * time.Millisecond
)

// open opens the database and makes sure of its schema.
func (a *App) open(ctx context.Context) error {
	var err error
	a.db, err = a.openWhenStarted(ctx)
	if err != nil {
		return err
	}
	if a.db.Pooled() {
		a.log.Info("a connection pooler stands before PostgreSQL: nothing is prepared, and calls between processes take up to a second")
	}
	a.store = store.New(a.db, kinds.Address)
	a.store.SetCaps(store.Caps{Projects: a.cfg.ProjectLimit, Channels: a.cfg.ChannelLimit, Members: a.cfg.MemberLimit})
	a.store.SetBlindLimit(a.cfg.BlindWait())
	err = a.checkSchema(ctx)
	if err == nil {
		err = a.keepPrivate()
	}
	if err == nil {
		err = auth.HoldKey(ctx, a.store, a.cfg.SecretKey, a.cfg.OldSecretKeys, a.log)
	}
	if err != nil {
		return errors.Join(err, a.db.Close(), a.abandon())
	}
	return nil
}

// openWhenStarted opens the database, and waits up to databaseWait for a
// PostgreSQL that refuses connections because it is still starting. What waiting
// cannot mend, such as a wrong password, is an error at once.
func (a *App) openWhenStarted(ctx context.Context) (*db.DB, error) {
	return OpenWhenStarted(ctx, a.cfg, a.log, db.Options{Now: a.opts.Now, Observe: a.metrics.Statement, Log: a.log, MustExist: a.role != Up})
}

// OpenWhenStarted opens the database of the settings as every process does: with
// PostgreSQL it waits up to 30 seconds for one that is still starting, and logs
// that it does.
func OpenWhenStarted(ctx context.Context, cfg *config.Config, log *slog.Logger, options db.Options) (*db.DB, error) {
	options.MaxConns = cfg.DBMaxConns
	if cfg.SQLitePath() != "" {
		d, err := db.Open(ctx, cfg.DatabaseURL, options)
		// it names the setting
		if errors.Is(err, db.ErrNoDatabase) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%w (PUNCTUAL_DATABASE_URL says where the database is)", err)
		}
		return d, nil
	}
	began := time.Now()
	for waiting := false; ; waiting = true {
		d, err := openOnce(ctx, cfg.DatabaseURL, options)
		switch {
		case err == nil && waiting:
			log.Info("the database answers", "after", time.Since(began).Round(time.Millisecond))
			return d, nil
		case err == nil:
			return d, nil
		case !db.IsAway(err) || ctx.Err() != nil:
			return nil, err
		case time.Since(began) >= databaseWait:
			return nil, fmt.Errorf("%w (PUNCTUAL_DATABASE_URL; waited %s for it)", err, databaseWait)
		case !waiting:
			log.Warn("the database does not answer yet, waiting for it", "at most", databaseWait, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(databasePause):
		}
	}
}

func openOnce(ctx context.Context, url string, options db.Options) (*db.DB, error) {
	ctx, cancel := context.WithTimeout(ctx, databaseTry)
	defer cancel()
	return db.Open(ctx, url, options)
}

// checkSchema migrates (role Up) or refuses a schema that is not this program's.
func (a *App) checkSchema(ctx context.Context) error {
	if a.role == Up {
		applied, err := a.db.Migrate(ctx, migrations.FS)
		if len(applied) > 0 {
			a.log.Info("database migrated", "applied", len(applied))
		}
		return err
	}
	schema, err := a.db.SchemaStatus(ctx, migrations.FS)
	if err != nil {
		return err
	}
	return schema.Check()
}
