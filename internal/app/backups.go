package app

import (
	"context"
	"fmt"
	"time"

	"punctual/internal/auth"
	"punctual/internal/backup"
	"punctual/internal/config"
	"punctual/migrations"
)

// Backups makes backups of the database of the settings and restores them. env is
// the environment of the programs that PostgreSQL needs for that.
func Backups(cfg *config.Config, version string, env []string) (*backup.Config, error) {
	key, err := cfg.FindSecretKey()
	if err != nil {
		return nil, fmt.Errorf("read the secret key: %w", err)
	}
	return &backup.Config{
		DatabaseURL: cfg.DatabaseURL, SQLitePath: cfg.SQLitePath(), SecretKey: key, SecretKeySet: cfg.SecretKey != "",
		SecretKeyFile: cfg.SecretKeyFile(), FingerprintOf: auth.KeyFingerprint,
		PGBin: cfg.PGBin, Env: env, Version: version, Migrations: migrations.FS, Now: time.Now,
	}, nil
}

// Pauses of the backups that `up` makes.
const (
	// after the start, at the earliest
	firstBackup = 10 * time.Second
	// after one that failed, at most
	backupRetry = 15 * time.Minute
)

// makeBackups makes a backup whenever the newest one has the age that the settings
// want, until ctx ends. Trouble is logged each time, and told the operators once.
func (a *App) makeBackups(ctx context.Context) error {
	every := a.cfg.BackupInterval()
	failing := false
	pause := firstBackup
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		due, err := a.untilBackup(every)
		if err == nil && due > 0 {
			pause = due
			continue
		}
		var made backup.Result
		if err == nil {
			made, err = a.backup(ctx)
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the program ends, and the backup with it
		}
		switch {
		case err != nil:
			a.log.Error("a backup failed", "directory", a.cfg.BackupDir, "error", err)
			if !failing {
				a.incidents.Notify("A backup failed", fmt.Sprintf("The backup in %s failed: %v\n\nIt is tried again; you are told once.", a.cfg.BackupDir,
					err))
			}
			failing = true
			pause = min(every, backupRetry)
		default:
			a.log.Info("backup made", "file", made.Path, "bytes", made.Size, "removed", len(made.Removed))
			failing = false
			pause = every
		}
	}
}

// untilBackup is when the next backup is due, 0 for now. One that is dated in the
// future, as by a clock that was wrong, is warned of and delays nothing.
func (a *App) untilBackup(every time.Duration) (time.Duration, error) {
	now := time.Now()
	newest, err := backup.Newest(a.cfg.BackupDir)
	if err != nil || newest.IsZero() {
		return 0, err
	}
	if newest.After(now) {
		a.log.Warn("the newest backup is dated in the future: remove or rename it if the clock was wrong", "dated", newest)
		newest, err = backup.NewestUntil(a.cfg.BackupDir, now)
		if err != nil || newest.IsZero() {
			return 0, err
		}
	}
	return max(0, every-now.Sub(newest)), nil
}

func (a *App) backup(ctx context.Context) (backup.Result, error) {
	b, err := Backups(a.cfg, a.opts.Version, a.opts.Env)
	if err != nil {
		return backup.Result{}, err
	}
	return b.ToDir(ctx, a.cfg.BackupDir, a.cfg.BackupKeep)
}
