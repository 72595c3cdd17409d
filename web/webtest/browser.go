//go:build programs

package webtest

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"punctual/internal/testkit/browser"
)

// Chromium opens a page of the site as the one who is logged in.
func (s *Site) Chromium(path string) context.Context {
	s.Helper()
	ctx, console := browser.New(s)
	// the answer to a form with mistakes
	console.Allow("status of 400")
	root, err := url.Parse(s.URL)
	if err != nil {
		s.Fatal(err)
	}
	for _, c := range s.Client.Jar.Cookies(root) {
		s.Drive(ctx, network.SetCookie(c.Name, c.Value).WithURL(s.URL))
	}
	s.Drive(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(s.URL+path))
	return ctx
}

// Drive does things in the browser, each anew where a live page replaces what it
// was meant for.
func (s *Site) Drive(ctx context.Context, actions ...chromedp.Action) {
	s.Helper()
	if err := browser.Run(ctx, actions...); err != nil {
		s.Fatal(err)
	}
}

// Shots keeps pictures of the page, light and dark, wide and on a phone.
func (s *Site) Shots(ctx context.Context, name string) {
	s.Helper()
	for _, width := range []int{1280, 390} {
		for _, dark := range []bool{false, true} {
			full := fmt.Sprintf("%s-%d-%s", name, width, map[bool]string{false: "light", true: "dark"}[dark])
			if err := browser.Screenshot(ctx, full, width, 0, dark); err != nil {
				s.Error(err)
			}
		}
	}
	s.Drive(ctx, chromedp.EmulateViewport(1280, 900))
}

// Eventually waits until the script is true, for at most ten seconds; pages may
// come and go meanwhile.
func (s *Site) Eventually(ctx context.Context, script string) {
	s.Helper()
	WaitFor(s, script, func() bool {
		var yes bool
		err := browser.Run(ctx, chromedp.Evaluate("Boolean("+script+")", &yes))
		return err == nil && yes
	})
}

// Press is a key as a keyboard sends it: what the page does not want is not typed.
func Press(key string) chromedp.Action {
	return chromedp.Tasks{input.DispatchKeyEvent(input.KeyDown).WithKey(key).WithText(key), input.DispatchKeyEvent(input.KeyUp).WithKey(key)}
}

// ClickOn clicks from within: chromedp loses sight of a page whose dialog has closed.
func ClickOn(selector string) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf(`document.querySelector(%q).click()`, selector), nil)
}

// Fill puts a text in the place of what is in a field.
func Fill(selector, text string) chromedp.Action {
	var done bool
	return chromedp.Evaluate(
		fmt.Sprintf(
			`(() => { const f = document.querySelector(%q); f.value = %q; f.dispatchEvent(new Event('input', {bubbles: true})); return true })()`,
			selector, text), &done)
}

// WaitFor polls until ok, for at most ten seconds.
func WaitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// Open gives the browser the session of the site's client and opens a page.
func (s *Site) Open(ctx context.Context, path string) {
	s.Helper()
	root, err := url.Parse(s.URL)
	if err != nil {
		s.Fatal(err)
	}
	cookies := chromedp.ActionFunc(func(ctx context.Context) error {
		for _, c := range s.Client.Jar.Cookies(root) {
			if err := network.SetCookie(c.Name, c.Value).WithURL(s.URL).Do(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	s.Drive(ctx, cookies, chromedp.Navigate(s.URL+path), chromedp.WaitReady("footer"))
}

// First finds the first element only: popovers that are closed would keep
// chromedp waiting for the others.
func First(action func(sel any, opts ...chromedp.QueryOption) chromedp.QueryAction, selector string) chromedp.Action {
	return action(selector, chromedp.ByQuery)
}
