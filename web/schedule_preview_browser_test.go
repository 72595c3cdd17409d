//go:build programs

package web

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
)

func TestTheScheduleFormInABrowser(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("me@example.org")
	c := s.firstCheck(p)
	for _, hours := range []time.Duration{1, 1, 5, 1, 9, 1} {
		s.ping(c, monitor.PingSuccess)
		s.clock.Advance(hours * time.Hour)
	}
	ctx := s.chromium(schedulePath(c, "timeout"))
	says := func(selector, words string) {
		s.Helper()
		s.eventually(ctx, `document.querySelector('`+selector+`')?.textContent.includes('`+words+`')`)
	}
	says(".trial", "would not have been alerted since the first ping")
	// The slider.
	s.drive(ctx, chromedp.Evaluate(`(() => { const r = document.querySelector('[type=range]'); r.value = 300; r.dispatchEvent(new Event('input', {bubbles: true})) })()`, nil))
	says(".means", "Every hour")
	says(".trial", "alerted 2 times")
	says(".trial", "as it is stored: never")
	s.shots(ctx, "schedule-simple")
	// A zone by some letters of its name.
	s.drive(ctx, browser.Click(`[name=kind][value=cron]`), fill(`[name=schedule]`, "30 2 * * *"), browser.Click("#tz"), chromedp.KeyEvent("york am"))
	s.eventually(ctx, `document.querySelectorAll('#tz-list li').length === 1`)
	s.shots(ctx, "schedule-zones")
	s.drive(ctx, fill("#tz", "york"))
	s.eventually(ctx, `document.querySelector('#tz-list li')?.dataset.zone === 'America/New_York'`)
	s.drive(ctx, input.DispatchKeyEvent(input.KeyDown).WithKey("Enter").WithText("\r"), input.DispatchKeyEvent(input.KeyUp).WithKey("Enter"))
	s.eventually(ctx, `document.querySelector('[name=tz]').value === 'America/New_York' && document.querySelector('#tz').value === 'America/New_York' && document.querySelector('#tz-list').hidden`)
	says(".runs th:nth-child(2)", "America/New_York")
	says(".warn", "clocks in America/New_York go from 02:00 to 03:00")
	s.shots(ctx, "schedule-warnings")
	s.drive(ctx, browser.Click(`main form .btn.primary`))
	waitFor(t, "the schedule", func() bool { got := s.reload(c); return got.TZ == "America/New_York" && got.Schedule == "30 2 * * *" })
}

// What a preview says is of the values that are in the form, however they came
// about, or it says nothing.
func TestThePreviewIsOfTheValuesInTheForm(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("me@example.org")
	ctx := s.chromium(schedulePath(s.firstCheck(p), "timeout"))
	s.eventually(ctx, `document.querySelector('.means')?.textContent.includes('Every day')`)
	slide := func(to int, event string) {
		s.drive(ctx, chromedp.Evaluate(fmt.Sprintf(`(() => { const r = document.querySelector('[type=range]'); r.value = %d; r.dispatchEvent(new Event(%q, {bubbles: true})) })()`, to, event), nil))
	}
	s.drive(ctx, chromedp.Evaluate(`window.real = fetch; window.held = []; window.fetch = (...a) => ({
		hold: () => new Promise((go) => held.push(() => go(real(...a)))), away: () => Promise.reject(new TypeError('away')), there: () => real(...a) })[server]()`, nil))
	server := func(is string) { s.drive(ctx, chromedp.Evaluate(`window.server = '`+is+`'`, nil)) }

	server("hold") // the slider is let go while the answer is on its way
	slide(300, "input")
	s.eventually(ctx, `held.length === 1`)
	server("there")
	slide(300, "change")
	s.drive(ctx, chromedp.Evaluate(`held[0]()`, nil))
	s.eventually(ctx, `document.querySelector('.means')?.textContent.includes('Every hour') && !document.querySelector('[aria-busy]')`)

	server("away")
	slide(250, "input")
	s.eventually(ctx, `!document.querySelector('.means') && !document.querySelector('[aria-busy]')`)
	server("there")
	slide(250, "change")
	s.eventually(ctx, `document.querySelector('.means')`)
}

// Whoever types a few letters of a city gets that city first, and other words for a zone lead to it.
func TestTimeZonesAreFoundByWhatPeopleType(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, db.SQLite)
	_, project := s.login("jane@example.org")
	ctx := s.chromium(schedulePath(s.firstCheck(project), "timeout"))
	for typed, want := range map[string]string{
		"rig": "Europe/Riga", "US/Eastern": "America/New_York", "EST": "America/New_York", "mumbai": "Asia/Kolkata",
		"utc+2": "Etc/GMT-2", "zurich": "Europe/Zurich", "Kiev": "Europe/Kyiv", "san fran": "America/Los_Angeles",
	} {
		var first string
		s.drive(ctx,
			chromedp.Evaluate(`(() => { const i = document.querySelector("#tz"); i.value = `+strconv.Quote(typed)+`; i.dispatchEvent(new Event("input", {bubbles: true})); return true })()`, nil),
			chromedp.Evaluate(`document.querySelector("#tz-list li").textContent`, &first),
			chromedp.Evaluate(`document.querySelector("#tz").dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}))`, nil),
		)
		var chosen string
		s.drive(ctx, chromedp.Evaluate(`document.querySelector("select[name=tz]").value`, &chosen))
		if chosen != want {
			t.Errorf("%q and Enter: %s, want %s", typed, chosen, want)
		}
		if typed == "utc+2" && !strings.Contains(first, "UTC+2 all year") {
			t.Errorf("the first of %q is not explained: %q", typed, first)
		}
	}
}
