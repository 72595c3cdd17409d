package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Issue 2, "Welcome page" and "Accounts": the visitor's own check turns green
// as it is pinged and is theirs when they sign up, in their time zone.
func TestAVisitorTriesItAndSignsUp(t *testing.T) {
	t.Parallel()
	b := newTab(t, db.SQLite)
	b.open("/")
	b.click(".try form button")
	b.shows("#demo", "Waiting for the first ping")
	b.stamp()
	b.click(".try [data-copy]")
	b.shows(".toast", "Copied")
	ping := find(t, `curl `+pingURL, b.pasted("#identity"))
	b.ping(ping, "")
	b.see("#demo.s-up")
	b.shows("#demo", "Up")
	b.unchanged()

	b.fill("#identity", "Jane@Example.org")
	b.click("form .btn.primary")
	b.at("/accounts/login_link_sent/")
	b.open(b.loginLink())
	b.at("/checks/")
	b.see("#checks tr.s-up")
	b.shows("#checks tr.s-up", "My First Check")

	s := b.store(t)
	check, mine := b.onlyCheck(s, "jane@example.org")
	if mine != ping || check.Status != monitor.StatusUp {
		t.Errorf("the check is %s, %s; the visitor pinged %s", mine, check.Status, ping)
	}
	u, err := s.UserByEmail(t.Context(), "jane@example.org")
	if err != nil || u.TZ != "Europe/Riga" {
		t.Errorf("the user is %+v, %v; want the browser's zone", u, err)
	}

	b.open("/accounts/profile/")
	b.until(`document.querySelector("#tz").value === "Europe/Riga"`)
	b.click(".avatar")
	b.click("#account-menu:popover-open form button")
	b.see("#demo, .hero")
	// for the strangers we are now
	b.console.Allow("status of 404")
	b.open("/checks/" + check.Code.String() + "/details/")
	b.until(`!document.body.innerText.includes("My First Check")`)
}

// pasted is what the clipboard puts into a field, which is empty again then.
func (b *tab) pasted(selector string) (text string) {
	b.Helper()
	b.do(chromedp.Focus(selector, chromedp.ByQuery),
		input.DispatchKeyEvent(input.KeyRawDown).WithCommands([]string{"paste"}),
		chromedp.Value(selector, &text, chromedp.ByQuery))
	b.set(selector, "")
	return text
}
