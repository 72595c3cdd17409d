//go:build programs

package checks_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"punctual/internal/db"
	"punctual/internal/testkit/browser"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// A long list can be jumped through, by keyboard and by thumb.
func TestJumpingThroughALongList(t *testing.T) {
	s, p := webtest.ManyChecks(t, db.SQLite, 300)
	ctx := s.Chromium(ui.ListURL(p.ID) + "?sort=name")
	ways := `[...document.querySelectorAll('#jump-menu .ways-to a')]`
	open := func() {
		t.Helper()
		s.Eventually(ctx, `document.querySelector('#jump') && !document.querySelector('#jump').hidden`)
		s.Drive(ctx, chromedp.Focus(`#jump`), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(`#jump-menu`))
	}
	for _, width := range []int{1280, 390} {
		if err := browser.Look(ctx, width, 800, false); err != nil {
			t.Fatal(err)
		}
		s.Drive(ctx, chromedp.Navigate(s.URL+ui.ListURL(p.ID)+"?sort=name"))
		open()
		s.Eventually(ctx, ways+`[0].textContent === 'Down' && `+ways+`.some((a) => a.textContent === 'R')`)
		s.Eventually(ctx, ways+`.every((a) => a.getBoundingClientRect().height >= 44 && a.getBoundingClientRect().width >= 44)`)
		for _, dark := range []bool{false, true} {
			if err := browser.Screenshot(ctx, fmt.Sprintf("jump-%d-%t", width, dark), width, 800, dark); err != nil {
				t.Error(err)
			}
		}
		s.Drive(ctx, chromedp.Evaluate(ways+`.find((a) => a.textContent === 'R').focus()`, nil), chromedp.KeyEvent(kb.Enter))
		// the first of those with R that is not urgent, below what sticks to the top
		s.Eventually(ctx, `document.activeElement.textContent.startsWith('R') && document.activeElement.getBoundingClientRect().top > 90 &&
			document.activeElement.getBoundingClientRect().top < 300 && document.activeElement.closest('tr').className === 's-up'`)
		// its bars are drawn by then, and have a name
		s.Eventually(ctx, `document.activeElement.closest('tr').querySelector('.hist path') &&
			/^Last \d+ runs: \d+ on time/.test(document.activeElement.closest('tr').querySelector('.hist').getAttribute('aria-label'))`)
	}
	s.Drive(ctx, chromedp.Navigate(s.URL+ui.ListURL(p.ID)+"?group=tag"))
	open()
	s.Eventually(ctx, ways+`.some((a) => a.textContent === 'billing')`)
	s.Drive(ctx, chromedp.Evaluate(ways+`.find((a) => a.textContent === 'billing').click()`, nil))
	s.Eventually(ctx, `document.activeElement.closest('tbody').querySelector('.group th').textContent.includes('billing')`)
}
