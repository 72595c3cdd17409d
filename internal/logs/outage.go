package logs

import (
	"context"
	"log/slog"
	"runtime"
	"time"
)

// Outage keeps account of work that is tried again and again and may fail each
// time, as all does while the database is away. Only the beginning and the end
// are logged. It is not for concurrent use.
type Outage struct {
	Log   *slog.Logger
	Doing string     // what may fail, as the subject of a sentence: "heartbeat"
	Level slog.Level // of the line about the beginning

	since time.Time // of the first failure
	count int       // failures since then, 0 = all is well
}

// Note takes the result of a try at the moment now.
func (o *Outage) Note(err error, now time.Time) {
	switch {
	case err != nil && o.count == 0:
		o.since, o.count = now, 1
		o.began(err)
	case err != nil:
		o.count++
	case o.count > 0:
		o.Log.Info(o.Doing+" works again", "failures", o.count, "after", now.Sub(o.since))
		o.count = 0
	}
}

// began logs the beginning as if the caller of Note did: reports of errors go by
// the place.
func (o *Outage) began(err error) {
	ctx, caller := context.Background(), make([]uintptr, 1)
	runtime.Callers(3, caller)
	if !o.Log.Enabled(ctx, o.Level) {
		return
	}
	line := slog.NewRecord(time.Now(), o.Level, o.Doing+" fails, trying again", caller[0])
	line.AddAttrs(slog.Any("error", err))
	_ = o.Log.Handler().Handle(ctx, line) // as slog itself does
}
