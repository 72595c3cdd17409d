package alert

import (
	"log/slog"
	"time"

	"punctual/internal/logs"
)

// trouble keeps account of errors that come again and again while the database
// is away: it logs them, and says how long to pause.
type trouble struct {
	logs.Outage
	// before the next try, 0 = all is well
	pause time.Duration
}

const (
	firstPause = 50 * time.Millisecond
	maxPause   = time.Second
	logEvery   = 30 * time.Second
)

// newTrouble takes what may fail, as the subject of a sentence.
func newTrouble(log *slog.Logger, doing string) trouble {
	return trouble{Outage: logs.Outage{Log: log, Doing: doing, Level: slog.LevelError, Again: logEvery}}
}

// note takes the result of a try. Where it failed it returns how long to pause,
// and false.
func (t *trouble) note(err error) (pause time.Duration, ok bool) {
	t.Note(err, time.Now())
	if err == nil {
		t.pause = 0
		return 0, true
	}
	t.pause = min(maxPause, max(firstPause, 2*t.pause))
	return t.pause, false
}
