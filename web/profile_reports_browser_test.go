//go:build programs

package web

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
)

// The link of a mail that is older than what looks into mails as they arrive needs
// no second click.
func TestAnOldLinkUnsubscribesFromReportsByItself(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	user, _ := s.login("jane@example.org")
	link := s.server.Signer.UnsubscribeReportsPath(user.ID, s.clock.Now())
	s.clock.Advance(obviousTime + time.Second)
	ctx, _ := browser.New(t)
	s.drive(ctx, chromedp.Navigate(s.url+link), first(chromedp.WaitVisible, `main a[href$="`+reportsPath+`"]`))
	if u, err := s.store.UserByID(t.Context(), user.ID); err != nil || u.Reports != monitor.ReportsOff {
		t.Errorf("reports are %s, %v", u.Reports, err)
	}
}

func TestReportsAreChosenInABrowser(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	s.login("jane@example.org")
	ctx, _ := browser.New(t)
	s.open(ctx, reportsPath)
	var chosen string
	s.drive(ctx,
		first(chromedp.Click, "[name=reports][value=weekly]"), first(chromedp.Click, "[name=nag][value=hour]"), first(chromedp.Click, "main form .btn.primary"),
		first(chromedp.WaitVisible, ".flash.ok"),
		chromedp.Evaluate(`[...document.querySelectorAll("main :checked")].map(e => e.value).join(" ")`, &chosen))
	if chosen != "weekly hour" {
		t.Errorf("after saving, %q is chosen", chosen)
	}
}
