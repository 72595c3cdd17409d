package metrics

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/need"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// schema is that of a database with three migrations of four.
func schema(context.Context) (applied, pending int, err error) { return 3, 1, nil }

// full has all figures, each with a value.
func full(t *testing.T, s *store.Store) *Metrics {
	t.Helper()
	m := New("1.2.3", "up")
	m.Database(t.Context(), s, schema)
	m.Disk(t.Context(), func() (free, size uint64, err error) { return 3, 10, nil })
	m.Queue(func() int { return 7 }, 4096)
	m.Spool(func() int { return 3 }, func() int64 { return 4096 }, func() time.Time { return time.Time{} }, time.Now)
	m.SelfChecks(func() map[string]int { return map[string]int{"disk": 1} })
	m.Request("GET", "/checks/{check}/details/", 200, 2000, 3*time.Millisecond)
	m.Batch(Tally{Success: 3, Fail: 1, Unknown: 1}, 2*time.Millisecond)
	m.Statement("select checks", time.Millisecond, "timeout")
	m.Attempted("email", "sent", time.Second)
	m.Accepted("email", time.Second)
	m.Plain("email")
	m.Mail("login", "sent")
	m.Round(Round{LookedAt: 5, Down: 1, Unknown: 2}, time.Millisecond, time.Unix(1, 0))
	return m
}

// scrape asks the handler, as Prometheus does, and returns status, format and body.
func scrape(t *testing.T, m *Metrics, accept string) (int, string, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Header().Get("Content-Type"), string(body)
}

func TestFiguresAreWellFormed(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		testdb.Account(t, s)
		m := full(t, s)
		_, format, body := scrape(t, m, "text/plain")
		if !strings.HasPrefix(format, "text/plain") {
			t.Errorf("format %q, asked for text", format)
		}
		line := `punctual_selfcheck_severity{name="disk"} 1`
		if !strings.Contains(body, line+"\n") {
			t.Errorf("without the line %s", line)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if len(families) < 40 {
			t.Errorf("only %d families", len(families))
		}
		problems, err := testutil.GatherAndLint(m.registry)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			if strings.HasPrefix(p.Metric, namespace) {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		}
		_, format, body = scrape(t, m, "application/openmetrics-text;version=1.0.0")
		if !strings.HasPrefix(format, "application/openmetrics-text") || !strings.HasSuffix(body, "# EOF\n") {
			t.Errorf("format %q, asked for OpenMetrics", format)
		}
	})
}

func TestFiguresAreThoseOfTheDatabase(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		fail := &store.Arrival{Code: a.Check.Code, Ping: monitor.Ping{CreatedAt: clock.Now(), Kind: monitor.PingFail}}
		if err := s.RecordPings(t.Context(), []*store.Arrival{fail}); err != nil {
			t.Fatal(err)
		}
		taker := &monitor.Taker{ID: uuid.New(), Host: "a", Place: "a", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
		mail := &monitor.Taker{ID: uuid.New(), Host: "b", Place: "b", Role: "smtpd", Ways: monitor.WayMail, BeganAt: clock.Now()}
		signed := store.Sign{Mark: clock.Now()}
		err := errors.Join(s.SignTaker(t.Context(), taker, signed), s.SignTaker(t.Context(), mail, signed),
			s.TakerStopped(t.Context(), mail, signed))
		if err != nil {
			t.Fatal(err)
		}
		clock.Advance(90 * time.Second)
		_, _, body := scrape(t, full(t, s), "text/plain")
		for _, line := range []string{
			`punctual_checks{status="down"} 1`, `punctual_checks{status="new"} 0`, `punctual_users 1`, `punctual_projects 1`,
			`punctual_channels{kind="email",state="working"} 1`, `punctual_outbox_deliveries 1`, `punctual_outbox_lag_seconds 90`,
			`punctual_outbox_oldest_age_seconds 90`, `punctual_alerts_held 0`, `punctual_mail_queue_length 0`, `punctual_watcher_lag_seconds 0`,
			`punctual_takers{counts="true"} 1`, `punctual_takers{counts="false"} 0`, `punctual_mark_lag_seconds 90`,
			`punctual_pings_untaken_seconds{way="http"} 0`, `punctual_pings_untaken_seconds{way="mail"} 90`,
			`punctual_blind_last_day_seconds{cause="stopped"} 90`, `punctual_unknown_runs_total 2`, `punctual_watcher_checks_total{result="down"} 1`,
			`punctual_nodes{role="sendalerts"} 0`, `punctual_migrations_applied 3`, `punctual_migrations_pending 1`, `punctual_db_up 1`,
			`punctual_pings_total{kind="success"} 3`, `punctual_pings_unknown_total 1`, `punctual_ingest_batch_pings_sum 4`,
			`punctual_ingest_queue_length 7`, `punctual_db_errors_total{class="timeout"} 1`,
			`punctual_http_requests_total{code="200",method="GET",route="/checks/{check}/details/"} 1`,
		} {
			if !strings.Contains(body, "\n"+line+"\n") {
				t.Errorf("%s is missing", line)
			}
		}
		sqlite := strings.Contains(body, "punctual_sqlite_wal_frames ")
		if sqlite != (s.DB().Engine == db.SQLite) {
			t.Errorf("figures of SQLite: %v on %s", sqlite, s.DB().Engine)
		}
	})
}

