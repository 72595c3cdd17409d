//go:build programs

package ui_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
	"punctual/internal/testkit/testdb"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// watchPage notes what a reader feels: how far things jump, and for how long an
// update, with the layout after it, holds the page.
const watchPage = `
	window.jumps = 0; window.jumped = []; window.took = [];
	new PerformanceObserver((list) => { for (const e of list.getEntries()) {
		jumps += e.value;
		for (const s of e.sources) jumped.push((s.node?.nodeName + '.' + s.node?.className + ' ' + s.node?.textContent?.slice(0, 30)).trim() + ' from ' + [s.previousRect, s.currentRect].map((r) => [r.x, r.y, r.width, r.height].map(Math.round)).join(' to '));
	} }).observe({ type: 'layout-shift' });
	window.EventSource = class extends EventSource {
		set onmessage(f) {
			super.onmessage = (e) => {
				const began = performance.now();
				f(e);
				document.body.offsetHeight;
				took.push(performance.now() - began);
			};
		}
	};`

// liveChromium opens a page and waits until it listens.
func liveChromium(s *webtest.Site, path string) context.Context {
	s.Helper()
	ctx := s.Chromium("/docs/")
	s.Drive(ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(watchPage).Do(ctx)
		return err
	}), chromedp.Navigate(s.URL+path))
	listening(s, 1)
	return ctx
}

// listening waits until so many pages listen.
func listening(s *webtest.Site, pages int) {
	s.Helper()
	webtest.WaitFor(s, "the page to listen", func() bool { return int(s.Streams.Load()) == pages })
}

// moveMouse moves the pointer to the middle of an element.
func moveMouse(selector string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var at []float64
		script := fmt.Sprintf(
			`(() => { const r = document.querySelector(%q).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`, selector)
		if err := chromedp.Evaluate(script, &at).Do(ctx); err != nil {
			return err
		}
		return input.DispatchMouseEvent(input.MouseMoved, at[0], at[1]).Do(ctx)
	})
}

func rowOf(c *monitor.Check) string {
	return fmt.Sprintf(`document.querySelector('#checks a[href*="%s"]').closest('tr')`, c.Code)
}

func TestTheListFollowsPings(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	z := s.Zoo(p)
	ctx := liveChromium(s, ui.ListURL(p.ID)+"?sort=name")
	s.Drive(ctx, chromedp.Evaluate(`window.same = true; jumps = 0`, nil))

	// A ping changes its row, soon and in place.
	s.Clock.Advance(10 * time.Second)
	began := time.Now()
	s.Ping(z["up 9"], monitor.PingStart)
	s.Eventually(ctx, rowOf(z["up 9"])+`.classList.contains('s-started')`)
	// a second, and two for a machine that is busy with other tests
	took := time.Since(began)
	if took > 3*time.Second {
		t.Errorf("the row changed after %v", took)
	} else {
		t.Logf("the row changed after %v", took)
	}
	s.Eventually(ctx, `window.same && jumps === 0`)

	// What goes down shows at once, but moves only when nobody points at the list.
	s.Drive(ctx, moveMouse(`#checks tbody tr:nth-child(4) .nm`), chromedp.Evaluate(rowOf(z["up 10"])+`.querySelector('.nm a').focus()`, nil))
	s.Ping(z["up 10"], monitor.PingFail)
	s.Eventually(ctx, rowOf(z["up 10"])+`.classList.contains('s-down')`)
	s.Eventually(ctx, `document.title.startsWith('(2 down) ') && document.querySelector('link[rel=icon]').href.includes('favicon-down')`)
	s.Eventually(ctx, `window.same && jumps === 0 && `+rowOf(z["up 10"])+`.rowIndex > 2`)
	s.Drive(ctx, moveMouse(`h1`), chromedp.Evaluate(`document.activeElement.blur()`, nil))
	s.Eventually(ctx, rowOf(z["up 10"])+`.rowIndex === 2`)
	s.Eventually(ctx,
		`[...document.querySelectorAll('#checks .nm a')].map(a => a.textContent).join() === 'down 2,up 10,late 1,new 5,paused 4,run 3,up 9' && window.same`)

	// A tab in the background lets its stream go, and takes it up again.
	s.Drive(ctx,
		chromedp.Evaluate(
			`Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true }); window.away = true; document.dispatchEvent(new Event('visibilitychange'))`, nil))
	listening(s, 0)
	s.Ping(z["up 10"], monitor.PingSuccess)
	s.Drive(ctx, chromedp.Evaluate(`window.away = false; document.dispatchEvent(new Event('visibilitychange'))`, nil))
	listening(s, 1)
	s.Eventually(ctx, rowOf(z["up 10"])+`.classList.contains('s-up') && window.same`)
}

