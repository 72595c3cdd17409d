package app

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"punctual/internal/backup"
	"punctual/internal/config"
	"punctual/internal/db"
	"punctual/internal/notify/kinds"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/migrations"
)

// SelfChecks are the self-checks as a command runs them, beside the
// servers: all but those of the inside of a process. The database is opened when
// the first check asks for it; close closes it again.
func SelfChecks(cfg *config.Config) (r *status.Runner, closeDB func()) {
	var opened *store.Store
	var mu sync.Mutex
	open := func(ctx context.Context) (*store.Store, error) {
		mu.Lock()
		defer mu.Unlock()
		if opened != nil {
			return opened, nil
		}
		// spent waiting for another check that tried
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d, err := db.Open(ctx, cfg.DatabaseURL, db.Options{MaxConns: 4, ReadOnly: true})
		if err != nil {
			return nil, err
		}
		opened = store.New(d, kinds.Address)
		return opened, nil
	}
	checks := slices.Concat(databaseChecks(cfg, open), storageChecks(cfg), workerChecks(cfg, open, nil), mailChecks(cfg),
		networkChecks(cfg, time.Now), ownChecks(cfg))
	return status.NewRunner(checks, nil), func() {
		mu.Lock()
		defer mu.Unlock()
		if opened != nil {
			opened.DB().Close()
		}
	}
}

// selfChecks are those of this process, in the order in which they are shown.
func (a *App) selfChecks() *status.Runner {
	open := func(context.Context) (*store.Store, error) { return a.store, nil }
	return status.NewRunner(slices.Concat(
		databaseChecks(a.cfg, open),
		storageChecks(a.cfg),
		workerChecks(a.cfg, open, a.smtpAddr),
		a.processChecks(),
		mailChecks(a.cfg),
		networkChecks(a.cfg, a.store.Now),
		ownChecks(a.cfg),
	), a.store.Now)
}

// knownHealth is the severity each self-check has found lately, without looking.
func (a *App) knownHealth() map[string]int {
	known := make(map[string]int)
	for _, r := range a.status.Last() {
		if a.store.Now().Sub(r.At) <= 5*time.Minute {
			known[r.Name] = int(r.Severity)
		}
	}
	return known
}

func databaseChecks(cfg *config.Config, open status.Open) []status.Check {
	checks := []status.Check{status.Database(cfg.DatabaseURL), status.Migrations(open, migrations.FS)}
	if cfg.BackupDir != "" {
		checks = append(checks, status.Backups(func() (time.Time, error) { return backup.Newest(cfg.BackupDir) }, cfg.BackupInterval(), time.Now))
	}
	if cfg.SQLitePath() != "" {
		checks = append(checks, status.Commits(cfg.SQLitePath()))
	} else {
		checks = append(checks, status.Clock(func(ctx context.Context) (time.Duration, error) {
			s, err := open(ctx)
			if err != nil {
				return 0, err
			}
			return s.DB().MeasureSkew(ctx)
		}))
	}
	return checks
}

// storageChecks look at the directory of an SQLite database. With PostgreSQL
// nothing of ours is kept here; then it is the one for temporary files, where there
// is such a one.
func storageChecks(cfg *config.Config) []status.Check {
	d, ok := dataDirectory(cfg)
	if !ok {
		return nil
	}
	return []status.Check{status.Storage(d), status.Disk(d, status.DiskSpace)}
}

func dataDirectory(cfg *config.Config) (d status.Directory, ok bool) {
	path := cfg.SQLitePath()
	if path != "" {
		return status.Directory{Path: filepath.Dir(path)}, true
	}
	d = status.Directory{Path: os.TempDir(), Spare: true}
	info, err := os.Stat(d.Path)
	return d, err == nil && info.IsDir()
}

// workerChecks look at the work in the background. Pings by e-mail are looked for
// at smtpd, where this process takes them; else where the settings tell of a
// listener for them.
func workerChecks(cfg *config.Config, open status.Open, smtpd net.Addr) []status.Check {
	checks := []status.Check{status.Takers(open), status.PublicAddress(open), status.SendAlerts(open), status.SendReports(open)}
	switch {
	case smtpd != nil:
		checks = append(checks, status.SMTPD(smtpd.String()))
	case cfg.SMTPDListen != "":
		checks = append(checks, status.SMTPDNode(open))
	}
	return append(checks, status.Outbox(open), status.Hold(open))
}

// processChecks look at the inside of this process.
func (a *App) processChecks() []status.Check {
	machine := os.DirFS("/")
	var checks []status.Check
	if a.recorder != nil {
		checks = append(checks, status.Ingest(a.recorder.Waiting, a.recorder.Capacity()))
	}
	if a.spool != nil {
		checks = append(checks, status.Spool(func() status.Kept {
			return status.Kept{Pings: a.spool.Depth(), Bytes: a.spool.Bytes(), Limit: a.cfg.SpoolBytes, Oldest: a.spool.Oldest()}
		}, a.store.Now))
	}
	return append(checks,
		status.Memory(func() (status.Use, error) { return status.MemoryUse(machine) }),
		status.Files(func() (status.Use, error) { return status.FileUse(machine) }),
	)
}

func mailChecks(cfg *config.Config) []status.Check {
	sender, err := newSender(cfg)
	// no process starts with such settings
	if err != nil || !sender.Enabled() {
		return nil
	}
	checks := []status.Check{status.Mail(sender)}
	if len(cfg.Admins) > 0 {
		checks = append(checks, status.MailSend(sender, cfg.Admins, cfg.SiteName+" at "+cfg.SiteRoot))
	}
	return checks
}

func networkChecks(cfg *config.Config, now func() time.Time) []status.Check {
	root, err := url.Parse(cfg.SiteRoot)
	// the settings have been validated
	if err != nil {
		return nil
	}
	var checks []status.Check
	if cfg.Secure() {
		port := root.Port()
		if port == "" {
			port = "443"
		}
		checks = append(checks, status.Certificate(net.JoinHostPort(root.Hostname(), port), nil, now))
	}
	// A site that is known to its visitors only does its work nevertheless.
	names := status.Names(status.Host{Name: root.Hostname(), Bad: status.Warning}, status.Host{Name: cfg.SMTPHost, Bad: status.Error})
	if len(names) > 0 {
		checks = append(checks, status.DNS(names, net.DefaultResolver))
	}
	return checks
}

// ownChecks are those the operator has added.
func ownChecks(cfg *config.Config) []status.Check {
	var checks []status.Check
	for _, c := range cfg.HTTPChecks() {
		checks = append(checks, status.HTTP(status.HTTPDependency(c), "Punctual self-check"))
	}
	// Our settings hold secrets, which are nothing to the programs of others.
	env := slices.DeleteFunc(os.Environ(), func(line string) bool { return strings.HasPrefix(line, "PUNCTUAL_") })
	for _, c := range cfg.CommandChecks() {
		checks = append(checks, status.Command(status.CommandDependency{Name: c.Name, Path: c.Path, Args: c.Args, Env: env, Timeout: c.Timeout}))
	}
	return checks
}
