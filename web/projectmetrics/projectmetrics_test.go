package projectmetrics_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web/projectmetrics"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	rwKey     = "hcw_AbCdEfGhIjKlMnOpQrStUvWxYz01"
	roKey     = "hcr_AbCdEfGhIjKlMnOpQrStUvWxYz01"
	legacyKey = "abcdefghijklmnopqrstuvwxyz012345"
)

// site serves the metrics of two projects, the second with a key of old times.
type site struct {
	testing.TB
	http.Handler
	store *store.Store
	clock *testdb.Clock
	store.Account
	other store.Account
}

func each(t *testing.T, test func(s *site)) {
	testdb.Each(t, func(t *testing.T, st *store.Store, clock *testdb.Clock) { test(newSite(t, st, clock)) })
}

func newSite(tb testing.TB, st *store.Store, clock *testdb.Clock) *site {
	tb.Helper()
	s := &site{TB: tb, store: st, clock: clock, Account: testdb.Account(tb, st), other: testdb.Account(tb, st, "other@example.org")}
	hash := func(key string) string {
		if !strings.HasPrefix(key, "hc") {
			return ""
		}
		return "hash of " + key
	}
	s.Project.APIKey = hash(rwKey)
	s.Project.APIKeyReadonly = hash(roKey)
	s.other.Project.APIKeyReadonly = legacyKey
	for _, p := range []*monitor.Project{s.Project, s.other.Project} {
		if err := testdb.PutProject(tb.Context(), st, p); err != nil {
			tb.Fatal(err)
		}
	}
	h := projectmetrics.New(projectmetrics.Deps{Store: st,
		HashKey: func(_ context.Context, key string) (string, error) { return hash(key), nil }})
	r := chi.NewRouter()
	for _, path := range []string{"/projects/{project}/metrics/", "/projects/{project}/metrics/{key}",
		"/projects/{project}/checks/metrics/{key}"} {
		r.Method(http.MethodGet, path, h)
	}
	s.Handler = r
	return s
}

// get asks for a path; {P} is the project.
func (s *site) get(path, authorization string) *httptest.ResponseRecorder {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), http.MethodGet, strings.ReplaceAll(path, "{P}", s.Project.ID.String()), nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// scrape is what a Prometheus server reads: the values by series.
func (s *site) scrape() map[string]float64 {
	s.Helper()
	w := s.get("/projects/{P}/metrics/"+roKey, "")
	if w.Code != http.StatusOK {
		s.Fatal(w.Code, w.Body.String())
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		s.Fatal(err)
	}
	out := make(map[string]float64)
	for name, family := range families {
		for _, m := range family.GetMetric() {
			series := name
			for _, l := range m.GetLabel() {
				if l.GetName() == "name" || l.GetName() == "tag" {
					series += " " + l.GetValue()
				}
			}
			out[series] = m.GetGauge().GetValue()
		}
	}
	return out
}

func (s *site) makeCheck(name, tags string, pings ...monitor.Ping) *monitor.Check {
	s.Helper()
	c := monitor.NewCheck(s.Project.ID, s.store.Now())
	c.Name = name
	c.Tags = tags
	c.Timeout = time.Hour
	c.Grace = time.Hour
	if err := s.store.CreateCheck(s.Context(), &c, store.Channels{}); err != nil {
		s.Fatal(err)
	}
	s.ping(&c, pings...)
	return &c
}

func (s *site) ping(c *monitor.Check, pings ...monitor.Ping) {
	s.Helper()
	for _, p := range pings {
		p.CreatedAt = s.store.Now()
		a := &store.Arrival{Code: c.Code, Ping: p, Classify: func(*monitor.Filter) monitor.PingKind { return p.Kind }}
		if err := s.store.RecordPings(s.Context(), []*store.Arrival{a}); err != nil {
			s.Fatal(err)
		}
	}
}

