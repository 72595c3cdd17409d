//go:build programs

package docs_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"punctual/internal/db"
	"punctual/internal/testkit/browser"
	"punctual/web/webtest"
)

// With scripts the commands can be copied; what the console says fails the test.
func TestTheReferenceInABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite, webtest.WithReference())
	ctx, _ := browser.New(t)
	s.Drive(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(s.URL+"/docs/api-reference/"))
	s.Shots(ctx, "api-reference")
	s.Drive(ctx, chromedp.EmulateViewport(390, 800))
	s.Eventually(ctx, "document.documentElement.scrollWidth <= 390")
	s.Eventually(ctx, `!document.querySelector('details.group[open]')`)
	s.Drive(ctx, browser.Click("details.group summary"), browser.Click(".op .code [data-copy]"))
	s.Drive(ctx, chromedp.WaitVisible(".toast", chromedp.ByQuery))
}

// On a phone the list of pages opens at the present one; "/" leads to the search.
func TestDocumentationInABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite, webtest.WithReference())
	s.Login("jane@example.org")
	ctx := s.Chromium("/docs/cron/?schedule=30+2+*+*+*&tz=Europe/Berlin")
	s.Shots(ctx, "docs-cron")
	s.Drive(ctx, webtest.Press("/"))
	s.Eventually(ctx, `document.activeElement.name === 'q'`)
	s.Drive(ctx, chromedp.EmulateViewport(390, 700), chromedp.Navigate(s.URL+"/docs/api-v1/"))
	s.Eventually(ctx, `document.documentElement.scrollWidth <= 390`)
	s.Drive(ctx, browser.Click(".docs .all"))
	s.Eventually(ctx, `(() => {
		const a = document.activeElement, r = a.getBoundingClientRect();
		return a.getAttribute('aria-current') === 'page' && r.top > 0 && r.bottom < innerHeight;
	})()`)
	if err := browser.Screenshot(ctx, "docs-list-phone", 390, 700, false); err != nil {
		t.Error(err)
	}
	for name, path := range map[string]string{"docs": "/docs/", "docs-signalling": "/docs/signalling/",
		"docs-search": "/docs/search/?q=exit+status", "docs-example": "/docs/example/"} {
		s.Drive(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(s.URL+path))
		s.Shots(ctx, name)
		s.Drive(ctx, chromedp.EmulateViewport(390, 700))
		s.Eventually(ctx, `document.documentElement.scrollWidth <= 390`)
	}
}

// The search answers below its field as one types: arrows choose, Enter leads there, Esc closes.
func TestTheSearchAnswersAsOneTypes(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite, webtest.WithReference())
	ctx := s.Chromium("/docs/")
	field := "[data-docs-search]"
	s.Drive(ctx, chromedp.SendKeys(field, "2fa", chromedp.ByQuery),
		webtest.First(chromedp.WaitVisible, `.docs-found a[href="/docs/signing-in/#two-factor-sign-in"]`))
	s.Shots(ctx, "docs-found")
	s.Drive(ctx, chromedp.SendKeys(field, kb.Escape, chromedp.ByQuery), webtest.First(chromedp.WaitNotVisible, ".docs-found"))
	s.Drive(ctx, chromedp.SendKeys(field, kb.ArrowDown, chromedp.ByQuery),
		webtest.First(chromedp.WaitVisible, ".docs-found a:first-child[aria-selected=true]"))
	s.Eventually(ctx, `document.activeElement.getAttribute('aria-activedescendant') === document.querySelector('.docs-found a').id`)
	s.Drive(ctx, chromedp.SendKeys(field, kb.Enter, chromedp.ByQuery))
	s.Eventually(ctx, `location.pathname === '/docs/signing-in/'`)

	s.Open(ctx, "/docs/cron/")
	s.Drive(ctx, chromedp.SendKeys(field, "zzzz", chromedp.ByQuery), webtest.First(chromedp.WaitVisible, ".docs-found p"))
	s.Drive(ctx, chromedp.SendKeys(field, kb.Enter, chromedp.ByQuery))
	s.Eventually(ctx, `location.pathname === '/docs/search/' && location.search === '?q=zzzz'`)
}

// The reference opens by resource; a link opens its own, and the filter what it finds.
func TestTheReferenceIsFilteredInABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite, webtest.WithReference())
	ctx := s.Chromium("/docs/api-reference/#pauseCheck")
	s.Eventually(ctx, `document.querySelectorAll('details.group[open]').length === 1`)
	s.Eventually(ctx, `(() => {
		const top = document.querySelector('#pauseCheck').getBoundingClientRect().top;
		return top > 0 && top < innerHeight / 2;
	})()`)
	seen := func(filter, want string) {
		t.Helper()
		s.Drive(ctx, webtest.Fill("[data-api-filter] input", filter))
		s.Eventually(ctx, `[...document.querySelectorAll('.op h3')].filter((e) => e.checkVisibility()).map((e) => e.id).join(' ') === '`+want+`'`)
	}
	seen("post /pause", "pauseCheck")
	s.Shots(ctx, "api-filtered")
	seen("PAUSE DELETE", "")
	seen("zzzz", "")
	s.Drive(ctx, webtest.First(chromedp.WaitVisible, ".filter [role=status]"))
	// a link leads to what the filter hides
	s.Drive(ctx, chromedp.Evaluate(`location.hash = '#object-channel'`, nil))
	s.Eventually(ctx, `document.querySelector('#object-channel').checkVisibility() && document.querySelector('[data-api-filter] input').value === ''`)
}
