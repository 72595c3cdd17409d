//go:build programs

package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/testkit/browser"
)

func TestAnAccountTokenIsMadeInABrowser(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	user, _ := s.login("jane@example.org")
	if _, _, err := s.auth.CreateToken(t.Context(), user, "Grafana, the one in the office that shows what is down", true, ""); err != nil {
		t.Fatal(err)
	}
	ctx, _ := browser.New(t)
	s.open(ctx, "/accounts/profile/")
	s.drive(ctx, chromedp.SendKeys("#token-name", "Terraform", chromedp.ByQuery), first(chromedp.Click, "#tokens > form .btn"), first(chromedp.WaitVisible, "#tokens .flash.warning"))
	s.shots(ctx, "account-token")
	s.drive(ctx, first(chromedp.Click, "#tokens [popovertarget]"), first(chromedp.WaitVisible, "#tokens .ask:popover-open"))
	s.drive(ctx, first(chromedp.Click, "#tokens .ask:popover-open .btn.danger"), first(chromedp.WaitVisible, ".flash.ok"))
}
