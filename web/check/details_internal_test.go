package check

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/web/ui/checkstate"
)

func TestTheStateIsToldInWords(t *testing.T) {
	riga, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	// 14:00 in Riga
	noon := testdb.NewClock().Now()
	exit := 3
	for _, tc := range []struct {
		name  string
		life  func(c *monitor.Check) (flips []monitor.Flip, end *monitor.Ping)
		after time.Duration
		head  string
		why   string
	}{
		{"new", nil, 0, "Waiting for the first ping",
			"The watching begins with the first ping; from then on one is expected every day, grace 1 hour."},
		{"up", lived("success 0m"), time.Hour, "Up for 1 hour",
			"The last ping came at 14:00. One is expected every day: the next by tomorrow 14:00, grace 1 hour."},
		{"late", lived("success 0m"), 24*time.Hour + 5*time.Minute, "Late by 5 min",
			"No ping since yesterday 14:00, expected every day. It goes down at 15:00 (grace 1 hour)."},
		{"overdue, not noticed yet", lived("success 0m"), 27 * time.Hour, "Down for 2 hours",
			"No ping since yesterday 14:00, expected every day, grace 1 hour."},
		{"overdue for long", lived("success 0m"), 40 * 24 * time.Hour, "Down for 38 d 23 hr",
			"No ping since 1 March 14:00, expected every day, grace 1 hour."},
		{"failed", lived("success 0m, fail 1m"), time.Hour, "Down for 59 min", "A failure signal came at 14:01 with exit status 3."},
		{"running", lived("start 0m"), 3 * time.Minute, "Running for 3 min",
			"Started at 14:00. It goes down if it has not finished by 15:00 (grace 1 hour)."},
		{"running, and down before", lived("fail 0m, start 1m"), 3 * time.Minute, "Down for 3 min",
			"A failure signal came at 14:00 with exit status 3."},
		{"overrun", lived("start 0m"), 2 * time.Hour, "Down for 1 hour",
			"The run that started at 14:00 has not finished within the grace time of 1 hour."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := monitor.NewCheck(uuid.New(), noon)
			var flips []monitor.Flip
			var end *monitor.Ping
			if tc.life != nil {
				flips, end = tc.life(&c)
			}
			if end != nil && end.Kind == monitor.PingFail {
				end.ExitStatus = &exit
			}
			got := describe(&c, noon.Add(tc.after), riga, flips, end)
			if got.Head != tc.head || got.Why != tc.why {
				t.Errorf("%q, %q\nwant %q, %q", got.Head, got.Why, tc.head, tc.why)
			}
		})
	}
}

// lived makes a check live through pings, written "kind minute", from noon on.
func lived(pings string) func(*monitor.Check) ([]monitor.Flip, *monitor.Ping) {
	return func(c *monitor.Check) (flips []monitor.Flip, end *monitor.Ping) {
		noon := c.CreatedAt
		for word := range strings.SplitSeq(pings, ", ") {
			kind, at, _ := strings.Cut(word, " ")
			d, _ := time.ParseDuration(at)
			p := &monitor.Ping{Kind: monitor.PingKind(kind), CreatedAt: noon.Add(d)}
			flip := monitor.Apply(c, p)
			if flip != nil {
				flips = append([]monitor.Flip{*flip}, flips...)
			}
			if p.Kind != monitor.PingStart {
				end = p
			}
		}
		return flips, end
	}
}

func TestPausesAndBrokenSchedulesAreTold(t *testing.T) {
	now := testdb.NewClock().Now()
	c := monitor.NewCheck(uuid.New(), now)
	flip := monitor.Pause(&c, now)
	got := describe(&c, now.Add(time.Hour), time.UTC, []monitor.Flip{*flip}, nil)
	if got.Head != "Paused for 1 hour" || !strings.Contains(got.Why, "The next ping ends the pause") {
		t.Errorf("%+v", got)
	}
	c.ManualResume = true
	if got := describe(&c, now, time.UTC, nil, nil); got.Head != "Paused" || !strings.Contains(got.Why, "until somebody resumes") {
		t.Errorf("%+v", got)
	}
	c.Kind = "cron"
	c.Schedule = "not a schedule"
	monitor.Resume(&c, now)
	monitor.Apply(&c, &monitor.Ping{Kind: monitor.PingSuccess, CreatedAt: now})
	if got := describe(&c, now, time.UTC, nil, nil); got.State != checkstate.Up || got.Trouble == "" {
		t.Errorf("%+v", got)
	}
	c.Kind = "oncalendar"
	c.Schedule = "2020-01-01 03:00"
	c.Recompute(now)
	if got := describe(&c, now, time.UTC, nil, nil); got.State != checkstate.Up || got.Trouble != "" ||
		got.Why != "The last ping came at 12:00. The schedule has no further time, so none is expected." {
		t.Errorf("exhausted: %+v", got)
	}
}

func TestMomentsAreNamedByTheirDay(t *testing.T) {
	riga, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	// the day clocks change
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, riga)
	tell := teller{now: now, tz: riga}
	for _, tc := range []struct {
		at                time.Time
		adverb, afterword string
	}{
		{time.Date(2026, 3, 29, 0, 0, 0, 0, riga), "at 00:00", "00:00"},
		{time.Date(2026, 3, 28, 23, 59, 30, 0, riga), "yesterday at 23:59:30", "yesterday 23:59:30"},
		{time.Date(2026, 3, 30, 0, 0, 0, 0, riga), "tomorrow at 00:00", "tomorrow 00:00"},
		{time.Date(2026, 3, 31, 0, 0, 0, 0, riga), "on 31 March at 00:00", "31 March 00:00"},
		{time.Date(2025, 12, 31, 8, 5, 0, 0, riga), "on 31 December 2025 at 08:05", "31 December 2025 08:05"},
	} {
		if tell.at(tc.at) != tc.adverb || tell.moment(tc.at) != tc.afterword {
			t.Errorf("%v: %q, %q", tc.at, tell.at(tc.at), tell.moment(tc.at))
		}
	}
}

func TestTheLastLinesOfALongText(t *testing.T) {
	long := strings.Repeat("ä", saidBytes)
	for text, want := range map[string]string{
		"one\n\n":                   "one",
		"1\n2\n3\n4\n5\n6\n7\n8\n9": "2\n3\n4\n5\n6\n7\n8\n9",
		long:                        "…" + strings.Repeat("ä", saidBytes/2),
		long + "\nlast":             "last",
	} {
		got := lastLines(text)
		if got != want {
			t.Errorf("%.20q…: %.40q", text, got)
		}
	}
}
