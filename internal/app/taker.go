package app

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"punctual/internal/db"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/ping"
)

// taker tells the watchers of the pings that this process takes.
type taker struct {
	*ping.Taker
	cancel context.CancelFunc
	ended  chan struct{}
}

// startTaker begins to sign for the pings that arrive here: the listeners are open.
func (a *App) startTaker(ctx context.Context) {
	self := monitor.Taker{ID: a.takerID, Host: a.node.Host, Place: a.place(), Role: string(a.role), Ways: a.ways(), BeganAt: a.store.Now()}
	if a.spool != nil {
		self.Spool = a.spool.ID()
	}
	if a.ahead != nil {
		// all that came since is kept
		self.BeganAt = a.ahead.since
	}
	ctx, cancel := context.WithCancel(ctx)
	t := &taker{ping.NewTaker(a.recorder, a.store, self, logs.In(a.log, logs.Ping)), cancel, make(chan struct{})}
	told := a.reportDamages(t.Taker, time.Time{})
	if a.spool != nil {
		a.loop(ctx, "looking after the spool", func(ctx context.Context) error {
			a.followDamages(ctx, t.Taker, told)
			return nil
		})
	}
	a.taker = t
	a.accepting.Store(t.Taker)
	a.loop(ctx, "signing for pings", func(ctx context.Context) error {
		defer close(t.ended)
		t.Run(ctx, a.db.Watch(ctx, db.TopicChecks))
		return nil
	})
}

// stop ends the signing, when all pings that arrived are recorded.
func (t *taker) stop(ctx context.Context) error {
	t.cancel()
	select {
	case <-t.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	return t.Stop(ctx)
}

// ways are those in which pings come to this process.
func (a *App) ways() monitor.Ways {
	switch {
	case a.role.serves() && a.takesMail():
		return monitor.WayBoth
	case a.role.serves():
		return monitor.WayHTTP
	default:
		return monitor.WayMail
	}
}

// place tells where this process listens: nobody else can at the same time. It is the same
// after a restart.
func (a *App) place() string {
	var parts []string
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err == nil {
		parts = append(parts, strings.TrimSpace(string(boot)))
	}
	network, err := os.Readlink("/proc/self/ns/net")
	if err == nil {
		parts = append(parts, network)
	}
	if len(parts) == 0 {
		parts = append(parts, a.node.Host)
	}
	for _, s := range a.servers {
		parts = append(parts, s.addr().String())
	}
	if a.smtpAddr != nil {
		parts = append(parts, a.smtpAddr.String())
	}
	return strings.Join(parts, " ")
}

// watched is a listener that tells the taker when a connection cannot be accepted.
func (a *App) watched(l net.Listener) net.Listener { return &watchedListener{l, &a.accepting} }

type watchedListener struct {
	net.Listener
	taker *atomic.Pointer[ping.Taker]
}

func (l *watchedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		t := l.taker.Load()
		if t != nil {
			t.AcceptFailed()
		}
	}
	return conn, err
}
