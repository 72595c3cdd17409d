//go:build programs

package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
)

func TestRunTimesInABrowser(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("me@example.org")
	c := s.addNamed(p, "Nightly backup", func(c *monitor.Check) { c.Kind, c.Schedule, c.TZ = "cron", "0 3 * * *", "America/New_York" })
	s.season(c, 75)
	s.login("me@example.org") // the session is over
	base := "/checks/" + c.Code.String() + "/"
	ctx := s.chromium(base + "details/")
	s.drive(ctx, chromedp.WaitVisible(`#runs canvas`))
	s.shots(ctx, "details-history")

	// What arrives is drawn; an unfolded table stays so.
	s.drive(ctx, clickOn(`.runtable summary`))
	s.ping(c, monitor.PingStart)
	s.clock.Advance(3 * time.Minute)
	s.ping(c, monitor.PingSuccess)
	s.eventually(ctx, `document.querySelector('.runtable').open && document.querySelectorAll('#runs canvas').length === 1 && document.querySelector('.runtable td:nth-child(3)').textContent === '3 min'`)

	// From ping to ping in one dialog.
	s.drive(ctx, clickOn(`.e-success a`), chromedp.WaitVisible(`dialog .beside`))
	first := `document.querySelectorAll('dialog').length === 1 && document.querySelector('dialog h1').textContent`
	var shown string
	s.drive(ctx, chromedp.Evaluate(first, &shown), clickOn(`dialog dd a[data-dialog]`))
	s.eventually(ctx, fmt.Sprintf(`%s !== %q && document.querySelector('dialog').textContent.includes('Ended by')`, first, shown))
	if err := browser.Screenshot(ctx, "ping-run", 1280, 900, false); err != nil {
		t.Error(err)
	}
}

func TestTheLogIsFilteredInABrowser(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("me@example.org")
	c := s.addNamed(p, "Nightly backup")
	s.season(c, 45)
	s.login("me@example.org") // the session is over
	ctx := s.chromium("/checks/" + c.Code.String() + "/log/")
	s.drive(ctx, chromedp.WaitVisible(`.slider`))
	s.shots(ctx, "log-filters")
	s.drive(ctx, chromedp.SendKeys(`[name=q]`, "disk full"))
	s.eventually(ctx, `new URLSearchParams(location.search).get('q') === 'disk full' && document.querySelectorAll('.event').length === 4 && document.querySelector('.event mark').textContent === 'Disk FULL'`)
	s.eventually(ctx, `document.activeElement.name === 'q'`)
	s.drive(ctx, fill(`[name=q]`, ""))
	s.eventually(ctx, `location.search === '' && document.querySelectorAll('.event').length > 50`)

	// The slider writes the dates, the dates choose.
	s.drive(ctx, chromedp.Evaluate(`(() => { const r = document.querySelector('[data-for=from]'); r.value = Number(r.max) - 5 * 86400; r.dispatchEvent(new Event('input', {bubbles: true})); r.dispatchEvent(new Event('change', {bubbles: true})) })()`, nil))
	s.eventually(ctx, `location.search.startsWith('?from=2026-04-') && document.querySelectorAll('.event').length < 20 && document.querySelectorAll('.event').length > 2`)
	if err := browser.Screenshot(ctx, "log-range", 1280, 900, true); err != nil {
		t.Error(err)
	}

	// What arrives comes in.
	var before int
	s.drive(ctx, chromedp.Evaluate(`document.querySelectorAll('.event').length`, &before))
	s.ping(c, monitor.PingLog, func(p *monitor.Ping) { p.Body = []byte("a word in between") })
	s.eventually(ctx, fmt.Sprintf(`document.querySelectorAll('.event').length === %d && document.querySelector('.e-log')`, before+1))
}