// docs/contract.md §4, docs/conformance.md §12: who may scrape.
func TestKeys(t *testing.T) {
	each(t, func(s *site) {
		mine := "/projects/{P}"
		other := "/projects/" + s.other.Project.ID.String()
		for _, c := range []struct {
			path, authorization string
			status              int
		}{
			{mine + "/metrics/" + roKey, "", 200},
			{mine + "/checks/metrics/" + roKey, "", 200},
			{mine + "/metrics/", "Bearer " + roKey, 200},
			{mine + "/metrics/", "bearer " + roKey, 200},
			{other + "/metrics/" + legacyKey, "", 200},
			{other + "/metrics/", "Bearer " + legacyKey, 200},
			{mine + "/metrics/", "", 401},
			{mine + "/metrics/", "Basic " + roKey, 401},
			{mine + "/metrics/", roKey, 401},
			{mine + "/metrics/", "Bearer", 400},
			{mine + "/metrics/", "Bearer short", 400},
			{mine + "/metrics/short", "", 400},
			{mine + "/metrics/" + roKey + "x", "", 400},
			{mine + "/checks/metrics/short", "Bearer " + roKey, 400},
			{mine + "/metrics/" + rwKey, "", 403},
			{mine + "/metrics/", "Bearer " + rwKey, 403},
			{mine + "/metrics/hcr_00000000000000000000000000ff", "", 403},
			{mine + "/metrics/" + strings.Repeat("z", 32), "", 403},
			{mine + "/metrics/" + legacyKey, "", 403},
			{other + "/metrics/" + roKey, "", 403},
			{"/projects/" + uuid.NewString() + "/metrics/" + roKey, "", 403},
			{"/projects/nonsense/metrics/" + roKey, "", 404},
			{mine + "/metrics/" + roKey + "/", "", 404},
		} {
			w := s.get(c.path, c.authorization)
			if w.Code != c.status {
				s.Errorf("%s %q: %d %s, want %d", c.path, c.authorization, w.Code, w.Body, c.status)
			}
			want := map[bool]string{true: "text/plain; version=0.0.4; charset=utf-8", false: "text/plain; charset=utf-8"}[c.status == 200]
			if c.status != 404 && w.Header().Get("Content-Type") != want {
				s.Errorf("%s: %s", c.path, w.Header().Get("Content-Type"))
			}
		}
	})
}

// The families of docs/contract.md §4 come first, in its order and to the letter.
func TestTheText(t *testing.T) {
	each(t, func(s *site) {
		b := s.makeCheck("back\\slash \"quoted\"\nünï 🚀", "b a", monitor.Ping{Kind: monitor.PingFail})
		body := s.get("/projects/{P}/metrics/"+roKey, "").Body.String()
		blocks := strings.Split(strings.TrimSuffix(body, "\n"), "\n\n")
		names := make([]string, 0, len(blocks))
		header := regexp.MustCompile(`^# HELP (\S+) .+\n# TYPE (\S+) gauge(?:\n|$)`)
		for _, block := range blocks {
			m := header.FindStringSubmatch(block)
			if m == nil || m[1] != m[2] {
				s.Fatalf("no family begins so: %s", block)
			}
			names = append(names, m[1])
		}
		want := []string{
			"hc_check_up", "hc_check_started", "hc_check_grace", "hc_check_paused", "hc_tag_up", "hc_checks_total", "hc_checks_down_total",
			"hc_check_last_ping_timestamp_seconds", "hc_check_last_duration_seconds", "hc_check_next_deadline_timestamp_seconds",
			"hc_check_last_exit_status", "hc_check_time_in_state_seconds",
		}
		diff := cmp.Diff(want, names)
		if diff != "" {
			s.Errorf("families (-want +got):\n%s", diff)
		}
		labels := func(name, tags string, c *monitor.Check) string {
			return fmt.Sprintf(`{name="%s", tags="%s", unique_key="%s"}`, name, tags, monitor.UniqueKey(c.Code))
		}
		first := strings.SplitN(blocks[0], "\n", 3)[2]
		if want := "hc_check_up" + labels("Nightly dump", "", s.Check) + " 1\nhc_check_up" + labels(`back\\slash \"quoted\"\nünï 🚀`, "b a", b) +
			" 0"; first != want {
			s.Errorf("got\n%s\nwant\n%s", first, want)
		}
		if !strings.HasSuffix(blocks[4], "\nhc_tag_up{tag=\"a\"} 0\nhc_tag_up{tag=\"b\"} 0") ||
			!strings.HasSuffix(blocks[5], "\nhc_checks_total 2") || !strings.HasSuffix(blocks[6], "\nhc_checks_down_total 1") {
			s.Errorf("tags and totals:\n%s", strings.Join(blocks[4:7], "\n"))
		}
	})
}

func TestNastyNames(t *testing.T) {
	each(t, func(s *site) {
		names := []string{`"`, `\`, `\"`, `\\n`, "a\nb", "{}, =", "ünïcödé 夜間 🚀", "\t", `# HELP x`, "}", strings.Repeat("x", 100)}
		for _, name := range names {
			s.makeCheck(name, name)
		}
		got := s.scrape()
		for _, name := range names {
			_, there := got["hc_check_up "+name]
			if !there {
				s.Errorf("%q is not among them", name)
			}
		}
		if got["hc_checks_total"] != float64(len(names)+1) {
			s.Errorf("%v checks, want %d", got["hc_checks_total"], len(names)+1)
		}
	})
}

