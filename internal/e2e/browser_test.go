package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	chromium "punctual/internal/testkit/browser"
	"punctual/internal/testkit/testdb"
)

// tab is somebody in Riga who sits before a real browser. What the pages
// complain about on its console fails the test.
type tab struct {
	*testing.T
	env
	server  *process
	ctx     context.Context
	console *chromium.Console
	// what it is called in the tours
	page string
}

// newTab opens a browser for an instance that runs all in one process.
func newTab(t *testing.T, engine db.Engine) *tab {
	t.Helper()
	e := newEnv(t, engine)
	return openTab(t, e, e.start(t, "up"))
}

func openTab(t *testing.T, e env, server *process) *tab {
	t.Helper()
	b := &tab{T: t, env: e, server: server}
	b.ctx, b.console = chromium.New(t)
	b.do(emulation.SetTimezoneOverride("Europe/Riga"), chromedp.EmulateViewport(1280, 900))
	return b
}

// use takes the cookies of another browser.
func (b *tab) use(cookies []*network.Cookie) {
	b.Helper()
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		for _, c := range cookies {
			if err := network.SetCookie(c.Name, c.Value).WithURL(b.site("/")).Do(ctx); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (b *tab) cookies() (all []*network.Cookie) {
	b.Helper()
	b.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		all, err = network.GetCookies().Do(ctx)
		return err
	}))
	return all
}

// do does things in the tab, each anew where a live page replaces what it was
// meant for.
func (b *tab) do(actions ...chromedp.Action) {
	b.Helper()
	if err := chromium.Run(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// open follows a path of the site or a full address.
func (b *tab) open(address string) {
	b.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.site(address)
	}
	b.do(chromedp.Navigate(address))
}

// see waits until what the selector finds can be seen.
func (b *tab) see(selector string) {
	b.Helper()
	b.until(fmt.Sprintf(`document.querySelector(%q)?.checkVisibility()`, selector))
}

// click waits for what the selector finds first and clicks it.
func (b *tab) click(selector string) {
	b.Helper()
	b.see(selector)
	b.do(chromium.Click(selector))
}

// fill puts text into a field as if it were typed.
func (b *tab) fill(selector, text string) {
	b.Helper()
	b.see(selector)
	b.set(selector, "")
	b.do(chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// set gives a field a value and tells the page.
func (b *tab) set(selector, value string) {
	b.Helper()
	b.do(chromedp.Evaluate(fmt.Sprintf(`(() => { const field = document.querySelector(%q); field.value = %q;
		for (const event of ["input", "change"]) field.dispatchEvent(new Event(event, { bubbles: true })) })()`, selector, value), nil))
}

// until waits until the expression holds in the page, whatever pages come and
// go meanwhile.
func (b *tab) until(expression string) {
	b.Helper()
	var last string
	seen := false
	defer func() {
		if !seen {
			b.Logf("the page was %s", last)
		}
	}()
	eventually(b.T, expression, func() (ok bool) {
		if err := chromium.Run(b.ctx, chromedp.Evaluate("Boolean("+expression+")", &ok)); err != nil {
			// the page is just being replaced
			return false
		}
		if !ok {
			_ = chromium.Run(b.ctx, chromedp.Evaluate(`location.pathname + "\n" + document.body.innerText.slice(0, 1500)`, &last))
		}
		seen = ok
		return ok
	})
}

// shows waits until what the selector finds first has the text in it.
func (b *tab) shows(selector, text string) {
	b.Helper()
	b.until(fmt.Sprintf(`document.querySelector(%q)?.innerText.includes(%q)`, selector, text))
}

// at waits until the path of the page ends so.
func (b *tab) at(end string) {
	b.Helper()
	b.until(fmt.Sprintf(`document.readyState === "complete" && location.pathname.endsWith(%q)`, end))
}

// value is what an expression gives, as text.
func (b *tab) value(expression string) (text string) {
	b.Helper()
	b.do(chromedp.Evaluate("String("+expression+")", &text))
	return text
}

// loginLink waits for the newest link in the log of the server.
func (b *tab) loginLink() string {
	b.Helper()
	return b.server.waitFor(`(http://127\.0\.0\.1:\d+/accounts/check_token/[^\s"\\]+)`)[1]
}

// signUp signs up with the form of the login page and ends on the list of
// checks.
func (b *tab) signUp(address string) {
	b.Helper()
	b.open("/accounts/login/")
	b.fill("#identity", address)
	b.click("form .btn.primary")
	b.at("/accounts/login_link_sent/")
	b.open(b.loginLink())
	// the first check, as long as it was never pinged
	b.at("/details/")
	b.see(".first-step")
	b.click("main .crumb")
	b.at("/checks/")
	b.see("#checks")
}

// onlyCheck is the check of somebody who has one, and its ping URL.
func (b *tab) onlyCheck(s *store.Store, address string) (c *monitor.Check, ping string) {
	b.Helper()
	checks := b.checks(s, address)
	if len(checks) != 1 {
		b.Fatalf("%d checks, want one", len(checks))
	}
	return &checks[0], b.site("/ping/" + checks[0].Code.String())
}

// checks are those of the first project of a user.
func (b *tab) checks(s *store.Store, address string) []monitor.Check {
	b.Helper()
	project := b.project(s, address)
	checks, err := testdb.ChecksOf(b.Context(), s, project)
	if err != nil {
		b.Fatal(err)
	}
	return checks
}

func (b *tab) project(s *store.Store, address string) uuid.UUID {
	b.Helper()
	user, err := s.UserByEmail(b.Context(), address)
	if err != nil {
		b.Fatal(err)
	}
	projects, err := s.ProjectsOf(b.Context(), user.ID)
	if err != nil || len(projects) == 0 {
		b.Fatalf("projects of %s: %v, %v", address, projects, err)
	}
	return projects[0].ID
}

// ping is the job: a request from outside of the browser.
func (b *tab) ping(address, body string) {
	b.Helper()
	client := http.Client{Timeout: patience}
	res, err := client.Post(address, "text/plain", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b.Fatalf("ping %s: %s", address, res.Status)
	}
}

// shoot keeps a picture of what can be seen.
func (b *tab) shoot(name string, width, height int, dark bool) {
	b.Helper()
	if err := chromium.Screenshot(b.ctx, name, width, height, dark); err != nil {
		b.Error(err)
	}
}

// stamp marks the page, so that unchanged can tell that it was not loaded again.
func (b *tab) stamp()     { b.Helper(); b.do(chromedp.Evaluate(`window.stamped = true`, nil)) }
func (b *tab) unchanged() { b.Helper(); b.until(`window.stamped`) }

const minute = time.Minute
