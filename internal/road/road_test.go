package road_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/road"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// site answers at the public address.
type site struct {
	*testing.T
	*store.Store
	server *httptest.Server
	// ok: pings are recorded; elsewhere: another answers; away: nobody does
	mode atomic.Value
	// how often it was asked
	asked atomic.Int32
	// it takes pings, as far as the database knows
	takes atomic.Bool

	mu sync.Mutex
	// what operators were told
	told []string
	// what came of asking
	outcomes []road.Outcome
}

// each runs a test on both engines, with the real clock.
func each(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, newSite(t, engine))
		})
	}
}

func newSite(t *testing.T, engine db.Engine) *site {
	s := &site{T: t, Store: testdb.Open(t, engine, nil)}
	s.mode.Store("ok")
	s.takes.Store(true)
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	var signing sync.WaitGroup
	signing.Go(func() { s.sign(ctx) })
	t.Cleanup(func() { cancel(); signing.Wait() })
	return s
}

// sign tells the database again and again that a process takes pings.
func (s *site) sign(ctx context.Context) {
	taker := &monitor.Taker{ID: uuid.New(), Role: "serve", Place: "web", Ways: monitor.WayHTTP, BeganAt: s.Now()}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		if s.takes.Load() {
			_ = s.SignTaker(ctx, taker, store.Sign{Mark: s.Now()})
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	switch s.mode.Load() {
	case "away":
		http.Error(w, "bad gateway", http.StatusBadGateway)
	case "moved":
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	case "ok":
		ping := monitor.Ping{CreatedAt: s.Now(), Kind: monitor.PingSuccess, Scheme: "http", Method: r.Method,
			RID: uuid.NullUUID{UUID: uuid.MustParse(r.URL.Query().Get("rid")), Valid: true}}
		arrival := &store.Arrival{Code: uuid.MustParse(strings.TrimPrefix(r.URL.Path, "/ping/")), Ping: ping,
			Classify: func(f *monitor.Filter) monitor.PingKind { return monitor.ClassifyHTTP(f, ping.Kind, ping.Method, nil) }}
		if err := s.RecordPings(context.WithoutCancel(r.Context()), []*store.Arrival{arrival}); err != nil || arrival.Err != nil {
			s.Errorf("the ping is not recorded: %v, %v", err, arrival.Err)
		}
	}
}

func (s *site) config() road.Config {
	return road.Config{
		Store: s.Store, Endpoint: s.server.URL + "/ping/", Version: "test", Every: 100 * time.Millisecond, Soon: 50 * time.Millisecond,
		Between: 30 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Asked: func(_ store.RoadSource, o road.Outcome) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.outcomes = append(s.outcomes, o)
		},
		NotifyOperators: func(title, _ string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.told = append(s.told, title)
		},
	}
}

// run asks until the test ends, or stop is called.
func (s *site) run(cfg road.Config) (p *road.Prober, stop func()) {
	p = road.New(cfg)
	ctx, cancel := context.WithCancel(s.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	stop = func() { cancel(); running.Wait() }
	s.Cleanup(stop)
	return p, stop
}

func (s *site) until(what string, ok func() bool) {
	s.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			s.Fatalf("waited too long until %s", what)
		}
		pause := time.NewTimer(5 * time.Millisecond)
		<-pause.C
	}
}

func (s *site) state(source store.RoadSource) store.RoadState {
	s.Helper()
	list, err := s.RoadStates(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range list {
		if r.Source == source {
			return r
		}
	}
	return store.RoadState{}
}

func (s *site) works(source store.RoadSource) bool {
	r := s.state(source)
	return !r.GoodAt.IsZero() && r.FailingAt.IsZero()
}

func (s *site) open() []monitor.Blind {
	s.Helper()
	h, err := s.Hearing(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return h.Road
}

func (s *site) tellings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.told...)
}

// last is what came of asking last.
func (s *site) last() road.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.outcomes) == 0 {
		return ""
	}
	return s.outcomes[len(s.outcomes)-1]
}

