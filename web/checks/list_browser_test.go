//go:build programs

package checks_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
	"punctual/internal/testkit/testdb"
	"punctual/web/ui"
	"punctual/web/webtest"
)

func TestTheListInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite, webtest.Offering)
	_, p := s.Login("me@example.org")
	z := s.Zoo(p)
	for range 12 {
		s.Ping(z["up 9"], monitor.PingSuccess)
	}
	ctx := s.Chromium(ui.ListURL(p.ID) + "?sort=name")
	s.Shots(ctx, "checks")
	visible := func(want ...string) {
		t.Helper()
		s.Eventually(ctx,
			fmt.Sprintf(`[...document.querySelectorAll('#checks tbody tr:not([hidden]) .nm a')].map(a => a.textContent).join() === %q`,
				strings.Join(want, ",")))
	}
	s.Drive(ctx, browser.Click(`a[data-tag=prod]`))
	visible("down 2", "late 1", "up 10")
	s.Drive(ctx, browser.Click(`a[data-state=down]`))
	visible("down 2")
	s.Eventually(ctx, `location.search === '?tag=prod&status=down&sort=name'`)
	s.Drive(ctx, browser.Click(`a[data-state=down]`), browser.Click(`a[data-tag=prod]`), webtest.Press("/"), chromedp.KeyEvent("up"))
	visible("up 9", "up 10")
	s.Eventually(ctx, `document.activeElement.name === 'search'`)

	// A list that came filtered fetches the rest.
	s.Drive(ctx, chromedp.Navigate(s.URL+ui.ListURL(p.ID)+"?search=nosuch&sort=name"))
	visible()
	s.Drive(ctx, browser.Click(`#show-all`))
	visible("down 2", "late 1", "new 5", "paused 4", "run 3", "up 9", "up 10")

	// It stays current.
	s.Clock.Advance(10 * time.Second)
	s.Ping(z["new 5"], monitor.PingFail)
	s.Eventually(ctx, fmt.Sprintf(`document.querySelector('a[href*="%s"]').closest('tr').className === 's-down'`, z["new 5"].Code))
	s.Eventually(ctx, `document.title.startsWith('(2 down) ') && document.querySelector('a[data-state=down] b').textContent === '2'`)

	// The menu of a row.
	s.Drive(ctx, browser.Click(`tr.s-paused .ac button`), chromedp.WaitVisible(`#row-menu`))
	if err := browser.Screenshot(ctx, "checks-menu", 1280, 800, false); err != nil {
		t.Error(err)
	}
	s.Drive(ctx, browser.Click(`#row-menu [data-channel]`))
	s.Eventually(ctx, `document.querySelector('tr.s-paused .ch').dataset.on === ''`)
	webtest.WaitFor(t, "the channel to be off", func() bool {
		on, err := s.Store.ChannelsOfCheck(t.Context(), z["paused 4"].ID)
		return err == nil && len(on) == 0
	})
	s.Drive(ctx, webtest.ClickOn(`#row-menu [data-one] [value=resume]`))
	s.Eventually(ctx, `document.querySelector('#checks') && !document.querySelector('tr.s-paused')`)
}

func TestAddingAndEditingInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	ctx := s.Chromium(ui.ListURL(p.ID))

	s.Drive(ctx, browser.Click(`a[data-dialog][href$="/add/"]`), chromedp.WaitVisible(`dialog input[name=name]`))
	s.Eventually(ctx, `document.activeElement.name === 'name'`)
	s.Drive(ctx, chromedp.SendKeys(`dialog input[name=name]`, "Nightly Büro backup"))
	s.Eventually(ctx, `document.querySelector('dialog input[name=slug]').value === 'nightly-buro-backup'`)

	// The slider and the numbers follow each other.
	slide := func(field string, to int) string {
		return fmt.Sprintf(
			`(() => { const s = document.querySelector('dialog [name=%s_value]').closest('fieldset').querySelector('[type=range]'); s.value = %d; s.dispatchEvent(new Event('input', {bubbles: true})); return true })()`, field, to)
	}
	for _, step := range []struct {
		position int
		want     string
	}{{0, "1 60"}, {300, "1 3600"}, {600, "1 86400"}, {750, "7 86400"}, {1000, "365 86400"}, {900, "30 86400"}} {
		s.Eventually(ctx, slide("timeout", step.position))
		s.Eventually(ctx,
			fmt.Sprintf(
				`document.querySelector('dialog [name=timeout_value]').value + ' ' + document.querySelector('dialog [name=timeout_unit]').value === %q`,
				step.want))
	}
	s.Drive(ctx, webtest.Fill(`dialog [name=timeout_value]`, "7"))
	s.Eventually(ctx,
		`document.querySelector('dialog [name=timeout_value]').closest('fieldset').querySelector('[type=range]').value === '750'`)
	s.Eventually(ctx, slide("grace", 300))
	s.Shots(ctx, "add-simple")
	s.Drive(ctx, browser.Click(`dialog .btn.primary`), chromedp.WaitVisible(`#events`))
	checks, err := testdb.ChecksOf(t.Context(), s.Store, p.ID)
	if err != nil || len(checks) != 2 {
		t.Fatal(checks, err)
	}
	c := &checks[1]
	if c.Name != "Nightly Büro backup" || c.Slug != "nightly-buro-backup" || c.Timeout != 7*24*time.Hour || c.Grace != time.Hour {
		t.Errorf("added: %+v", c)
	}

	// A schedule with a live preview; what is wrong shows beside its field.
	s.Drive(ctx, browser.Click(`a[href$="/timeout/"]`), chromedp.WaitVisible(`dialog [name=kind][value=cron]`),
		browser.Click(`dialog [name=kind][value=cron]`),
		chromedp.SendKeys(`dialog [name=schedule]`, "61 3 * * *"))
	s.Eventually(ctx, `document.querySelector('dialog .preview .error')?.textContent.includes('61')`)
	s.Drive(ctx, browser.Click(`dialog .btn.primary`), chromedp.WaitVisible(`dialog .field > .error`))
	s.Drive(ctx, webtest.Fill(`dialog [name=schedule]`, "30 3 * * MON-FRI"))
	s.Eventually(ctx,
		`document.querySelectorAll('dialog .runs tbody tr').length === 6 && document.querySelector('dialog .preview').textContent.includes('Monday through Friday')`)
	s.Eventually(ctx, `document.querySelector('dialog [name=schedule]').getAttribute('aria-invalid') === null`)
	s.Shots(ctx, "schedule-cron")
	s.Drive(ctx, browser.Click(`dialog .btn.primary`))
	s.Eventually(ctx, `!document.querySelector('dialog') && document.querySelector('#events')`)
	webtest.WaitFor(t, "the new schedule", func() bool { return s.Reload(c).Schedule == "30 3 * * MON-FRI" })
	got := s.Reload(c)
	if got.Kind != "cron" || got.TZ != "Europe/Riga" || got.Timeout != 7*24*time.Hour {
		t.Errorf("edited: %+v", got)
	}
}

