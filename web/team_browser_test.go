//go:build programs

package web

import (
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/testkit/browser"
)

// The pages of teams and accounts, as people see them.
func TestTeamsAndAccountsInABrowser(t *testing.T) {
	s := newTestSite(t, db.SQLite, withBadges)
	_, project := s.login("jane@example.org")
	base := "/projects/" + project.ID.String()
	for address, role := range map[string]string{"somebody.with.a.rather.long.name@subdomain.example.org": "m", "rea@example.org": "r"} {
		s.post(base+"/members/", url.Values{"email": {address}, "role": {role}})
	}
	s.post("/accounts/change_email/", url.Values{"email": {"boss@example.org"}})
	agree := s.linkTo("jane@example.org")
	ctx, _ := browser.New(t)
	fine := func(name string) {
		t.Helper()
		s.shots(ctx, name)
		if found, err := browser.Accessibility(ctx); err != nil || len(found) > 0 {
			t.Errorf("%s: %v %q", name, err, found)
		}
	}

	s.open(ctx, base+"/settings/")
	s.drive(ctx, chromedp.SendKeys("#email", "bob@example.org", chromedp.ByQuery), first(chromedp.Click, `form[action$="/members/#team"] .btn.primary`), first(chromedp.WaitVisible, ".flash.ok"))
	fine("project-settings")
	s.drive(ctx, chromedp.Navigate(s.linkTo("rea@example.org")), first(chromedp.WaitVisible, "h1"))
	fine("invitation-of-another")
	rea := s.otherBrowser()
	rea.login("rea@example.org")
	rea.open(ctx, "/")
	s.drive(ctx, first(chromedp.WaitVisible, ".flash.info"))
	fine("projects-invited")
	s.drive(ctx, chromedp.Navigate(s.linkTo("rea@example.org")), first(chromedp.WaitVisible, "h1"))
	fine("invitation")

	s.open(ctx, base+"/badges/")
	s.drive(ctx, first(chromedp.Click, `input[name=format][value=shields]`), first(chromedp.WaitVisible, "#badge .help"), first(chromedp.WaitVisible, "#badge [data-copy]"))
	fine("badges")

	s.open(ctx, "/accounts/profile/")
	fine("profile")
	for name, path := range map[string]string{
		"project-remove": base + "/remove/", "password": "/accounts/set_password/", "change-email": "/accounts/change_email/",
	} {
		s.open(ctx, path)
		fine(name)
	}
	s.drive(ctx, chromedp.Navigate(agree), first(chromedp.WaitVisible, "h1"))
	fine("agree-email")
	s.post("/accounts/set_password/", url.Values{"password": {"correct horse"}})
	s.clock.Advance(recentAuthLife + time.Minute)
	s.open(ctx, "/accounts/set_password/")
	fine("prove")
	s.drive(ctx, chromedp.SendKeys("#password", "correct horse\r", chromedp.ByQuery), first(chromedp.WaitVisible, "#password[autocomplete=new-password]"))
}
