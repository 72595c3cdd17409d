//go:build programs

package account_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
	"punctual/web/webtest"
)

// What is left to do is on the page of the first check until its first ping, without a reload.
func TestTheFirstStepGoesWithTheFirstPing(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, project := s.Login("jane@example.org")
	check := s.FirstCheck(project)
	ctx := s.Chromium("/checks/" + check.Code.String() + "/details/")
	s.Drive(ctx, webtest.First(chromedp.WaitVisible, ".first-step [data-copy]"))
	s.Shots(ctx, "first-step")
	s.Ping(check, monitor.PingSuccess)
	s.Drive(ctx, webtest.First(chromedp.WaitNotVisible, ".first-step"))
}

// The way of somebody new: the demo check turns green by itself, they sign up,
// and the check is theirs.
func TestSigningUpInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	ctx, _ := browser.New(t)
	var curl, mailed, at string
	s.Open(ctx, "/")
	s.Drive(ctx, webtest.First(chromedp.Click, ".try form button"), webtest.First(chromedp.WaitVisible, "#demo.s-new"),
		chromedp.Text(".try .code code", &curl, chromedp.ByQuery))
	s.Shots(ctx, "welcome")
	code, err := uuid.Parse(curl[strings.LastIndex(curl, "/")+1:])
	if err != nil {
		t.Fatalf("to copy: %q", curl)
	}
	check, err := s.Store.CheckByCode(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	s.Ping(check, monitor.PingSuccess)
	s.Drive(ctx, webtest.First(chromedp.WaitVisible, "#demo.s-up"))
	s.Shots(ctx, "welcome-pinged")

	s.Drive(ctx,
		chromedp.SendKeys("#identity", "jane@example.org", chromedp.ByQuery), webtest.First(chromedp.Click, "form .btn.primary"),
		chromedp.WaitVisible(`//h1[text()="Your link is ready"]`, chromedp.BySearch), chromedp.Text("main", &mailed, chromedp.ByQuery),
	)
	s.Shots(ctx, "login-link-sent")
	s.Drive(ctx, chromedp.Navigate(s.LastLink()), webtest.First(chromedp.WaitVisible, "#checks"), chromedp.Location(&at))
	if !strings.HasSuffix(at, "/checks/") {
		t.Errorf("the link leads to %s", at)
	}
	user, err := s.Store.UserByEmail(t.Context(), "jane@example.org")
	if err != nil {
		t.Fatal(err)
	}
	projects, err := s.Store.ProjectsOf(t.Context(), user.ID)
	if err != nil || len(projects) != 1 {
		t.Fatalf("%+v, %v", projects, err)
	}
	c := s.FirstCheck(&projects[0].Project)
	if c.Code != code || c.NPings != 1 {
		t.Errorf("the first check is %+v", c)
	}
	if user.TZ == "" {
		t.Error("no time zone was taken from the browser")
	}
}

func TestSigningUpWithoutScripts(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	ctx, _ := browser.New(t)
	if err := browser.DisableJS(ctx); err != nil {
		t.Fatal(err)
	}
	s.Open(ctx, "/")
	s.Drive(ctx,
		chromedp.SendKeys("#identity", "jane@example.org", chromedp.ByQuery), webtest.First(chromedp.Click, "form .btn.primary"),
		chromedp.WaitVisible(`//h1[text()="Your link is ready"]`, chromedp.BySearch),
	)
	s.Drive(ctx, chromedp.Navigate(s.LastLink()), webtest.First(chromedp.WaitVisible, ".first-step"))
}

