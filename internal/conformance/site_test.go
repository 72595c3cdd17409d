package conformance

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"punctual/internal/app"
	"punctual/internal/auth"
	"punctual/internal/config"
	"punctual/internal/db"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/openapitest"
	"punctual/internal/testkit/testdb"
)

// kind is what kind of site a line needs.
type kind int

const (
	// standing: the clock stands still, nobody looks for overdue checks. Lines run
	// beside each other, once through each version of the API.
	standing kind = iota

	// once is standing for lines that have nothing to do with versions.
	once

	// moving: the line may move the clock, and has the site for itself.
	moving

	// watched is moving with the watcher and the dispatcher at work.
	watched

	// other has other settings: a path in SITE_ROOT, no limit of bodies, no key for
	// metrics, nothing for Prometheus.
	other
)

const (
	// that of the examples in docs/contract.md
	secretKey  = "s3cret"
	siteRoot   = "https://hc.example.net"
	otherPath  = "/deep/hc"
	metricsKey = "a key for metrics"
	bodyLimit  = 10000
)

// settings are the environment of a kind of site.
func (k kind) settings() map[string]string {
	env := map[string]string{
		"PUNCTUAL_LISTEN":            "127.0.0.1:0",
		"PUNCTUAL_SITE_ROOT":         siteRoot,
		"PUNCTUAL_SITE_NAME":         "Acme Cron",
		"PUNCTUAL_SECRET_KEY":        secretKey,
		"PUNCTUAL_PING_BODY_LIMIT":   "10000",
		"PUNCTUAL_PING_EMAIL_DOMAIN": mailDomain,
		"PUNCTUAL_METRICS_KEY":       metricsKey,
		"PUNCTUAL_BOUNCE_DOMAIN":     "bounces.example.net",
		"PUNCTUAL_PING_CHECK_RATE":   "0",
		"PUNCTUAL_PING_PROJECT_RATE": "0",
	}
	if k == other {
		maps.Copy(env, map[string]string{
			"PUNCTUAL_SITE_ROOT":       siteRoot + otherPath,
			"PUNCTUAL_PING_BODY_LIMIT": "0",
			"PUNCTUAL_METRICS_KEY":     "",

			"PUNCTUAL_PROMETHEUS_ENABLED": "false",
		})
	}
	return env
}

// site is a running Punctual.
type site struct {
	*app.App
	// http://127.0.0.1:…, without a path
	address string
	// where it takes mail, host:port; "" = nowhere
	mail string
	// of SITE_ROOT
	path  string
	clock *testdb.Clock
	http  *http.Transport
	// its own, which every request and answer is held against
	document *openapitest.Document
	// held by the line that moves the clock
	alone sync.Mutex
}

// sites are the running sites of a test, one of each kind on each engine,
// started when the first line needs it.
type sites struct {
	mu      sync.Mutex
	running map[string]*site
	// a site that does not start is not tried again
	failed error
	owner  *testing.T
}

func newSites(t *testing.T) *sites {
	t.Helper()
	t.Log("the rate limits of pings are off: PUNCTUAL_PING_CHECK_RATE=0, PUNCTUAL_PING_PROJECT_RATE=0; internal/ping tests them")
	return &sites{running: make(map[string]*site), owner: t}
}

// run runs a line on both engines.
func (all *sites) run(t *testing.T, l line) {
	t.Parallel()
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := all.site(t, engine, l.on)
			if l.on == moving || l.on == watched {
				s.alone.Lock()
				defer s.alone.Unlock()
			}
			if l.on != standing {
				l.run(newClient(t, s, "v3"))
				return
			}
			for _, version := range []string{"v1", "v2", "v3"} {
				t.Run(version, func(t *testing.T) { l.run(newClient(t, s, version)) })
			}
		})
	}
}

func (all *sites) site(t *testing.T, engine db.Engine, k kind) *site {
	t.Helper()
	if k == once {
		k = standing
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	name := string(engine) + string(rune('0'+int(k)))
	if all.running[name] == nil && all.failed == nil {
		all.running[name], all.failed = start(all.owner, testdb.URL(all.owner, engine), k)
	}
	if all.failed != nil {
		t.Fatal(all.failed)
	}
	return all.running[name]
}

// adopt makes the database one of before: a new one does not take a key as short as
// that of the examples.
func adopt(database string) error {
	d, err := db.Open(context.Background(), database, db.Options{})
	if err != nil {
		return err
	}
	_, err = store.New(d, kinds.Address).AdoptKey(context.Background(), auth.KeyFingerprint(secretKey))
	return errors.Join(err, d.Close())
}

// start starts a site that runs until t and its subtests have ended.
func start(t *testing.T, database string, k kind) (*site, error) {
	env := k.settings()
	env["PUNCTUAL_DATABASE_URL"] = database
	if k == watched {
		free, err := freeAddress()
		if err != nil {
			return nil, err
		}
		env["PUNCTUAL_SMTPD_LISTEN"] = free
	}
	cfg, err := config.Load(env)
	if err != nil {
		return nil, err
	}
	if err := adopt(database); err != nil {
		return nil, err
	}
	s := &site{clock: testdb.NewClock(), path: cfg.SitePath(), mail: cfg.SMTPDListen}
	role := app.Serve
	if k == watched {
		role = app.Up
	}
	// so that cut and kept fractions show
	s.clock.Advance(123456 * time.Microsecond)
	s.App, err = app.Start(context.Background(), role, app.Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Now: s.clock.Now})
	if err != nil {
		return nil, err
	}
	s.http = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	t.Cleanup(func() {
		s.http.CloseIdleConnections()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.address = "http://" + s.Addr().String()
	text, err := s.openAPI(t.Context())
	if err != nil {
		return nil, err
	}
	s.document = openapitest.Load(t, text)
	return s, nil
}

// openAPI is the document as the site serves it.
func (s *site) openAPI(ctx context.Context) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+s.path+"/api/openapi.yaml", nil)
	if err != nil {
		return nil, err
	}
	res, err := s.http.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}
