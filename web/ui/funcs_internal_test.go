package ui

import (
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
)

func TestTimesShowTheirExactValueInTheReadersZone(t *testing.T) {
	riga, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	page := &errorPage{BasePage: BasePage{Now: now, TZ: riga}}
	got := string(timeTag(page, now.Add(-4*time.Hour)))
	want := `<time datetime="2026-03-01T08:00:00Z" title="Sun, 1 Mar 2026, 10:00:00 EET" data-ago>4 hours ago</time>`
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := timeTag(page, time.Time{}); got != "never" {
		t.Errorf("no time at all: %s", got)
	}
}

func TestInitials(t *testing.T) {
	for email, want := range map[string]string{"jane.roe@example.org": "JR", "ops@example.org": "O", "ärzte_und-mehr@example.org": "ÄU",
		"@": ""} {
		got := initials(email)
		if got != want {
			t.Errorf("%s: %q, want %q", email, got, want)
		}
	}
}

func TestMomentsInListsFollowTheDateFormat(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for format, want := range map[string][2]string{
		"":     {"28 Feb 13:05:09", "28 Feb 2025 13:05:09"},
		"iso":  {"02-28 13:05:09", "2025-02-28 13:05:09"},
		"dots": {"28.02. 13:05:09", "28.02.2025 13:05:09"},
		"us":   {"Feb 28, 1:05:09 PM", "Feb 28, 2025, 1:05:09 PM"},
	} {
		page := &errorPage{BasePage: BasePage{Now: now, User: &monitor.User{DateFormat: format}}}
		for i, year := range []int{2026, 2025} {
			got := string(clockTag(page, time.Date(year, 2, 28, 13, 5, 9, 0, time.UTC)))
			if !strings.Contains(got, ">"+want[i]+"<") {
				t.Errorf("%q: %s, want %s", format, got, want[i])
			}
		}
	}
}