// The address works, then it does not, then it does: an interval lies between the answers,
// and operators hear of it, once each.
func TestAnAddressThatDoesNotAnswerIsAnInterval(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.run(s.config())
		// another process
		s.run(s.config())
		s.until("it works", func() bool { return s.works(store.RoadOwn) })
		s.mode.Store("away")
		s.until("an interval goes on", func() bool { return len(s.open()) == 1 })
		r := s.state(store.RoadOwn)
		if began := s.open()[0].From; !began.Equal(r.GoodAt) || r.Error != "the answer was 502 Bad Gateway" {
			t.Errorf("the interval began at %v, state %+v", began, r)
		}
		s.until("operators are told", func() bool { return len(s.tellings()) == 1 })
		s.mode.Store("ok")
		s.until("the interval has ended", func() bool { return len(s.open()) == 0 })
		s.until("operators are told again", func() bool { return len(s.tellings()) == 2 })
		asked := s.asked.Load()
		s.until("it has been asked a few times more", func() bool { return s.asked.Load() > asked+3 })
		told := s.tellings()
		if len(told) != 2 || told[0] != "The public ping address does not answer" || told[1] != "The public ping address answers again" {
			t.Errorf("operators were told %q", told)
		}
		blinds, err := s.LastBlinds(t.Context(), 10)
		if err != nil || len(blinds) != 1 || blinds[0].Cause != monitor.CauseUnreachable || !blinds[0].Until.After(blinds[0].From) {
			t.Errorf("intervals %+v, %v", blinds, err)
		}
	})
}

// Only our own ping in the database makes an answer good.
func TestTheAnswerOfSomebodyElseIsNone(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.mode.Store("elsewhere")
		p, _ := s.run(s.config())
		s.until("it has failed", func() bool { return !s.state(store.RoadOwn).FailingAt.IsZero() })
		asked := s.asked.Load()
		if p.Known() || len(s.open()) != 0 || len(s.tellings()) != 0 {
			t.Error("an address that never worked means something")
		}
		if r := s.state(store.RoadOwn); !r.GoodAt.IsZero() || !strings.Contains(r.Error, "somebody else") {
			t.Errorf("state %+v", r)
		}
		s.mode.Store("moved")
		s.until("it has been asked again", func() bool { return s.asked.Load() > asked+6 })
		if s.works(store.RoadOwn) {
			t.Error("a redirect is taken for an answer")
		}
		s.mode.Store("ok")
		s.until("it works", func() bool { return p.Known() && s.works(store.RoadOwn) })
	})
}

// Where nobody takes pings the address cannot answer: that is stored of the takers.
func TestAnAddressBehindWhichNobodyListensProvesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.run(s.config())
		s.until("it works", func() bool { return s.works(store.RoadOwn) })
		s.takes.Store(false)
		s.mode.Store("away")
		s.until("nothing can be said", func() bool { return s.last() == road.Untold })
		asked := s.asked.Load()
		s.until("it has been asked again", func() bool { return s.asked.Load() > asked+6 })
		if len(s.open()) != 0 || len(s.tellings()) != 0 {
			t.Errorf("intervals %+v, operators were told %q", s.open(), s.tellings())
		}
	})
}

// Who asks because many are silent gets an answer of then.
func TestAskingNow(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		cfg := s.config()
		cfg.Every = time.Hour
		p, _ := s.run(cfg)
		s.until("it works", func() bool { return p.Known() })
		s.until("the first asking has ended", func() bool { return s.last() == road.Good })
		p.Ask(t.Context())
		if asked := s.asked.Load(); asked != 2 || len(s.open()) != 0 {
			t.Errorf("asked %d times, intervals %+v", asked, s.open())
		}
		s.mode.Store("away")
		p.Ask(t.Context())
		if asked := s.asked.Load(); asked < 5 || len(s.open()) != 1 {
			t.Errorf("asked %d times, intervals %+v", asked, s.open())
		}
	})
}

// Nothing that counts, lists or prunes sees the check that our own pings go to.
func TestTheCheckOfOurOwnPingsIsNobodys(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.run(s.config())
		s.until("it works", func() bool { return s.works(store.RoadOwn) })
		soon := s.Now().Add(time.Hour)
		if list, err := s.Checks(t.Context(), "", 10, 0); err != nil || len(list) != 0 {
			t.Errorf("listed: %+v, %v", list, err)
		}
		if unused, err := s.Unused(t.Context()); err != nil || !unused {
			t.Errorf("the database counts as used, %v", err)
		}
		if m, err := s.ServiceMetrics(t.Context()); err != nil || m.Pings != 0 {
			t.Errorf("%d pings are counted, %v", m.Pings, err)
		}
		if c, err := s.Census(t.Context()); err != nil || c.Checks[monitor.StatusNew] != 0 {
			t.Errorf("checks are counted: %v, %v", c.Checks, err)
		}
		if at, err := s.OldestStaleCheck(t.Context(), soon); err != nil || !at.IsZero() {
			t.Errorf("the check is to be pruned, made at %v, %v", at, err)
		}
		if last, err := s.ChecksAfter(t.Context(), 0, 10); err != nil || last != 0 {
			t.Errorf("what prunes history goes to check %d, %v", last, err)
		}
		if next, err := s.NextWatch(t.Context()); err != nil || !next.IsZero() {
			t.Errorf("the check has a deadline at %v, %v", next, err)
		}
	})
}

