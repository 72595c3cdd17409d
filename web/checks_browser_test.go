//go:build programs

package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
	"punctual/internal/testkit/testdb"
)

// chromium opens a page of the site as the one who is logged in.
func (s *testSite) chromium(path string) context.Context {
	s.Helper()
	ctx, console := browser.New(s)
	console.Allow("status of 400") // the answer to a form with mistakes
	root, err := url.Parse(s.url)
	if err != nil {
		s.Fatal(err)
	}
	for _, c := range s.client.Jar.Cookies(root) {
		s.drive(ctx, network.SetCookie(c.Name, c.Value).WithURL(s.url))
	}
	s.drive(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(s.url+path))
	return ctx
}

// drive does things in the browser, each anew where a live page replaces what it
// was meant for.
func (s *testSite) drive(ctx context.Context, actions ...chromedp.Action) {
	s.Helper()
	if err := browser.Run(ctx, actions...); err != nil {
		s.Fatal(err)
	}
}

// shots keeps pictures of the page, light and dark, wide and on a phone.
func (s *testSite) shots(ctx context.Context, name string) {
	s.Helper()
	for _, width := range []int{1280, 390} {
		for _, dark := range []bool{false, true} {
			full := fmt.Sprintf("%s-%d-%s", name, width, map[bool]string{false: "light", true: "dark"}[dark])
			if err := browser.Screenshot(ctx, full, width, 0, dark); err != nil {
				s.Error(err)
			}
		}
	}
	s.drive(ctx, chromedp.EmulateViewport(1280, 900))
}

// eventually waits until the script is true, for at most ten seconds; pages may
// come and go meanwhile.
func (s *testSite) eventually(ctx context.Context, script string) {
	s.Helper()
	waitFor(s, script, func() bool {
		var yes bool
		err := browser.Run(ctx, chromedp.Evaluate("Boolean("+script+")", &yes))
		return err == nil && yes
	})
}

// press is a key as a keyboard sends it: what the page does not want is not typed.
func press(key string) chromedp.Action {
	return chromedp.Tasks{input.DispatchKeyEvent(input.KeyDown).WithKey(key).WithText(key), input.DispatchKeyEvent(input.KeyUp).WithKey(key)}
}

// clickOn clicks from within: chromedp loses sight of a page whose dialog has closed.
func clickOn(selector string) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf(`document.querySelector(%q).click()`, selector), nil)
}

// fill puts a text in the place of what is in a field.
func fill(selector, text string) chromedp.Action {
	var done bool
	return chromedp.Evaluate(fmt.Sprintf(`(() => { const f = document.querySelector(%q); f.value = %q; f.dispatchEvent(new Event('input', {bubbles: true})); return true })()`, selector, text), &done)
}

func TestTheListInABrowser(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("me@example.org")
	z := s.zoo(p)
	for range 12 {
		s.ping(z["up 9"], monitor.PingSuccess)
	}
	ctx := s.chromium(listURL(p.ID) + "?sort=name")
	s.shots(ctx, "checks")
	visible := func(want ...string) {
		t.Helper()
		s.eventually(ctx, fmt.Sprintf(`[...document.querySelectorAll('#checks tbody tr:not([hidden]) .nm a')].map(a => a.textContent).join() === %q`, strings.Join(want, ",")))
	}
	s.drive(ctx, browser.Click(`a[data-tag=prod]`))
	visible("down 2", "late 1", "up 10")
	s.drive(ctx, browser.Click(`a[data-state=down]`))
	visible("down 2")
	s.eventually(ctx, `location.search === '?tag=prod&status=down&sort=name'`)
	s.drive(ctx, browser.Click(`a[data-state=down]`), browser.Click(`a[data-tag=prod]`), press("/"), chromedp.KeyEvent("up"))
	visible("up 9", "up 10")
	s.eventually(ctx, `document.activeElement.name === 'search'`)

	// A list that came filtered fetches the rest.
	s.drive(ctx, chromedp.Navigate(s.url+listURL(p.ID)+"?search=nosuch&sort=name"))
	visible()
	s.drive(ctx, browser.Click(`#show-all`))
	visible("down 2", "late 1", "new 5", "paused 4", "run 3", "up 9", "up 10")

	// It stays current.
	s.clock.Advance(10 * time.Second)
	s.ping(z["new 5"], monitor.PingFail)
	s.eventually(ctx, fmt.Sprintf(`document.querySelector('a[href*="%s"]').closest('tr').className === 's-down'`, z["new 5"].Code))
	s.eventually(ctx, `document.title.startsWith('(2 down) ') && document.querySelector('a[data-state=down] b').textContent === '2'`)

	// The menu of a row.
	s.drive(ctx, browser.Click(`tr.s-paused .ac button`), chromedp.WaitVisible(`#row-menu`))
	if err := browser.Screenshot(ctx, "checks-menu", 1280, 800, false); err != nil {
		t.Error(err)
	}
	s.drive(ctx, browser.Click(`#row-menu [data-channel]`))
	s.eventually(ctx, `document.querySelector('tr.s-paused .ch').dataset.on === ''`)
	waitFor(t, "the channel to be off", func() bool {
		on, err := s.store.ChannelsOfCheck(t.Context(), z["paused 4"].ID)
		return err == nil && len(on) == 0
	})
	s.drive(ctx, clickOn(`#row-menu [data-one] [value=resume]`))
	s.eventually(ctx, `document.querySelector('#checks') && !document.querySelector('tr.s-paused')`)
}

