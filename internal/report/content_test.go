package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/templates"
)

const day = 24 * time.Hour

// april is when a monthly report of March and February is made.
var april = time.Date(2026, 4, 1, 9, 30, 0, 0, time.UTC)

func made(id int64, name string, status monitor.Status, created time.Time) *store.ReportCheck {
	return &store.ReportCheck{Project: "Operations", Check: monitor.Check{
		ID: id, Code: uuid.New(), Name: name, CreatedAt: created, State: monitor.State{Status: status, LastPing: april.Add(-time.Hour)},
	}}
}

// downFor are the flips of times in which a check was down, newest first.
func downFor(times ...[2]time.Time) (flips []monitor.Flip) {
	for _, d := range times {
		if !d[1].IsZero() {
			flips = append(flips, monitor.Flip{CreatedAt: d[1], Old: monitor.StatusDown, New: monitor.StatusUp})
		}
		flips = append(flips, monitor.Flip{CreatedAt: d[0], Old: monitor.StatusUp, New: monitor.StatusDown})
	}
	return flips
}

func on(month time.Month, d, hour int) time.Time {
	return time.Date(2026, month, d, hour, 0, 0, 0, time.UTC)
}

func TestACellShowsHowACheckDidInASpan(t *testing.T) {
	old := april.Add(-500 * day)
	for _, tc := range []struct {
		name      string
		status    monitor.Status
		created   time.Time
		flips     []monitor.Flip
		march     mail.ReportCell
		february  mail.ReportCell
		downtimes int
	}{
		{"no downtime", "up", old, nil, mail.ReportCell{Text: "No downtime"}, mail.ReportCell{Text: "No downtime"}, 0},
		{"one each", "up", old, downFor([2]time.Time{on(3, 10, 0), on(3, 10, 2)}, [2]time.Time{on(2, 10, 0), on(2, 11, 5)}),
			mail.ReportCell{Text: "1 downtime", Sub: "2 hours"}, mail.ReportCell{Text: "1 downtime", Sub: "1 day, 5 hours"}, 1},
		{"several", "up", old, downFor([2]time.Time{on(3, 12, 0), on(3, 12, 1)}, [2]time.Time{on(3, 10, 0), on(3, 10, 2)}),
			mail.ReportCell{Text: "2 downtimes", Sub: "3 hours"}, mail.ReportCell{Text: "No downtime"}, 2},
		{"over the border: on both sides", "up", old, downFor([2]time.Time{on(2, 28, 20), on(3, 1, 6)}),
			mail.ReportCell{Text: "1 downtime", Sub: "6 hours"}, mail.ReportCell{Text: "1 downtime", Sub: "4 hours"}, 1},
		{"down until now", "down", old, downFor([2]time.Time{on(3, 31, 0), {}}), mail.ReportCell{Text: "1 downtime", Sub: "1 day"},
			mail.ReportCell{Text: "No downtime"}, 1},
		{"down since before", "down", old, nil, mail.ReportCell{Text: "1 downtime", Sub: "31 days"},
			mail.ReportCell{Text: "1 downtime", Sub: "4 weeks"}, 1},
		{"down in April only", "down", old, downFor([2]time.Time{on(4, 1, 1), {}}), mail.ReportCell{Text: "No downtime"},
			mail.ReportCell{Text: "No downtime"}, 0},
		{"made in March", "up", on(3, 5, 0), []monitor.Flip{{CreatedAt: on(3, 5, 1), Old: "new", New: "up"}},
			mail.ReportCell{Text: "No downtime"},
			mail.ReportCell{}, 0},
		{"made in April", "up", on(4, 1, 2), nil, mail.ReportCell{}, mail.ReportCell{}, 0},
		{"paused", "paused", old, nil, mail.ReportCell{Text: "Not watched"}, mail.ReportCell{Text: "Not watched"}, 0},
	} {
		c := made(1, "backup", tc.status, tc.created)
		spans := Spans(monitor.ReportsMonthly, april)
		var m mail.Report
		r := recordOf(c, tc.flips, spans, monitor.AllHeard(april))
		content(&m, []record{r}, spans, "https://p.example")
		diff := cmp.Diff([2]mail.ReportCell{tc.march, tc.february}, r.cells(spans))
		if diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		want := "Nothing is down now. "
		if tc.status == monitor.StatusDown {
			want = "1 check is down now. "
		}
		if tc.downtimes > 0 {
			want += fmt.Sprintf("In March, 1 check had %s.", text.Plural(tc.downtimes, "downtime event", "downtime events"))
		} else {
			want += "In March, there was no downtime."
		}
		if m.Sentence != want {
			t.Errorf("%s: %q, want %q", tc.name, m.Sentence, want)
		}
		if tc.status != monitor.StatusDown && tc.downtimes == 0 {
			if len(m.Projects) > 0 {
				t.Errorf("%s: it is listed", tc.name)
			}
			continue
		}
		got := m.Projects[0].Checks[0]
		if got.Down != (tc.status == monitor.StatusDown) || got.Status != string(tc.status) || got.Cells != r.cells(spans) {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
}

func TestAReportIsInOrder(t *testing.T) {
	old := april.Add(-500 * day)
	spans := Spans(monitor.ReportsMonthly, april)
	hours := func(month time.Month, n int) []monitor.Flip {
		return downFor([2]time.Time{on(month, 5, 0), on(month, 5, n)})
	}
	home := made(9, "nas", "down", old)
	home.ProjectID = uuid.New()
	home.Project = "alpha"
	nameless := made(10, "x", "up", old)
	nameless.ProjectID = uuid.New()
	nameless.Project = ""
	late := made(11, "tardy", "grace", old)
	paused := made(12, "paused", "paused", old)
	records := []record{
		recordOf(made(1, "zeta", "up", old), nil, spans, monitor.AllHeard(april)),
		recordOf(made(2, "Beta", "up", old), nil, spans, monitor.AllHeard(april)),
		recordOf(made(3, "alpha", "up", old), nil, spans, monitor.AllHeard(april)),
		recordOf(made(4, "little", "up", old), hours(3, 1), spans, monitor.AllHeard(april)),
		recordOf(made(5, "much", "up", old), hours(3, 9), spans, monitor.AllHeard(april)),
		recordOf(made(6, "before", "up", old), hours(2, 20), spans, monitor.AllHeard(april)),
		recordOf(home, downFor([2]time.Time{on(4, 1, 1), {}}), spans, monitor.AllHeard(april)),
		recordOf(nameless, hours(3, 2), spans, monitor.AllHeard(april)),
		recordOf(late, nil, spans, monitor.AllHeard(april)),
		recordOf(paused, nil, spans, monitor.AllHeard(april)),
	}
	var m mail.Report
	content(&m, records, spans, "https://p.example")
	var got []string
	for _, p := range m.Projects {
		got = append(got, p.Name+":")
		for _, c := range p.Checks {
			got = append(got, c.Name)
		}
	}
	want := "alpha: nas Operations: much little tardy Untitled project: x"
	if strings.Join(got, " ") != want {
		t.Errorf("%s\nwant\n%s", strings.Join(got, " "), want)
	}
	if m.Others != "5 others had no downtime, 1 of them not watched" {
		t.Errorf("of the others: %q", m.Others)
	}
	if m.Sentence != "1 check is down now. In March, 3 checks had 3 downtime events." || m.Columns != [2]string{"March", "February"} {
		t.Errorf("%q, %q", m.Sentence, m.Columns)
	}
	link := m.Projects[0].Checks[0].Link
	if strings.Contains(link, home.Code.String()) || !strings.HasPrefix(link, "https://p.example/cloaked/") {
		t.Errorf("a mail must not give the ping URL away: %s", link)
	}
}

// What is down now comes first: a report of a quiet day must not hide it.
func TestAReportBeginsWithNow(t *testing.T) {
	for _, period := range []monitor.Reports{monitor.ReportsDaily, monitor.ReportsWeekly, monitor.ReportsMonthly} {
		spans := Spans(period, april)
		for _, tc := range []struct {
			up, down        int
			short, sentence string
		}{
			{3, 0, "nothing is down now · no downtime", "Nothing is down now. " + spans[0].In + ", there was no downtime."},
			{3, 1, "1 check is down now · no downtime", "1 check is down now. " + spans[0].In + ", there was no downtime."},
			{0, 1, "1 check is down now · no downtime", "1 check is down now. " + spans[0].In + ", there was no downtime."},
			{0, 10_000, "all 10000 checks are down now · no downtime", "All 10000 checks are down now. " + spans[0].In + ", there was no downtime."},
			{1, 9_999, "9999 checks are down now · no downtime", "9999 checks are down now. " + spans[0].In + ", there was no downtime."},
		} {
			var records []record
			for i := range tc.up + tc.down {
				c := made(int64(i), "job", monitor.StatusUp, april.Add(-500*day))
				var flips []monitor.Flip
				// since an hour ago: after the periods
				if i < tc.down {
					c.Status = monitor.StatusDown
					flips = downFor([2]time.Time{april.Add(-time.Hour), {}})
				}
				records = append(records, recordOf(c, flips, spans, monitor.AllHeard(april)))
			}
			m := mail.Report{ReportFrame: mail.ReportFrame{To: "o@example.org", Key: "k"}, Period: string(period)}
			content(&m, records, spans, "https://p.example")
			if m.Short != tc.short || m.Sentence != tc.sentence {
				t.Errorf("%s, %d up, %d down: %q, %q", period, tc.up, tc.down, m.Short, m.Sentence)
			}
		}
	}
}

func TestAReportOfTenThousandChecksIsShort(t *testing.T) {
	old := april.Add(-500 * day)
	spans := Spans(monitor.ReportsMonthly, april)
	projects := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	var records []record
	var down []store.ReportCheck
	for i := range 10_000 {
		c := made(int64(i), fmt.Sprintf("job %05d of a company with long names of jobs", i), "up", old)
		c.ProjectID = projects[0]
		c.Project = "Main"
		var flips []monitor.Flip
		switch {
		case i == 9_999:
			// down now, but not in the periods: shown all the same
			c.Status = monitor.StatusDown
			c.ProjectID = projects[1]
			c.Project = "Small"
			flips = downFor([2]time.Time{on(4, 1, 1), {}})
		case i >= 9_900:
			c.ProjectID = projects[2]
			c.Project = "Unseen"
		case i%10 == 0:
			flips = downFor([2]time.Time{on(3, 5, 0), on(3, 5, 1)})
		}
		records = append(records, recordOf(c, flips, spans, monitor.AllHeard(april)))
		d := *c
		d.Status = monitor.StatusDown
		d.DownSince = april.Add(-time.Duration(i) * time.Minute)
		down = append(down, d)
	}
	report := mail.Report{ReportFrame: mail.ReportFrame{To: "a@example.org"}, Period: "monthly"}
	content(&report, records, spans, "https://punctual.example.org")
	nag := mail.Nag{ReportFrame: mail.ReportFrame{To: "a@example.org"}, Every: "hour"}
	reminder(&nag, down, april, "https://punctual.example.org")

	if report.Short != "1 check is down now · 990 checks had 990 downtime events" {
		t.Errorf("report: %s", report.Short)
	}
	listed := 0
	more := report.More.Checks
	for _, p := range report.Projects {
		listed = listed + len(p.Checks)
		more = more + p.More
	}
	if listed != maxChecks || listed+more != 991 || report.More != (mail.ReportMore{}) || report.Others != "9009 others had no downtime" {
		t.Errorf("report: %d listed, %d more, beside %+v; %s", listed, more, report.More, report.Others)
	}
	p := report.Projects[1]
	if p.Name != "Small" || !p.Checks[0].Down {
		t.Errorf("what is down now is not in the report: %+v", p)
	}
	if nag.Still() != "10000 checks still down" ||
		!strings.HasPrefix(nag.Projects[0].Checks[0].Since, "down for 6 days") &&
			!strings.HasPrefix(nag.Projects[1].Checks[0].Since, "down for 6 days") {
		t.Errorf("nag: %s, first %+v", nag.Still(), nag.Projects[0].Checks[0])
	}
	composer, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: "https://punctual.example.org"}, "example.org")
	if err != nil {
		t.Fatal(err)
	}
	for _, compose := range []func() (*mail.Message, error){
		func() (*mail.Message, error) { return composer.Report(report) },
		func() (*mail.Message, error) { return composer.Nag(nag) },
	} {
		m, err := compose()
		if err != nil || len(m.HTML) > 100_000 || len(m.Text) > 50_000 {
			t.Errorf("%v: %d bytes of HTML, %d of text", err, len(m.HTML), len(m.Text))
		}
	}
}