func TestWithoutADatabaseTheRestIsThere(t *testing.T) {
	t.Parallel()
	s := testdb.Open(t, db.SQLite, nil)
	m := full(t, s)
	if err := s.DB().Close(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	status, _, body := scrape(t, m, "text/plain")
	took := time.Since(began)
	if status != http.StatusOK || took > 5*time.Second {
		t.Errorf("status %d after %s", status, took)
	}
	// what is missing is counted while the first answer is made
	_, _, again := scrape(t, m, "text/plain")
	for _, line := range []string{`punctual_db_up 0`, `punctual_collector_errors_total{collector="outbox"} `,
		`punctual_pings_total{kind="success"} 3`} {
		if !strings.Contains(again, line) {
			t.Errorf("%s is missing", line)
		}
	}
	if !strings.Contains(body, "punctual_db_up 0") {
		t.Error("the database is up without one")
	}
	if strings.Contains(body, "punctual_checks{") {
		t.Error("checks are counted without a database")
	}
}

func TestHangingReadingsAreLeftOutTogether(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	m := New("1", "up")
	hang := func(context.Context) error {
		<-release
		return nil
	}
	for _, name := range []string{"hanging", "stuck"} {
		d := desc(name, "Never there.")
		m.group(t.Context(), name, time.Minute, []*prometheus.Desc{d}, func(ctx context.Context, _ emit) error { return hang(ctx) })
	}
	m.registry.MustRegister(&up{newReading(t.Context(), m.log, time.Minute,
		func(ctx context.Context) (struct{}, error) { return struct{}{}, hang(ctx) })})
	began := time.Now()
	_, _, body := scrape(t, m, "text/plain")
	took := time.Since(began)
	if took > waitTime*3/2 || strings.Contains(body, "punctual_hanging") || !strings.Contains(body, "punctual_db_up 0") ||
		!strings.Contains(body, "punctual_pings_total") {
		t.Errorf("after %s: %s", took, body)
	}
}

func TestReadingsAreKeptUnlessTheyFail(t *testing.T) {
	t.Parallel()
	asked := 0
	fails := true
	r := newReading(t.Context(), slog.New(slog.DiscardHandler), time.Second, func(context.Context) (int, error) {
		asked++
		if fails {
			return 0, errors.New("away")
		}
		return asked, nil
	})
	_, ok := r.get()
	if ok {
		t.Error("a failed reading counts")
	}
	fails = false
	for range 3 {
		n, ok := r.get()
		if !ok || n != 2 {
			t.Errorf("read %d, %v, want the second reading, kept", n, ok)
		}
	}
}

func TestAPanicOfAReadingCostsItsFigure(t *testing.T) {
	t.Parallel()
	m := New("1", "up")
	log := &strings.Builder{}
	m.LogTo(slog.New(slog.NewTextHandler(log, nil)))
	m.group(t.Context(), "broken", time.Minute, []*prometheus.Desc{desc("broken", "Never there.")},
		func(context.Context, emit) error { panic("a bug") })
	_, _, body := scrape(t, m, "text/plain")
	if strings.Contains(body, "punctual_broken") || !strings.Contains(body, "punctual_pings_total") ||
		strings.Count(log.String(), "panic: a bug") != 1 {
		t.Errorf("logged %s, answered %s", log.String(), body)
	}
}

func TestLabelsFromTheNetworkAreBounded(t *testing.T) {
	t.Parallel()
	m := New("1", "up")
	for _, method := range []string{"BREW", "get", "\xff"} {
		m.Request(method, "", 404, 10, time.Millisecond)
	}
	_, _, body := scrape(t, m, "text/plain")
	if !strings.Contains(body, `punctual_http_requests_total{code="404",method="other",route="none"} 3`) {
		t.Error("odd methods make series of their own")
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	tokens := []string{"old-token", "new-token"}
	for header, want := range map[string]bool{
		"Bearer old-token": true, "bearer new-token": true, "Bearer  new-token": true,
		"": false, "Bearer": false, "Bearer ": false, "Bearer wrong": false, "Basic old-token": false, "old-token": false,
		"Bearer old-token x": false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		r.Header.Set("Authorization", header)
		if Allowed(r, tokens) != want {
			t.Errorf("%q: allowed is not %v", header, want)
		}
		if Allowed(r, nil) {
			t.Errorf("%q is allowed where no token is set", header)
		}
	}
}

var described = regexp.MustCompile(`fqName: "(punctual_\w+)"`)

// names are all families of Punctual, those without a value yet too.
func names(t *testing.T) []string {
	t.Helper()
	descs := make(chan *prometheus.Desc)
	m := full(t, testdb.Open(t, db.SQLite, nil))
	go func() {
		m.registry.Describe(descs)
		close(descs)
	}()
	list := make(map[string]bool)
	for d := range descs {
		name := described.FindStringSubmatch(d.String())
		if name != nil {
			list[name[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(list))
}

func TestEveryFigureIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `(punctual_\\w+)`").FindAllSubmatch(text, -1) {
		documented[string(row[1])] = true
	}
	all := names(t)
	for _, name := range all {
		if !documented[name] {
			t.Errorf("%s is not in docs/metrics.md", name)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("docs/metrics.md tells of %s, which does not exist", name)
	}
	if !bytes.Contains(text, []byte("PUNCTUAL_METRICS_LISTEN")) || len(all) < 40 {
		t.Errorf("%d figures", len(all))
	}
}

func TestPromtoolFindsNothingToImprove(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		need.Missing(t, "promtool", err)
	}
	_, _, body := scrape(t, full(t, testdb.Open(t, db.SQLite, nil)), "text/plain")
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(body)
	if out, err := check.CombinedOutput(); err != nil || bytes.Contains(out, []byte(namespace)) {
		t.Errorf("%v\n%s", err, out)
	}
}

// What a batch of pings costs in metrics: about as much as one ping would if each
// were counted by itself.
func BenchmarkBatch(b *testing.B) {
	m := New("1", "up")
	for b.Loop() {
		m.Batch(Tally{Success: 100, Start: 20, Fail: 8}, time.Millisecond)
	}
}