// waitFor polls until ok, for at most ten seconds.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestAddingAndEditingInABrowser(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("me@example.org")
	ctx := s.chromium(listURL(p.ID))

	s.drive(ctx, browser.Click(`a[data-dialog][href$="/add/"]`), chromedp.WaitVisible(`dialog input[name=name]`))
	s.eventually(ctx, `document.activeElement.name === 'name'`)
	s.drive(ctx, chromedp.SendKeys(`dialog input[name=name]`, "Nightly Büro backup"))
	s.eventually(ctx, `document.querySelector('dialog input[name=slug]').value === 'nightly-buro-backup'`)

	// The slider and the numbers follow each other.
	slide := func(field string, to int) string {
		return fmt.Sprintf(`(() => { const s = document.querySelector('dialog [name=%s_value]').closest('fieldset').querySelector('[type=range]'); s.value = %d; s.dispatchEvent(new Event('input', {bubbles: true})); return true })()`, field, to)
	}
	for _, step := range []struct {
		position int
		want     string
	}{{0, "1 60"}, {300, "1 3600"}, {600, "1 86400"}, {750, "7 86400"}, {1000, "365 86400"}, {900, "30 86400"}} {
		s.eventually(ctx, slide("timeout", step.position))
		s.eventually(ctx, fmt.Sprintf(`document.querySelector('dialog [name=timeout_value]').value + ' ' + document.querySelector('dialog [name=timeout_unit]').value === %q`, step.want))
	}
	s.drive(ctx, fill(`dialog [name=timeout_value]`, "7"))
	s.eventually(ctx, `document.querySelector('dialog [name=timeout_value]').closest('fieldset').querySelector('[type=range]').value === '750'`)
	s.eventually(ctx, slide("grace", 300))
	s.shots(ctx, "add-simple")
	s.drive(ctx, browser.Click(`dialog .btn.primary`), chromedp.WaitVisible(`#events`))
	checks, err := testdb.ChecksOf(t.Context(), s.store, p.ID)
	if err != nil || len(checks) != 2 {
		t.Fatal(checks, err)
	}
	c := &checks[1]
	if c.Name != "Nightly Büro backup" || c.Slug != "nightly-buro-backup" || c.Timeout != 7*24*time.Hour || c.Grace != time.Hour {
		t.Errorf("added: %+v", c)
	}

	// A schedule with a live preview; what is wrong shows beside its field.
	s.drive(ctx, browser.Click(`a[href$="/timeout/"]`), chromedp.WaitVisible(`dialog [name=kind][value=cron]`), browser.Click(`dialog [name=kind][value=cron]`),
		chromedp.SendKeys(`dialog [name=schedule]`, "61 3 * * *"))
	s.eventually(ctx, `document.querySelector('dialog .preview .error')?.textContent.includes('61')`)
	s.drive(ctx, browser.Click(`dialog .btn.primary`), chromedp.WaitVisible(`dialog .field > .error`))
	s.drive(ctx, fill(`dialog [name=schedule]`, "30 3 * * MON-FRI"))
	s.eventually(ctx, `document.querySelectorAll('dialog .runs tbody tr').length === 6 && document.querySelector('dialog .preview').textContent.includes('Monday through Friday')`)
	s.eventually(ctx, `document.querySelector('dialog [name=schedule]').getAttribute('aria-invalid') === null`)
	s.shots(ctx, "schedule-cron")
	s.drive(ctx, browser.Click(`dialog .btn.primary`))
	s.eventually(ctx, `!document.querySelector('dialog') && document.querySelector('#events')`)
	waitFor(t, "the new schedule", func() bool { return s.reload(c).Schedule == "30 3 * * MON-FRI" })
	if got := s.reload(c); got.Kind != "cron" || got.TZ != "Europe/Riga" || got.Timeout != 7*24*time.Hour {
		t.Errorf("edited: %+v", got)
	}
}

