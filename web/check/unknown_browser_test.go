//go:build programs

package check_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/web/ui"
	"punctual/web/webtest"
)

func TestUnknownRunsInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.AddNamed(p, "Nightly backup", func(c *monitor.Check) {
		c.Kind = "cron"
		c.Schedule = "0 2 * * *"
		c.TZ = "UTC"
		c.Grace = 30 * time.Minute
	})
	taker := s.Taker()
	for day := 2; day < 14; day++ {
		s.Clock.Set(time.Date(2026, 3, day, 1, 58, 0, 0, time.UTC))
		s.Sign(taker)
		switch day {
		case 6, 13:
			taker = s.Outage(taker, 50*time.Minute+17*time.Second)
			continue
		case 9:
			s.Clock.Advance(25 * time.Minute)
			s.Ping(c, monitor.PingFail)
		default:
			s.Clock.Advance(3 * time.Minute)
			s.Ping(c, monitor.PingSuccess)
		}
		s.Sign(taker)
	}
	// the session is over
	s.Login("me@example.org")
	base := "/checks/" + c.Code.String() + "/"
	s.Post(base+"zone/", url.Values{"zone": {"utc"}})
	ctx := s.Chromium(base + "details/")
	s.Drive(ctx, chromedp.WaitVisible(`.e-unknown .verdict`))
	s.Shots(ctx, "unknown-details")
	s.Open(ctx, ui.ListURL(p.ID))
	s.Drive(ctx, chromedp.WaitVisible(`.hist .h-q`))
	s.Shots(ctx, "unknown-list")
	s.Open(ctx, base+"runs/")
	s.Shots(ctx, "unknown-runs")
	// one click
	s.Open(ctx, base+"details/")
	s.Drive(ctx, webtest.ClickOn(`.e-unknown .verdict button[value=success]`))
	s.Eventually(ctx, `!document.querySelector('.unheard') && document.querySelector('.e-unknown').textContent.includes('me@example.org said so')`)
	s.Shots(ctx, "unknown-said")
	runs, err := s.Store.UnknownRuns(s.Context(), c.ID, time.Time{}, time.Time{}, 0)
	if err != nil || len(runs) != 2 {
		t.Fatal(runs, err)
	}
	s.Open(ctx, s.Server.Signer.VerdictPath(runs[1].ID, "fail", "ops@example.org", s.Clock.Now()))
	s.Shots(ctx, "unknown-verdict")
	s.Drive(ctx, webtest.ClickOn(`main form button`))
	s.Eventually(ctx, `document.querySelector('main h1').textContent === 'Thank you'`)
}
