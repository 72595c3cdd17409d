package alert

import (
	"log/slog"
	"time"
)

// trouble keeps account of errors that come again and again while the database
// is away: it says how long to pause, and logs the first, then one every half
// minute, and the end.
type trouble struct {
	log    *slog.Logger
	doing  string
	since  time.Time // zero: all is well
	logged time.Time
	count  int
	pause  time.Duration
}

const (
	firstPause = 50 * time.Millisecond
	maxPause   = time.Second
	logEvery   = 30 * time.Second
)

// note takes the result of a try. Where it failed it returns how long to pause,
// and false.
func (t *trouble) note(err error) (pause time.Duration, ok bool) {
	now := time.Now()
	if err == nil {
		if t.count > 0 {
			t.log.Info("it works again", "doing", t.doing, "errors", t.count, "after", now.Sub(t.since))
		}
		t.since, t.logged, t.count, t.pause = time.Time{}, time.Time{}, 0, 0
		return 0, true
	}
	if t.count == 0 {
		t.since = now
	}
	t.count++
	if now.Sub(t.logged) >= logEvery {
		t.logged = now
		t.log.Error("trying again soon", "doing", t.doing, "errors", t.count, "error", err)
	}
	t.pause = min(maxPause, max(firstPause, 2*t.pause))
	return t.pause, false
}