func TestThePagesWithoutAStreamAsk(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.FirstCheck(p)
	ctx := s.Chromium("/docs/")
	s.Drive(ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(`
			window.EventSource = class extends EventTarget {
				static CLOSED = 2;
				readyState = 2;
				constructor() { super(); setTimeout(() => this.onerror()) }
				close() {}
			};`).Do(ctx)
		return err
	}))
	s.Drive(ctx, chromedp.Navigate(s.URL+ui.ListURL(p.ID)), chromedp.WaitVisible(`#checks tr.s-new`))
	s.Clock.Advance(10 * time.Second)
	s.Ping(c, monitor.PingFail)
	s.Eventually(ctx, `document.querySelector('#checks tr.s-down')`)
}

func TestTheOverviewAndTheDetailsFollowPings(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.FirstCheck(p)
	ctx := liveChromium(s, "/")
	s.Drive(ctx, chromedp.Evaluate(`window.same = true; document.querySelector('#projects a').focus()`, nil))
	s.Ping(c, monitor.PingFail)
	s.Eventually(ctx,
		`document.querySelector('#projects a.s-down') === document.activeElement && document.title.startsWith('(1 down) ') && window.same`)

	s.Drive(ctx, chromedp.Navigate(s.URL+"/checks/"+c.Code.String()+"/details/"))
	listening(s, 1)
	s.Drive(ctx, chromedp.Evaluate(`window.same = true`, nil))
	s.Clock.Advance(time.Second)
	s.Ping(c, monitor.PingSuccess)
	s.Eventually(ctx, `document.querySelector('.state.s-up') && window.same && !document.title.includes('down')`)
}

// belowTheOutput tells whether what has jumped is what stands below the output of the
// failed run. That comes between the state of a check and all the rest when the check
// fails, and goes when it recovers: who has the page open is to see it at once.
func belowTheOutput(jumped string) bool { return strings.HasPrefix(jumped, "DIV.split ") }

