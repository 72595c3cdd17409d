//go:build programs

package project_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/testkit/browser"
	"punctual/web/account"
	"punctual/web/webtest"
)

// The pages of teams and accounts, as people see them.
func TestTeamsAndAccountsInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite, withBadges)
	_, project := s.Login("jane@example.org")
	base := "/projects/" + project.ID.String()
	for address, role := range map[string]string{"somebody.with.a.rather.long.name@subdomain.example.org": "m", "rea@example.org": "r"} {
		s.Post(base+"/members/", url.Values{"email": {address}, "role": {role}})
	}
	s.Post("/accounts/change_email/", url.Values{"email": {"boss@example.org"}})
	agree := s.LinkTo("jane@example.org")
	ctx, _ := browser.New(t)
	fine := func(name string) {
		t.Helper()
		s.Shots(ctx, name)
		found, err := browser.Accessibility(ctx)
		if err != nil || len(found) > 0 {
			t.Errorf("%s: %v %q", name, err, found)
		}
	}

	s.Open(ctx, base+"/settings/")
	s.Drive(ctx, chromedp.SendKeys("#email", "bob@example.org", chromedp.ByQuery),
		webtest.First(chromedp.Click, `form[action$="/members/#team"] .btn.primary`), webtest.First(chromedp.WaitVisible, ".flash.ok"))
	fine("project-settings")
	s.Drive(ctx, chromedp.Navigate(s.LinkTo("rea@example.org")), webtest.First(chromedp.WaitVisible, "h1"))
	fine("invitation-of-another")
	rea := s.OtherBrowser()
	rea.Login("rea@example.org")
	rea.Open(ctx, "/")
	s.Drive(ctx, webtest.First(chromedp.WaitVisible, ".flash.info"))
	fine("projects-invited")
	s.Drive(ctx, chromedp.Navigate(s.LinkTo("rea@example.org")), webtest.First(chromedp.WaitVisible, "h1"))
	fine("invitation")

	s.Open(ctx, base+"/badges/")
	s.Drive(ctx, webtest.First(chromedp.Click, `input[name=format][value=shields]`), webtest.First(chromedp.WaitVisible, "#badge .help"),
		webtest.First(chromedp.WaitVisible, "#badge [data-copy]"))
	fine("badges")

	s.Open(ctx, "/accounts/profile/")
	fine("profile")
	for name, path := range map[string]string{
		"project-remove": base + "/remove/", "password": "/accounts/set_password/", "change-email": "/accounts/change_email/",
	} {
		s.Open(ctx, path)
		fine(name)
	}
	s.Drive(ctx, chromedp.Navigate(agree), webtest.First(chromedp.WaitVisible, "h1"))
	fine("agree-email")
	s.Post("/accounts/set_password/", url.Values{"password": {"correct horse"}})
	s.Clock.Advance(account.RecentAuthLife + time.Minute)
	s.Open(ctx, "/accounts/set_password/")
	fine("prove")
	s.Drive(ctx, chromedp.SendKeys("#password", "correct horse\r", chromedp.ByQuery),
		webtest.First(chromedp.WaitVisible, "#password[autocomplete=new-password]"))
}

// On a phone all that is pressed in these pages is as large as a thumb needs it.
func TestTargetsOnAPhone(t *testing.T) {
	s := webtest.New(t, db.SQLite, webtest.WithReference())
	_, p := s.Login("jane@example.org")
	makesWall(s, p)
	ctx, _ := browser.New(t)
	for _, path := range []string{webtest.SettingsPath(p), "/accounts/profile/", "/accounts/profile/notifications/", "/walls/",
		"/docs/cron/", "/docs/api-reference/"} {
		s.Open(ctx, path)
		s.Drive(ctx, chromedp.EmulateViewport(390, 800))
		var small []string
		s.Drive(ctx, chromedp.Evaluate(`[...document.querySelectorAll('main :is(button, select, input, summary, .btn, .switch, .on-page a, .toc a)')]
			.filter((e) => e.checkVisibility() && e.type !== 'hidden')
			.filter((e) => (e.closest('label') || e).getBoundingClientRect().height < 43.5)
			.map((e) => e.tagName + ' ' + e.className + ' ' + (e.name || e.textContent))`, &small))
		if len(small) > 0 {
			t.Errorf("%s: too small are %q", path, small)
		}
	}
}
