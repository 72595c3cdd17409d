package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/google/uuid"

	"punctual/internal/config"
	"punctual/internal/errs"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/spool"
	"punctual/internal/store"
)

// ahead takes pings while a start waits for its database: they are kept, and recorded once
// the App is there.
type ahead struct {
	app      *App
	since    time.Time
	spool    *spool.Spool
	recorder *ping.Recorder
	servers  []*server
	// for the App that comes, by the names of their settings: what connects between this and
	// that waits
	listeners map[string]net.Listener
}

// takeAhead begins to take pings without the database; nil where this process takes none,
// or cannot know the addresses of checks.
func (a *App) takeAhead(ctx context.Context) *ahead {
	if !a.role.serves() || a.cfg.SpoolDir == config.SpoolOff {
		return nil
	}
	s, err := a.openSpool()
	if err != nil || s == nil {
		return nil
	}
	h := &ahead{app: a, since: absent{}.Now(), spool: s, listeners: make(map[string]net.Listener)}
	if s.Addresses().CompleteAt().IsZero() {
		_ = s.Close()
		return nil
	}
	h.recorder = ping.NewRecorder(absent{}, ping.Limits{
		Rates: ping.Rates{Check: a.cfg.PingCheckRate, Project: a.cfg.PingProjectRate},
		Keep:  ping.Keep{Spool: s, Store: absent{}, Taker: uuid.New()},
	}, logs.In(a.log, logs.Ping), a.observePings())
	pings := func(prefix string) http.Handler { return a.pingsTo(absent{}, h.recorder, prefix) }
	err = h.listen(ctx, "listen", a.cfg.Listen, a.route(pings, http.HandlerFunc(notYet)))
	if err == nil && a.cfg.PingListen != "" {
		err = h.listen(ctx, "ping-listen", a.cfg.PingListen, pings("/"))
	}
	if err != nil {
		a.log.Warn("no pings are taken while the database does not answer", "error", err)
		h.drop()
		return nil
	}
	a.log.Warn("pings are taken and kept until the database answers", "directory", a.cfg.SpoolDir, "addresses_of",
		s.Addresses().CompleteAt())
	// else systemd would give the start up
	notifySystemd(daemon.SdNotifyReady)
	return h
}

// listen serves h at the address of a setting. The App that comes has the same socket.
func (h *ahead) listen(ctx context.Context, setting, address string, handler http.Handler) error {
	l, err := h.app.listener(ctx, net.ListenConfig{KeepAlive: -1}, setting, address)
	if err != nil {
		return err
	}
	h.listeners[setting] = l
	own, err := again(l)
	if err != nil {
		return err
	}
	s := h.app.newServer(own, handler)
	h.servers = append(h.servers, s)
	go func() {
		if err := s.serve(); err != nil {
			h.app.log.Warn("taking pings until the database answers", "error", err)
		}
	}()
	return nil
}

// again is a second listener of the same socket: closing it leaves the first as it is.
func again(l net.Listener) (net.Listener, error) {
	tcp, ok := l.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, errors.New("the socket cannot be passed on")
	}
	file, err := tcp.File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return net.FileListener(file)
}

// end stops taking pings, when all that have come are kept. A second call, and one of nil,
// does nothing.
func (h *ahead) end() {
	if h == nil || h.recorder == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	for _, s := range h.servers {
		if err := s.stop(ctx); err != nil {
			h.app.log.Warn("hand over to what the database is needed for", "error", err)
		}
	}
	h.recorder.Close()
	if err := h.spool.Close(); err != nil {
		h.app.log.Warn("close the spool", "error", err)
	}
	h.recorder = nil
}

// drop ends h where no App comes, and frees its addresses.
func (h *ahead) drop() {
	if h == nil {
		return
	}
	h.end()
	for setting, l := range h.listeners {
		if h.app.opts.Sockets[setting] == nil {
			// the App may have closed it
			_ = l.Close()
		}
	}
}

// notYet answers what needs the database; /livez does not, and by it a load balancer knows
// that pings are taken.
func notYet(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/livez") {
		_, _ = w.Write([]byte("alive\n"))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", strconv.Itoa(int(databaseTry.Seconds())))
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte("Punctual is starting and waits for its database. Pings are taken.\n"))
}

// absent stands for the store while there is no database.
type absent struct{}

var errAbsent = errs.Unavailablef(databaseTry, "the database does not answer yet")

// Now is the time of this machine.
func (absent) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func (absent) EnsureSlug(context.Context, string, string, func(*monitor.Check) error) (uuid.UUID, bool, error) {
	return uuid.Nil, false, errAbsent
}

func (absent) RecordPings(context.Context, []*store.Arrival) error { return errAbsent }

func (absent) Knows(*store.Arrival) bool { return true }

func (absent) Prefetch(context.Context, []*store.Arrival) error { return errAbsent }

func (absent) Locate(context.Context, []*store.Arrival) error { return errAbsent }

func (absent) ProjectSize(context.Context, uuid.UUID) (store.ProjectSize, error) {
	return store.ProjectSize{}, errAbsent
}

func (absent) SpoolByID(context.Context, uuid.UUID, string) (store.Spool, error) {
	return store.Spool{}, errAbsent
}

func (absent) Replay(context.Context, store.Spool, []*store.Arrival) error { return errAbsent }

func (absent) Addresses(context.Context, func([]store.Address) error) error { return errAbsent }

func (absent) AddressesChanged(context.Context, time.Time) (store.AddressChanges, error) {
	return store.AddressChanges{}, errAbsent
}
