package check

import (
	"html/template"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/web/ui/checkstate"
)

func TestTheStateInWords(t *testing.T) {
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
			"The watching begins with it. From then on one is expected every day, grace 1 hour."},
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
			got := describe(&c, monitor.AllHeard(noon.Add(tc.after)), riga, flips, end)
			if heading(got) != tc.head || plain(got.Why) != tc.why {
				t.Errorf("%q, %q\nwant %q, %q", heading(got), plain(got.Why), tc.head, tc.why)
			}
		})
	}
}

// heading is the heading as it is read.
func heading(s situation) string {
	if s.Since.IsZero() {
		return s.Head
	}
	return s.Head + " " + plain(s.Counter(s.Since))
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plain is a text without its tags, and without the zones of its times.
func plain(text template.HTML) string {
	return tags.ReplaceAllString(zoneTags.ReplaceAllString(string(text), ""), "")
}

var zoneTags = regexp.MustCompile(`<span class="tz">[^<]*</span>`)

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

func TestPausesAndBrokenSchedulesInWords(t *testing.T) {
	now := testdb.NewClock().Now()
	c := monitor.NewCheck(uuid.New(), now)
	flip := monitor.Pause(&c, now)
	got := describe(&c, monitor.AllHeard(now.Add(time.Hour)), time.UTC, []monitor.Flip{*flip}, nil)
	if heading(got) != "Paused for 1 hour" || !strings.Contains(plain(got.Why), "The next ping ends the pause") {
		t.Errorf("%+v", got)
	}
	c.ManualResume = true
	got = describe(&c, monitor.AllHeard(now), time.UTC, nil, nil)
	if got.Head != "Paused" || !strings.Contains(plain(got.Why), "until somebody resumes") {
		t.Errorf("%+v", got)
	}
	flip = monitor.Resume(&c, now)
	got = describe(&c, monitor.AllHeard(now.Add(time.Hour)), time.UTC, []monitor.Flip{*flip}, nil)
	if heading(got) != "Waiting for the first ping" ||
		plain(got.Why) != "Resumed at 12:00; the next ping starts the watching again. From then on one is expected every day, grace 1 hour." {
		t.Errorf("%+v", got)
	}
	c.Kind = "cron"
	c.Schedule = "not a schedule"
	monitor.Apply(&c, &monitor.Ping{Kind: monitor.PingSuccess, CreatedAt: now})
	if got := describe(&c, monitor.AllHeard(now), time.UTC, nil, nil); got.State != checkstate.Up || got.Trouble == "" {
		t.Errorf("%+v", got)
	}
	c.Kind = "oncalendar"
	c.Schedule = "2020-01-01 03:00"
	c.Recompute(now)
	if got := describe(&c, monitor.AllHeard(now), time.UTC, nil, nil); got.State != checkstate.Up || got.Trouble != "" ||
		plain(got.Why) != "The last ping came at 12:00. The schedule has no further time, so none is expected." {
		t.Errorf("exhausted: %+v", got)
	}
}

// Below two minutes each second counts, after that each minute.
func TestLengthsOfTimeThatGoOn(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 sec", 900 * time.Millisecond: "0 sec", 61500 * time.Millisecond: "1 min 1 sec", 119 * time.Second: "1 min 59 sec",
		120 * time.Second: "2 min", 12*time.Minute + 59*time.Second: "12 min", 2*time.Hour + 14*time.Minute + time.Second: "2 hr 14 min",
	} {
		got := elapsed(d)
		if got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// While a check is down a new run may be under way. Of one that made it go down
// that is no news.
func TestARunUnderWayOfACheckThatIsDown(t *testing.T) {
	noon := testdb.NewClock().Now()
	for life, want := range map[string]time.Time{
		"fail 0m": {}, "fail 0m, start 1m": noon.Add(time.Minute), "fail 0m, start 1m, start 2m": noon.Add(2 * time.Minute),
		"fail 0m, start 1m, fail 2m": {}, "start 0m": {},
	} {
		c := monitor.NewCheck(uuid.New(), noon)
		flips, end := lived(life)(&c)
		now := noon.Add(3 * time.Hour)
		if c.Status != monitor.StatusDown {
			flips = append(flips, *c.Judge(now, nil).Flips[0])
		}
		got := describe(&c, monitor.AllHeard(now), time.UTC, flips, end)
		if !got.Retry.Equal(want) || got.State != checkstate.Down {
			t.Errorf("%s: %+v, want a run since %v", life, got, want)
		}
	}
}

// A zone without letters of its own is written by its distance.
func TestTimesCarryTheirZone(t *testing.T) {
	noon := testdb.NewClock().Now()
	for zone, want := range map[string]string{"UTC": "12:00 UTC", "Europe/Riga": "14:00 EET", "Asia/Kathmandu": "17:45 UTC+05:45",
		"America/Sao_Paulo": "09:00 UTC-03:00"} {
		tz, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		d := describer{now: noon, tz: tz}
		got := tags.ReplaceAllString(string(d.moment(noon)), "")
		if got != want {
			t.Errorf("%s: %q, want %q", zone, got, want)
		}
	}
}

func TestMomentsAreNamedByTheirDay(t *testing.T) {
	riga, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	// the day clocks change
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, riga)
	d := describer{now: now, tz: riga}
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
		if plain(d.at(tc.at)) != tc.adverb || plain(d.moment(tc.at)) != tc.afterword {
			t.Errorf("%v: %q, %q", tc.at, d.at(tc.at), d.moment(tc.at))
		}
	}
}

func TestTheLastLinesOfALongText(t *testing.T) {
	long := strings.Repeat("ä", outputBytes)
	for text, want := range map[string]string{
		"one\n\n":                   "one",
		"1\n2\n3\n4\n5\n6\n7\n8\n9": "2\n3\n4\n5\n6\n7\n8\n9",
		long:                        "…" + strings.Repeat("ä", outputBytes/2),
		long + "\nlast":             "last",
	} {
		got := lastLines(text)
		if got != want {
			t.Errorf("%.20q…: %.40q", text, got)
		}
	}
}
