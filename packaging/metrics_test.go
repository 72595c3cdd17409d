package packaging_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"punctual/internal/testkit/need"
)

func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		need.Missing(t, "promtool", err)
	}
	return path
}

func TestAlertRulesFireWhenTheyShould(t *testing.T) {
	run(t, "prometheus", promtool(t), "test", "rules", "rules_test.yml")
}

func TestScrapeConfigIsValid(t *testing.T) {
	dir := t.TempDir()
	for from, to := range map[string]string{"prometheus/scrape.yml": "prometheus.yml", "prometheus/rules.yml": "punctual-rules.yml"} {
		if err := os.WriteFile(filepath.Join(dir, to), []byte(read(t, from)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, promtool(t), "check", "config", "--lint-fatal", "prometheus.yml")
}

// Each process that stays has a target of its own.
func TestScrapeConfigHasEachProcess(t *testing.T) {
	// command → address
	targets := make(map[string]string)
	for _, match := range regexp.MustCompile(`(?m)^ +(?:# )?- (\S+:\d+) # punctual (\w+)`).FindAllStringSubmatch(
		read(t, "prometheus/scrape.yml"), -1) {
		for command, address := range targets {
			if address == match[1] {
				t.Errorf("%s and %s share %s", command, match[2], address)
			}
		}
		targets[match[2]] = match[1]
	}
	staying := 0
	for _, unit := range glob(t, "systemd/*.service") {
		text := read(t, unit)
		if strings.Contains(text, "Type=notify") {
			staying++
			command := regexp.MustCompile(`(?m)^ExecStart=\S+ (\w+)`).FindStringSubmatch(text)[1]
			if targets[command] == "" {
				t.Errorf("%s: no target for punctual %s", unit, command)
			}
		}
	}
	if staying < 4 {
		t.Errorf("only %d units stay", staying)
	}
}

// Each alert is tried both ways: there is a case in which it fires, and one in
// which it stays quiet.
func TestEachAlertIsTried(t *testing.T) {
	cases := read(t, "prometheus/rules_test.yml")
	for _, match := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(read(t, "prometheus/rules.yml"), -1) {
		name := match[1]
		if !regexp.MustCompile(`\{eval_time: \w+, alertname: ` + name + `\}`).MatchString(cases) {
			t.Errorf("no case in which %s stays quiet", name)
		}
		if !regexp.MustCompile(`alertname: ` + name + `\n\s+exp_alerts:`).MatchString(cases) {
			t.Errorf("no case in which %s fires", name)
		}
	}
}

// The jobs in comments are for other ways of getting there; they must be right as well.
func TestScrapeConfigInCommentsIsValid(t *testing.T) {
	config := regexp.MustCompile(`(?m)^  # (- job_name|  )`).ReplaceAllString(read(t, "prometheus/scrape.yml"), "  $1")
	config = strings.Replace(config, "job_name: punctual\n", "job_name: punctual-site\n", 1)
	if strings.Count(config, "\n  - job_name") != 4 {
		t.Fatalf("not four jobs:\n%s", config)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"prometheus.yml": config, "punctual-rules.yml": read(t, "prometheus/rules.yml")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// the file with the token is the operator's
	run(t, dir, promtool(t), "check", "config", "--lint-fatal", "--syntax-only", "prometheus.yml")
}

// The exporter is a program of others that .ci/deps installs for those who want it.
func TestBlackboxConfigIsValid(t *testing.T) {
	exporter, err := exec.LookPath("prometheus-blackbox-exporter")
	if err != nil {
		t.Skip("no prometheus-blackbox-exporter: .ci/deps clients installs it")
	}
	run(t, "prometheus", exporter, "--config.check", "--config.file=blackbox.yml")
}

// dashboard is what this test reads of Grafana's format.
type dashboard struct {
	Panels []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
}

func TestDashboardQueriesAreValid(t *testing.T) {
	var rules struct {
		Groups []map[string]any `yaml:"groups"`
	}
	var list []map[string]string
	ids := make(map[int]bool)
	for _, p := range loadDashboard(t).Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d %q: its id is taken, it has no title, or no room", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*").Replace(target.Expr)
			list = append(list, map[string]string{"record": fmt.Sprintf("query:%d", len(list)), "expr": expr})
		}
	}
	if len(list) < 30 {
		t.Fatalf("only %d queries", len(list))
	}
	rules.Groups = []map[string]any{{"name": "dashboard", "rules": list}}
	text, err := yaml.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "queries.yml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, promtool(t), "check", "rules", "queries.yml")
}

func loadDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, "grafana/punctual.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// docs/metrics.md has every figure and no other: a test of internal/metrics sees to it.
func TestRulesAndDashboardUseFiguresThatExist(t *testing.T) {
	// name → type
	known := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `(punctual_\\w+)`[ ◆]*\\| (\\w+) ").FindAllStringSubmatch(read(t, "../docs/metrics.md"),
		-1) {
		known[row[1]] = row[2]
	}
	for _, file := range []string{"prometheus/rules.yml", "prometheus/rules_test.yml", "grafana/punctual.json"} {
		used := regexp.MustCompile(`\bpunctual_\w+`).FindAllString(read(t, file), -1)
		if len(used) < 10 {
			t.Errorf("%s uses only %d figures", file, len(used))
		}
		for _, name := range used {
			series := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			if known[name] == "" && known[series] != "histogram" || known[name] == "histogram" {
				t.Errorf("%s: there is no series %s", file, name)
			}
		}
	}
}
