package check

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/web/ui/checkstate"
)

func TestWhyARunIsUnknown(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC) }
	for _, tc := range []struct {
		from, until time.Time
		cause       monitor.Cause
		want        string
	}{
		{at(10, 1, 58), at(10, 2, 17), monitor.CauseKilled,
			"Punctual could not hear pings from 01:58 to 02:17 (it was restarted or stopped)"},
		{at(9, 1, 58), at(9, 2, 17), monitor.CauseSuspended,
			"Punctual could not hear pings from yesterday 01:58 to 02:17 (the machine slept)"},
		{at(9, 23, 58), at(10, 0, 17), monitor.CauseNotAccepting,
			"Punctual could not hear pings from yesterday 23:58 to 00:17 (it could not take connections)"},
		{at(7, 23, 58), at(8, 0, 17), monitor.CauseSilent,
			"Punctual could not hear pings from 7 March 23:58 to 8 March 00:17 (one of its processes could not be reached)"},
		{at(10, 1, 58), at(10, 2, 17), monitor.CauseUnreachable,
			"Punctual could not hear pings from 01:58 to 02:17 (its public address did not answer)"},
		{at(9, 2, 0), at(9, 2, 0), monitor.CauseRefused, "a ping was refused yesterday at 02:00"},
	} {
		u := unknownRun{by: describer{now: now, tz: time.UTC}}
		u.BlindFrom = tc.from
		u.BlindUntil = tc.until
		u.Cause = tc.cause
		if got := plain(u.Why()); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

func TestADeadlineThatIsNotJudgedYet(t *testing.T) {
	made := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	c := monitor.NewCheck(uuid.New(), made)
	c.Timeout = time.Hour
	c.Grace = 10 * time.Minute
	monitor.Apply(&c, &monitor.Ping{Kind: monitor.PingSuccess, CreatedAt: made})
	at := monitor.Reading{Now: made.Add(2 * time.Hour), Heard: made.Add(65 * time.Minute)}
	const want = "Its deadline was at 13:10. Not all pings are known yet that have come since 13:05, so it is not judged."
	got := describe(&c, at, time.UTC, nil, nil)
	if got.State != checkstate.Late || plain(got.Why) != want {
		t.Errorf("%s: %s", got.State, plain(got.Why))
	}
	monitor.Apply(&c, &monitor.Ping{Kind: monitor.PingStart, CreatedAt: made.Add(time.Hour)})
	got = describe(&c, at, time.UTC, nil, nil)
	if got.State != checkstate.Started || plain(got.Why) != want {
		t.Errorf("%s: %s", got.State, plain(got.Why))
	}
}
