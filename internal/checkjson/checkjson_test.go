package checkjson_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/checkjson"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	now       = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	code      = uuid.MustParse("4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33")
	badgeKey  = uuid.MustParse("00000000-0000-4000-8000-0000000000bb")
	addresses = checkjson.Addresses{Site: "https://p.example.org/below", Ping: "https://ping.example.net/"}
)

// channels are out of order.
var channels = []uuid.UUID{
	uuid.MustParse("c0000000-0000-4000-8000-000000000000"),
	uuid.MustParse("a0000000-0000-4000-8000-000000000000"),
}

// samples are checks of every state and with all that an object may have in it.
func samples() map[string]monitor.Check {
	fresh := monitor.NewCheck(uuid.New(), now)
	fresh.Code = code
	fresh.BadgeKey = badgeKey

	full := fresh
	full.Name = "Nightly \"dump\" <b> & Ünïcödé \u2028"
	full.Slug = "nightly-dump"
	full.Tags = "prod db"
	full.Description = "line\nline\t\\ 😀"
	full.Timeout = 90 * time.Minute
	full.Grace = 5 * time.Minute
	full.ManualResume = true
	full.Filter = monitor.Filter{
		Methods: "POST", Subject: true, Body: true, HTTPBody: true, DefaultFail: true,
		StartKW: "start", SuccessKW: "ok,fine", FailureKW: "err",
	}
	full.Status = monitor.StatusUp
	full.NPings = 1 << 40
	full.LastPing = now.Add(-time.Hour)
	full.LastDuration = 61500 * time.Millisecond
	full.DueAt = now.Add(time.Hour)
	full.AlertAt = full.DueAt.Add(full.Grace)

	cron := fresh
	cron.Name = "cron"
	cron.Kind = schedule.Cron
	cron.Schedule = "0 3 * * *"
	cron.TZ = "Europe/Berlin"
	cron.Status = monitor.StatusDown
	cron.Filter.SuccessKW = "not of a subject"

	running := full
	running.LastStart = now.Add(-time.Minute)

	late := full
	late.DueAt = now.Add(-time.Minute)
	late.AlertAt = now.Add(time.Minute)

	overdue := running
	overdue.LastStart = now.Add(-full.Grace)
	overdue.AlertAt = now

	hidden := full
	hidden.RecentRuns = "uu?"
	hidden.BlindUntil = now

	return map[string]monitor.Check{
		"new": fresh, "full": full, "cron": cron, "running": running, "late": late, "overdue": overdue, "hidden": hidden,
	}
}

// Clients compare answers byte by byte: each golden file is what a version answers
// to a key.
func TestGolden(t *testing.T) {
	for name, c := range samples() {
		for _, version := range []string{checkjson.V1, "v2", checkjson.V3} {
			for _, readonly := range []bool{false, true} {
				key := "readwrite"
				if readonly {
					key = "readonly"
				}
				got := addresses.For(version, readonly, monitor.AllHeard(now)).Append(nil, &c, checkjson.Sorted(channels))
				golden(t, strings.Join([]string{name, version, key, "json"}, "."), got)
			}
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if !json.Valid(got) {
		t.Errorf("%s: no JSON: %s", name, got)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(append(got, '\n'), want) {
		t.Errorf("%s:\n got %s\nwant %s", name, got, want)
	}
}

// A list is one slice that objects are appended to.
func TestAppendKeepsWhatIsThere(t *testing.T) {
	c := samples()["full"]
	w := addresses.For(checkjson.V3, false, monitor.AllHeard(now))
	alone := w.Append(nil, &c, nil)
	got := w.Append([]byte(`{"checks":[`), &c, nil)
	want := `{"checks":[` + string(alone)
	if string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestADescriptionIsLeftOut(t *testing.T) {
	c := samples()["full"]
	w := addresses.For(checkjson.V3, false, monitor.AllHeard(now))
	whole := w.Append(nil, &c, nil)
	at := 0
	w.LeaveOut = func(json []byte, left *monitor.Check) bool {
		at = len(json)
		return left.Description == c.Description
	}
	rest := w.Append(nil, &c, nil)
	mended := string(rest[:at]) + string(checkjson.AppendText(nil, c.Description)) + string(rest[at:])
	if mended != string(whole) {
		t.Errorf("with the description put back\n%s, want\n%s", mended, whole)
	}
	w.LeaveOut = func([]byte, *monitor.Check) bool { return false }
	again := w.Append(nil, &c, nil)
	if !bytes.Equal(again, whole) {
		t.Errorf("%s, want %s", again, whole)
	}
}

// Texts are escaped as encoding/json does it.
func FuzzAppendText(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\/", "<&>", "\x00\x1f\x7f", "é\u2028😀", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		got := checkjson.AppendText([]byte("x"), s)
		if string(got) != "x"+string(want) {
			t.Errorf("%s, want %s", got[1:], want)
		}
	})
}
