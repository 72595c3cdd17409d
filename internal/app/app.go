// Package app wires Punctual together: settings, database, store, services,
// servers and loops. It is the only place that knows all parts; commands and
// end-to-end tests start the same thing.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/google/uuid"

	"punctual/internal/clientip"
	"punctual/internal/config"
	"punctual/internal/db"
	"punctual/internal/demo"
	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/mail"
	"punctual/internal/metrics"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/ping"
	"punctual/internal/prune"
	"punctual/internal/road"
	"punctual/internal/smtpd"
	"punctual/internal/spool"
	"punctual/internal/status"
	"punctual/internal/store"
)

// Role is what a process does.
type Role string

// The roles, named like their commands.
const (
	// web, API and pings
	Serve Role = "serve"
	// watcher and dispatcher
	SendAlerts Role = "sendalerts"
	// reports and nags
	SendReports Role = "sendreports"
	// pings by e-mail
	SMTPD Role = "smtpd"
	// removes what is old, again and again
	Prune Role = "prune"
	// everything, with migration and pruning
	Up Role = "up"
)

// ParseRole is the role of that name. The error lists the names there are.
func ParseRole(name string) (Role, error) {
	roles := []string{string(Up), string(Serve), string(SendAlerts), string(SendReports), string(SMTPD), string(Prune)}
	if !slices.Contains(roles, name) {
		return "", fmt.Errorf("%q is not a role; there are %s", name, strings.Join(roles, ", "))
	}
	return Role(name), nil
}

func (r Role) serves() bool { return r == Serve || r == Up }
func (r Role) alerts() bool { return r == SendAlerts || r == Up }

func (r Role) reports() bool { return r == SendReports || r == Up }
func (r Role) prunes() bool  { return r == Prune || r == Up }

// Options are what an App is started with.
type Options struct {
	Config  *config.Config
	Log     *slog.Logger
	Version string
	// templates are read from the working directory for each request
	Dev bool
	// of programs that are run, NAME=value
	Env []string
	// opened by systemd, in the place of listeners of our own
	Sockets Sockets
	// role Up only: the database is filled with a demo, see internal/demo
	Demo bool
	// nil = the real clock
	Now func() time.Time
}

// App is a running Punctual.
type App struct {
	role Role
	cfg  *config.Config
	log  *slog.Logger
	opts Options
	// the secret key: this start has made it
	isNew bool
	db    *db.DB
	store *store.Store
	parts parts

	proxies  *clientip.Proxies
	recorder *ping.Recorder
	// of pings that the database has not taken; nil: none are kept
	spool *spool.Spool
	// of this process, where it takes pings
	takerID uuid.UUID
	// what has taken pings before the database was there; nil: nothing has
	ahead *ahead
	// asks our own public ping address; nil: this process does not
	road *road.Prober
	// nil: this process takes no pings
	taker *taker
	// the same, for the listeners
	accepting atomic.Pointer[ping.Taker]
	metrics   *metrics.Metrics
	// the self-checks
	status *status.Runner
	sender *mail.Sender
	// for what the operator has set
	outside *notify.Client
	// tells the operators of errors
	incidents *incident.Reporter
	// of watcher and dispatcher
	rounds  rounds
	servers []*server
	// nil: no pings by e-mail
	smtpd *smtpd.Server
	// where it listens
	smtpAddr net.Addr
	node     monitor.Node
	// nil: this is no demo
	demo *demo.Life

	loops  sync.WaitGroup
	cancel context.CancelFunc
	// the first loop or server that ended by itself
	failed chan error
}

// shutdownTime bounds an orderly end. It is below the 30 seconds that docs/self-hosting.md promises.
const shutdownTime = 25 * time.Second

