//go:build programs

package ui_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/testkit/browser"
	"punctual/web/webtest"
)

// The frame of pages: menus, colours, copying, the mark in the title.
func TestTheFrameOfPages(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	user, p := s.Login("jane@example.org")
	ctx, _ := browser.New(t)
	s.Open(ctx, "/projects/"+p.ID.String()+"/integrations/")

	var title, icon string
	s.Drive(ctx, chromedp.Evaluate(`document.body.dataset.down = 2`, nil),
		chromedp.Poll(`document.title.startsWith("(2 down) ")`, nil),
		chromedp.Evaluate(`document.querySelector("link[rel=icon]").href`, &icon),
		chromedp.Evaluate(`document.body.dataset.down = 0`, nil),
		chromedp.Poll(`!document.title.includes("down")`, nil), chromedp.Title(&title))
	if !strings.Contains(icon, "favicon-down") || title != "Integrations · Punctual" {
		t.Errorf("icon %s, title %q", icon, title)
	}

	s.Drive(ctx, webtest.First(chromedp.Click, ".theme-to-dark"),
		chromedp.WaitVisible("html[data-theme=dark] .theme-to-light", chromedp.ByQuery))
	s.Drive(ctx, chromedp.Poll(`fetch(location.href).then(r => r.text()).then(t => t.includes('data-theme="dark"'))`, nil))
	u, err := s.Store.UserByID(s.Context(), user.ID)
	if err != nil || u.Theme != "dark" {
		t.Errorf("the colours are not remembered: %v %v", u, err)
	}

	s.Drive(ctx, webtest.First(chromedp.Click, "[popovertarget=account-menu]"),
		webtest.First(chromedp.WaitVisible, "#account-menu:popover-open button"))
	// the menu is below its button and within the window
	var inside bool
	s.Drive(ctx,
		chromedp.Evaluate(
			`(() => { const b = document.querySelector("[popovertarget=account-menu]").getBoundingClientRect(), m = document.querySelector("#account-menu").getBoundingClientRect();
		return m.top >= b.bottom && m.right <= innerWidth && m.left >= 0 && Math.abs(m.right - b.right) < 40 })()`, &inside))
	if !inside {
		t.Error("the account menu is not at its button")
	}
}
