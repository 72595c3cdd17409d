package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"

	"punctual/internal/hosts"
	"punctual/internal/logs"
	"punctual/internal/ping"
	"punctual/internal/road"
)

// listen opens the listeners and serves them.
func (a *App) listen(ctx context.Context) error {
	if err := a.serve(ctx, "listen", a.cfg.Listen, a.handler()); err != nil {
		return err
	}
	a.servers[0].ending = a.parts.endSite
	if a.cfg.PingListen != "" {
		return a.serve(ctx, "ping-listen", a.cfg.PingListen, a.pings("/"))
	}
	return nil
}

// serve serves h at the address that the setting of that name has.
func (a *App) serve(ctx context.Context, setting, address string, h http.Handler) error {
	// The timeouts of a server end dead connections. TCP's own keep-alive would take
	// four system calls more for each new one, and curl makes a new one for each ping.
	l, err := a.listener(ctx, net.ListenConfig{KeepAlive: -1}, setting, address)
	if err != nil {
		return err
	}
	s := a.newServer(a.watched(l), h)
	a.servers = append(a.servers, s)
	a.loops.Go(func() {
		if err := s.serve(); err != nil {
			a.fail(err)
		}
	})
	return nil
}

func (a *App) newServer(l net.Listener, h http.Handler) *server {
	// broken clients are no news
	return newServer(l, h, slog.NewLogLogger(logs.In(a.log, logs.HTTP).Handler(), slog.LevelDebug))
}

func (a *App) pings(prefix string) http.Handler { return a.pingsTo(a.store, a.recorder, prefix) }

func (a *App) pingsTo(s ping.HandlerStore, r *ping.Recorder, prefix string) http.Handler {
	log := logs.In(a.log, logs.Ping)
	h := ping.NewHandler(s, r, prefix, a.cfg.PingBodyLimit, a.proxies, log)
	// the way of a ping has nothing it does not need
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return h
	}
	return ping.Logged(h, prefix, a.proxies, log)
}

// handler sends pings past the whole web stack: by path, or by host where
// PING_ENDPOINT names one of its own. Everything else is the site's.
func (a *App) handler() http.Handler { return a.route(a.pings, a.withMetrics(a.parts.site)) }

func (a *App) route(pings func(prefix string) http.Handler, site http.Handler) http.Handler {
	// always there, whatever PING_ENDPOINT says
	fixed := a.cfg.SitePath() + "/ping/"
	shown := endpointPath(a.cfg.PingEndpoint)
	fixedPings := pings(fixed)
	shownPings := pings(shown)
	peer := a.cfg.SitePath() + road.PeerPath
	answerer := a.answerer()
	host := a.cfg.PingHost()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// addresses are compared decoded (docs/conformance.md §1)
		r.URL.RawPath = ""
		switch path := r.URL.Path; {
		case answerer != nil && path == peer && r.Method == http.MethodPost:
			answerer.ServeHTTP(w, r)
		case strings.HasPrefix(path, fixed):
			fixedPings.ServeHTTP(w, r)
		case host != "" && hosts.Same(r.Host, host), host == "" && shown != "/" && strings.HasPrefix(path, shown):
			shownPings.ServeHTTP(w, r)
		default:
			site.ServeHTTP(w, r)
		}
	})
}

// answerer answers a second Punctual that asks whether its ping address works from here;
// nil where none is named.
func (a *App) answerer() http.Handler {
	if a.cfg.PeerPingEndpoint == "" {
		return nil
	}
	return road.NewAnswerer(a.cfg.PeerPingEndpoint, a.cfg.PeerSecret, a.opts.Version, logs.In(a.log, logs.HTTP))
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
