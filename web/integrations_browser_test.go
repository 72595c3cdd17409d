//go:build programs

package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/browser"
)

// open gives the browser the session of the site's client and opens a page.
func (s *testSite) open(ctx context.Context, path string) {
	s.Helper()
	root, err := url.Parse(s.url)
	if err != nil {
		s.Fatal(err)
	}
	cookies := chromedp.ActionFunc(func(ctx context.Context) error {
		for _, c := range s.client.Jar.Cookies(root) {
			if err := network.SetCookie(c.Name, c.Value).WithURL(s.url).Do(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	s.drive(ctx, cookies, chromedp.Navigate(s.url+path), chromedp.WaitReady("footer"))
}

// first finds the first element only: popovers that are closed would keep
// chromedp waiting for the others.
func first(action func(sel any, opts ...chromedp.QueryOption) chromedp.QueryAction, selector string) chromedp.Action {
	return action(selector, chromedp.ByQuery)
}

// says waits for a message at the head of the page.
func says(text string) chromedp.Action {
	return chromedp.WaitVisible(`//*[contains(@class, "flash") and contains(., "`+text+`")]`, chromedp.BySearch)
}

func TestIntegrationsInABrowser(t *testing.T) {
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer hook.Close()
	s := newTestSite(t, db.SQLite, withNotifiers)
	_, p := s.login("jane@example.org")
	s.clock.Advance(1e9) // what is added now comes after the first channel
	ctx, console := browser.New(t)
	console.Allow("status of 400") // of the form that is wrong

	s.open(ctx, integrationsPath(p.ID))
	s.drive(ctx,
		first(chromedp.Click, `.kind-card[href*="add_webhook"]`), first(chromedp.WaitVisible, "dialog[open] #url_down"),
		first(chromedp.Click, "dialog .btn.primary"), first(chromedp.WaitVisible, "dialog .error"),
	)
	s.shots(ctx, "integrations-webhook-dialog")
	s.drive(ctx,
		chromedp.SendKeys("dialog #url_down", hook.URL, chromedp.ByQuery),
		first(chromedp.Click, "dialog .btn.primary"), says("Added"),
		first(chromedp.Click, ".channels li:nth-child(2) .do form button"), says("was accepted"),
	)
	if c := s.newest(p, "webhook"); c.LastNotifyAt.IsZero() || c.LastError != "" {
		s.Errorf("the test was not delivered: %+v", c)
	}

	s.drive(ctx,
		first(chromedp.Click, `.channels li:nth-child(2) [aria-label^="More"]`), first(chromedp.WaitVisible, ".menu:popover-open .danger"),
		first(chromedp.Click, ".menu:popover-open .danger"), first(chromedp.WaitVisible, ".ask:popover-open .btn.danger"),
		first(chromedp.Click, ".ask:popover-open .btn.danger"), says("Removed"),
	)
	if n := len(s.channels(p)); n != 1 {
		s.Errorf("%d channels are left", n)
	}
}

func TestIntegrationsWorkWithoutScripts(t *testing.T) {
	s := newTestSite(t, db.SQLite, withNotifiers)
	_, p := s.login("jane@example.org")
	s.clock.Advance(1e9) // what is added now comes after the first channel
	ctx, _ := browser.New(t)
	if err := browser.DisableJS(ctx); err != nil {
		t.Fatal(err)
	}
	s.open(ctx, integrationsPath(p.ID))
	s.drive(ctx,
		first(chromedp.Click, `.kind-card[href*="add_email"]`), first(chromedp.WaitVisible, "#value"),
		chromedp.SendKeys("#name", "Me again", chromedp.ByQuery),
		first(chromedp.Click, "main .btn.primary"), says("Added"),
		first(chromedp.Click, `.channels li:nth-child(1) [aria-label^="More"]`), first(chromedp.WaitVisible, ".menu:popover-open .danger"),
		first(chromedp.Click, ".menu:popover-open .danger"), first(chromedp.WaitVisible, ".ask:popover-open .btn.danger"),
		first(chromedp.Click, ".ask:popover-open .btn.danger"), says("Removed"),
	)
	if n := len(s.channels(p)); n != 1 {
		s.Errorf("%d channels are left", n)
	}
}

// The frame of pages: menus, colours, copying, the mark in the title.
func TestTheFrameOfPages(t *testing.T) {
	s := newTestSite(t, db.SQLite, withNotifiers)
	user, p := s.login("jane@example.org")
	ctx, _ := browser.New(t)
	s.open(ctx, integrationsPath(p.ID))

	var title, icon string
	s.drive(ctx, chromedp.Evaluate(`document.body.dataset.down = 2`, nil),
		chromedp.Poll(`document.title.startsWith("(2 down) ")`, nil),
		chromedp.Evaluate(`document.querySelector("link[rel=icon]").href`, &icon),
		chromedp.Evaluate(`document.body.dataset.down = 0`, nil),
		chromedp.Poll(`!document.title.includes("down")`, nil), chromedp.Title(&title))
	if !strings.Contains(icon, "favicon-down") || title != "Integrations · Punctual" {
		t.Errorf("icon %s, title %q", icon, title)
	}

	s.drive(ctx, first(chromedp.Click, ".theme-to-dark"), chromedp.WaitVisible("html[data-theme=dark] .theme-to-light", chromedp.ByQuery))
	s.drive(ctx, chromedp.Poll(`fetch(location.href).then(r => r.text()).then(t => t.includes('data-theme="dark"'))`, nil))
	if u, err := s.store.UserByID(s.Context(), user.ID); err != nil || u.Theme != "dark" {
		t.Errorf("the colours are not remembered: %v %v", u, err)
	}

	s.drive(ctx, first(chromedp.Click, "[popovertarget=account-menu]"), first(chromedp.WaitVisible, "#account-menu:popover-open button"))
	var inside bool // the menu is below its button and within the window
	s.drive(ctx, chromedp.Evaluate(`(() => { const b = document.querySelector("[popovertarget=account-menu]").getBoundingClientRect(), m = document.querySelector("#account-menu").getBoundingClientRect();
		return m.top >= b.bottom && m.right <= innerWidth && m.left >= 0 && Math.abs(m.right - b.right) < 40 })()`, &inside))
	if !inside {
		t.Error("the account menu is not at its button")
	}
}

func TestPicturesOfIntegrations(t *testing.T) {
	s := newTestSite(t, db.SQLite, withNotifiers)
	_, p := s.login("jane@example.org")
	now := s.store.Now()
	for _, c := range []struct {
		monitor.Channel
		store.ChannelOutcome
	}{
		{monitor.Channel{Kind: "webhook", Name: "Incident bot", Config: `{"url_down":"https://hooks.example.org/","url_up":"https://hooks.example.org/"}`, Verified: true},
			store.ChannelOutcome{At: now.Add(-42 * 60e9), Latency: 212e6}},
		{monitor.Channel{Kind: "email", Config: `{"address":"ops@example.org","down":true}`}, store.ChannelOutcome{}},
		{monitor.Channel{Kind: "webhook", Name: "Chat relay of the night shift", Config: `{"url_down":"https://chat.example.org:8443/"}`, Verified: true},
			store.ChannelOutcome{At: now.Add(-3 * 3600e9), Error: "The server answered with status 502."}},
		{monitor.Channel{Kind: "po", Config: `{"user":"` + pushoverKey + `","priority_down":1,"priority_up":-1}`, Verified: true},
			store.ChannelOutcome{At: now.Add(-9 * 86400e9), Error: "Pushover does not know this user key.", Disable: true}},
	} {
		s.clock.Advance(1e9)
		c.ProjectID = p.ID
		if err := s.store.CreateChannel(s.Context(), &c.Channel); err != nil {
			t.Fatal(err)
		}
		if err := s.store.NoteChannelOutcome(s.Context(), c.ID, c.ChannelOutcome); err != nil {
			t.Fatal(err)
		}
	}
	ctx, _ := browser.New(t)
	email := s.channels(p)[0]
	for name, path := range map[string]string{
		"integrations":          integrationsPath(p.ID),
		"integrations-email":    addPath(p, "email"),
		"integrations-pushover": addPath(p, "po"),
		"integrations-checks":   channelPath(email, "checks"),
		"unsubscribe":           s.server.Signer.UnsubscribePath(email.ID),
	} {
		s.open(ctx, path)
		var wide bool
		s.drive(ctx, chromedp.EmulateViewport(360, 800), chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide))
		if wide {
			t.Errorf("%s is wider than a small phone", path)
		}
		s.shots(ctx, name)
	}
}
