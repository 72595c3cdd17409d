package text_test

import (
	"testing"
	"time"

	"punctual/internal/text"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 5 * time.Minute: "5 minutes", -2 * time.Minute: "2 minutes",
		27 * time.Hour: "1 day, 3 hours", 24*time.Hour + 5*time.Minute: "1 day",
		8 * 24 * time.Hour: "8 days", 30 * 24 * time.Hour: "30 days",
		7 * 24 * time.Hour: "1 week", 28 * 24 * time.Hour: "4 weeks", 7*24*time.Hour + time.Second: "7 days", 365 * 24 * time.Hour: "365 days",
		6*24*time.Hour + 23*time.Hour: "6 days, 23 hours", 999 * time.Millisecond: "0 seconds",
	} {
		got := text.Duration(d)
		if got != want {
			t.Errorf("Duration(%s) = %q, want %q", d, got, want)
		}
	}
}
