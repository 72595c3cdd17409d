//go:build programs

package checks_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
	"punctual/web/webtest"
)

func TestTheScheduleFormInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.FirstCheck(p)
	for _, hours := range []time.Duration{1, 1, 5, 1, 9, 1} {
		s.Ping(c, monitor.PingSuccess)
		s.Clock.Advance(hours * time.Hour)
	}
	ctx := s.Chromium(schedulePath(c, "timeout"))
	shows := func(selector, words string) {
		s.Helper()
		s.Eventually(ctx, `document.querySelector('`+selector+`')?.textContent.includes('`+words+`')`)
	}
	shows(".trial", "would not have been alerted since the first ping")
	// The slider.
	s.Drive(ctx,
		chromedp.Evaluate(
			`(() => { const r = document.querySelector('[type=range]'); r.value = 300; r.dispatchEvent(new Event('input', {bubbles: true})) })()`,
			nil))
	shows(".means", "Every hour")
	shows(".trial", "alerted 2 times")
	shows(".trial", "as it is stored: never")
	s.Shots(ctx, "schedule-simple")
	// A zone by some letters of its name.
	s.Drive(ctx, browser.Click(`[name=kind][value=cron]`), webtest.Fill(`[name=schedule]`, "30 2 * * *"), browser.Click("#tz"),
		chromedp.KeyEvent("york am"))
	s.Eventually(ctx, `document.querySelectorAll('#tz-list li').length === 1`)
	s.Shots(ctx, "schedule-zones")
	s.Drive(ctx, webtest.Fill("#tz", "york"))
	s.Eventually(ctx, `document.querySelector('#tz-list li')?.dataset.zone === 'America/New_York'`)
	s.Drive(ctx, input.DispatchKeyEvent(input.KeyDown).WithKey("Enter").WithText("\r"), input.DispatchKeyEvent(input.KeyUp).WithKey("Enter"))
	s.Eventually(ctx,
		`document.querySelector('[name=tz]').value === 'America/New_York' && document.querySelector('#tz').value === 'America/New_York' && document.querySelector('#tz-list').hidden`)
	shows(".runs th:nth-child(2)", "America/New_York")
	shows(".warn", "clocks in America/New_York go from 02:00 to 03:00")
	s.Shots(ctx, "schedule-warnings")
	s.Drive(ctx, browser.Click(`main form .btn.primary`))
	webtest.WaitFor(t, "the schedule", func() bool { got := s.Reload(c); return got.TZ == "America/New_York" && got.Schedule == "30 2 * * *" })
}

// What a preview says is of the values that are in the form, however they came
// about, or it says nothing.
func TestThePreviewIsOfTheValuesInTheForm(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	ctx := s.Chromium(schedulePath(s.FirstCheck(p), "timeout"))
	s.Eventually(ctx, `document.querySelector('.means')?.textContent.includes('Every day')`)
	slide := func(to int, event string) {
		s.Drive(ctx,
			chromedp.Evaluate(
				fmt.Sprintf(
					`(() => { const r = document.querySelector('[type=range]'); r.value = %d; r.dispatchEvent(new Event(%q, {bubbles: true})) })()`, to,
					event), nil))
	}
	s.Drive(ctx, chromedp.Evaluate(`window.real = fetch; window.held = []; window.fetch = (...a) => ({
		hold: () => new Promise((go) => held.push(() => go(real(...a)))), away: () => Promise.reject(new TypeError('away')), there: () => real(...a) })[server]()`, nil))
	server := func(is string) { s.Drive(ctx, chromedp.Evaluate(`window.server = '`+is+`'`, nil)) }

	// the slider is let go while the answer is on its way
	server("hold")
	slide(300, "input")
	s.Eventually(ctx, `held.length === 1`)
	server("there")
	slide(300, "change")
	s.Drive(ctx, chromedp.Evaluate(`held[0]()`, nil))
	s.Eventually(ctx, `document.querySelector('.means')?.textContent.includes('Every hour') && !document.querySelector('[aria-busy]')`)

	server("away")
	slide(250, "input")
	s.Eventually(ctx, `!document.querySelector('.means') && !document.querySelector('[aria-busy]')`)
	server("there")
	slide(250, "change")
	s.Eventually(ctx, `document.querySelector('.means')`)
}

// Whoever types a few letters of a city gets that city first, and other words for a zone lead to it.
func TestTimeZonesAreFoundByWhatPeopleType(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, project := s.Login("jane@example.org")
	ctx := s.Chromium(schedulePath(s.FirstCheck(project), "timeout"))
	for typed, want := range map[string]string{
		"rig": "Europe/Riga", "US/Eastern": "America/New_York", "EST": "America/New_York", "mumbai": "Asia/Kolkata",
		"utc+2": "Etc/GMT-2", "zurich": "Europe/Zurich", "Kiev": "Europe/Kyiv", "san fran": "America/Los_Angeles",
	} {
		var first string
		s.Drive(ctx,
			chromedp.Evaluate(`(() => { const i = document.querySelector("#tz"); i.value = `+strconv.Quote(typed)+
				`; i.dispatchEvent(new Event("input", {bubbles: true})); return true })()`, nil),
			chromedp.Evaluate(`document.querySelector("#tz-list li").textContent`, &first),
			chromedp.Evaluate(`document.querySelector("#tz").dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}))`, nil),
		)
		var chosen string
		s.Drive(ctx, chromedp.Evaluate(`document.querySelector("select[name=tz]").value`, &chosen))
		if chosen != want {
			t.Errorf("%q and Enter: %s, want %s", typed, chosen, want)
		}
		if typed == "utc+2" && !strings.Contains(first, "UTC+2 all year") {
			t.Errorf("the first of %q is not explained: %q", typed, first)
		}
	}
}