func TestValues(t *testing.T) {
	each(t, func(s *site) {
		zero := 0
		seven := 7
		success := monitor.Ping{Kind: monitor.PingSuccess}
		start := monitor.Ping{Kind: monitor.PingStart}
		begin := float64(s.store.Now().Unix())
		s.makeCheck("up", "a", success)
		timed := s.makeCheck("timed", "a", start)
		s.makeCheck("failed", "b", monitor.Ping{Kind: monitor.PingFail, ExitStatus: &seven}, monitor.Ping{Kind: monitor.PingLog})
		s.makeCheck("running", "run", monitor.Ping{Kind: monitor.PingSuccess, ExitStatus: &zero}, start)
		paused := s.makeCheck("paused", "a")
		_, err := s.store.UpdateCheck(s.Context(), paused.Code, func(e *store.CheckChange) error {
			e.Flip = monitor.Pause(e.Check, e.Now)
			return nil
		})
		if err != nil {
			s.Fatal(err)
		}
		s.clock.Advance(90*time.Second + 500*time.Millisecond)
		s.ping(timed, success)
		s.clock.Advance(10 * time.Second)
		hold := func(when string, want map[string]float64, absent ...string) {
			s.Helper()
			got := s.scrape()
			for series, value := range want {
				v, there := got[series]
				if !there || v != value {
					s.Errorf("%s, %s = %v %t, want %v", when, series, v, there, value)
				}
			}
			for _, series := range absent {
				v, there := got[series]
				if there {
					s.Errorf("%s, %s = %v, want none", when, series, v)
				}
			}
		}
		hold("soon", map[string]float64{
			"hc_check_up up": 1, "hc_check_up failed": 0, "hc_check_up paused": 1, "hc_check_up Nightly dump": 1,
			"hc_check_started up": 0, "hc_check_started running": 1, "hc_check_paused paused": 1, "hc_check_paused up": 0, "hc_check_grace up": 0,
			"hc_tag_up a": 1, "hc_tag_up b": 0, "hc_tag_up run": 1, "hc_checks_total": 6, "hc_checks_down_total": 1,
			"hc_check_last_ping_timestamp_seconds up": begin, "hc_check_last_ping_timestamp_seconds timed": begin + 90.5,
			"hc_check_last_duration_seconds timed":             90.5,
			"hc_check_next_deadline_timestamp_seconds up":      begin + 7200,
			"hc_check_next_deadline_timestamp_seconds running": begin + 3600,
			"hc_check_last_exit_status failed":                 7, "hc_check_last_exit_status running": 0,
			"hc_check_time_in_state_seconds up": 100.5, "hc_check_time_in_state_seconds timed": 10,
			"hc_check_time_in_state_seconds Nightly dump": 100.5,
			"hc_check_time_in_state_seconds failed":       100.5, "hc_check_time_in_state_seconds paused": 100.5,
		}, "hc_check_last_ping_timestamp_seconds Nightly dump", "hc_check_last_duration_seconds up", "hc_check_next_deadline_timestamp_seconds failed",
			"hc_check_next_deadline_timestamp_seconds paused", "hc_check_next_deadline_timestamp_seconds Nightly dump",
			"hc_check_last_exit_status up")

		s.clock.Advance(time.Hour - 100*time.Second - 500*time.Millisecond)
		hold("when it is due", map[string]float64{
			"hc_check_up up": 1, "hc_check_grace up": 1, "hc_check_time_in_state_seconds up": 3600,
			"hc_check_next_deadline_timestamp_seconds up": begin + 7200,
			"hc_check_up running":                         0, "hc_check_started running": 1, "hc_check_time_in_state_seconds running": 0, "hc_tag_up run": 0,
			"hc_checks_down_total": 2,
		}, "hc_check_next_deadline_timestamp_seconds running")
		s.clock.Advance(time.Hour + time.Minute)
		hold("past the deadline, with no worker", map[string]float64{
			"hc_check_up up": 0, "hc_check_grace up": 0, "hc_check_time_in_state_seconds up": 60, "hc_tag_up a": 0,
		}, "hc_check_next_deadline_timestamp_seconds up")
	})
}

