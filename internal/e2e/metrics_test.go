package e2e

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"punctual/internal/db"
)

// figures are one answer of /metrics: "name{label="value"}" → value, histograms
// by name_count.
type figures map[string]float64

// scrape reads /metrics as Prometheus does.
func scrape(t *testing.T, address, token string) (status int, f figures) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode, nil
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	f = make(figures)
	for name, family := range families {
		for _, m := range family.GetMetric() {
			h := m.GetHistogram()
			if h != nil {
				f[series(name+"_count", m)] = float64(h.GetSampleCount())
				continue
			}
			f[series(name, m)] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return res.StatusCode, f
}

func series(name string, m *dto.Metric) string {
	var labels []string
	for _, l := range m.GetLabel() {
		labels = append(labels, l.GetName()+"="+strconv.Quote(l.GetValue()))
	}
	if len(labels) == 0 {
		return name
	}
	return name + "{" + strings.Join(labels, ",") + "}"
}

func TestMetricsCountWhatHappens(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		e := newEnv(t, engine)
		e["PUNCTUAL_METRICS_LISTEN"] = "127.0.0.1:" + freePort(t)
		e["PUNCTUAL_STATUS_TOKENS"] = "token"
		address := "http://" + e["PUNCTUAL_METRICS_LISTEN"] + "/metrics"
		p := e.start(t, "up")
		b := e.browser(t)
		ping := signUp(b, "metrics@example.org", func() string {
			return p.waitFor(`(http://127\.0\.0\.1:\d+/accounts/check_token/[^\s"\\]+)`)[1]
		})
		b.get(ping)
		b.get(ping + "/start")
		b.get(ping + "/fail")
		b.get("/ping/12345678-1234-1234-1234-123456789abc")
		waitMail(t, e.store(t), `^DOWN \| My First Check$`)

		want := figures{
			`punctual_pings_total{kind="success"}`: 1, `punctual_pings_total{kind="start"}`: 1, `punctual_pings_total{kind="fail"}`: 1,
			`punctual_pings_unknown_total`: 1, `punctual_ingest_batch_pings_count`: 3, `punctual_ingest_queue_capacity`: 4096,
			`punctual_signups_total`: 1, `punctual_logins_total{method="link",outcome="ok"}`: 1,
			`punctual_deliveries_total{kind="email",outcome="sent"}`: 1, `punctual_alert_flip_to_accepted_seconds_count{kind="email"}`: 1,
			`punctual_mails_total{kind="login",outcome="kept"}`: 1, `punctual_mails_total{kind="alert",outcome="kept"}`: 1,
			`punctual_http_requests_total{code="303",method="POST",route="/accounts/signup"}`: 1,
			`punctual_nodes{role="up"}`: 1, `punctual_users`: 1, `punctual_checks{status="down"}`: 1, `punctual_db_up`: 1,
			`punctual_migrations_pending`: 0,
		}
		var missing []string
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("not as expected: %q", missing)
			}
		})
		eventually(t, "the figures say what happened", func() bool {
			_, got := scrape(t, address, "")
			missing = nil
			for name, value := range want {
				n, ok := got[name]
				if !ok || n != value {
					missing = append(missing, name)
				}
			}
			if got["punctual_watcher_round_duration_seconds_count"] == 0 ||
				got[`punctual_db_statement_duration_seconds_count{statement="insert nodes"}`] == 0 {
				missing = append(missing, "rounds of the watcher, statements")
			}
			return len(missing) == 0
		})
		status, _ := scrape(t, e.site("/metrics"), "token")
		if status != http.StatusNotFound {
			t.Errorf("the site answers %d beside the listener, want 404", status)
		}
	})
}

func TestMetricsOnTheSiteNeedAToken(t *testing.T) {
	t.Parallel()
	e := newEnv(t, db.SQLite).with(env{"PUNCTUAL_STATUS_TOKENS": "first,second"})
	code, _, stderr := e.run(t, "migrate")
	if code != 0 {
		t.Fatal(stderr)
	}
	e.start(t, "serve")
	for token, want := range map[string]int{"": 404, "third": 404, "first": 200, "second": 200} {
		status, _ := scrape(t, e.site("/metrics"), token)
		if status != want {
			t.Errorf("with token %q: %d, want %d", token, status, want)
		}
	}
	worker := e.with(env{"PUNCTUAL_METRICS_LISTEN": "127.0.0.1:" + freePort(t)})
	worker.start(t, "sendalerts")
	status, got := scrape(t, "http://"+worker["PUNCTUAL_METRICS_LISTEN"]+"/metrics", "")
	if status != http.StatusOK || got[`punctual_nodes{role="sendalerts"}`] != 1 {
		t.Errorf("sendalerts: %d, alive: %v", status, got[`punctual_nodes{role="sendalerts"}`])
	}
}