// What a user and an operator see beside checks; what the pages complain about
// fails the test.
func TestPagesOfAccountsInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	s.Login("stranger@example.org")
	mail := webtest.KeepMail(s, monitor.EmailKept)
	failed := &monitor.Email{MessageID: "2@example.org", Kind: "verify", To: "ops@example.org", Subject: "Confirm this address",
		Status: monitor.EmailFailed, LastError: "550 5.1.1 no such mailbox"}
	if err := s.Store.EnqueueEmail(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	_, err := s.Auth.CreateSuperuser(t.Context(), "jane.roe@example.org", "")
	if err != nil {
		t.Fatal(err)
	}
	user, project := s.Login("jane.roe@example.org")
	for i, status := range []monitor.Status{monitor.StatusUp, monitor.StatusDown, monitor.StatusPaused} {
		s.AddNamed(project, fmt.Sprintf("Job %d", i), func(c *monitor.Check) { c.Status = status })
	}
	for _, name := range []string{"Staging", "A project with a name that is as long as it may be, so it wraps"[:60]} {
		_, err := s.Projects.Add(t.Context(), user, name)
		if err != nil {
			t.Fatal(err)
		}
	}
	s.OpenMailbox()
	ctx, console := browser.New(t)
	console.Allow("status of 404")

	for name, path := range map[string]string{
		"projects": "/", "project-settings": webtest.SettingsPath(project), "profile": "/accounts/profile/", "close-account": "/accounts/close/",
		"docs": "/docs/", "docs-crontab": "/docs/crontab/", "docs-signalling": "/docs/signalling/", "not-found": "/nothing/",
		"admin-users": "/admin/users/", "admin-projects": "/admin/projects/", "admin-checks": "/admin/checks/", "admin-emails": "/admin/emails/",
		"admin-email": fmt.Sprintf("/admin/emails/%d/", failed.ID), "admin-deliveries": "/admin/deliveries/",
		"mailbox": "/mailbox/", "mailbox-mail": fmt.Sprintf("/mailbox/%d/", mail.ID),
	} {
		s.Open(ctx, path)
		s.Shots(ctx, name)
	}

	s.Open(ctx, webtest.SettingsPath(project))
	s.Drive(ctx, webtest.First(chromedp.Click, `button[value="api_key"]`), webtest.First(chromedp.WaitVisible, "#api_key .flash"))
	s.Shots(ctx, "project-key")
	s.Open(ctx, "/")
	s.Drive(ctx, webtest.First(chromedp.Click, `[popovertarget="add-project"]`),
		webtest.First(chromedp.WaitVisible, "#add-project:popover-open"))
	s.Shots(ctx, "project-add")
	s.Drive(ctx, webtest.First(chromedp.Click, `header [data-theme-form] .theme-to-light`),
		webtest.First(chromedp.WaitVisible, `html[data-theme=light]`))
}

// The mail is in a frame that may do nothing but this.
func TestALinkInTheMailboxCanBeClicked(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	mail := &monitor.Email{
		MessageID: "1@example.org", Kind: "login", To: "jane@example.org", Subject: "Log in", Status: monitor.EmailKept, Text: "Hello",
		HTML: `<body style="margin:0"><a style="display:block;height:200px;background:#eee" href="` + s.URL +
			`/docs/crontab/">Log in</a><script>document.body.remove()</script>`,
	}
	if err := s.Store.EnqueueEmail(t.Context(), mail); err != nil {
		t.Fatal(err)
	}
	s.OpenMailbox()
	ctx, console := browser.New(t)
	console.Allow("Blocked script execution")
	s.Open(ctx, fmt.Sprintf("/mailbox/%d/", mail.ID))
	s.Drive(ctx, chromedp.EmulateViewport(1280, 900), webtest.First(chromedp.WaitVisible, "iframe.mail"))
	// the frame may not be there yet for the first click
	webtest.WaitFor(t, "the link to lead there", func() bool {
		var at struct {
			There bool
			X, Y  float64
		}
		s.Drive(ctx,
			chromedp.Evaluate(`(r => ({There: !r, X: r?.x + 40, Y: r?.y + 40}))(document.querySelector('iframe.mail')?.getBoundingClientRect())`,
				&at))
		if !at.There {
			s.Drive(ctx, chromedp.MouseClickXY(at.X, at.Y))
		}
		return at.There
	})
	s.Drive(ctx, webtest.First(chromedp.WaitVisible, "article h1"))
}

func TestTheLoginPageInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	ctx, console := browser.New(t)
	console.Allow("status of 400")
	s.Open(ctx, "/accounts/login/")
	s.Drive(ctx, chromedp.SendKeys("#identity", "jane@", chromedp.ByQuery), webtest.First(chromedp.Click, "form .btn.primary"),
		webtest.First(chromedp.WaitVisible, "#identity-error"))
	s.Shots(ctx, "login")
	console.Allow("status of 410")
	s.Open(ctx, "/accounts/check_token/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33/x/")
	s.Shots(ctx, "login-link-used")
}
