package monitor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/monitor"
)

// flipsFrom reads flips, oldest first, as "day hour status", and returns them
// newest first with the status that the last one led to.
func flipsFrom(t *testing.T, base time.Time, text string) ([]monitor.Flip, monitor.Status) {
	t.Helper()
	status := monitor.StatusNew
	var flips []monitor.Flip
	for word := range strings.SplitSeq(text, ", ") {
		if word == "" {
			continue
		}
		at, to, _ := strings.Cut(word, " ")
		d, err := time.ParseDuration(at)
		if err != nil {
			t.Fatal(err)
		}
		flips = append([]monitor.Flip{{CreatedAt: base.Add(d), Old: status, New: monitor.Status(to)}}, flips...)
		status = monitor.Status(to)
	}
	return flips, status
}

func TestDowntimeIsCountedFromFlips(t *testing.T) {
	created := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	const h = time.Hour
	for _, tc := range []struct {
		name, flips string
		// since the check was made; now is at 10 h
		from, until time.Duration
		want        monitor.Tally
		// -1 = not watched
		uptime int
	}{
		{"never pinged", "", 0, 10 * h, monitor.Tally{}, -1},
		{"always up", "0s up", 0, 10 * h, monitor.Tally{Watched: 10 * h}, 10000},
		{"up once it was pinged", "4h up", 0, 10 * h, monitor.Tally{Watched: 6 * h}, 10000},
		{"one downtime", "0s up, 2h down, 4h up", 0, 10 * h, monitor.Tally{Watched: 10 * h, Down: 2 * h, Downtimes: 1}, 8000},
		{"still down", "0s up, 7h down", 0, 10 * h, monitor.Tally{Watched: 10 * h, Down: 3 * h, Downtimes: 1}, 7000},
		{"down from the start", "0s down", 0, 10 * h, monitor.Tally{Watched: 10 * h, Down: 10 * h, Downtimes: 1}, 0},
		{"a pause is not watched", "0s up, 2h paused, 6h up", 0, 10 * h, monitor.Tally{Watched: 6 * h}, 10000},
		{"a pause cuts a downtime", "0s up, 2h down, 3h paused, 5h new, 6h down, 8h up", 0, 10 * h,
			monitor.Tally{Watched: 7 * h, Down: 3 * h, Downtimes: 2}, 5714},
		{"before the check was made", "0s up", -20 * h, 0, monitor.Tally{}, -1},
		{"over the creation", "0s up, 1h down, 2h up", -5 * h, 4 * h, monitor.Tally{Watched: 4 * h, Down: h, Downtimes: 1}, 7500},
		{"the future is not known", "0s up", 5 * h, 50 * h, monitor.Tally{Watched: 5 * h}, 10000},
		{"a downtime over the end", "0s up, 2h down, 4h up", 0, 3 * h, monitor.Tally{Watched: 3 * h, Down: h, Downtimes: 1}, 6666},
		{"and counted again after it", "0s up, 2h down, 4h up", 3 * h, 6 * h, monitor.Tally{Watched: 3 * h, Down: h, Downtimes: 1}, 6666},
		{"ended with the span's beginning", "0s up, 2h down, 4h up", 4 * h, 6 * h, monitor.Tally{Watched: 2 * h}, 10000},
		{"a short downtime is not rounded away", "0s up, 5h down, 5h0m0.1s up", 0, 10 * h,
			monitor.Tally{Watched: 10 * h, Down: 100 * time.Millisecond, Downtimes: 1}, 9999},
		{"two flips at the same time", "0s up, 2h down, 2h up", 0, 10 * h, monitor.Tally{Watched: 10 * h}, 10000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			flips, current := flipsFrom(t, created, tc.flips)
			spells := monitor.Spells(flips, true, current, created, created.Add(10*h))
			got := monitor.TallyOf(spells, created.Add(tc.from), created.Add(tc.until))
			diff := cmp.Diff(tc.want, got)
			if diff != "" {
				t.Errorf("tally (-want +got):\n%s", diff)
			}
			uptime, ok := got.Uptime()
			if !ok {
				uptime = -1
			}
			if uptime != tc.uptime {
				t.Errorf("uptime %d, want %d", uptime, tc.uptime)
			}
		})
	}
}

