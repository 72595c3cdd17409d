package check_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web/webtest"
)

// attempt makes an attempt at all alerts that are due.
func attempt(s *webtest.Site, o store.Outcome) {
	s.Helper()
	worker := uuid.New()
	claimed, err := s.Store.ClaimDeliveries(s.Context(), store.Claim{Worker: worker, Limit: 10, PerChannel: 10, Lease: time.Minute})
	if err != nil || len(claimed) == 0 {
		s.Fatalf("%d alerts are due, %v", len(claimed), err)
	}
	var outcomes []store.Outcome
	for _, d := range claimed {
		done := o
		done.ID = d.ID
		done.Attempt = d.Attempts
		done.Channel = d.ChannelID
		done.Tried = true
		done.At = s.Clock.Now()
		outcomes = append(outcomes, done)
	}
	if _, err := s.Store.FinishDeliveries(s.Context(), worker, outcomes); err != nil {
		s.Fatal(err)
	}
}

// nightShift makes the only integration of the project one with a name.
func nightShift(s *webtest.Site, p *monitor.Project) {
	s.Helper()
	channels, err := s.Store.ChannelsOf(s.Context(), p.ID)
	if err != nil || len(channels) != 1 {
		s.Fatal(channels, err)
	}
	if _, err := s.Store.DB().Exec(s.Context(), `UPDATE channels SET name = 'Night shift'`); err != nil {
		s.Fatal(err)
	}
}

// What became of alerts stands among the events of the check, on its page and in
// its log.
func TestAlertsAreEventsOfTheCheck(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		nightShift(s, p)
		c := s.FirstCheck(p)
		base := "/checks/" + c.Code.String() + "/"
		shows := func(want string) {
			t.Helper()
			for _, page := range []string{"details/", "log/", "log/?kind=alert"} {
				got := logOf(s.Get(base + page))
				if len(got) == 0 || got[0] != want {
					t.Errorf("%s: %q, want %q", page, got, want)
				}
			}
		}
		s.Ping(c, monitor.PingFail)
		shows("Notifying Night shift (email) that it is down")
		refused := store.ChannelOutcome{Error: "The server refused the connection."}
		attempt(s, store.Outcome{Verdict: store.Retry, NextTry: s.Clock.Now().Add(90 * time.Second), ChannelOutcome: refused})
		shows("Could not yet notify Night shift (email) that it is down: The server refused the connection. Trying again at 14:01:30 EET.")
		s.Clock.Advance(90 * time.Second)
		shows("Could not yet notify Night shift (email) that it is down: The server refused the connection. Trying again now.")
		attempt(s, store.Outcome{Verdict: store.Failed, ChannelOutcome: refused})
		shows("Could not notify Night shift (email) that it is down: The server refused the connection. Given up after 2 attempts.")
		s.Ping(c, monitor.PingSuccess)
		s.Clock.Advance(800 * time.Millisecond)
		attempt(s, store.Outcome{Verdict: store.Sent})
		shows("Notified Night shift (email) after 800 ms that it is up")
		s.Ping(c, monitor.PingFail)
		attempt(s, store.Outcome{Verdict: store.Released, WaitsFor: monitor.WaitsToSettle})
		shows("Waiting to notify Night shift (email) that it is down: It is flapping.")
	})
}

// The page hears of what became of an alert, though nobody calls it for that.
func TestAnOpenPageShowsWhatBecameOfAnAlert(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		nightShift(s, p)
		c := s.FirstCheck(p)
		s.Ping(c, monitor.PingFail)
		base := "/checks/" + c.Code.String() + "/"
		version := s.Get(base+"details/").Find("#events").AttrOr("data-version", "")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+base+"live/?v="+version, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		attempt(s, store.Outcome{Verdict: store.Sent})
		var heard strings.Builder
		part := make([]byte, 4096)
		for !strings.Contains(heard.String(), "Notified") {
			n, err := resp.Body.Read(part)
			heard.Write(part[:n])
			if err != nil {
				t.Fatalf("%v after %.500s", err, heard.String())
			}
		}
	})
}

// A run is one row with links to both of its pings, on whatever page of the log:
// none is lost or doubled where pages end.
func TestARunIsOneRowOfTheLog(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, p := s.Login("me@example.org")
		user.PingLogLimit = 1000
		if err := testdb.PutUser(s.Context(), s.Store, user); err != nil {
			t.Fatal(err)
		}
		c := s.FirstCheck(p)
		base := "/checks/" + c.Code.String() + "/"
		run := func(i int) func(*monitor.Ping) {
			return func(p *monitor.Ping) {
				p.RID = uuid.NullUUID{UUID: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i)), Valid: true}
			}
		}
		// Runs that overlap: each ends after the next has begun. Some say something meanwhile.
		const runs = 130
		for i := range runs {
			s.Ping(c, monitor.PingStart, run(i))
			s.Clock.Advance(time.Second)
			if i%3 == 0 {
				s.Ping(c, monitor.PingLog, run(i))
			}
			if i > 0 {
				s.Ping(c, monitor.PingSuccess, run(i-1))
			}
			s.Clock.Advance(time.Second)
		}
		var want, got []string
		for n := range s.Reload(c).NPings {
			want = append(want, fmt.Sprintf("%spings/%d/", base, n+1))
		}
		rows := 0
		next := base + "log/"
		for next != "" {
			a := s.Get(next).Is(http.StatusOK)
			rows += a.Find(".event:has(.main)").Length()
			for _, link := range a.Find(".event .main, .event .start").EachIter() {
				got = append(got, link.AttrOr("href", ""))
			}
			next = a.Find(".pages [rel=next]").AttrOr("href", "")
		}
		slices.Sort(want)
		slices.Sort(got)
		diff := cmp.Diff(want, got)
		if diff != "" {
			t.Errorf("pings on the pages (-want +got):\n%s", diff)
		}
		// the last one is under way
		if rows != runs+(runs+2)/3 {
			t.Errorf("%d rows", rows)
		}
	})
}

// An alert that was told proves how fast that was.
func TestAnAlertProvesItsLatency(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		nightShift(s, p)
		c := s.FirstCheck(p)
		s.Ping(c, monitor.PingFail)
		s.Clock.Advance(800 * time.Millisecond)
		attempt(s, store.Outcome{Verdict: store.Sent, ChannelOutcome: store.ChannelOutcome{Answer: "mx.example.org 250 2.0.0 Ok: queued as 4bX"}})
		want := "Signal 14:00:00 EET, decided +0.00 s, accepted by mx.example.org +0.8 s"
		if got := s.Get("/checks/" + c.Code.String() + "/details/").Text(".e-alert .proof"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