// Run starts an App, runs it until ctx ends or a part of it fails, and stops
// it. It returns nil after an orderly end, also where ctx ends while the start waits
// for the database.
func Run(ctx context.Context, role Role, opts Options) error {
	a, err := Start(ctx, role, opts)
	if err != nil && ctx.Err() != nil {
		opts.Log.Info("stopped before it was running", "because", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(headroom(a.db.Engine))
	notifySystemd(daemon.SdNotifyReady)
	select {
	case <-ctx.Done():
		a.log.Info("stopping")
	case err = <-a.failed:
	}
	notifySystemd(daemon.SdNotifyStopping)
	return errors.Join(err, a.Stop())
}

// notifySystemd tells a unit of Type=notify; elsewhere it does nothing.
func notifySystemd(state string) { _, _ = daemon.SdNotify(false, state) }

// Start opens the database, checks or (role Up) migrates its schema, and starts
// what the role does. When it returns nil the App takes requests.
func Start(ctx context.Context, role Role, opts Options) (*App, error) {
	if opts.Demo {
		opts.Config = demoConfig(opts.Config)
	}
	// "" is fine
	host, _ := os.Hostname()
	a, err := newApp(ctx, role, host, opts)
	if err != nil {
		return nil, err
	}
	if err := a.prepare(ctx); err != nil {
		a.ahead.drop()
		a.incidents.Close()
		return nil, errors.Join(err, a.db.Close(), a.abandon())
	}
	a.node = monitor.Node{ID: uuid.New(), Role: string(role), Host: host, PID: os.Getpid(), Version: opts.Version, StartedAt: a.store.Now()}
	loops, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.cancel = cancel
	if err := a.start(loops); err != nil {
		err = errors.Join(err, a.Stop(), a.abandon())
		a.ahead.drop()
		return nil, err
	}
	return a, nil
}

// newApp makes an App with its database that does nothing yet.
func newApp(ctx context.Context, role Role, host string, opts Options) (*App, error) {
	a := &App{role: role, cfg: opts.Config, log: opts.Log, opts: opts, failed: make(chan error, 1),
		metrics: metrics.New(opts.Version, string(role)), rounds: newRounds()}
	a.proxies = clientip.New(a.cfg.TrustedNetworks(), logs.In(a.log, logs.HTTP))
	if err := a.reportErrors(host); err != nil {
		return nil, err
	}
	err := a.checkPorts(ctx)
	if err == nil {
		err = a.open(ctx)
	}
	if err != nil {
		a.ahead.drop()
		a.incidents.Close()
		return nil, err
	}
	return a, nil
}

// prepare makes what the role is made of.
func (a *App) prepare(ctx context.Context) error {
	if err := a.wire(); err != nil {
		return err
	}
	return a.fillDemo(ctx)
}

// start begins everything the role does.
func (a *App) start(ctx context.Context) error {
	if err := a.beat(ctx); err != nil {
		return fmt.Errorf("sign on: %w", err)
	}
	a.loop(ctx, "heartbeat", a.heartbeat)
	if a.role.serves() || a.role.alerts() || a.role.reports() {
		a.loop(ctx, "look until when all pings are known", func(ctx context.Context) error {
			a.store.FollowHeard(ctx)
			return nil
		})
	}
	a.once(ctx, "try the mail server", a.tryMailServer)
	a.loop(ctx, "mail queue", func(ctx context.Context) error {
		return a.parts.mail.Run(ctx, a.db.Watch(ctx, db.TopicEmails))
	})
	if a.role.alerts() {
		a.loop(ctx, "alerts", func(ctx context.Context) error {
			return a.parts.alerts.Run(ctx)
		})
		a.loop(ctx, "notices", func(ctx context.Context) error {
			a.parts.notices.Run(ctx)
			return nil
		})
		if a.road != nil {
			a.loop(ctx, "asking our own public ping address", func(ctx context.Context) error {
				a.road.Run(ctx)
				return nil
			})
		}
		if a.cfg.HeartbeatURL != "" {
			a.loop(ctx, "heartbeat to the outside", a.beatOutside)
		}
	}
	if a.role == Serve {
		a.loop(ctx, "look for workers", a.watchWorkers)
	}
	if a.role.reports() {
		a.loop(ctx, "reports", func(ctx context.Context) error {
			a.parts.reports.Run(ctx)
			return nil
		})
	}
	if a.role.prunes() {
		a.loop(ctx, "pruning", func(ctx context.Context) error {
			warnings := &prune.Warnings{Composer: a.parts.composer, Queue: a.parts.mail, SiteRoot: a.cfg.SiteRoot}
			prune.Schedule(ctx, a.store, warnings, logs.In(a.log, logs.Prune))
			return nil
		})
	}
	if a.role.serves() || a.takesMail() {
		if err := a.startRecorder(); err != nil {
			return err
		}
	}
	if a.takesMail() {
		if err := a.listenSMTP(ctx); err != nil {
			return err
		}
	}
	if a.role == Up && a.cfg.BackupDir != "" {
		a.loop(ctx, "backups", a.makeBackups)
	}
	a.status = a.selfChecks()
	if a.role.serves() {
		if err := a.listen(ctx); err != nil {
			return err
		}
	}
	if a.recorder != nil {
		a.startTaker(ctx)
	}
	if err := a.startMetrics(ctx); err != nil {
		return err
	}
	if err := a.startDemo(ctx); err != nil {
		return err
	}
	a.log.Info("Punctual is running", "site", a.cfg.SiteRoot, "role", string(a.role), "version", a.opts.Version, "database",
		string(a.db.Engine))
	if a.parts.showMailbox != nil {
		a.parts.showMailbox(ctx)
	}
	return nil
}

// tryMailServer logs in to the mail server once, so that a wrong setting is known at
// the start and not with the first alert.
func (a *App) tryMailServer(ctx context.Context) {
	if !a.sender.Enabled() {
		return
	}
	err := a.sender.Probe(ctx)
	if err == nil {
		a.log.Info("the mail server answers")
		return
	}
	failure, ok := errors.AsType[*mail.SendError](err)
	if ok && ctx.Err() == nil {
		a.log.Warn("no mail can be sent: "+failure.Message, "error", failure.Err)
	}
}

// loop runs f in the background until the App stops. An error, a panic, or an
// end before that, stops the App.
func (a *App) loop(ctx context.Context, name string, f func(context.Context) error) {
	a.loops.Go(func() {
		err := incident.Catch("worker", func() error { return f(ctx) })
		if ctx.Err() == nil || err != nil && !errors.Is(err, context.Canceled) {
			a.fail(fmt.Errorf("%s ended: %w", name, err))
		}
	})
}

// once runs f in the background, one time. The App goes on whatever becomes of it.
func (a *App) once(ctx context.Context, name string, f func(context.Context)) {
	a.loops.Go(func() {
		err := incident.Catch("worker", func() error { f(ctx); return nil })
		if err != nil {
			a.log.Error(name, "error", err)
		}
	})
}

// fail stops the App because of err.
func (a *App) fail(err error) {
	a.log.Error("this process ends, a part of it does not work", "error", err)
	select {
	case a.failed <- err:
	default:
		// the first failure is the one that counts
	}
}

// Stop ends the App in order: no new requests, those under way finished, the
// pings that wait recorded, then the loops, the work that was left for after an
// answer, last the database.
func (a *App) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	return a.stop(ctx)
}

// stop is Stop, in the time that ctx gives.
func (a *App) stop(ctx context.Context) error {
	var errs []error
	if a.taker != nil {
		a.taker.Closing()
	}
	// beside the others: a mail may take its time
	var mailEnd sync.WaitGroup
	if a.smtpd != nil {
		mailEnd.Go(func() {
			if err := a.smtpd.Stop(ctx); err != nil {
				a.log.Warn("stop taking mail", "error", err)
			}
		})
	}
	errs = append(errs, a.stopServers(ctx))
	mailEnd.Wait()
	if a.recorder != nil {
		a.recorder.Close()
	}
	if a.taker != nil {
		if err := a.taker.stop(ctx); err != nil {
			a.log.Warn("tell the watchers that no more pings are taken here", "error", err)
		}
	}
	a.cancel()
	done := make(chan struct{})
	go func() {
		a.loops.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, errors.New("some work did not end in time"))
	}
	a.waitForMails(ctx)
	if a.spool != nil {
		errs = append(errs, a.spool.Close())
	}
	if err := a.store.Depart(ctx, a.node.ID); err != nil {
		a.log.Warn("sign off", "error", err)
	}
	a.incidents.Close()
	return errors.Join(append(errs, a.db.Close())...)
}