const secret = "what two instances know each other by"

// A peer asks from outside, and its failure counts like ours. One that is away says nothing.
func TestAPeerAsksFromOutside(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		answerer := road.NewAnswerer(s.server.URL+"/ping/", secret, "test", slog.New(slog.DiscardHandler))
		var away atomic.Bool
		peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if away.Load() || r.URL.Path != "/sub/peer/probe" {
				http.Error(w, "bad gateway", http.StatusBadGateway)
				return
			}
			answerer.ServeHTTP(w, r)
		}))
		defer peer.Close()
		cfg := s.config()
		// from here it does not work
		cfg.Endpoint = "http://127.0.0.1:1/ping/"
		cfg.PeerURL = peer.URL + "/sub/"
		cfg.PeerSecret = secret
		p, stop := s.run(cfg)
		s.until("the peer has seen that it works", func() bool { return s.works(store.RoadPeer) && p.Known() })
		away.Store(true)
		s.until("the peer is away", func() bool { return strings.Contains(s.state(store.RoadPeer).Error, "the peer answers 502") })
		if len(s.open()) != 0 {
			t.Error("a peer that is away begins an interval")
		}
		s.mode.Store("away")
		away.Store(false)
		s.until("an interval goes on", func() bool { return len(s.open()) == 1 })
		s.mode.Store("ok")
		s.until("the interval has ended", func() bool { return len(s.open()) == 0 })
		stop()
		// the peer is not named any more, in the midst of an outage
		s.mode.Store("away")
		_, stop = s.run(cfg)
		s.until("an interval goes on", func() bool { return len(s.open()) == 1 })
		stop()
		cfg.PeerURL = ""
		s.run(cfg)
		s.until("it is forgotten", func() bool { return s.state(store.RoadPeer).Address == "" && len(s.open()) == 0 })
	})
}

func TestAPeerIsAnsweredWithTheAddressOfTheSettings(t *testing.T) {
	var paths []string
	public := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths = append(paths, r.URL.String()) }))
	defer public.Close()
	a := road.NewAnswerer(public.URL+"/ping/", secret, "test", slog.New(slog.DiscardHandler))
	const code, rid = "0f5f7a4e-4f0c-4a8c-9a53-3d1a4a0f7c11", "5a0f7c11-4f0c-4a8c-9a53-3d1a4a0f7c12"
	for _, tc := range []struct {
		what, auth, body string
		status           int
		want             string
	}{
		{"no secret", "", `{"code":"` + code + `","rid":"` + rid + `"}`, http.StatusUnauthorized, "wrong secret"},
		{"a wrong one", "Bearer nonsense", `{"code":"` + code + `","rid":"` + rid + `"}`, http.StatusUnauthorized, "wrong secret"},
		{"a path", "Bearer " + secret, `{"code":"../../admin","rid":"` + rid + `"}`, http.StatusBadRequest, "a code and a rid are wanted"},
		{"no code", "Bearer " + secret, `{"rid":"` + rid + `"}`, http.StatusBadRequest, "a code and a rid are wanted"},
		{"as it should be, with an address of its own", "Bearer " + secret, `{"code":"` + code + `","rid":"` + rid + `","url":"http://127.0.0.1:1/"}`,
			http.StatusOK, `{"ok":true}`},
	} {
		r := httptest.NewRequest(http.MethodPost, "/peer/probe", strings.NewReader(tc.body))
		r.Header.Set("Authorization", tc.auth)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		body, _ := io.ReadAll(w.Body)
		if w.Code != tc.status || strings.TrimSpace(string(body)) != tc.want {
			t.Errorf("%s: %d %s", tc.what, w.Code, body)
		}
	}
	if len(paths) != 1 || paths[0] != "/ping/"+code+"?rid="+rid {
		t.Errorf("asked for %q", paths)
	}
}
