package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"punctual/internal/config"
	"punctual/internal/db"
)

// checkPorts looks whether the addresses of this process are free, before it
// makes or migrates anything: a second start beside a running one, by far the most
// frequent mistake, leaves no trace.
func (a *App) checkPorts(ctx context.Context) error {
	for _, p := range a.ports() {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.address)
		if err != nil {
			return listenError(p.setting, p.address, err)
		}
		err = l.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", config.Variable(p.setting), err)
		}
	}
	return nil
}

type port struct{ setting, address string }

// ports are the addresses that this process is going to listen on, apart from
// those that systemd has opened for it.
func (a *App) ports() []port {
	var all []port
	if a.role.serves() {
		all = append(all, port{"listen", a.cfg.Listen}, port{"ping-listen", a.cfg.PingListen})
	}
	if a.role == Up {
		all = append(all, port{"smtpd-listen", a.cfg.SMTPDListen})
	}
	all = append(all, port{"metrics-listen", a.cfg.MetricsListen})
	var named []port
	for _, p := range all {
		if p.address != "" && a.opts.Sockets[p.setting] == nil {
			named = append(named, p)
		}
	}
	return named
}

// keepPrivate makes the secret key where there is none, takes care that only we
// may read it, and tells what the database has lost.
func (a *App) keepPrivate() error {
	a.isNew = a.cfg.NewSecretKey()
	if err := a.cfg.EnsureSecretKey(); err != nil {
		return err
	}
	if a.cfg.SecretKeyFile() != "" {
		db.Tighten(a.log, a.cfg.SecretKeyFile())
	}
	return a.reportLoss()
}

// reportLoss tells the operators that the database has lost commits, at each start
// until they have acknowledged it.
func (a *App) reportLoss() error {
	loss, err := a.db.Loss()
	if err != nil || loss == nil {
		return err
	}
	at := loss.At.UTC().Format("2006-01-02 15:04:05 UTC")
	a.log.Error(
		"the database has lost commits that had been acknowledged; see docs/self-hosting.md, then run `punctual status --acknowledge-loss`",
		"database", a.db.Path(), "missing", loss.Missing, "noticed_at", at)
	a.incidents.Notify("The database has lost data",
		fmt.Sprintf("The database %s has lost %d commits that had been acknowledged: pings, alerts, changes of settings. "+
			"That was noticed at %s.\n\nIts write-ahead log (the file %s-wal) was cut or removed, or an older copy was put in the place of the "+
			"database. "+
			"Look whether the log is elsewhere, or restore a backup; what was pinged meanwhile stays unknown.\n\n"+
			"When you have seen to it, run: punctual status --acknowledge-loss", a.db.Path(), loss.Missing, at, a.db.Path()))
	return nil
}

// abandon removes what a start that has failed has made, once the database is
// closed: an empty database, and its secret key. What another process uses stays.
func (a *App) abandon() error {
	alone, err := a.db.Abandon()
	if err != nil || !alone || !a.isNew {
		return err
	}
	err = os.Remove(a.cfg.SecretKeyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
