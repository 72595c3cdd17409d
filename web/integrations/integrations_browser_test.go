//go:build programs

package integrations_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/browser"
	"punctual/web/integrations"
	"punctual/web/webtest"
)

// shows waits for a message at the head of the page.
func shows(text string) chromedp.Action {
	return chromedp.WaitVisible(`//*[contains(@class, "flash") and contains(., "`+text+`")]`, chromedp.BySearch)
}

func TestIntegrationsInABrowser(t *testing.T) {
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer hook.Close()
	s := webtest.New(t, db.SQLite, withNotifiers)
	_, p := s.Login("jane@example.org")
	// what is added now comes after the first channel
	s.Clock.Advance(1e9)
	ctx, console := browser.New(t)
	// of the form that is wrong
	console.Allow("status of 400")

	s.Open(ctx, integrations.ListPath(p.ID))
	s.Drive(ctx,
		webtest.First(chromedp.Click, `.kind-card[href*="add_webhook"]`), webtest.First(chromedp.WaitVisible, "dialog[open] #url_down"),
		webtest.First(chromedp.Click, "dialog .btn.primary"), webtest.First(chromedp.WaitVisible, "dialog .error"),
	)
	s.Shots(ctx, "integrations-webhook-dialog")
	s.Drive(ctx,
		chromedp.SendKeys("dialog #url_down", hook.URL, chromedp.ByQuery),
		webtest.First(chromedp.Click, "dialog .btn.primary"), shows("Added"),
		webtest.First(chromedp.Click, ".channels li:nth-child(2) .do form button"), shows("was accepted"),
	)
	c := newest(s, p, "webhook")
	if c.LastNotifyAt.IsZero() || c.LastError != "" {
		s.Errorf("the test was not delivered: %+v", c)
	}

	s.Drive(ctx,
		webtest.First(chromedp.Click, `.channels li:nth-child(2) [aria-label^="More"]`),
		webtest.First(chromedp.WaitVisible, ".menu:popover-open .danger"),
		webtest.First(chromedp.Click, ".menu:popover-open .danger"), webtest.First(chromedp.WaitVisible, ".ask:popover-open .btn.danger"),
		webtest.First(chromedp.Click, ".ask:popover-open .btn.danger"), shows("Removed"),
	)
	n := len(channels(s, p))
	if n != 1 {
		s.Errorf("%d channels are left", n)
	}
}

func TestIntegrationsWorkWithoutScripts(t *testing.T) {
	s := webtest.New(t, db.SQLite, withNotifiers)
	_, p := s.Login("jane@example.org")
	// what is added now comes after the first channel
	s.Clock.Advance(1e9)
	ctx, _ := browser.New(t)
	if err := browser.DisableJS(ctx); err != nil {
		t.Fatal(err)
	}
	s.Open(ctx, integrations.ListPath(p.ID))
	s.Drive(ctx,
		webtest.First(chromedp.Click, `.kind-card[href*="add_email"]`), webtest.First(chromedp.WaitVisible, "#value"),
		chromedp.SendKeys("#name", "Me again", chromedp.ByQuery),
		webtest.First(chromedp.Click, "main .btn.primary"), shows("Added"),
		webtest.First(chromedp.Click, `.channels li:nth-child(1) [aria-label^="More"]`),
		webtest.First(chromedp.WaitVisible, ".menu:popover-open .danger"),
		webtest.First(chromedp.Click, ".menu:popover-open .danger"), webtest.First(chromedp.WaitVisible, ".ask:popover-open .btn.danger"),
		webtest.First(chromedp.Click, ".ask:popover-open .btn.danger"), shows("Removed"),
	)
	n := len(channels(s, p))
	if n != 1 {
		s.Errorf("%d channels are left", n)
	}
}

func TestPicturesOfIntegrations(t *testing.T) {
	s := webtest.New(t, db.SQLite, withNotifiers)
	_, p := s.Login("jane@example.org")
	now := s.Store.Now()
	for _, c := range []struct {
		monitor.Channel
		store.ChannelOutcome
	}{
		{monitor.Channel{Kind: "webhook", Name: "Incident bot",
			Config: `{"url_down":"https://hooks.example.org/","url_up":"https://hooks.example.org/"}`, Verified: true},
			store.ChannelOutcome{At: now.Add(-42 * 60e9), Latency: 212e6}},
		{monitor.Channel{Kind: "email", Config: `{"address":"ops@example.org","down":true}`}, store.ChannelOutcome{}},
		{monitor.Channel{Kind: "webhook", Name: "Chat relay of the night shift", Config: `{"url_down":"https://chat.example.org:8443/"}`,
			Verified: true},
			store.ChannelOutcome{At: now.Add(-3 * 3600e9), Error: "The server answered with status 502."}},
		{monitor.Channel{Kind: "po", Config: `{"user":"` + pushoverKey + `","priority_down":1,"priority_up":-1}`, Verified: true},
			store.ChannelOutcome{At: now.Add(-9 * 86400e9), Error: "Pushover does not know this user key.", Disable: true}},
	} {
		s.Clock.Advance(1e9)
		c.ProjectID = p.ID
		if err := s.Store.CreateChannel(s.Context(), &c.Channel); err != nil {
			t.Fatal(err)
		}
		if err := s.Store.NoteChannelOutcome(s.Context(), c.ID, c.ChannelOutcome); err != nil {
			t.Fatal(err)
		}
	}
	ctx, _ := browser.New(t)
	email := channels(s, p)[0]
	for name, path := range map[string]string{
		"integrations":          integrations.ListPath(p.ID),
		"integrations-email":    addPath(p, "email"),
		"integrations-pushover": addPath(p, "po"),
		"integrations-checks":   channelPath(email, "checks"),
		"unsubscribe":           s.Server.Signer.UnsubscribePath(email.ID),
	} {
		s.Open(ctx, path)
		var wide bool
		s.Drive(ctx, chromedp.EmulateViewport(360, 800), chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide))
		if wide {
			t.Errorf("%s is wider than a small phone", path)
		}
		s.Shots(ctx, name)
	}
}