// stopServers ends the HTTP servers beside each other: none of them accepts while
// another one answers what it has accepted.
func (a *App) stopServers(ctx context.Context) error {
	errs := make([]error, len(a.servers))
	var all sync.WaitGroup
	for i, s := range a.servers {
		all.Go(func() { errs[i] = s.stop(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// waitForMails waits for the login links that were asked for.
func (a *App) waitForMails(ctx context.Context) {
	if a.parts.auth == nil {
		return
	}
	dropped := a.parts.auth.Wait(ctx)
	if dropped > 0 {
		a.log.Warn("login links that were asked for are not mailed: there was no time left", "links", dropped)
	}
}

// heartbeatInterval is well below store.NodeTimeout.
const heartbeatInterval = 5 * time.Second

// heartbeat keeps the sign of life of this process fresh, and its clock in
// step with the database's.
func (a *App) heartbeat(ctx context.Context) error {
	trouble := logs.Outage{Log: a.log, Doing: "heartbeat", Level: slog.LevelWarn}
	var clock clockWatch
	tick := time.NewTicker(heartbeatInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := a.beat(ctx); ctx.Err() == nil {
			trouble.Note(err, time.Now())
		}
		clock.look(a, a.db.Apart())
	}
}

// beat is one heartbeat; a connection that has fallen silent must not stop the next.
func (a *App) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, heartbeatInterval)
	defer cancel()
	// SeenAt is the store's to set
	node := a.node
	return errors.Join(a.store.Heartbeat(ctx, &node), a.db.SyncClock(ctx))
}

// Addr is where the site listens, for tests that asked for port 0.
func (a *App) Addr() net.Addr {
	if len(a.servers) == 0 {
		return nil
	}
	return a.servers[0].addr()
}

// Store is the store of the App, for tests.
func (a *App) Store() *store.Store { return a.store }
