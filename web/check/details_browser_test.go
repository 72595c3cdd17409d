//go:build programs

package check_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
	"punctual/web/webtest"
)

func TestRunTimesInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.AddNamed(p, "Nightly backup", func(c *monitor.Check) {
		c.Kind = "cron"
		c.Schedule = "0 3 * * *"
		c.TZ = "America/New_York"
	})
	season(s, c, 75)
	// the session is over
	s.Login("me@example.org")
	base := "/checks/" + c.Code.String() + "/"
	ctx := s.Chromium(base + "details/")
	s.Drive(ctx, chromedp.WaitVisible(`#runs canvas`))
	s.Shots(ctx, "details-history")

	// What arrives is drawn; an unfolded table stays so.
	s.Drive(ctx, webtest.ClickOn(`.runtable summary`))
	s.Ping(c, monitor.PingStart)
	s.Clock.Advance(3 * time.Minute)
	s.Ping(c, monitor.PingSuccess)
	s.Eventually(ctx,
		`document.querySelector('.runtable').open && document.querySelectorAll('#runs canvas').length === 1 && document.querySelector('.runtable td:nth-child(3)').textContent === '3 min'`)

	// From ping to ping in one dialog.
	s.Drive(ctx, webtest.ClickOn(`.e-success a`), chromedp.WaitVisible(`dialog .beside`))
	first := `document.querySelectorAll('dialog').length === 1 && document.querySelector('dialog h1').textContent`
	var shown string
	s.Drive(ctx, chromedp.Evaluate(first, &shown), webtest.ClickOn(`dialog dd a[data-dialog]`))
	s.Eventually(ctx, fmt.Sprintf(`%s !== %q && document.querySelector('dialog').textContent.includes('Ended by')`, first, shown))
	if err := browser.Screenshot(ctx, "ping-run", 1280, 900, false); err != nil {
		t.Error(err)
	}
}

func TestTheLogIsFilteredInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.AddNamed(p, "Nightly backup")
	season(s, c, 45)
	// the session is over
	s.Login("me@example.org")
	ctx := s.Chromium("/checks/" + c.Code.String() + "/log/")
	s.Drive(ctx, chromedp.WaitVisible(`.slider`))
	s.Shots(ctx, "log-filters")
	s.Drive(ctx, chromedp.SendKeys(`[name=q]`, "disk full"))
	s.Eventually(ctx,
		`new URLSearchParams(location.search).get('q') === 'disk full' && document.querySelectorAll('.event').length === 4 && document.querySelector('.event mark').textContent === 'Disk FULL'`)
	s.Eventually(ctx, `document.activeElement.name === 'q'`)
	s.Drive(ctx, webtest.Fill(`[name=q]`, ""))
	s.Eventually(ctx, `location.search === '' && document.querySelectorAll('.event').length > 50`)

	// The slider writes the dates, the dates choose.
	s.Drive(ctx,
		chromedp.Evaluate(
			`(() => { const r = document.querySelector('[data-for=from]'); r.value = Number(r.max) - 5 * 86400; r.dispatchEvent(new Event('input', {bubbles: true})); r.dispatchEvent(new Event('change', {bubbles: true})) })()`, nil))
	s.Eventually(ctx,
		`location.search.startsWith('?from=2026-04-') && document.querySelectorAll('.event').length < 20 && document.querySelectorAll('.event').length > 2`)
	if err := browser.Screenshot(ctx, "log-range", 1280, 900, true); err != nil {
		t.Error(err)
	}

	// What arrives comes in.
	var before int
	s.Drive(ctx, chromedp.Evaluate(`document.querySelectorAll('.event').length`, &before))
	s.Ping(c, monitor.PingLog, func(p *monitor.Ping) { p.Body = []byte("a word in between") })
	s.Eventually(ctx, fmt.Sprintf(`document.querySelectorAll('.event').length === %d && document.querySelector('.e-log')`, before+1))
}
