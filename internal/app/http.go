package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"punctual/internal/hosts"
	"punctual/internal/logs"
	"punctual/internal/ping"
)

// server is one listening HTTP server.
type server struct {
	http     *http.Server
	listener net.Listener
}

func (s *server) addr() net.Addr { return s.listener.Addr() }

// stop ends the server when the requests under way are answered.
func (s *server) stop(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stop %s: %w", s.addr(), err), s.http.Close())
	}
	return nil
}

// listen opens the listeners and serves them.
func (a *App) listen(ctx context.Context) error {
	if err := a.serve(ctx, "PUNCTUAL_LISTEN", a.cfg.Listen, a.handler()); err != nil {
		return err
	}
	a.servers[0].http.RegisterOnShutdown(a.parts.endSite)
	if a.cfg.PingListen != "" {
		return a.serve(ctx, "PUNCTUAL_PING_LISTEN", a.cfg.PingListen, a.pings("/"))
	}
	return nil
}

// serve opens a listener at the address that the setting names, and serves h there.
func (a *App) serve(ctx context.Context, setting, address string, h http.Handler) error {
	// The timeouts below end dead connections. TCP's own keep-alive would take four
	// system calls more for each new one, and curl makes a new one for each ping.
	l, err := (&net.ListenConfig{KeepAlive: -1}).Listen(ctx, "tcp", address)
	if err != nil {
		return listenError(setting, address, err)
	}
	s := &server{listener: l, http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		// broken clients are no news
		ErrorLog: slog.NewLogLogger(logs.In(a.log, logs.HTTP).Handler(), slog.LevelDebug),
	}}
	a.servers = append(a.servers, s)
	a.loops.Go(func() {
		if err := s.http.Serve(a.watched(l)); !errors.Is(err, http.ErrServerClosed) {
			a.fail(fmt.Errorf("serve %s: %w", l.Addr(), err))
		}
	})
	return nil
}

// listenError says what stands in the way of listening at the address, and which
// setting names another.
func listenError(setting, address string, err error) error {
	reason := "choose another address"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		reason = "another program listens there; stop it, or choose another port"
	case errors.Is(err, syscall.EACCES):
		reason = "ports below 1024 need a right of their own (AmbientCapabilities=CAP_NET_BIND_SERVICE, or a proxy in front); or choose a " +
			"higher port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		reason = "this machine does not have that address; leave out the host to listen on all of them"
	}
	return fmt.Errorf("%s: cannot listen on %s: %s: %w", setting, address, reason, err)
}

func (a *App) pings(prefix string) http.Handler {
	log := logs.In(a.log, logs.Ping)
	h := ping.NewHandler(a.store, a.recorder, prefix, a.cfg.PingBodyLimit, a.proxies, log)
	// the way of a ping has nothing it does not need
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return h
	}
	return ping.Logged(h, prefix, a.proxies, log)
}

// handler sends pings past the whole web stack: by path, or by host where
// PING_ENDPOINT names one of its own. Everything else is the site's.
func (a *App) handler() http.Handler {
	// always there, whatever PING_ENDPOINT says
	fixed := a.cfg.SitePath() + "/ping/"
	shown := endpointPath(a.cfg.PingEndpoint)
	fixedPings := a.pings(fixed)
	shownPings := a.pings(shown)
	site := a.withMetrics(a.parts.site)
	host := a.cfg.PingHost()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// addresses are compared decoded (docs/conformance.md §1)
		r.URL.RawPath = ""
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, fixed):
			fixedPings.ServeHTTP(w, r)
		case host != "" && hosts.Same(r.Host, host), host == "" && shown != "/" && strings.HasPrefix(path, shown):
			shownPings.ServeHTTP(w, r)
		default:
			site.ServeHTTP(w, r)
		}
	})
}

// endpointPath is the path of PING_ENDPOINT, with a slash at its end.
func endpointPath(endpoint string) string {
	u, err := url.Parse(endpoint)
	// the settings have been validated
	if err != nil {
		return "/"
	}
	return strings.TrimSuffix(u.Path, "/") + "/"
}
