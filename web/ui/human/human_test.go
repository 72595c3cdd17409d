package human_test

import (
	"strings"
	"testing"
	"time"

	"punctual/web/ui"
	"punctual/web/ui/human"
)

func TestDurationsReadWell(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0 sec":        0,
		"250 ms":       250 * time.Millisecond,
		"1.5 sec":      1500 * time.Millisecond,
		"9 sec":        9 * time.Second,
		"42 sec":       42*time.Second + 700*time.Millisecond,
		"1 min":        time.Minute,
		"6 min 12 sec": 6*time.Minute + 12*time.Second,
		"1 hour":       time.Hour,
		"2 hours":      2*time.Hour + 30*time.Second,
		"3 hr 58 min":  3*time.Hour + 58*time.Minute,
		"1 day":        24 * time.Hour,
		"1 d 3 hr":     27 * time.Hour,
		"365 days":     365 * 24 * time.Hour,
	} {
		got := human.Duration(d)
		if got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestDistancesInTimeReadWell(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for want, d := range map[string]time.Duration{
		"just now":       2 * time.Second,
		"30 sec ago":     30 * time.Second,
		"42 min ago":     42*time.Minute + 10*time.Second,
		"1 hr 4 min ago": 64 * time.Minute,
		"4 hours ago":    4 * time.Hour,
		"9 hours ago":    9*time.Hour + 50*time.Minute,
		"5 days ago":     5*24*time.Hour + 7*time.Hour,
		"3 months ago":   95 * 24 * time.Hour,
		"2 years ago":    800 * 24 * time.Hour,
		"in a moment":    -2 * time.Second,
		"in 3 min":       -3*time.Minute - 5*time.Second,
		"in 1 hr 30 min": -90 * time.Minute,
	} {
		got := human.Ago(now, now.Add(-d))
		if got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestAFormTiesMessagesToItsFields(t *testing.T) {
	f := ui.NewForm(nil)
	f.Fail("name", "Too long.")
	f.Fail("name", "Too odd.")
	if f.OK() || f.Error("name") != "Too long." {
		t.Errorf("OK %v, message %q", f.OK(), f.Error("name"))
	}
	got := string(f.Attrs("name"))
	if !strings.Contains(got, `aria-describedby="`+f.Field("name").ID+`"`) {
		t.Errorf("the input is described by %s, the message is %s", got, f.Field("name").ID)
	}
	if f.Attrs("tags") != "" {
		t.Error("a field without a message is marked")
	}
}
