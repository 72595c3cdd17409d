package badge_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web/badge"
)

// site serves the badges of a project.
type site struct {
	*testing.T
	http.Handler
	store *store.Store
	clock *testdb.Clock
	store.Account
	links badge.Links
}

func each(t *testing.T, test func(s *site)) {
	testdb.Each(t, func(t *testing.T, st *store.Store, clock *testdb.Clock) {
		links := badge.Links{SecretKey: "s3cret"}
		test(&site{
			T: t, store: st, clock: clock, Account: testdb.Account(t, st), links: links,
			Handler: badge.New(badge.Deps{Store: st, Links: links, Label: "All of us", Log: slog.New(slog.DiscardHandler)}),
		})
	})
}

func (s *site) do(method, path string) *http.Response {
	s.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(s.Context(), method, path, nil))
	return w.Result()
}

func (s *site) get(path string) (int, string) {
	s.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(s.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// makeCheck adds a check to the project that has been pinged as said.
func (s *site) makeCheck(name, tags string, pings ...monitor.PingKind) *monitor.Check {
	s.Helper()
	c := monitor.NewCheck(s.Project.ID, s.store.Now())
	c.Name = name
	c.Tags = tags
	c.Timeout = time.Hour
	c.Grace = time.Hour
	if err := s.store.CreateCheck(s.Context(), &c, store.Channels{}); err != nil {
		s.Fatal(err)
	}
	for _, kind := range pings {
		a := &store.Arrival{Code: c.Code, Ping: monitor.Ping{CreatedAt: s.store.Now()},
			Classify: func(*monitor.Filter) monitor.PingKind { return kind }}
		if err := s.store.RecordPings(s.Context(), []*store.Arrival{a}); err != nil {
			s.Fatal(err)
		}
	}
	return &c
}

// The signatures of docs/contract.md §2.12, and those of tags that addresses change.
func TestLinks(t *testing.T) {
	t.Parallel()
	l := badge.Links{SecretKey: "s3cret", SiteURL: "https://hc.example.net"}
	for _, c := range []struct{ tag, format, two, three string }{
		{"prod", "svg", "/j_Hs3Xrx-2/prod.svg", "/j_Hs3Xrx/prod.svg"},
		{"*", "json", "/dHvmqrRc-2.json", "/dHvmqrRc.json"},
		{"a b", "svg", "/a%2520b.svg", "/a%2520b.svg"},
		{"a/b", "svg", "/a%252Fb.svg", "/a%252Fb.svg"},
		{"100%", "svg", "/100%2525.svg", "/100%2525.svg"},
		{"ü", "shields", "/%25C3%25BC.shields", "/%25C3%25BC.shields"},
		{"a_b.c~d-e+f", "svg", "/a_b.c~d-e%252Bf.svg", "/a_b.c~d-e%252Bf.svg"},
	} {
		two := l.Tag("demo-badge-key", c.tag, badge.TwoStates, c.format)
		three := l.Tag("demo-badge-key", c.tag, badge.ThreeStates, c.format)
		const base = "https://hc.example.net/badge/demo-badge-key/"
		if !strings.HasPrefix(two, base) || !strings.HasSuffix(two, c.two) || !strings.HasPrefix(three, base) ||
			!strings.HasSuffix(three, c.three) {
			t.Errorf("%q: %s, %s; want %s, %s", c.tag, two, three, c.two, c.three)
		}
	}
}

// docs/conformance.md §12: what the badges of tags and of the project say as time
// passes.
func TestBadgesOfTags(t *testing.T) {
	each(t, func(s *site) {
		s.makeCheck("a", "prod db", monitor.PingSuccess)
		s.makeCheck("b", "db", monitor.PingFail)
		s.makeCheck("c", "prod  ünï/cödé 100%", monitor.PingSuccess, monitor.PingStart)
		s.makeCheck("d", "new")
		other := testdb.Account(t, s.store, "other@example.org")
		s.clock.Advance(time.Minute)

		show := func(tag string, states int) string {
			s.Helper()
			code, body := s.get(s.links.Tag(s.Project.BadgeKey, tag, states, "json"))
			if code != http.StatusOK {
				s.Errorf("%q: %d %s", tag, code, body)
			}
			return body
		}
		type want struct {
			tag        string
			two, three string
		}
		hold := func(when string, cases []want) {
			s.Helper()
			for _, c := range cases {
				got := show(c.tag, badge.TwoStates)
				if got != c.two {
					s.Errorf("%s, two states of %q: %s, want %s", when, c.tag, got, c.two)
				}
				if got := show(c.tag, badge.ThreeStates); got != c.three {
					s.Errorf("%s, three states of %q: %s, want %s", when, c.tag, got, c.three)
				}
			}
		}
		both := func(tag, body string) want { return want{tag, body, body} }
		hold("at first", []want{
			both("*", `{"status":"down","total":5,"grace":0,"down":1}`),
			both("prod", `{"status":"up","total":2,"grace":0,"down":0}`),
			both("db", `{"status":"down","total":2,"grace":0,"down":1}`),
			both("new", `{"status":"up","total":1,"grace":0,"down":0}`),
			both("pro", `{"status":"up","total":0,"grace":0,"down":0}`),
			both("no one's", `{"status":"up","total":0,"grace":0,"down":0}`),
			both("ünï/cödé", `{"status":"up","total":1,"grace":0,"down":0}`),
			both("100%", `{"status":"up","total":1,"grace":0,"down":0}`),
		})
		s.clock.Advance(58*time.Minute + 59*time.Second)
		hold("an instant before", []want{both("prod", `{"status":"up","total":2,"grace":0,"down":0}`)})
		s.clock.Advance(time.Second)
		hold("when it is due, and the run has taken too long", []want{
			both("prod", `{"status":"down","total":2,"grace":1,"down":1}`),
			both("100%", `{"status":"down","total":1,"grace":0,"down":1}`),
			{"*", `{"status":"down","total":5,"grace":1,"down":2}`, `{"status":"down","total":5,"grace":1,"down":2}`},
		})
		s.makeCheck("e", "late", monitor.PingSuccess)
		s.clock.Advance(time.Hour)
		hold("later", []want{{"late", `{"status":"up","total":1,"grace":1,"down":0}`, `{"status":"late","total":1,"grace":1,"down":0}`}})

		code, body := s.get(s.links.Tag(other.Project.BadgeKey, "*", badge.ThreeStates, "json"))
		if code != 200 || body != `{"status":"up","total":1,"grace":0,"down":0}` {
			s.Errorf("of another project: %d %s", code, body)
		}
		if code, body := s.get(s.links.Tag("no-such-project", "*", badge.ThreeStates, "json")); code != 200 ||
			body != `{"status":"up","total":0,"grace":0,"down":0}` {
			s.Errorf("of no project: %d %s", code, body)
		}
	})
}

func TestFormats(t *testing.T) {
	each(t, func(s *site) {
		s.makeCheck("a", "late", monitor.PingSuccess)
		s.clock.Advance(time.Hour)
		s.makeCheck("b", "up", monitor.PingSuccess)
		s.makeCheck("c", "down", monitor.PingFail)
		for tag, want := range map[string]struct{ status, color, shields string }{
			"up": {"up", "#4c1", "success"}, "late": {"late", "#fe7d37", "important"}, "down": {"down", "#e05d44", "critical"},
			"*": {"down", "#e05d44", "critical"},
		} {
			label := tag
			if tag == badge.Project {
				label = "All of us"
			}
			address := func(format string) string { return s.links.Tag(s.Project.BadgeKey, tag, badge.ThreeStates, format) }
			resp := s.do("GET", address("svg"))
			if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "image/svg+xml" {
				s.Errorf("%s: %d %s", tag, resp.StatusCode, resp.Header.Get("Content-Type"))
			}
			_, svg := s.get(address("svg"))
			if !strings.Contains(svg, `fill="`+want.color+`"`) || !strings.Contains(svg, "<title>"+label+": "+want.status+"</title>") {
				s.Errorf("%s: %s", tag, svg)
			}
			_, body := s.get(address("shields"))
			if body != `{"schemaVersion":1,"label":"`+label+`","message":"`+want.status+`","color":"`+want.shields+`"}` {
				s.Errorf("%s for shields: %s", tag, body)
			}
			for _, format := range []string{"json", "shields"} {
				got := s.do("GET", address(format)).Header.Get("Content-Type")
				if got != "application/json" {
					s.Errorf("%s as %s is %s", tag, format, got)
				}
			}
		}
	})
}

// docs/contract.md §3.2: the badge of one check.
func TestBadgesOfChecks(t *testing.T) {
	each(t, func(s *site) {
		c := s.makeCheck("Nightly <dump>", "", monitor.PingSuccess)
		nameless := s.makeCheck("", "")
		s.clock.Advance(time.Hour)
		key := c.BadgeKey.String()
		late := `{"status":"late","total":1,"grace":1,"down":0}`
		up := `{"status":"up","total":1,"grace":1,"down":0}`
		for path, want := range map[string]string{
			"/b/3/" + key + ".json": late, "/b/2/" + key + ".json": up, "/b/17/" + key + ".json": up, "/b/0/" + key + ".json": up,
			"/b/3/" + strings.ToUpper(key) + ".json": late,
			"/b/2/" + key +
				".shields": `{"schemaVersion":1,"label":"Nightly \u003cdump\u003e","message":"up","color":"success"}`,
			"/b/2/" + nameless.BadgeKey.String() + ".shields": `{"schemaVersion":1,"label":"unnamed","message":"up","color":"success"}`,
		} {
			code, body := s.get(path)
			if code != 200 || body != want {
				s.Errorf("%s: %d %s, want %s", path, code, body, want)
			}
		}
		_, svg := s.get("/b/2/" + key + ".svg")
		if !strings.Contains(svg, "Nightly &lt;dump&gt;: up") {
			s.Error(svg)
		}
		s.clock.Advance(time.Hour)
		_, body := s.get("/b/3/" + key + ".json")
		if body != `{"status":"down","total":1,"grace":0,"down":1}` {
			s.Errorf("past the deadline, with no worker: %s", body)
		}
		// A badge does not lead to the ping URL, nor does a ping URL to the badge.
		for _, path := range []string{"/b/2/" + uuid.NewString() + ".svg", "/b/2/" + c.Code.String() + ".svg", "/b/x/" + key + ".svg",
			"/b/-3/" + key + ".svg", "/b/2/nonsense.svg", "/b/2/.svg", "/b/.svg", "/b/2/{" + key + "}.svg"} {
			resp := s.do("GET", path)
			if resp.StatusCode != 404 || resp.Header.Get("Access-Control-Allow-Origin") != "" ||
				!strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
				s.Errorf("%s: %d %v, want 404 as a page", path, resp.StatusCode, resp.Header)
			}
		}
	})
}

// docs/conformance.md §12: who gets no badge.
func TestRefusals(t *testing.T) {
	each(t, func(s *site) {
		good := s.links.Tag(s.Project.BadgeKey, "prod", badge.TwoStates, "svg")
		base := "/badge/" + s.Project.BadgeKey + "/"
		signature := s.links.Signature(s.Project.BadgeKey, "prod")
		project := s.links.Signature(s.Project.BadgeKey, "*")
		for _, c := range []struct {
			method, path string
			status       int
			cors         bool
		}{
			{"GET", good, 200, true},
			{"OPTIONS", good, 204, true},
			{"HEAD", good, 405, true},
			{"PUT", good, 405, true},
			{"DELETE", good, 405, true},
			{"POST", good, 403, false},
			{"GET", base + signature + "/dev.svg", 404, true},
			{"GET", base + signature + ".svg", 404, true},
			{"GET", base + project + "/prod.svg", 404, true},
			{"GET", base + "!!" + signature[2:] + "/prod.svg", 404, true},
			{"GET", base + signature[:7] + "/prod.svg", 404, true},
			{"GET", base + signature + "/prod.png", 404, true},
			{"GET", base + signature + "/prod", 404, true},
			{"GET", base + signature + "/.svg", 404, true},
			{"GET", "/badge/other-key/" + signature + "/prod.svg", 404, true},
			{"GET", "/badge/.svg", 404, true},
			{"GET", "/badge/", 404, true},
			{"GET", base + signature + "/prod.svg", 200, true},
			{"GET", base + signature + "-2/prod.svg", 200, true},
			// only the beginning is compared
			{"GET", base + signature + "whatever/prod.svg", 200, true},
		} {
			resp := s.do(c.method, c.path)
			h := resp.Header
			if resp.StatusCode != c.status || (h.Get("Access-Control-Allow-Origin") == "*") != c.cors {
				s.Errorf("%s %s: %d %v, want %d", c.method, c.path, resp.StatusCode, h, c.status)
			}
			if c.cors && (h.Get("Access-Control-Allow-Methods") != "GET, OPTIONS" || h.Get("Access-Control-Allow-Headers") != "X-Api-Key" ||
				h.Get("Access-Control-Max-Age") != "600") {
				s.Errorf("%s %s: CORS headers %v", c.method, c.path, h)
			}
			if h.Get("Cache-Control") != "max-age=0, no-cache, no-store, must-revalidate, private" ||
				h.Get("Expires") != "Thu, 01 Jan 1970 00:00:00 GMT" {
				s.Errorf("%s %s may be kept: %v", c.method, c.path, h)
			}
		}
	})
}

// A tag is found whether its address encodes it twice, as ours do, or once, as
// people write it.
func TestEncodingsOfTags(t *testing.T) {
	each(t, func(s *site) {
		for _, tag := range []string{"a b", "a/b", "a//b", "100%", "%20", "50%25", "ü", "日本", "🚀", "a.b", ".svg", "?#&=+", `"<>'`, "..", "%"} {
			signature := s.links.Signature(s.Project.BadgeKey, tag)
			once := "/badge/" + s.Project.BadgeKey + "/" + signature + "/" + url.PathEscape(tag) + ".shields"
			for _, address := range []string{s.links.Tag(s.Project.BadgeKey, tag, badge.ThreeStates, "shields"), once} {
				code, body := s.get(address)
				var got struct{ Label string }
				if err := json.Unmarshal([]byte(body), &got); err != nil || code != 200 || got.Label != tag {
					s.Errorf("%q at %s: %d %s", tag, address, code, body)
				}
			}
		}
	})
}

// A broken database is a 500, not a green badge.
func TestWithoutDatabase(t *testing.T) {
	each(t, func(s *site) {
		s.store.DB().Close()
		for _, path := range []string{s.links.Tag(s.Project.BadgeKey, "*", badge.ThreeStates, "svg"),
			"/b/2/" + s.Check.BadgeKey.String() + ".svg"} {
			code, body := s.get(path)
			if code != 500 || body != "" {
				s.Errorf("%s: %d %s", path, code, body)
			}
		}
	})
}

// Whatever address is asked for, it is answered.
func FuzzAddresses(f *testing.F) {
	st := testdb.Open(f, testdb.Engines[0], nil)
	account := testdb.Account(f, st)
	links := badge.Links{SecretKey: "s3cret"}
	h := badge.New(badge.Deps{Store: st, Links: links, Label: "x", Log: slog.New(slog.DiscardHandler)})
	f.Add(links.Tag(account.Project.BadgeKey, "a/b", badge.TwoStates, "svg"))
	f.Add("/b/2/" + account.Check.BadgeKey.String() + ".svg")
	f.Add("/badge///.svg")
	f.Add("/b/.")
	f.Fuzz(func(t *testing.T, path string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code != 200 && w.Code != 404 {
			t.Errorf("%q: %d", path, w.Code)
		}
	})
}

// makeChecks adds checks of one tag to the project, all up.
func (s *site) makeChecks(n int, tag string) {
	s.Helper()
	all := make([]store.History, n)
	for i := range all {
		c := monitor.NewCheck(s.Project.ID, s.store.Now())
		c.Tags = tag
		all[i].Check = &c
	}
	if err := s.store.ImportHistory(s.Context(), all); err != nil {
		s.Fatal(err)
	}
}

// Behind each badge stands a look at all checks of its project: of a large one it
// serves everybody who asks within a few seconds, and no longer.
func TestBadgesOfALargeProjectAreReadOnceInFiveSeconds(t *testing.T) {
	each(t, func(s *site) {
		s.makeChecks(300, "prod")
		statements := func() int {
			tally := &db.Tally{}
			r := httptest.NewRequest(http.MethodGet, s.links.Tag(s.Project.BadgeKey, "prod", badge.ThreeStates, "json"), nil)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r.WithContext(db.WithTally(s.Context(), tally)))
			want := `{"status":"up","total":300,"grace":0,"down":0}`
			if w.Code != http.StatusOK || w.Body.String() != want {
				s.Errorf("%d %s, want %s", w.Code, w.Body, want)
			}
			return tally.Statements()
		}
		if statements() == 0 {
			s.Error("the first badge is shown without a look at the checks")
		}
		s.clock.Advance(4 * time.Second)
		n := statements()
		if n != 0 {
			s.Errorf("four seconds later the checks are read again, by %d statements", n)
		}
		s.makeCheck("broken", "prod", monitor.PingFail)
		s.clock.Advance(time.Second)
		_, body := s.get(s.links.Tag(s.Project.BadgeKey, "prod", badge.ThreeStates, "json"))
		if body != `{"status":"down","total":301,"grace":0,"down":1}` {
			s.Errorf("five seconds later: %s", body)
		}
	})
}
