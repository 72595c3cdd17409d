package logs

import (
	"context"
	"log/slog"
	"runtime"
	"time"
)

// Outage keeps account of work that is tried again and again and may fail each
// time, as all does while the database is away. The beginning and the end are
// logged, and what is wrong meanwhile as often as Again says. It is not for
// concurrent use.
type Outage struct {
	Log *slog.Logger
	// what may fail, as the subject of a sentence: "heartbeat"
	Doing string
	// of the lines about failures
	Level slog.Level
	// between those lines; 0 = only the first failure has one
	Again time.Duration

	// of the first failure
	since time.Time
	// of the last line about a failure
	logged time.Time
	// failures since the first, 0 = all is well
	count int
}

// Note takes the result of a try at the moment now.
func (o *Outage) Note(err error, now time.Time) {
	switch {
	case err != nil:
		if o.count == 0 {
			o.since = now
		}
		o.count++
		if o.count == 1 || o.Again > 0 && now.Sub(o.logged) >= o.Again {
			o.logged = now
			o.fails(err)
		}
	case o.count > 0:
		o.Log.Info(o.Doing+" works again", "failures", o.count, "after", now.Sub(o.since))
		o.count = 0
	}
}

// fails logs a failure as if the caller of Note did: reports of errors go by the
// place.
func (o *Outage) fails(err error) {
	ctx := context.Background()
	caller := make([]uintptr, 1)
	runtime.Callers(3, caller)
	if !o.Log.Enabled(ctx, o.Level) {
		return
	}
	line := slog.NewRecord(time.Now(), o.Level, o.Doing+" fails, trying again", caller[0])
	if o.count > 1 {
		line.AddAttrs(slog.Int("failures", o.count))
	}
	line.AddAttrs(slog.Any("error", err))
	// as slog itself does
	_ = o.Log.Handler().Handle(ctx, line)
}
