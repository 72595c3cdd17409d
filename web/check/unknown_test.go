package check_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/auth"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/web/webtest"
)

// nightly is a check whose run of 02:00 was due while Punctual did not listen, from 01:58
// to 02:17, and who takes pings since.
func nightly(s *webtest.Site, p *monitor.Project) (*monitor.Check, *monitor.Taker) {
	s.Helper()
	c := s.AddNamed(p, "Nightly", func(c *monitor.Check) {
		c.Kind = schedule.Cron
		c.Schedule = "0 2 * * *"
		c.TZ = "UTC"
		c.Grace = 10 * time.Minute
	})
	s.Clock.Set(time.Date(2026, 3, 2, 2, 1, 0, 0, time.UTC))
	before := s.Taker()
	s.Ping(c, monitor.PingSuccess)
	s.Clock.Set(time.Date(2026, 3, 3, 1, 58, 0, 0, time.UTC))
	after := s.Outage(before, 19*time.Minute)
	return s.Reload(c), after
}

func TestAnUnknownRunOnThePage(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		c, taker := nightly(s, p)
		base := "/checks/" + c.Code.String() + "/"
		s.Post(base+"zone/", url.Values{"zone": {"utc"}}).Is(http.StatusSeeOther)
		page := s.Get(base + "details/").Is(http.StatusOK)
		const why = "Punctual could not hear pings from 01:58 UTC to 02:17 UTC (it was restarted or stopped)."
		if got := page.Text("#events .e-unknown .what"); got != "Run of 02:00 UTC unknown: "+why+"It ranIt failed" {
			t.Errorf("the event says %q", got)
		}
		if got := page.Text("#state .unheard"); got != "Whether the run of 02:00 UTC happened is unknown: "+why {
			t.Errorf("the state says %q", got)
		}
		if got := page.Text("#state h2"); !strings.HasPrefix(got, "Up for") {
			t.Errorf("it is %q", got)
		}
		page.Has("Last runs 100%", "tomorrow at 02:00")
		s.Get(base + "log/?kind=unknown").Is(http.StatusOK).Has("Run of 02:00 UTC unknown")
		// a row between the pings
		s.Clock.Set(time.Date(2026, 3, 4, 2, 1, 0, 0, time.UTC))
		s.Ping(c, monitor.PingSuccess)
		s.Sign(taker)
		page = s.Get(base + "details/").Is(http.StatusOK)
		var kinds []string
		for _, row := range page.Find("#events li").EachIter() {
			class, _ := row.Attr("class")
			_, kind, _ := strings.Cut(class, " e-")
			kinds = append(kinds, kind)
		}
		if got := strings.Join(kinds, " "); got != "success unknown flip success" {
			t.Errorf("the events are %s", got)
		}
		if page.Find("#state .unheard").Length() != 0 {
			t.Error("the last run is known, and the state says it is not")
		}
		page.Has("Run of yesterday 02:00 UTC unknown")
	})
}

func TestSayingWhatBecameOfAnUnknownRun(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		jane, p := s.Login("jane@example.org")
		c, _ := nightly(s, p)
		base := "/checks/" + c.Code.String() + "/"
		runs, err := s.Store.UnknownRuns(s.Context(), c.ID, time.Time{}, time.Time{}, 0)
		if err != nil || len(runs) != 1 {
			t.Fatal(runs, err)
		}
		path := fmt.Sprintf("%sunknown-runs/%d/", base, runs[0].ID)
		s.Post(path, url.Values{"verdict": {"missed"}}).Is(http.StatusBadRequest)
		s.Post(base+"unknown-runs/99/", url.Values{"verdict": {"fail"}}).Is(http.StatusNotFound)
		other := s.FirstCheck(p)
		s.Post(fmt.Sprintf("/checks/%s/unknown-runs/%d/", other.Code, runs[0].ID), url.Values{"verdict": {"fail"}}).Is(http.StatusNotFound)

		reader := s.OtherBrowser()
		user, _ := reader.Login("reader@example.org")
		_, err = s.Store.DB().Exec(s.Context(), `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, 'r', $3)`, user.ID, p.ID,
			s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		seen := reader.Get(base + "details/").Is(http.StatusOK)
		if seen.Find(".e-unknown").Length() != 1 || seen.Find(".verdict").Length() != 0 {
			t.Error("a reader may say what became of a run")
		}
		reader.Post(path, url.Values{"verdict": {"fail"}}).Is(http.StatusForbidden)

		s.Post(path, url.Values{"verdict": {"success"}}).LeadsTo(base + "details/")
		page := s.Get(base + "details/").Is(http.StatusOK).Has("It ran: " + jane.Email + " said so at")
		if page.Find(".verdict, .unheard").Length() != 0 {
			t.Error("the page asks still")
		}
		if got := s.Reload(c); got.RecentRuns != "uu" || got.Status != monitor.StatusUp {
			t.Errorf("the check is %+v", got.State)
		}
		s.Post(path, url.Values{"verdict": {"fail"}}).Is(http.StatusSeeOther)
		s.Get(base + "details/").Is(http.StatusOK).Has("It ran: " + jane.Email)
	})
}

func TestSayingItByALinkInAMail(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		c, _ := nightly(s, p)
		runs, err := s.Store.UnknownRuns(s.Context(), c.ID, time.Time{}, time.Time{}, 0)
		if err != nil || len(runs) != 1 {
			t.Fatal(runs, err)
		}
		const ops = "ops@example.org"
		made := s.Clock.Now()
		failed := s.Server.Signer.VerdictPath(runs[0].ID, "fail", ops, made)
		ran := s.Server.Signer.VerdictPath(runs[0].ID, "success", ops, made)
		visitor := s.OtherBrowser()
		visitor.Get(strings.Replace(failed, "/fail/", "/success/", 1)).Is(http.StatusNotFound)
		visitor.Get("/unknown-runs/x/fail/y/").Is(http.StatusNotFound)
		page := visitor.Get(failed).Is(http.StatusOK).Has("Nightly was due at 02:00 UTC", "it was restarted or stopped", "Times are in UTC")
		if got := page.Text("main form button"); got != "It failed" {
			t.Errorf("the button says %q", got)
		}
		if got := s.Reload(c).RecentRuns; got != "u?" {
			t.Errorf("looking at the page has changed the runs to %s", got)
		}
		visitor.Post(failed, nil).Is(http.StatusOK).Has("Thank you", "failed")
		if got := s.Reload(c); got.RecentRuns != "ud" || got.Status != monitor.StatusUp {
			t.Errorf("the check is %+v", got.State)
		}
		for _, a := range []*webtest.Answer{visitor.Post(ran, nil), visitor.Get(failed)} {
			a.Is(http.StatusOK).Has("Somebody was faster", "It failed: "+ops+" said so at")
		}
		flips, err := s.Store.Flips(s.Context(), c.ID, store.FlipFilter{})
		if err != nil || len(flips) != 1 {
			t.Errorf("flips %+v, %v", flips, err)
		}
		s.Clock.Set(made.Add(auth.ActTime + time.Second))
		visitor.Get(ran).Is(http.StatusNotFound)
		visitor.Post(ran, nil).Is(http.StatusNotFound)
	})
}
