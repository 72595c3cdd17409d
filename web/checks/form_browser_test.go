//go:build programs

package checks_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// saveIsSeen tells whether the whole button to save lies in the window, with
// nothing above it.
const saveIsSeen = `(() => {
	const save = document.querySelector('dialog .form > .actions .primary');
	const r = save.getBoundingClientRect();
	return r.top >= 0 && r.bottom <= innerHeight && save.contains(document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2));
})()`

// Whoever changes a schedule sees at any moment what it means and where to save it.
func TestTheScheduleDialogShowsItsPreviewAndItsButton(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.AddNamed(p, "Nightly", func(c *monitor.Check) {
		c.Kind = "cron"
		c.Schedule = "30 2 * * *"
		c.TZ = "Europe/Riga"
	})
	s.Ping(c, monitor.PingSuccess)
	ctx := s.Chromium(ui.ListURL(p.ID))
	// 640×400 is 1280×800 at 200 %
	for _, size := range [][2]int{{1280, 800}, {900, 600}, {640, 400}, {390, 700}} {
		if err := browser.Look(ctx, size[0], size[1], false); err != nil {
			t.Fatal(err)
		}
		s.Drive(ctx, chromedp.Navigate(s.URL+ui.ListURL(p.ID)))
		s.Eventually(ctx, `document.readyState === 'complete'`)
		row := fmt.Sprintf(`document.querySelector('a[href*="%s"]').closest('tr')`, c.Code)
		s.Drive(ctx, chromedp.Evaluate(row+`.querySelector('.ac button').click(); document.querySelector('#row-menu [data-go^=timeout]').click()`, nil))
		s.Eventually(ctx, `document.querySelectorAll('dialog .runs tbody tr').length === 6`)
		for _, scrolled := range []string{"0", "99", "9999"} {
			s.Drive(ctx, chromedp.Evaluate(`document.querySelector('dialog').scrollTop = `+scrolled, nil))
			var seen bool
			s.Drive(ctx, chromedp.Evaluate(saveIsSeen, &seen))
			if !seen {
				t.Errorf("%d×%d, scrolled by %s: the button to save is not in view", size[0], size[1], scrolled)
			}
		}
		var beside bool
		s.Drive(ctx, chromedp.Evaluate(`(() => {
			const [text, preview] = ['textarea[name=schedule]', '.preview'].map(x => document.querySelector('dialog ' + x).getBoundingClientRect());
			return preview.left >= text.right && preview.top <= text.bottom && preview.bottom >= text.top; })()`, &beside))
		if beside != (size[0] >= 900) {
			t.Errorf("%d pixels: the preview stands beside the expression: %t", size[0], beside)
		}
	}
	s.Shots(ctx, "schedule-beside")
}

// A tap on a row of the phone opens the check; its controls do what they say, and
// are large enough for a thumb.
func TestARowOnAPhoneIsOneTarget(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.AddNamed(p, "Nightly", func(c *monitor.Check) { c.Tags = "prod" })
	s.Ping(c, monitor.PingSuccess)
	ctx := s.Chromium(ui.ListURL(p.ID))
	if err := browser.Look(ctx, 390, 800, false); err != nil {
		t.Fatal(err)
	}
	row := fmt.Sprintf(`document.querySelector('a[href*="%s"]').closest('tr')`, c.Code)
	for _, cell := range []string{".sc", ".lp", ".hi", ".nx", ".nm .tag", ".st"} {
		s.Drive(ctx, chromedp.Navigate(s.URL+ui.ListURL(p.ID)))
		s.Eventually(ctx, `document.readyState === 'complete'`)
		s.Drive(ctx, chromedp.Evaluate(row+`.querySelector('`+cell+`').click()`, nil))
		s.Eventually(ctx, `location.pathname.endsWith('/details/')`)
	}
	s.Drive(ctx, chromedp.Navigate(s.URL+ui.ListURL(p.ID)))
	s.Eventually(ctx, `document.readyState === 'complete'`)
	s.Drive(ctx, chromedp.Evaluate(row+`.querySelector('.ac button').click()`, nil), chromedp.WaitVisible(`#row-menu`))
	var small string
	s.Drive(ctx, chromedp.Evaluate(`[...document.querySelectorAll('main button, main [role=menuitemcheckbox], .checks .ac button, header button, header .btn')]
		.filter(b => b.checkVisibility() && !b.closest('thead')).map(b => [b, b.getBoundingClientRect()])
		.filter(([, r]) => r.height < 44 || r.width < 44).map(([b, r]) => (b.ariaLabel || b.textContent.trim()) + ' ' + r.width + '×' + r.height).join('; ')`, &small))
	if small != "" {
		t.Errorf("smaller than 44 pixels: %s", small)
	}
}

// The font of the page comes late or at once: nothing moves.
func TestALateFontMovesNothing(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	for i := range 25 {
		s.AddNamed(p, fmt.Sprintf("Nightly backup of database %d", i), func(c *monitor.Check) {
			c.Tags = fmt.Sprintf("region-%d prod%s", i, strings.Repeat("x", i%5))
		})
	}
	ctx := s.Chromium("/docs/")
	chromedp.ListenTarget(ctx, func(event any) {
		held, ok := event.(*fetch.EventRequestPaused)
		if !ok {
			return
		}
		go func() {
			<-time.After(700 * time.Millisecond)
			_ = chromedp.Run(ctx, fetch.ContinueRequest(held.RequestID))
		}()
	})
	s.Drive(ctx, fetch.Enable().WithPatterns([]*fetch.RequestPattern{{URLPattern: "*.woff2"}}))
	for _, width := range []int{1280, 390} {
		if err := browser.Look(ctx, width, 900, false); err != nil {
			t.Fatal(err)
		}
		s.Drive(ctx, chromedp.Navigate(s.URL+ui.ListURL(p.ID)))
		s.Drive(ctx, chromedp.Evaluate(`window.moved = 0; window.what = ''; new PerformanceObserver(list => {
			for (const e of list.getEntries()) {
				if (e.hadRecentInput) continue;
				moved += e.value;
				for (const s of e.sources) what += ' ' + s.node?.nodeName + '.' + s.node?.className;
			}
		}).observe({ type: 'layout-shift', buffered: true })`, nil))
		s.Eventually(ctx, `document.readyState === 'complete' && document.fonts.status === 'loaded' && performance.now() > 1500`)
		var moved float64
		var what string
		s.Drive(ctx, chromedp.Evaluate(`moved`, &moved), chromedp.Evaluate(`what`, &what))
		t.Logf("%d pixels: layout shift %.4f", width, moved)
		if moved > 0.02 {
			t.Errorf("%d pixels: the page has moved by %.4f:%s", width, moved, what)
		}
	}
}
