//go:build programs

package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/browser"
)

// One click puts what a hint offers into the form, with its time zone, and the
// preview is of that; the pages that warn of a slug that two checks have.
func TestOneClickUsesWhatAHintOffers(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("me@example.org")
	c := s.addNamed(p, "Nightly dump", func(c *monitor.Check) { c.Slug = "same" })
	twin := monitor.NewCheck(p.ID, s.clock.Now())
	twin.Name, twin.Slug = "Nightly dump", "same"
	if err := s.store.CreateCheck(t.Context(), &twin, store.Channels{}); err != nil {
		t.Fatal(err)
	}
	base := "/checks/" + c.Code.String()
	ctx := s.chromium(base + "/timeout/")
	s.drive(ctx, browser.Click(`[name=kind][value=cron]`), chromedp.WaitVisible(`[name=schedule]`))
	s.drive(ctx, fill(`[name=schedule]`, "CRON_TZ=Asia/Tokyo 0 3 * * *"), chromedp.WaitVisible(`button[name=use]`))
	s.shots(ctx, "schedule-hint")
	s.drive(ctx, browser.Click(`button[name=use]`))
	s.eventually(ctx, `document.querySelector('[name=schedule]').value === '0 3 * * *' && document.querySelector('[name=tz]').value === 'Asia/Tokyo'`)
	s.eventually(ctx, `!document.querySelector('button[name=use]') && document.querySelector('[data-preview]').innerText.includes('Asia/Tokyo')`)
	s.drive(ctx, browser.Click(`main form .btn.primary`), chromedp.WaitVisible(`#events`))
	waitFor(t, "the new schedule", func() bool { got := s.reload(c); return got.Schedule == "0 3 * * *" && got.TZ == "Asia/Tokyo" })
	s.shots(ctx, "slug-warning-check")
	s.open(ctx, "/projects/"+p.ID.String()+"/checks/")
	s.shots(ctx, "slug-warning-list")
}