func TestOnlyLivelyProjectsGetReports(t *testing.T) {
	long := april.Add(-181 * day)
	late := april.Add(-179 * day)
	check := func(ping, start time.Time) store.ReportCheck {
		c := made(1, "a", "up", long)
		c.LastPing = ping
		c.LastStart = start
		return *c
	}
	for name, tc := range map[string]struct {
		checks []store.ReportCheck
		want   bool
	}{
		"no checks":                    {nil, false},
		"never pinged":                 {[]store.ReportCheck{check(time.Time{}, time.Time{})}, false},
		"not for 180 days":             {[]store.ReportCheck{check(long, time.Time{})}, false},
		"one of two within 180 days":   {[]store.ReportCheck{check(long, time.Time{}), check(late, time.Time{})}, true},
		"a run has begun within those": {[]store.ReportCheck{check(long, late)}, true},
	} {
		got := lively(tc.checks, april)
		if got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

func TestANagListsTheLongestFirst(t *testing.T) {
	old := april.Add(-500 * day)
	short := made(1, "short", "down", old)
	long := made(2, "long", "down", old)
	silent := made(3, "silent", "down", old)
	short.DownSince = april.Add(-5 * time.Minute)
	long.DownSince = april.Add(-3 * day)
	silent.DownSince = april.Add(-time.Hour)
	silent.LastPing = time.Time{}
	var m mail.Nag
	reminder(&m, []store.ReportCheck{*short, *long, *silent}, april, "https://p.example")
	var got []string
	for _, c := range m.Projects[0].Checks {
		got = append(got, c.Name+" "+c.Since+" "+c.LastPing)
	}
	want := []string{"long down for 3 days last ping 1 hour ago", "silent down for 1 hour never pinged",
		"short down for 5 minutes last ping 1 hour ago"}
	diff := cmp.Diff(want, got)
	if diff != "" || m.Down != 3 {
		t.Errorf("%d down (-want +got):\n%s", m.Down, diff)
	}
}
