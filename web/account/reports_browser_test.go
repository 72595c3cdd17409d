//go:build programs

package account_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
	"punctual/web/account"
	"punctual/web/webtest"
)

// The link of a mail that is older than what looks into mails as they arrive needs
// no second click.
func TestAnOldLinkUnsubscribesFromReportsByItself(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	user, _ := s.Login("jane@example.org")
	link := s.Server.Signer.UnsubscribeReportsPath(user.ID, s.Clock.Now())
	s.Clock.Advance(account.ObviousTime + time.Second)
	ctx, _ := browser.New(t)
	s.Drive(ctx, chromedp.Navigate(s.URL+link), webtest.First(chromedp.WaitVisible, `main a[href$="`+account.ReportsPath+`"]`))
	u, err := s.Store.UserByID(t.Context(), user.ID)
	if err != nil || u.Reports != monitor.ReportsOff {
		t.Errorf("reports are %s, %v", u.Reports, err)
	}
}

func TestReportsAreChosenInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	s.Login("jane@example.org")
	ctx, _ := browser.New(t)
	s.Open(ctx, account.ReportsPath)
	var chosen string
	s.Drive(ctx,
		webtest.First(chromedp.Click, "[name=reports][value=weekly]"), webtest.First(chromedp.Click, "[name=nag][value=hour]"),
		webtest.First(chromedp.Click, "main form .btn.primary"),
		webtest.First(chromedp.WaitVisible, ".flash.ok"),
		chromedp.Evaluate(`[...document.querySelectorAll("main :checked")].map(e => e.value).join(" ")`, &chosen))
	if chosen != "weekly hour" {
		t.Errorf("after saving, %q is chosen", chosen)
	}
}
