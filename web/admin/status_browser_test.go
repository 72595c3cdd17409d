//go:build programs

package admin_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/web/webtest"
)

// The page renews itself, also when it has become an error, and says so in the
// title of its tab.
func TestStatusPageFollows(t *testing.T) {
	t.Parallel()
	var full atomic.Bool
	s := statusSite(t, db.SQLite, &full)
	ctx := s.Chromium("/status/?watchman-token=token")
	heading := func(want string) {
		t.Helper()
		webtest.WaitFor(s, "the page to say "+want, func() bool {
			// in one look: the page may be changing
			var page struct{ H1, Title string }
			s.Drive(ctx, chromedp.Evaluate(`({H1: document.querySelector("h1")?.innerText ?? "", Title: document.title})`, &page))
			return page.H1 == want && strings.HasPrefix(page.Title, "Status: error") == full.Load()
		})
	}
	// as when a phone wakes up
	renew := chromedp.Evaluate(`document.dispatchEvent(new Event("visibilitychange"))`, nil)
	heading("Everything works.")
	full.Store(true)
	s.Drive(ctx, renew)
	heading("Broken: Disk.")
	full.Store(false)
	s.Drive(ctx, renew)
	heading("Everything works.")
}