// What is below or beside an update stays where it is, wide and on a phone, while
// a check starts, ends, fails and recovers.
func TestNothingJumpsWhenUpdatesArrive(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	z := s.Zoo(p)
	c := z["up 9"]
	step := func(kind monitor.PingKind) {
		s.Clock.Advance(10 * time.Second)
		s.Ping(c, kind, func(p *monitor.Ping) { p.Body = []byte("a line\nand another") })
	}
	// the page of a check shows run times from its first run on
	step(monitor.PingStart)
	step(monitor.PingSuccess)
	for _, width := range []int64{1280, 390} {
		for _, path := range []string{
			"/", ui.ListURL(p.ID) + "?sort=name", "/checks/" + c.Code.String() + "/details/",
		} {
			ctx := liveChromium(s, path)
			s.Drive(ctx, chromedp.EmulateViewport(width, 900), chromedp.ActionFunc(func(ctx context.Context) error {
				return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}).Do(ctx)
			}))
			s.Eventually(ctx, `document.readyState === 'complete' && document.fonts.status === 'loaded'`)
			settle := func() {
				s.Drive(ctx, chromedp.Evaluate(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))`,
					nil,
					func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
			}
			// rows do not move under the pointer
			if strings.Contains(path, "sort") {
				s.Drive(ctx, moveMouse(`#checks tbody tr:nth-child(4) .nm`),
					chromedp.Evaluate(rowOf(c)+`.querySelector('.nm a').focus({ preventScroll: true })`, nil))
			}
			settle()
			s.Drive(ctx, chromedp.Evaluate(`jumps = took.length = jumped.length = 0`, nil))
			for i, kind := range []monitor.PingKind{monitor.PingStart, monitor.PingSuccess, monitor.PingFail, monitor.PingSuccess} {
				step(kind)
				s.Eventually(ctx, fmt.Sprintf(`took.length > %d`, i))
				settle()
			}
			var jumps float64
			var jumped []string
			s.Drive(ctx, chromedp.Evaluate(`jumps`, &jumps), chromedp.Evaluate(`jumped`, &jumped))
			if strings.Contains(path, "/details/") {
				jumped = slices.DeleteFunc(jumped, belowTheOutput)
			}
			if jumps != 0 && len(jumped) > 0 {
				t.Errorf("%s, %d wide: things jumped by %v:\n%s", path, width, jumps, strings.Join(jumped, "\n"))
			}
			s.Drive(ctx, chromedp.Navigate("about:blank"))
			listening(s, 0)
		}
	}
}

// A list without checks waits for the first one.
func TestAnEmptyListShowsItsFirstCheck(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	_, err := s.Store.DeleteCheck(t.Context(), s.FirstCheck(p).Code)
	if err != nil {
		t.Fatal(err)
	}
	ctx := liveChromium(s, ui.ListURL(p.ID))
	s.Eventually(ctx, `document.querySelector('#first')`)
	s.AddNamed(p, "Made by its ping")
	s.Eventually(ctx, `document.querySelector('#checks')?.textContent.includes('Made by its ping')`)
}

