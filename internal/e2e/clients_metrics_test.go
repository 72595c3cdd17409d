package e2e

import (
	"encoding/json"
	"encoding/xml"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"punctual/internal/db"
)

// TestScrapersAndBadges runs those that come by themselves: Prometheus, and what puts badges
// into pages.
func TestScrapersAndBadges(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		clients := map[string]func(*user){"expfmt": scraped, "promtool": promtool, "shields.io": shields, "badges in pages": badgesInPages}
		// slow to start, and it reads what the others have read
		if engine == db.SQLite {
			clients["Prometheus"] = prometheus
		}
		withUsers(t, engine, clients)
	})
}

// nasty has all that a label of a metric and an address of a badge may stumble over.
const nasty = `"quoted\\" & <b>\nnew line</b> ünï 日本`

// twoChecks makes a check that is down, with a nasty name and tags, and one that is up.
func twoChecks(u *user) *check {
	u.Helper()
	c := u.check()
	u.call(200, "POST /api/v3/checks/"+c.UUID, `{"name":`+strings.ReplaceAll(quote(nasty), `\\n`, `\n`)+`,"tags":"prod ünï a/b 50% \"q\""}`)
	u.send(200, "GET /ping/"+c.UUID+"/fail", "")
	ok := u.call(201, "POST /api/v3/checks/", `{"name":"Fine","slug":"fine","tags":"prod"}`).object("uuid")
	u.send(200, "GET /ping/"+ok["uuid"].(string), "")
	return c
}

func quote(s string) string {
	// a text always can be
	out, _ := json.Marshal(s)
	return string(out)
}

func (u *user) metrics() string { return "/projects/" + u.Project + "/metrics/" }

// scraped is the parser that Prometheus' own tools are made with.
func scraped(u *user) {
	twoChecks(u)
	for _, body := range []string{
		u.send(200, "GET "+u.metrics()+u.APIKeyReadonly, "").body,
		u.send(200, "GET /projects/"+u.Project+"/checks/metrics/"+u.APIKeyReadonly, "").body,
		u.send(200, "GET "+u.metrics(), "", "Authorization: Bearer "+u.APIKeyReadonly).body,
	} {
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(body))
		if err != nil {
			u.Fatalf("%v in\n%s", err, body)
		}
		up := make(map[string]float64)
		for _, m := range families["hc_check_up"].GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "name" {
					up[l.GetValue()] = m.GetGauge().GetValue()
				}
			}
		}
		if len(up) != 2 || up["Fine"] != 1 {
			u.Errorf("hc_check_up: %v", up)
		}
		total := families["hc_checks_total"].GetMetric()
		down := families["hc_checks_down_total"].GetMetric()
		if total[0].GetGauge().GetValue() != 2 || down[0].GetGauge().GetValue() != 1 {
			u.Errorf("totals: %v, %v", total, down)
		}
	}
}

// promtool is Prometheus' own judge of what it scrapes. It calls names bad style
// that are given (docs/contract.md §4); anything else it says is an error of
// ours.
func promtool(u *user) {
	optional(u.T, "promtool")
	twoChecks(u)
	cmd := exec.CommandContext(u.Context(), "promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(u.send(200, "GET "+u.metrics()+u.APIKeyReadonly, "").body)
	// it ends with 3 for matters of style
	out, _ := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, `non-counter metrics should not have "_total" suffix`) {
			u.Errorf("promtool: %s", line)
		}
	}
}

// prometheus scrapes as people configure it, with the read-only key as a credential.
func prometheus(u *user) {
	optional(u.T, "prometheus")
	twoChecks(u)
	site, err := url.Parse(u.site(""))
	if err != nil {
		u.Fatal(err)
	}
	dir := u.TempDir()
	port := freePort(u.T)
	write(u.T, filepath.Join(dir, "prometheus.yml"), `
scrape_configs:
  - job_name: punctual
    scrape_interval: 1s
    metrics_path: `+u.metrics()+`
    authorization:
      credentials: `+u.APIKeyReadonly+`
    static_configs:
      - targets: ["`+site.Host+`"]
`)
	cmd := exec.CommandContext(u.Context(), "prometheus", "--config.file="+dir+"/prometheus.yml", "--storage.tsdb.path="+dir+"/tsdb",
		"--web.listen-address=127.0.0.1:"+port)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		u.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout = log
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		u.Fatal(err)
	}
	u.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	query := "http://127.0.0.1:" + port + "/api/v1/query?query=" + url.QueryEscape(`sum(hc_check_up) + 10 * max(hc_checks_total)`)
	client := u.browser(u.T)
	eventually(u.T, "Prometheus has scraped the checks", func() bool {
		res, err := client.Get(query)
		if err != nil {
			return false
		}
		_, body, _ := client.read(res, nil)
		return strings.Contains(body, `"21"`)
	})
}

// shields reads badges as https://shields.io/endpoint demands: it refuses fields it does not know.
func shields(u *user) {
	twoChecks(u)
	named := []string{"brightgreen", "green", "yellowgreen", "yellow", "orange", "red", "blue", "grey", "lightgrey", "success", "important",
		"critical", "informational", "inactive"}
	for tag, formats := range badgesOf(u) {
		for _, format := range []string{"shields", "shields3"} {
			answer := u.send(200, "GET "+formats[format], "")
			var b struct {
				SchemaVersion  int
				Label, Message string
				Color          string
			}
			answer.into(&b)
			if b.SchemaVersion != 1 || b.Label == "" || b.Message == "" || !slices.Contains(named, b.Color) {
				u.Errorf("%s of %q: %s", format, tag, answer.body)
			}
			for field := range answer.object() {
				if !slices.Contains([]string{"schemaVersion", "label", "message", "color"}, field) {
					u.Errorf("%s of %q has the field %q", format, tag, field)
				}
			}
			if answer.header.Get("Content-Type") != "application/json" {
				u.Errorf("%s of %q: %s", format, tag, answer.header.Get("Content-Type"))
			}
		}
	}
}

func badgesOf(u *user) map[string]map[string]string {
	u.Helper()
	var list struct {
		Badges map[string]map[string]string
	}
	u.call(200, "GET /api/v3/badges/", "").into(&list)
	if len(list.Badges) != 6 {
		u.Fatalf("badges: %v", list.Badges)
	}
	return list.Badges
}

// badgesInPages are images: GitHub's proxy keeps them unless told not to.
func badgesInPages(u *user) {
	c := twoChecks(u)
	addresses := []string{u.call(200, "GET /api/v3/checks/"+c.UUID, "").object("badge_url")["badge_url"].(string)}
	for _, formats := range badgesOf(u) {
		addresses = append(addresses, formats["svg"], formats["svg3"])
	}
	for _, address := range addresses {
		answer := u.send(200, "GET "+address, "")
		kind := answer.header.Get("Content-Type")
		cache := answer.header.Get("Cache-Control")
		if kind != "image/svg+xml" || !strings.Contains(cache, "no-cache") {
			u.Errorf("%s: %s, %s", address, kind, cache)
		}
		var image struct{ XMLName xml.Name }
		if err := xml.Unmarshal([]byte(answer.body), &image); err != nil || image.XMLName.Local != "svg" {
			u.Errorf("%s: %v", address, err)
		}
	}
}