func TestHistoryBeginsWhereKnowledgeDoes(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	up := func(age time.Duration) monitor.Flip {
		return monitor.Flip{CreatedAt: now.Add(-age), Old: monitor.StatusDown, New: monitor.StatusUp}
	}
	for _, tc := range []struct {
		name  string
		flips []monitor.Flip
		all   bool
		// ago
		created time.Duration
		// ago
		want time.Duration
	}{
		{"a young check", nil, true, 5 * day, 5 * day},
		{"an old check without flips: they may have been pruned", nil, true, 400 * day, 93 * day},
		{"the oldest flip is young", []monitor.Flip{up(10 * day)}, true, 400 * day, 93 * day},
		{"the oldest flip is older than what is kept", []monitor.Flip{up(10 * day), up(200 * day)}, true, 400 * day, 200 * day},
		{"older flips were not loaded", []monitor.Flip{up(10 * day), up(20 * day)}, false, 400 * day, 20 * day},
		{"the check is younger than that", []monitor.Flip{up(10 * day)}, true, 15 * day, 15 * day},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spells := monitor.Spells(tc.flips, tc.all, monitor.StatusUp, now.Add(-tc.created), now)
			got := now.Sub(spells[0].From)
			if got != tc.want {
				t.Errorf("known for %v, want %v", got, tc.want)
			}
			for i := 1; i < len(spells); i++ {
				if !spells[i].From.Equal(spells[i-1].Until) {
					t.Errorf("a gap: %+v", spells)
				}
			}
		})
	}
	got := monitor.Spells(nil, true, monitor.StatusNew, now, now)
	if len(got) != 0 {
		t.Errorf("made just now: %+v", got)
	}
}

func TestPercentiles(t *testing.T) {
	seconds := func(n ...int) (out []time.Duration) {
		for _, s := range n {
			out = append(out, time.Duration(s)*time.Second)
		}
		return out
	}
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for _, tc := range []struct {
		of   []time.Duration
		p    int
		want time.Duration
	}{
		{seconds(7), 50, 7 * time.Second},
		{seconds(7), 95, 7 * time.Second},
		{seconds(3, 1, 2), 50, 2 * time.Second},
		{seconds(4, 3, 1, 2), 50, 2 * time.Second},
		{seconds(4, 3, 1, 2), 95, 4 * time.Second},
		{seconds(hundred...), 50, 50 * time.Second},
		{seconds(hundred...), 95, 95 * time.Second},
		{seconds(hundred...), 100, 100 * time.Second},
	} {
		got := monitor.Percentile(tc.of, tc.p)
		if got != tc.want {
			t.Errorf("p%d of %d: %v, want %v", tc.p, len(tc.of), got, tc.want)
		}
	}
}

func TestTimesThatCouldNotBeHeardAreLeftOut(t *testing.T) {
	spell := func(from, until int, status monitor.Status) monitor.Spell {
		return monitor.Spell{From: at(from), Until: at(until), Status: status}
	}
	hidden := func(from, until int, verdict monitor.Verdict) monitor.UnknownRun {
		return monitor.UnknownRun{BlindFrom: at(from), BlindUntil: at(until), Verdict: verdict}
	}
	spells := []monitor.Spell{spell(0, 100, "up"), spell(100, 200, "down"), spell(200, 300, "up")}
	for _, tc := range []struct {
		what          string
		runs          []monitor.UnknownRun
		watched, down int
	}{
		{"none", nil, 300, 100},
		{"within", []monitor.UnknownRun{hidden(10, 20, "")}, 290, 100},
		{"it ran", []monitor.UnknownRun{hidden(10, 20, monitor.VerdictSuccess)}, 300, 100},
		{"it failed", []monitor.UnknownRun{hidden(10, 20, monitor.VerdictFail)}, 290, 100},
		{"an instant", []monitor.UnknownRun{hidden(10, 10, "")}, 300, 100},
		{"over a downtime", []monitor.UnknownRun{hidden(90, 210, "")}, 280, 100},
		{"one within another, in any order", []monitor.UnknownRun{hidden(230, 240, ""), hidden(220, 250, ""), hidden(10, 20, "")}, 260, 100},
		{"before and after", []monitor.UnknownRun{hidden(-50, 5, ""), hidden(295, 400, "")}, 290, 100},
		{"everything", []monitor.UnknownRun{hidden(-50, 400, "")}, 100, 100},
	} {
		left := monitor.LeaveOut(spells, tc.runs)
		got := monitor.TallyOf(left, at(0), at(300))
		if got.Watched != time.Duration(tc.watched)*time.Second || got.Down != time.Duration(tc.down)*time.Second || got.Downtimes != 1 {
			t.Errorf("%s: %+v", tc.what, got)
		}
	}
}
