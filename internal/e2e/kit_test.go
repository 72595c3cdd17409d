package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// TestTheKitOnARealPrometheus scrapes a running Punctual in both ways of
// packaging/prometheus/scrape.yml, and looks whether each panel of the dashboard
// shows something, and whether no alert has trouble or fires without reason.
func TestTheKitOnARealPrometheus(t *testing.T) {
	t.Parallel()
	optional(t, "prometheus")
	e := newEnv(t, db.SQLite).with(env{"PUNCTUAL_STATUS_TOKENS": "token", "PUNCTUAL_SPOOL_DIR": onDisk(t)})
	// its figures are on the site, by the token
	e.start(t, "up")
	worker := e.with(env{"PUNCTUAL_METRICS_LISTEN": "127.0.0.1:" + freePort(t)})
	worker.start(t, "sendalerts")

	dir := t.TempDir()
	port := freePort(t)
	write(t, filepath.Join(dir, "punctual.token"), "token\n")
	copyFile(t, "../../packaging/prometheus/rules.yml", filepath.Join(dir, "punctual-rules.yml"))
	write(t, filepath.Join(dir, "prometheus.yml"), `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [punctual-rules.yml]
scrape_configs:
  - job_name: punctual
    static_configs:
      - targets: ["`+worker["PUNCTUAL_METRICS_LISTEN"]+`"]
  - job_name: site
    authorization:
      credentials_file: punctual.token
    relabel_configs:
      - {target_label: job, replacement: punctual}
    static_configs:
      - targets: ["`+e["PUNCTUAL_LISTEN"]+`"]
`)
	prometheus := exec.CommandContext(t.Context(), "prometheus", "--config.file="+dir+"/prometheus.yml", "--storage.tsdb.path="+dir+"/tsdb",
		"--web.listen-address=127.0.0.1:"+port)
	if err := prometheus.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prometheus.Process.Kill(); prometheus.Wait() })

	// Something of all there is to see: a delivery, a mail, a login that is refused.
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	s := e.store(t)
	u := newUser(t, e, s)
	config, _ := json.Marshal(map[string]string{"method_down": "GET", "url_down": hook.URL})
	if err := s.CreateChannel(t.Context(), &monitor.Channel{ProjectID: uuid.MustParse(u.Project), Kind: "webhook", Config: string(config),
		Verified: true}); err != nil {
		t.Fatal(err)
	}
	made := u.call(201, "POST /api/v3/checks/", `{"name":"x","channels":"*"}`).object("uuid")
	u.send(200, "GET /ping/"+made["uuid"].(string)+"/fail", "")
	b := e.browser(t)
	b.post("/accounts/signup/", url.Values{"identity": {"a@example.org"}, "tz": {"UTC"}})

	ask := func(path string, into any) bool {
		res, err := http.Get("http://127.0.0.1:" + port + path)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return json.NewDecoder(res.Body).Decode(into) == nil
	}
	for _, expr := range dashboardQueries(t) {
		// a site that is well has none
		if strings.Contains(expr, `code=~"5.."`) {
			continue
		}
		b.get("/")
		eventually(t, "the dashboard shows "+expr, func() bool {
			var answer struct {
				Data struct{ Result []any }
			}
			return ask("/api/v1/query?query="+url.QueryEscape(expr), &answer) && len(answer.Data.Result) > 0
		})
	}
	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, State, LastError string }
			}
		}
	}
	if !ask("/api/v1/rules", &rules) || len(rules.Data.Groups) != 1 {
		t.Fatal("Prometheus has no rules")
	}
	for _, r := range rules.Data.Groups[0].Rules {
		// that is the machine's business
		disk := strings.HasPrefix(r.Name, "PunctualDisk")
		if r.Health != "ok" || r.State == "firing" && !disk {
			t.Errorf("%+v", r)
		}
	}
}

// dashboardQueries are the queries of all panels, for a look at the last seconds.
func dashboardQueries(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile("../../packaging/grafana/punctual.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			list = append(list, strings.NewReplacer("$__rate_interval", "20s", "$job", ".*", "$instance", ".*").Replace(target.Expr))
		}
	}
	if len(list) < 30 {
		t.Fatalf("only %d queries", len(list))
	}
	return list
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(text))
}
