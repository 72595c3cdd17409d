package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Issue 5: the main job with nothing but a keyboard, from the first page to a
// paused check. Where one is can be seen all the way.
func TestTheMainJobByKeyboard(t *testing.T) {
	t.Parallel()
	b := newTab(t, db.SQLite)
	b.open("/")
	b.until(`document.readyState === "complete"`)
	b.press(kb.Tab)
	b.until(`document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().left >= 0`)
	b.press(kb.Enter)
	b.until(`document.activeElement.id === "main"`)
	b.tabTo("#identity")
	b.press("jane@example.org" + kb.Enter)
	b.at("/accounts/login_link_sent/")
	b.open(b.loginLink())
	b.at("/details/")
	b.tabTo("main .crumb")
	b.press(kb.Enter)
	b.at("/checks/")

	b.tabTo(".head .primary")
	b.press(kb.Enter)
	b.until(`document.activeElement.matches("dialog #name")`)
	b.press("Nightly backup")
	b.tabTo("dialog [name=timeout_value]")
	b.press("2")
	b.tabTo("dialog .actions .primary")
	b.press(kb.Enter)
	b.at("/details/")
	b.shows("main h1", "Nightly backup")

	b.tabTo(`#state form[action$="/pause/"] button`)
	b.press(kb.Enter)
	b.see("#state .s-paused")
	checks := b.checks(b.store(t), "jane@example.org")
	c := checks[len(checks)-1]
	if c.Name != "Nightly backup" || c.Status != monitor.StatusPaused {
		t.Errorf("the check is %+v", c)
	}
}

// press types keys.
func (b *tab) press(keys string) {
	b.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// tabTo presses Tab until what the selector finds has the focus. On the way
// nothing takes the focus without showing it.
func (b *tab) tabTo(selector string) {
	b.Helper()
	var way []string
	for range 60 {
		b.press(kb.Tab)
		at := b.value(fmt.Sprintf(`(e => e.matches(%q) ? "" : e.tagName + "." + e.className +
			(e === document.body || e.matches(":focus-visible") && e.checkVisibility() ? "" : " (cannot be seen)"))(document.activeElement)`,
			selector))
		if at == "" {
			return
		}
		way = append(way, at)
	}
	b.Fatalf("Tab does not lead to %s, but to %q", selector, way)
}
