//go:build programs

package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/testkit/browser"
)

// With scripts the commands can be copied; what the console says fails the test.
func TestTheReferenceInABrowser(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, db.SQLite, withReference())
	ctx, _ := browser.New(t)
	s.drive(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(s.url+"/docs/api-reference/"))
	s.shots(ctx, "api-reference")
	s.drive(ctx, chromedp.EmulateViewport(390, 800))
	s.eventually(ctx, "document.documentElement.scrollWidth <= 390")
	s.drive(ctx, browser.Click(".op .code [data-copy]"), chromedp.WaitVisible(".toast", chromedp.ByQuery))
}

// On a phone the list of pages opens at the present one; "/" leads to the search.
func TestDocumentationInABrowser(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, db.SQLite, withReference())
	s.login("jane@example.org")
	ctx := s.chromium("/docs/cron/?schedule=30+2+*+*+*&tz=Europe/Berlin")
	s.shots(ctx, "docs-cron")
	s.drive(ctx, press("/"))
	s.eventually(ctx, `document.activeElement.name === 'q'`)
	s.drive(ctx, chromedp.EmulateViewport(390, 700), chromedp.Navigate(s.url+"/docs/api-v1/"))
	s.eventually(ctx, `document.documentElement.scrollWidth <= 390`)
	s.drive(ctx, browser.Click(".docs .all"))
	s.eventually(ctx, `(() => {
		const a = document.activeElement, r = a.getBoundingClientRect();
		return a.getAttribute('aria-current') === 'page' && r.top > 0 && r.bottom < innerHeight;
	})()`)
	if err := browser.Screenshot(ctx, "docs-list-phone", 390, 700, false); err != nil {
		t.Error(err)
	}
	for name, path := range map[string]string{"docs": "/docs/", "docs-signalling": "/docs/signalling/", "docs-search": "/docs/search/?q=exit+status", "docs-example": "/docs/example/"} {
		s.drive(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(s.url+path))
		s.shots(ctx, name)
		s.drive(ctx, chromedp.EmulateViewport(390, 700))
		s.eventually(ctx, `document.documentElement.scrollWidth <= 390`)
	}
}