func TestTheDetailsInABrowser(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("me@example.org")
	c := s.addNamed(p, "Nightly backup", func(c *monitor.Check) {
		c.Kind, c.Schedule, c.TZ, c.Tags = "cron", "0 3 * * *", "Europe/Riga", "prod db"
		c.Description = "Dumps the database and copies it to the other house.\nWhen it fails, look at the disk first."
	})
	s.ping(c, monitor.PingStart)
	s.clock.Advance(9 * time.Minute)
	s.ping(c, monitor.PingSuccess, func(p *monitor.Ping) { p.Body = []byte("dumped 17 tables\n✓ done") })
	s.clock.Advance(5 * time.Hour)
	s.ping(c, monitor.PingLog, func(p *monitor.Ping) { p.Body = []byte("a word") })
	ctx := s.chromium("/checks/" + c.Code.String() + "/details/")
	s.drive(ctx, chromedp.WaitVisible(`.state.s-up`))
	exit := 3
	s.clock.Advance(time.Second)
	s.ping(c, monitor.PingFail, func(p *monitor.Ping) { p.ExitStatus, p.Body = &exit, []byte("disk full") })
	s.drive(ctx, chromedp.WaitVisible(`.state.s-down`), chromedp.WaitVisible(`.e-fail`))
	s.shots(ctx, "details")
	s.drive(ctx, browser.Click(`.e-fail a`), chromedp.WaitVisible(`dialog .code.body`))
	if err := browser.Screenshot(ctx, "ping", 1280, 900, true); err != nil {
		t.Error(err)
	}
	s.drive(ctx, browser.Click(`dialog .close`))
	s.eventually(ctx, `!document.querySelector('dialog')`)
	s.drive(ctx, clickOn(`button[role=switch]`))
	s.eventually(ctx, `document.querySelector('button[role=switch]').getAttribute('aria-checked') === 'false'`)
	waitFor(t, "the channel to be off", func() bool {
		on, err := s.store.ChannelsOfCheck(t.Context(), c.ID)
		return err == nil && len(on) == 0
	})
	s.drive(ctx, chromedp.Navigate(s.url+"/checks/"+c.Code.String()+"/log/"), clickOn(`input[value=flip]`))
	s.eventually(ctx, `location.search.includes('kind=fail') && document.querySelector('.event') && !document.querySelector('.e-flip')`)
	s.shots(ctx, "log")
}

func TestChecksWorkWithoutJavaScript(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	_, p := s.login("me@example.org")
	ctx := s.chromium("/")
	if err := browser.DisableJS(ctx); err != nil {
		t.Fatal(err)
	}
	s.drive(ctx, chromedp.Navigate(s.url+listURL(p.ID)), browser.Click(`.head a.btn.primary`), chromedp.WaitVisible(`input[name=name]`),
		chromedp.SendKeys(`input[name=name]`, "Plain"), browser.Click(`[name=kind][value=oncalendar]`), chromedp.WaitVisible(`[name=schedule]`),
		chromedp.SendKeys(`[name=schedule]`, "Mon..Fri 03:00"), browser.Click(`main form .btn.primary`), chromedp.WaitVisible(`#events`),
		browser.Click(`form[action$="/pause/"] button`), chromedp.WaitVisible(`.state.s-paused`))
	s.shots(ctx, "details-no-js")
	checks, err := testdb.ChecksOf(t.Context(), s.store, p.ID)
	if err != nil || len(checks) != 2 || checks[1].Slug != "plain" || checks[1].Schedule != "Mon..Fri 03:00" {
		t.Errorf("%+v, %v", checks, err)
	}
	s.get("/checks/" + checks[1].Code.String() + "/details/").is(http.StatusOK)
}

// What was typed into a dialog is not thrown away by Esc or a click beside it, without a question.
func TestAFilledDialogAsksBeforeItCloses(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, db.SQLite)
	_, project := s.login("me@example.org")
	s.firstCheck(project)
	ctx := s.chromium("/projects/" + project.ID.String() + "/checks/")
	open := func() {
		s.drive(ctx, browser.Click(`a[data-dialog][href$="/add/"]`), chromedp.WaitVisible(`dialog input[name=name]`))
	}
	escape := func() { s.drive(ctx, chromedp.KeyEvent(kb.Escape)) }
	closed := func() { s.eventually(ctx, `!document.querySelector('dialog')`) }
	asks := func() { s.eventually(ctx, `document.querySelector('dialog .discard')?.innerText.includes('not saved')`) }

	open()
	escape()
	closed()
	open()
	s.drive(ctx, chromedp.SendKeys(`dialog input[name=name]`, "Nightly dump"))
	escape()
	asks()
	s.shots(ctx, "dialog-discard")
	escape()
	s.eventually(ctx, `!document.querySelector('.discard') && document.querySelector('dialog input[name=name]').value === 'Nightly dump'`)
	s.drive(ctx, chromedp.MouseClickXY(5, 5))
	asks()
	s.drive(ctx, browser.Click(`.discard .danger`))
	closed()
}
