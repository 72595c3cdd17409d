//go:build programs

package account_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/testkit/browser"
	"punctual/web/webtest"
)

func TestAnAccountTokenIsMadeInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	user, _ := s.Login("jane@example.org")
	_, _, err := s.Auth.CreateToken(t.Context(), user, "Grafana, the one in the office that shows what is down", true, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := browser.New(t)
	s.Open(ctx, "/accounts/profile/")
	s.Drive(ctx, chromedp.SendKeys("#token-name", "Terraform", chromedp.ByQuery), webtest.First(chromedp.Click, "#tokens > form .btn"),
		webtest.First(chromedp.WaitVisible, "#tokens .flash.warning"))
	s.Shots(ctx, "account-token")
	s.Drive(ctx, webtest.First(chromedp.Click, "#tokens [popovertarget]"), webtest.First(chromedp.WaitVisible, "#tokens .ask:popover-open"))
	s.Drive(ctx, webtest.First(chromedp.Click, "#tokens .ask:popover-open .btn.danger"), webtest.First(chromedp.WaitVisible, ".flash.ok"))
}
