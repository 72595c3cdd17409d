package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"punctual/internal/testkit/need"
)

func TestMain(m *testing.M) {
	// the bare server is a copy of this program
	code, acted := actRole()
	if acted {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// TestEverySectionRuns keeps the tool working. It looks at no speed, only that
// all figures are there and nothing is lost.
func TestEverySectionRuns(t *testing.T) {
	if _, err := exec.LookPath("wrk"); err != nil {
		need.Missing(t, "wrk", err)
	}
	file := filepath.Join(t.TempDir(), "bench.json")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{
		"-engine", "sqlite", "-run", "ceiling,ingest,burst,hot,watcher,dispatcher,soak", "-duration", "300ms", "-burst", "300ms", "-conns", "2",
		"-checks", "200", "-watched", "400", "-alerts", "40", "-trials", "10", "-rate", "100", "-json", file,
	}, &stdout, &stderr)
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, &stdout, &stderr)
	}
	var saved struct {
		Started time.Time
		Rows    []struct {
			Section string
			What    string
			Figures map[string]float64
		}
		Failures []string
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &saved); err != nil {
		t.Fatal(err)
	}
	age := time.Since(saved.Started)
	if age < 0 || age > time.Hour {
		t.Errorf("started %v ago", age)
	}
	seen := make(map[string]int)
	for _, r := range saved.Rows {
		seen[r.Section]++
		rate, measured := r.Figures["pings/s"]
		if measured && rate <= 0 {
			t.Errorf("%s, %s: nothing was measured", r.Section, r.What)
		}
		if !strings.Contains(stdout.String(), r.What) {
			t.Errorf("%q is not in the table", r.What)
		}
	}
	for section, rows := range map[string]int{"ceiling": 9, "ingest": 7, "burst": 2, "hot": 1, "watcher": 3, "dispatcher": 6, "soak": 2} {
		if seen[section] != rows {
			t.Errorf("%d rows of %s, want %d", seen[section], section, rows)
		}
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-run", "everything"}, {"-engine", "mysql"}, {"-conns", "0"}, {"-checks", "many"}, {"now"}} {
		var stderr bytes.Buffer
		code := run(t.Context(), args, &stderr, &stderr)
		if code != 2 || !strings.Contains(stderr.String(), args[len(args)-1]) {
			t.Errorf("%v: exit code %d, %s", args, code, &stderr)
		}
	}
}

func TestCodesAreDistinct(t *testing.T) {
	seen := make(map[string]bool)
	for id := range 100_000 {
		seen[codeOf(id+1).String()] = true
	}
	if len(seen) != 100_000 {
		t.Fatalf("%d codes of 100,000 checks", len(seen))
	}
}

func TestPercentageIsOfTheLowestCeiling(t *testing.T) {
	var r report
	r.setCeiling("handler", 1000)
	r.setCeiling("database", 400)
	got, of := r.ofCeiling(100, "handler", "database", "not measured")
	if of != "database" || len(got) != 1 || got[0].value != 25 {
		t.Fatalf("%v of %q", got, of)
	}
	if got, of := r.ofCeiling(100, "not measured"); got != nil || of != "" {
		t.Fatalf("without a ceiling: %v of %q", got, of)
	}
}

func TestNumbersAreShownShort(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 0.004: "0.00", 3: "3", 3.14159: "3.14", 42.42: "42.4", 999.6: "1,000",
		1234567: "1,234,567"} {
		got := show(value)
		if got != want {
			t.Errorf("show(%v) is %s, want %s", value, got, want)
		}
	}
}

func TestTallyKnowsWhatMayBeRefused(t *testing.T) {
	got := count([]shot{
		{answer: answer{status: http.StatusOK}, took: time.Second},
		{answer: answer{status: http.StatusServiceUnavailable, retryAfter: true}},
		{answer: answer{status: http.StatusServiceUnavailable}},
		{},
	})
	if got.ok != 1 || got.refused != 1 || got.failed != 2 || len(got.took) != 1 {
		t.Fatalf("%+v", got)
	}
}

func TestBackToNormalIsTheEndOfTheLastSlowTenth(t *testing.T) {
	const usual = 10 * time.Millisecond
	// before the end: does not count
	shots := []shot{{at: time.Second, took: time.Second}}
	for n := range 10 {
		took := usual
		if n == 3 {
			took = 3 * usual
		}
		shots = append(shots, shot{at: 2*time.Second + time.Duration(n)*100*time.Millisecond, took: took})
	}
	got := backToNormal(shots, 2*time.Second, usual)
	if got != 400*time.Millisecond {
		t.Fatalf("%s", got)
	}
}

func TestQuantileOfFewValues(t *testing.T) {
	values := []time.Duration{3, 1, 2}
	got := []time.Duration{quantile(values, 0), quantile(values, .5), quantile(values, 1), quantile(nil, .5)}
	if !slices.Equal(got, []time.Duration{1, 2, 3, 0}) {
		t.Fatalf("%v", got)
	}
}