func TestAnEmptyProject(t *testing.T) {
	each(t, func(s *site) {
		_, err := s.store.DeleteCheck(s.Context(), s.Check.Code)
		if err != nil {
			s.Fatal(err)
		}
		diff := cmp.Diff(map[string]float64{"hc_checks_total": 0, "hc_checks_down_total": 0}, s.scrape())
		if diff != "" {
			s.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestWithoutDatabase(t *testing.T) {
	each(t, func(s *site) {
		s.store.DB().Close()
		w := s.get("/projects/{P}/metrics/"+roKey, "")
		if w.Code != 500 || strings.Contains(w.Body.String(), "sql") {
			s.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// Ten thousand checks may have half a million tags; what their checks are like
// counts for those that are shown.
func TestTagsOfAProjectAreBounded(t *testing.T) {
	each(t, func(s *site) {
		for i := range 30 {
			tags := ""
			for j := range 60 {
				tags += fmt.Sprintf("t%04d ", j*30+i)
			}
			kind := monitor.PingSuccess
			if i == 7 {
				kind = monitor.PingFail
			}
			s.makeCheck("", tags, monitor.Ping{Kind: kind})
		}
		metrics := s.scrape()
		shown := 0
		down := 0
		for series, value := range metrics {
			if strings.HasPrefix(series, "hc_tag_up ") {
				shown++
				if value == 0 {
					down++
				}
			}
		}
		_, beyond := metrics["hc_tag_up t1000"]
		if shown != 1000 || beyond || metrics["hc_tag_up t0000"] != 1 || metrics["hc_tag_up t0007"] != 0 || down != 34 {
			s.Errorf("%d tags, %d of them down; t1000 among them: %t", shown, down, beyond)
		}
	})
}

// flood is an answer that grows; whoever asked goes away after the first piece.
type flood struct {
	http.ResponseWriter
	gone   context.CancelFunc
	pieces int
}

func (f *flood) Write(p []byte) (int, error) {
	f.pieces++
	f.gone()
	return len(p), nil
}

// The text is sent as it is made, and not made any more when nobody reads it.
func TestAScrapeEndsWithWhoeverAsked(t *testing.T) {
	each(t, func(s *site) {
		all := make([]store.History, 500)
		for i := range all {
			c := monitor.NewCheck(s.Project.ID, s.store.Now())
			c.Tags = strings.Repeat("long ", 100)
			all[i].Check = &c
		}
		if err := s.store.ImportHistory(s.Context(), all); err != nil {
			s.Fatal(err)
		}
		ctx, gone := context.WithCancel(s.Context())
		defer gone()
		r := httptest.NewRequest(http.MethodGet, strings.ReplaceAll("/projects/{P}/metrics/"+roKey, "{P}", s.Project.ID.String()), nil)
		f := &flood{ResponseWriter: httptest.NewRecorder(), gone: gone}
		defer func() {
			got := recover()
			if got != http.ErrAbortHandler { //nolint:errorlint // as net/http looks at it
				s.Errorf("the connection is not cut: %v", got)
			}
			// Each of nine families has 300 kB, a piece 64.
			if f.pieces == 0 || f.pieces > 6 {
				s.Errorf("%d pieces were made", f.pieces)
			}
		}()
		s.ServeHTTP(f, r.WithContext(ctx))
	})
}

// BenchmarkScrapeOf1000 is a whole scrape of a project with a thousand checks,
// each of which has run ten times.
func BenchmarkScrapeOf1000(b *testing.B) {
	for _, engine := range testdb.Engines {
		b.Run(string(engine), func(b *testing.B) {
			s := newSite(b, testdb.Open(b, engine, nil), nil)
			_, err := s.store.DB().Exec(b.Context(), `UPDATE users SET check_limit = 2000`)
			if err != nil {
				b.Fatal(err)
			}
			status := 0
			body := make([]byte, 500)
			var pings []*store.Arrival
			for i := range 1000 {
				c := s.makeCheck(fmt.Sprintf("Nightly dump of database %d", i), "prod db")
				for n := range 20 {
					p := monitor.Ping{CreatedAt: s.store.Now(), Body: body}
					kind := monitor.PingStart
					if n%2 == 1 {
						kind = monitor.PingSuccess
						p.ExitStatus = &status
					}
					pings = append(pings, &store.Arrival{Code: c.Code, Ping: p, Classify: func(*monitor.Filter) monitor.PingKind { return kind }})
				}
			}
			if err := s.store.RecordPings(b.Context(), pings); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				w := s.get("/projects/{P}/metrics/"+roKey, "")
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
