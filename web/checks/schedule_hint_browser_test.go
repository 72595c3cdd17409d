//go:build programs

package checks_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/browser"
	"punctual/web/webtest"
)

// One click puts what a hint offers into the form, with its time zone, and the
// preview is of that; the pages that warn of a slug that two checks have.
func TestOneClickUsesWhatAHintOffers(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.AddNamed(p, "Nightly dump", func(c *monitor.Check) { c.Slug = "same" })
	twin := monitor.NewCheck(p.ID, s.Clock.Now())
	twin.Name = "Nightly dump"
	twin.Slug = "same"
	if err := s.Store.CreateCheck(t.Context(), &twin, store.Channels{}); err != nil {
		t.Fatal(err)
	}
	base := "/checks/" + c.Code.String()
	ctx := s.Chromium(base + "/timeout/")
	s.Drive(ctx, browser.Click(`[name=kind][value=cron]`), chromedp.WaitVisible(`[name=schedule]`))
	s.Drive(ctx, webtest.Fill(`[name=schedule]`, "CRON_TZ=Asia/Tokyo 0 3 * * *"), chromedp.WaitVisible(`button[name=use]`))
	s.Shots(ctx, "schedule-hint")
	s.Drive(ctx, browser.Click(`button[name=use]`))
	s.Eventually(ctx,
		`document.querySelector('[name=schedule]').value === '0 3 * * *' && document.querySelector('[name=tz]').value === 'Asia/Tokyo'`)
	s.Eventually(ctx,
		`!document.querySelector('button[name=use]') && document.querySelector('[data-preview]').innerText.includes('Asia/Tokyo')`)
	s.Drive(ctx, browser.Click(`main form .btn.primary`), chromedp.WaitVisible(`#events`))
	webtest.WaitFor(t, "the new schedule", func() bool { got := s.Reload(c); return got.Schedule == "0 3 * * *" && got.TZ == "Asia/Tokyo" })
	s.Shots(ctx, "slug-warning-check")
	s.Open(ctx, "/projects/"+p.ID.String()+"/checks/")
	s.Shots(ctx, "slug-warning-list")
}
