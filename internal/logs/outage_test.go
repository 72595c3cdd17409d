package logs

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestOfAnOutageTheBeginningAndTheEndAreLogged(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	log := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	o := Outage{Log: log, Doing: "heartbeat", Level: slog.LevelWarn}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range "..xxx..x." { // every five seconds; x fails
		var err error
		if c == 'x' {
			err = errors.New("nobody answers")
		}
		o.Note(err, now)
		now = now.Add(5 * time.Second)
	}
	want := `level=WARN msg="heartbeat fails, trying again" error="nobody answers"
level=INFO msg="heartbeat works again" failures=3 after=15s
level=WARN msg="heartbeat fails, trying again" error="nobody answers"
level=INFO msg="heartbeat works again" failures=1 after=5s
`
	if lines.String() != want {
		t.Errorf("logged\n%s\nwant\n%s", lines.String(), want)
	}
}