func TestTheDetailsInABrowser(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.AddNamed(p, "Nightly backup", func(c *monitor.Check) {
		c.Kind = "cron"
		c.Schedule = "0 3 * * *"
		c.TZ = "Europe/Riga"
		c.Tags = "prod db"
		c.Description = "Dumps the database and copies it to the other house.\nWhen it fails, look at the disk first."
	})
	s.Ping(c, monitor.PingStart)
	s.Clock.Advance(9 * time.Minute)
	s.Ping(c, monitor.PingSuccess, func(p *monitor.Ping) { p.Body = []byte("dumped 17 tables\n✓ done") })
	s.Clock.Advance(5 * time.Hour)
	s.Ping(c, monitor.PingLog, func(p *monitor.Ping) { p.Body = []byte("a word") })
	ctx := s.Chromium("/checks/" + c.Code.String() + "/details/")
	s.Drive(ctx, chromedp.WaitVisible(`.state.s-up`))
	exit := 3
	s.Clock.Advance(time.Second)
	s.Ping(c, monitor.PingFail, func(p *monitor.Ping) {
		p.ExitStatus = &exit
		p.Body = []byte("disk full")
	})
	s.Drive(ctx, chromedp.WaitVisible(`.state.s-down`), chromedp.WaitVisible(`.e-fail`))
	s.Shots(ctx, "details")
	s.Drive(ctx, browser.Click(`.e-fail a`), chromedp.WaitVisible(`dialog .code.body`))
	if err := browser.Screenshot(ctx, "ping", 1280, 900, true); err != nil {
		t.Error(err)
	}
	s.Drive(ctx, browser.Click(`dialog .close`))
	s.Eventually(ctx, `!document.querySelector('dialog')`)
	s.Drive(ctx, webtest.ClickOn(`button[role=switch]`))
	s.Eventually(ctx, `document.querySelector('button[role=switch]').getAttribute('aria-checked') === 'false'`)
	webtest.WaitFor(t, "the channel to be off", func() bool {
		on, err := s.Store.ChannelsOfCheck(t.Context(), c.ID)
		return err == nil && len(on) == 0
	})
	s.Drive(ctx, chromedp.Navigate(s.URL+"/checks/"+c.Code.String()+"/log/"), webtest.ClickOn(`input[value=flip]`))
	s.Eventually(ctx, `location.search.includes('kind=fail') && document.querySelector('.event') && !document.querySelector('.e-flip')`)
	s.Shots(ctx, "log")
}

func TestChecksWorkWithoutJavaScript(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	ctx := s.Chromium("/")
	if err := browser.DisableJS(ctx); err != nil {
		t.Fatal(err)
	}
	s.Drive(ctx, chromedp.Navigate(s.URL+ui.ListURL(p.ID)), browser.Click(`.head a.btn.primary`), chromedp.WaitVisible(`input[name=name]`),
		chromedp.SendKeys(`input[name=name]`, "Plain"), browser.Click(`[name=kind][value=oncalendar]`), chromedp.WaitVisible(`[name=schedule]`),
		chromedp.SendKeys(`[name=schedule]`, "Mon..Fri 03:00"), browser.Click(`main form .btn.primary`), chromedp.WaitVisible(`#events`),
		browser.Click(`form[action$="/pause/"] button`), chromedp.WaitVisible(`.state.s-paused`))
	s.Shots(ctx, "details-no-js")
	checks, err := testdb.ChecksOf(t.Context(), s.Store, p.ID)
	if err != nil || len(checks) != 2 || checks[1].Slug != "plain" || checks[1].Schedule != "Mon..Fri 03:00" {
		t.Errorf("%+v, %v", checks, err)
	}
	s.Get("/checks/" + checks[1].Code.String() + "/details/").Is(http.StatusOK)
}

// What was typed into a dialog is not thrown away by Esc or a click beside it, without a question.
func TestAFilledDialogAsksBeforeItCloses(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, project := s.Login("me@example.org")
	s.FirstCheck(project)
	ctx := s.Chromium("/projects/" + project.ID.String() + "/checks/")
	open := func() {
		s.Drive(ctx, browser.Click(`a[data-dialog][href$="/add/"]`), chromedp.WaitVisible(`dialog input[name=name]`))
	}
	escape := func() { s.Drive(ctx, chromedp.KeyEvent(kb.Escape)) }
	closed := func() { s.Eventually(ctx, `!document.querySelector('dialog')`) }
	asks := func() {
		s.Eventually(ctx, `document.querySelector('dialog .discard')?.innerText.includes('not saved')`)
	}

	open()
	escape()
	closed()
	open()
	s.Drive(ctx, chromedp.SendKeys(`dialog input[name=name]`, "Nightly dump"))
	escape()
	asks()
	s.Shots(ctx, "dialog-discard")
	escape()
	s.Eventually(ctx, `!document.querySelector('.discard') && document.querySelector('dialog input[name=name]').value === 'Nightly dump'`)
	s.Drive(ctx, chromedp.MouseClickXY(5, 5))
	asks()
	s.Drive(ctx, browser.Click(`.discard .danger`))
	closed()
}
