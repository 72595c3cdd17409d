//go:build programs

package check_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/browser"
	"punctual/web/webtest"
)

// wrongClock is a browser whose clock is three hours fast; window.passed moves it on.
const wrongClock = `window.passed = 0; const right = Date.now; Date.now = () => right() + 3 * 3600e3 + window.passed;`

// openAs opens a page of the site in a browser that was prepared.
func openAs(s *webtest.Site, path string, prepare chromedp.Action) context.Context {
	s.Helper()
	ctx := s.Chromium("/docs/")
	s.Drive(ctx, prepare, chromedp.Navigate(s.URL+path), chromedp.WaitReady("footer"))
	return ctx
}

// listening waits until the page has its stream.
func listening(s *webtest.Site) {
	s.Helper()
	webtest.WaitFor(s, "the page to listen", func() bool { return s.Streams.Load() == 1 })
}

const stateText = `document.querySelector('#state').innerText.replace(/\s+/g, ' ')`

func failing(output string) func(*monitor.Ping) {
	return func(p *monitor.Ping) { p.Body = []byte(output) }
}

// What a page of a check says of lengths of time is right while it is open, by the
// clock of the server; and what comes after the failure shows without a reload.
func TestThePageOfACheckGoesOn(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.AddNamed(p, "Nightly backup", func(c *monitor.Check) { c.Timeout = time.Hour })
	s.Ping(c, monitor.PingFail)
	s.Clock.Advance(100 * time.Second)
	ctx := openAs(s, "/checks/"+c.Code.String()+"/details/", chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(wrongClock).Do(ctx)
		return err
	}))
	listening(s)
	matches := func(pattern string) {
		t.Helper()
		s.Eventually(ctx, fmt.Sprintf(`/%s/.test(%s) && window.same`, pattern, stateText))
	}
	s.Drive(ctx, chromedp.Evaluate(`window.same = true`, nil))
	// seconds that really pass
	matches(`^Down for 1 min 4[2-9] sec`)
	pass := func(d time.Duration) {
		s.Clock.Advance(d)
		s.Drive(ctx, chromedp.Evaluate(fmt.Sprintf(`window.passed += %d`, d.Milliseconds()), nil))
	}
	pass(12 * time.Minute)
	matches(`^Down for 13 min A failure`)

	// somebody tries again
	s.Ping(c, monitor.PingStart)
	matches(`^Down for 13 min A run has been under way for \d+ sec\. `)
	s.Shots(ctx, "details-retry")
	pass(5 * time.Minute)
	matches(`^Down for 18 min A run has been under way for 5 min\. `)

	shows := func(text string) {
		t.Helper()
		s.Eventually(ctx, fmt.Sprintf(`(document.querySelector('.output pre')?.textContent ?? '') === %q && window.same`, text))
	}
	shows("")
	s.Ping(c, monitor.PingFail, failing("disk full"))
	shows("disk full")
	s.Shots(ctx, "details-output")
	pass(time.Minute)
	s.Ping(c, monitor.PingFail, failing("still full"))
	shows("still full")
	s.Ping(c, monitor.PingSuccess)
	shows("")
	matches(`^Up for \d sec`)

	// time alone makes it late
	pass(time.Hour + time.Second)
	matches(`^Late by \d sec`)
	pass(3 * time.Minute)
	matches(`^Late by 3 min`)
	s.Ping(c, monitor.PingStart)
	matches(`^Running for \d sec`)
	s.Post("/checks/"+c.Code.String()+"/pause/", nil)
	matches(`^Paused for \d sec`)
	pass(2 * time.Hour)
	matches(`^Paused for 2 hours`)
}

// Runs are one row, which leads to its end, and by its words to its start; alerts
// stand where they belong.
func TestEventsInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	nightShift(s, p)
	c := s.AddNamed(p, "Nightly backup")
	refused := store.ChannelOutcome{Error: "The server refused the connection."}
	for i, end := range []monitor.PingKind{"success", "fail", "success", "fail", "success", "fail"} {
		s.Ping(c, monitor.PingStart)
		s.Clock.Advance(123 * time.Second)
		s.Ping(c, end, failing("dumped 12 tables\nuploading…"))
		s.Clock.Advance(800 * time.Millisecond)
		switch i {
		case 1, 2, 4:
			attempt(s, store.Outcome{Verdict: store.Sent})
		case 3:
			attempt(s, store.Outcome{Verdict: store.Failed, ChannelOutcome: refused})
		case 5:
			attempt(s, store.Outcome{Verdict: store.Retry, NextTry: s.Clock.Now().Add(90 * time.Second), ChannelOutcome: refused})
		}
		s.Clock.Advance(time.Hour)
	}
	s.Ping(c, monitor.PingStart)
	// the session is over
	s.Login("me@example.org")
	base := "/checks/" + c.Code.String() + "/"
	ctx := s.Chromium(base + "details/")
	s.Shots(ctx, "details-events")
	title := `document.querySelector('dialog h1')?.textContent`
	for selector, want := range map[string]string{".e-success .start": "Ping 1", ".e-success .main": "Ping 2"} {
		s.Drive(ctx, chromedp.Evaluate(fmt.Sprintf(`document.querySelectorAll('dialog').forEach(d => d.close()); [...document.querySelectorAll(%q)].at(-1).click()`, selector), nil))
		s.Eventually(ctx, fmt.Sprintf(`%s === %q`, title, want))
	}
	ctx = s.Chromium(base + "log/")
	s.Shots(ctx, "log-events")
	wrong, err := browser.Accessibility(ctx)
	if err != nil || len(wrong) > 0 {
		t.Error(wrong, err)
	}
}

// The zone of a time stands with it where it is not that of the browser, which
// need not be that of the account.
func TestZonesAreShownToWhoIsElsewhere(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	// in Riga
	_, p := s.Login("me@example.org")
	c := s.AddNamed(p, "Nightly backup")
	s.Ping(c, monitor.PingFail)
	base := "/checks/" + c.Code.String() + "/"
	for _, tc := range []struct{ browser, chosen, state, log string }{
		{"Europe/Riga", "mine", "came at 14:00.", "14:00:00"},
		{"America/New_York", "mine", "came at 14:00 EET.", "14:00:00 EET"},
		{"UTC", "utc", "came at 12:00.", "12:00:00"},
		{"Europe/Riga", "utc", "came at 12:00 UTC.", "12:00:00 UTC"},
	} {
		s.Post(base+"zone/", url.Values{"zone": {tc.chosen}})
		ctx := openAs(s, base+"details/", emulation.SetTimezoneOverride(tc.browser))
		s.Eventually(ctx, fmt.Sprintf(`%s.includes(%q)`, stateText, tc.state))
		s.Eventually(ctx, fmt.Sprintf(`document.querySelector('.event .at').innerText.endsWith(%q)`, tc.log))
		s.Drive(ctx, webtest.ClickOn(`.e-fail a`), chromedp.WaitVisible(`dialog .beside`))
		s.Eventually(ctx, `document.querySelectorAll('.foreign').length === 0 || document.querySelectorAll('.foreign').length === 2`)
	}
}
