package checks_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// cells are the texts of a column of the list, by the name of the check.
func cells(a *webtest.Answer, class string) map[string]string {
	out := map[string]string{}
	for _, row := range a.Find("#checks tbody tr:not(.group)").EachIter() {
		out[row.Find(".nm a").Text()] = strings.Join(strings.Fields(row.Find("td."+class).Text()), " ")
	}
	return out
}

func TestTheListShowsWhenTheNextPingIsExpected(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	z := s.Zoo(p)
	missed := s.AddNamed(p, "missed 6", func(c *monitor.Check) { c.Timeout = time.Minute; c.Grace = time.Minute })
	s.Ping(missed, monitor.PingSuccess)
	s.Clock.Advance(4 * time.Minute)
	_, err := s.Store.JudgeOverdue(s.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"late 1": "overduefor 35 min", "down 2": "–", "up 10": "in 56 min", "up 9": "in 55 min", "run 3": "runningfor 4 min",
		"paused 4": "–", "new 5": "–", "missed 6": "overduefor 3 min",
	}
	diff := cmp.Diff(want, cells(s.Get(ui.ListURL(p.ID)), "nx"))
	if diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// what is overdue is so before anybody has marked it
	s.Clock.Advance(57 * time.Minute)
	got := cells(s.Get(ui.ListURL(p.ID)), "nx")[z["late 1"].Name]
	if got != "overduefor 1 hr 32 min" {
		t.Errorf("past its deadline: %q", got)
	}
}

func TestTheListIsSortedByEachColumn(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	if _, err := s.Store.DeleteCheck(s.Context(), s.FirstCheck(p).Code); err != nil {
		t.Fatal(err)
	}
	add := func(name string, period, took time.Duration, failures int) {
		c := s.AddNamed(p, name, func(c *monitor.Check) { c.Timeout = period; c.Grace = time.Hour })
		for range failures {
			s.Ping(c, monitor.PingFail)
		}
		if took > 0 {
			s.Ping(c, monitor.PingStart)
			s.Clock.Advance(took)
		}
		s.Ping(c, monitor.PingSuccess)
	}
	add("b", 3*time.Hour, 5*time.Minute, 0)
	add("c", time.Hour, time.Minute, 2)
	add("a", 2*time.Hour, 0, 1)
	s.AddNamed(p, "new")
	for order, want := range map[string]string{
		"created": "b c a new", "name": "a b c new", "-name": "new c b a",
		"last_ping": "b c a new", "-last_ping": "c a b new",
		"duration": "c b a new", "-duration": "b c a new",
		"failures": "b a c new", "-failures": "c a b new",
		"next": "c a b new", "-next": "b a c new",
	} {
		got := strings.Join(names(s.Get(ui.ListURL(p.ID)+"?sort="+order).Is(http.StatusOK)), " ")
		if got != want {
			t.Errorf("%s: %s, want %s", order, got, want)
		}
		// as a user's own order
		s.Post(ui.ListURL(p.ID)+"view/", url.Values{"sort": {order}})
		if kept := strings.Join(names(s.Get(ui.ListURL(p.ID))), " "); kept != got {
			t.Errorf("%s, remembered: %s, want %s", order, kept, got)
		}
	}
}

// The heads say how the list is sorted, and what a click does next.
func TestTheHeadsOfColumnsSort(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	for order, want := range map[string]struct{ head, sorted, next string }{
		"created":   {"", "", ""},
		"name":      {"Name", "ascending", "-name"},
		"-name":     {"Name", "descending", "name"},
		"-duration": {"took", "descending", "duration"},
		"failures":  {"Last 30 runs", "ascending", "-failures"},
		"next":      {"Next ping", "ascending", "-next"},
	} {
		a := s.Get(ui.ListURL(p.ID) + "?sort=" + order)
		sorted := a.Find("#checks th[aria-sort]")
		button := sorted.Find("button.sorted")
		if sorted.AttrOr("aria-sort", "") != want.sorted || button.Text() != want.head || button.AttrOr("value", "") != want.next {
			t.Errorf("%s: %q is %q and asks for %q", order, button.Text(), sorted.AttrOr("aria-sort", ""), button.AttrOr("value", ""))
		}
	}
	a := s.Get(ui.ListURL(p.ID))
	if got := a.Find(`#checks th button[value="-failures"], #checks th button[value="-duration"]`).Length(); got != 2 {
		t.Error("the most failures and the longest run do not come first at a first click")
	}
}

// A check below several tags counts once.
func TestAnActionOnACheckOfSeveralTagsHappensOnce(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	z := s.Zoo(p)
	a := s.Get(ui.ListURL(p.ID) + "?group=tag&select=1")
	code := z["down 2"].Code.String()
	if n := a.Find(`input[name=check][value="` + code + `"]`).Length(); n != 2 {
		t.Errorf("a check with two tags has %d rows", n)
	}
	a.Has("All 7")
	form := url.Values{"action": {"pause"}, "check": {code, code, z["up 9"].Code.String()}}
	s.Post(ui.ListURL(p.ID)+"bulk/", form).Is(http.StatusSeeOther)
	text, _ := flash(s, p)
	if !strings.HasPrefix(text, "Paused 2 checks") {
		t.Errorf("the page says %q", text)
	}
}

func TestTheRunsBehindTheBars(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.AddNamed(p, "Hourly", func(c *monitor.Check) { c.Kind = "cron"; c.Schedule = "0 * * * *"; c.Grace = 20 * time.Minute })
	page := "/checks/" + c.Code.String() + "/runs/"
	s.Get(page).Is(http.StatusOK).Has("No run has ended yet.")
	// 14:00 in Riga
	s.Ping(c, monitor.PingStart)
	s.Clock.Advance(2*time.Minute + 3*time.Second)
	s.Ping(c, monitor.PingSuccess)
	s.Clock.Advance(73 * time.Minute)
	s.Ping(c, monitor.PingSuccess)
	s.Clock.Advance(time.Hour)
	s.Ping(c, monitor.PingFail)
	a := s.Get(page).Is(http.StatusOK)
	var got []string
	for _, run := range a.Find("[data-run]").EachIter() {
		href := run.Find("a").AttrOr("href", "")
		got = append(got, strings.Join(strings.Fields(run.Text()), " ")+" "+strings.TrimPrefix(href, "/checks/"+c.Code.String()))
	}
	want := []string{
		"1 Mar 16:15:03 failed /pings/4/",
		"1 Mar 15:15:03 late by 15 min /pings/3/",
		"1 Mar 14:02:03 on time 2 min 3 sec /pings/2/",
	}
	diff := cmp.Diff(want, got)
	if diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := a.Text(".legend"); got != "on time late failed missed unknown: we could not hear" {
		t.Errorf("the legend says %q", got)
	}
	stranger := s.OtherBrowser()
	stranger.Login("other@example.org")
	stranger.Get(page).Is(http.StatusNotFound)
}