func TestAnUpdateOfAThousandChecksDoesNotHoldThePage(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	if _, err := s.Store.DB().Exec(t.Context(), `UPDATE users SET check_limit = 2000`); err != nil {
		t.Fatal(err)
	}
	webtest.FillProject(t, s.Store, p.ID, 1000)
	checks, err := testdb.ChecksOf(t.Context(), s.Store, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	ctx := liveChromium(s, ui.ListURL(p.ID)+"?sort=name")
	s.Drive(ctx, chromedp.Evaluate(`took.length = 0`, nil))
	// of checks in sight: there may be pages
	var codes []string
	s.Drive(ctx, chromedp.Evaluate(`[...document.querySelectorAll('#checks .nm a')].slice(20, 25).map(a => a.pathname.split('/').at(-3))`,
		&codes))
	for i, code := range codes {
		c := &checks[slices.IndexFunc(checks, func(c monitor.Check) bool { return c.Code.String() == code })]
		s.Clock.Advance(10 * time.Second)
		// what is down is on the first page and stays there
		s.Ping(c, monitor.PingFail)
		s.Eventually(ctx, fmt.Sprintf(`took.length > %d && %s.querySelector('.lp [data-ago]')?.dataset.ago === '%d'`, i, rowOf(c),
			s.Clock.Now().Unix()))
	}
	last := &checks[slices.IndexFunc(checks, func(c monitor.Check) bool { return c.Code.String() == codes[len(codes)-1] })]
	s.Drive(ctx, chromedp.Evaluate(`pointed = `+rowOf(last)+`.querySelector('.lp [data-ago]');
		pointed.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))`, nil))
	s.Eventually(ctx, fmt.Sprintf(`pointed.title === '%s'`, s.Clock.Now().In(riga(t)).Format("2006-01-02 15:04:05 -07:00")))
	var took []float64
	s.Drive(ctx, chromedp.Evaluate(`took`, &took))
	t.Logf("updates took %.1f ms", took)
	// the best: other tests take their share of the machine
	if len(took) == 0 || slices.Min(took) > 100 {
		t.Errorf("updates took %.1f ms, want less than 100", took)
	}
}

func TestTheKeyboardIsEnough(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	s.Zoo(p)
	ctx := s.Chromium("/")
	s.Drive(ctx, chromedp.WaitVisible(`[data-keys]`), webtest.Press("j"))
	s.Eventually(ctx, `document.activeElement === document.querySelector('#projects a')`)
	s.Drive(ctx, chromedp.KeyEvent("\r"))
	s.Eventually(ctx, `location.pathname.endsWith('/checks/') && document.readyState === 'complete'`)

	s.Drive(ctx, webtest.Press("?"), chromedp.WaitVisible(`dialog.keys`))
	s.Eventually(ctx,
		`document.querySelector('dialog.keys').textContent.includes('Menu of the check') && document.activeElement.textContent === 'Close'`)
	s.Shots(ctx, "keys")
	// not behind the dialog
	s.Drive(ctx, webtest.Press("j"))
	s.Eventually(ctx, `document.activeElement.textContent === 'Close'`)
	s.Drive(ctx, chromedp.KeyEvent("\x1b"))
	s.Eventually(ctx, `!document.querySelector('dialog')`)

	s.Drive(ctx, webtest.Press("/"), chromedp.KeyEvent("up j"))
	s.Eventually(ctx, `document.activeElement.name === 'search' && document.activeElement.value === 'up j'`)
	s.Drive(ctx, chromedp.KeyEvent("\x1b"), chromedp.Evaluate(`document.activeElement.blur()`, nil), webtest.Press("j"), webtest.Press("j"),
		webtest.Press("k"), webtest.Press("m"))
	s.Eventually(ctx,
		`document.querySelector('#row-menu:popover-open') && document.querySelector('#row-menu').contains(document.activeElement)`)
	got := text(s, ctx, `#row-menu .menu-head`)
	if got != "down 2" {
		t.Errorf("the menu of %q", got)
	}
	s.Drive(ctx, chromedp.KeyEvent("\x1b"))
	s.Eventually(ctx, `!document.querySelector('#row-menu:popover-open')`)
	s.Drive(ctx, chromedp.Evaluate(`document.activeElement.blur()`, nil), webtest.Press("j"), chromedp.KeyEvent("\r"))
	s.Eventually(ctx, `location.pathname.endsWith('/details/') && document.readyState === 'complete'`)
	s.Drive(ctx, webtest.Press("u"))
	s.Eventually(ctx, `location.pathname.endsWith('/checks/') && document.readyState === 'complete'`)
	s.Drive(ctx, webtest.Press("g"), webtest.Press("i"))
	s.Eventually(ctx, `location.pathname.endsWith('/integrations/') && document.readyState === 'complete'`)
	s.Drive(ctx, webtest.Press("g"), webtest.Press("h"))
	s.Eventually(ctx, `location.pathname === '/' && document.readyState === 'complete'`)

	// Who does not want single keys has none.
	s.Drive(ctx, webtest.Press("?"), webtest.ClickOn(`dialog.keys input`), chromedp.KeyEvent("\x1b"), webtest.Press("j"), webtest.Press("?"))
	s.Eventually(ctx, `!document.querySelector('dialog') && !document.activeElement.closest('#projects')`)
	s.Drive(ctx, browser.Click(`[data-keys]`), browser.Click(`dialog.keys input`), chromedp.KeyEvent("\x1b"), webtest.Press("j"))
	s.Eventually(ctx, `document.activeElement.closest('#projects')`)
}

// text is the text of an element.
func text(s *webtest.Site, ctx context.Context, selector string) (text string) {
	s.Helper()
	s.Drive(ctx, chromedp.Evaluate(fmt.Sprintf(`document.querySelector(%q).textContent`, selector), &text))
	return strings.TrimSpace(text)
}

// riga is the zone of those who log in through login.
func riga(t *testing.T) *time.Location {
	t.Helper()
	tz, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	return tz
}
