package monitor_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

func TestSimulate(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(hours float64) time.Time { return day.Add(time.Duration(hours * float64(time.Hour))) }
	pings := func(kind monitor.PingKind, hours ...float64) (out []monitor.Ping) {
		for _, h := range hours {
			out = append(out, monitor.Ping{CreatedAt: at(h), Kind: kind})
		}
		return out
	}
	hourly := monitor.Check{Kind: schedule.Simple, Timeout: time.Hour, Grace: 30 * time.Minute}
	daily := monitor.Check{Kind: schedule.Cron, Schedule: "0 3 * * *", TZ: "UTC", Grace: time.Hour}
	late := hourly
	late.Grace = 4 * time.Hour
	for _, tc := range []struct {
		name    string
		check   monitor.Check
		history monitor.History
		since   float64
		now     float64
		from    time.Time
		downs   []time.Time
	}{
		{name: "no pings", check: hourly, now: 20},
		{name: "in time", check: hourly, history: monitor.History{Pings: pings(monitor.PingSuccess, 0, 1, 2.4)}, now: 3, from: at(0)},
		{
			name: "a gap and the silence at the end", check: hourly,
			history: monitor.History{Pings: pings(monitor.PingSuccess, 0, 1, 4, 5)}, now: 7, from: at(0), downs: []time.Time{at(2.5), at(6.5)},
		},
		{name: "more grace", check: late, history: monitor.History{Pings: pings(monitor.PingSuccess, 0, 1, 4, 5)}, now: 7, from: at(0)},
		{
			name: "what came before is not counted", check: hourly,
			history: monitor.History{Pings: pings(monitor.PingSuccess, 0, 1, 4, 5)}, since: 4, now: 7, from: at(4), downs: []time.Time{at(6.5)},
		},
		{
			name: "a gap that began before", check: hourly,
			history: monitor.History{Pings: pings(monitor.PingSuccess, 1, 10)}, since: 2, now: 10, from: at(2), downs: []time.Time{at(2.5)},
		},
		{name: "failures", check: hourly, history: monitor.History{Pings: pings(monitor.PingFail, 1, 1.5)}, now: 9, from: at(1),
			downs: []time.Time{at(1)}},
		{name: "a run that never ends", check: hourly, history: monitor.History{Pings: pings(monitor.PingStart, 2)}, now: 9, from: at(2),
			downs: []time.Time{at(2.5)}},
		{
			name: "cron", check: daily,
			history: monitor.History{Pings: pings(monitor.PingSuccess, 3, 27.5, 76)}, now: 77, from: at(3), downs: []time.Time{at(52)},
		},
		{
			name: "a pause", check: hourly, now: 8, from: at(0),
			history: monitor.History{
				Pings: pings(monitor.PingSuccess, 0, 6, 7),
				Flips: []monitor.Flip{{CreatedAt: at(1), Old: monitor.StatusUp, New: monitor.StatusPaused}},
			},
		},
		{
			name: "a pause that ended", check: hourly, now: 8, from: at(0),
			history: monitor.History{
				Pings: pings(monitor.PingSuccess, 0),
				Flips: []monitor.Flip{
					{CreatedAt: at(1), Old: monitor.StatusUp, New: monitor.StatusPaused},
					{CreatedAt: at(2), Old: monitor.StatusPaused, New: monitor.StatusNew},
				},
			},
		},
		{
			name: "an outage of ours", check: hourly, now: 4, from: at(0),
			history: monitor.History{Pings: pings(monitor.PingSuccess, 0, 3.1), Blinds: []monitor.Blind{{From: at(0.5), Until: at(3)}}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := tc.check
			got := monitor.Simulate(&tc.check, tc.history, at(tc.since), at(tc.now))
			if !got.From.Equal(tc.from) || len(got.Downs) != len(tc.downs) {
				t.Fatalf("from %s: %+v; want from %s: %v", got.From, got.Downs, tc.from, tc.downs)
			}
			for i, want := range tc.downs {
				if !got.Downs[i].CreatedAt.Equal(want) {
					t.Errorf("down at %s, want %s", got.Downs[i].CreatedAt, want)
				}
			}
			if tc.check != before {
				t.Error("the check has changed")
			}
		})
	}
}

func BenchmarkSimulateCron(b *testing.B) {
	c := monitor.Check{Kind: schedule.Cron, Schedule: "*/10 * * * *", TZ: "Europe/Riga", Grace: time.Hour}
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var h monitor.History
	for i := range 1000 {
		h.Pings = append(h.Pings, monitor.Ping{CreatedAt: begin.Add(time.Duration(i) * 10 * time.Minute), Kind: monitor.PingSuccess})
	}
	for b.Loop() {
		monitor.Simulate(&c, h, begin, begin.AddDate(0, 0, 8))
	}
}
