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
	// aheadWait is how long one waits that takes pings meanwhile: they are kept.
	aheadWait = 7 * 24 * time.Hour
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
	options := db.Options{Now: a.opts.Now, Observe: a.metrics.Statement, Log: a.log, MustExist: a.role != Up}
	return openPatiently(ctx, a.cfg, a.log, options, func() time.Duration {
		a.ahead = a.takeAhead(ctx)
		if a.ahead == nil {
			return databaseWait
		}
		return aheadWait
	})
}

// OpenWhenStarted opens the database of the settings as every process does: with
// PostgreSQL it waits up to 30 seconds for one that is still starting, and logs
// that it does.
func OpenWhenStarted(ctx context.Context, cfg *config.Config, log *slog.Logger, options db.Options) (*db.DB, error) {
	return openPatiently(ctx, cfg, log, options, func() time.Duration { return databaseWait })
}

// openPatiently is OpenWhenStarted that waits for as long as waiting says, which is called
// when it begins to.
func openPatiently(ctx context.Context, cfg *config.Config, log *slog.Logger, options db.Options,
	waiting func() time.Duration) (*db.DB, error) {
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
	// 0: it does not wait
	var atMost time.Duration
	for {
		d, err := openOnce(ctx, cfg.DatabaseURL, options)
		switch {
		case err == nil && atMost > 0:
			log.Info("the database answers", "after", time.Since(began).Round(time.Millisecond))
			return d, nil
		case err == nil:
			return d, nil
		case !db.IsAway(err) || ctx.Err() != nil:
			return nil, err
		case atMost == 0:
			atMost = waiting()
			log.Warn("the database does not answer yet, waiting for it", "at most", atMost, "error", err)
		case time.Since(began) >= atMost:
			return nil, fmt.Errorf("%w (PUNCTUAL_DATABASE_URL; waited %s for it)", err, atMost)
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
