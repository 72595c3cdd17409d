package logs

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestOfAnOutageTheBeginningAndTheEndAreLogged(t *testing.T) {
	t.Parallel()
	for again, want := range map[time.Duration]string{
		0: `level=WARN msg="heartbeat fails, trying again" error="try 2"
level=INFO msg="heartbeat works again" failures=4 after=20s
level=WARN msg="heartbeat fails, trying again" error="try 8"
level=INFO msg="heartbeat works again" failures=1 after=5s
`,
		10 * time.Second: `level=WARN msg="heartbeat fails, trying again" error="try 2"
level=WARN msg="heartbeat fails, trying again" failures=3 error="try 4"
level=INFO msg="heartbeat works again" failures=4 after=20s
level=WARN msg="heartbeat fails, trying again" error="try 8"
level=INFO msg="heartbeat works again" failures=1 after=5s
`,
	} {
		got := outages(again)
		if got != want {
			t.Errorf("again after %v: logged\n%s\nwant\n%s", again, got, want)
		}
	}
}

// outages is the log of two outages: there is a try every five seconds.
func outages(again time.Duration) string {
	var lines strings.Builder
	log := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	o := Outage{Log: log, Doing: "heartbeat", Level: slog.LevelWarn, Again: again}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	// x fails
	for i, c := range "..xxxx..x." {
		var err error
		if c == 'x' {
			err = fmt.Errorf("try %d", i)
		}
		o.Note(err, now)
		now = now.Add(5 * time.Second)
	}
	return lines.String()
}
