package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// Issue 2, "Web UI": period and grace as sliders with number and unit.
func TestPeriodAndGraceDialogs(t *testing.T) {
	t.Parallel()
	b := newTab(t, db.SQLite)
	b.signUp("jane@example.org")
	s := b.store(t)

	b.rowMenu(`[data-go^="timeout/"]`)
	b.lengthFollowsSlider("timeout")
	b.lengthFollowsSlider("grace")
	b.shoot("dialog-schedule", 1280, 900, false)
	b.setLength("timeout", "5", "60")
	b.setLength("grace", "2", "60")
	b.click("dialog .btn.primary")
	b.shows("#checks .sc", "5 min")
	b.shows("#checks .sc", "grace 2 min")
	b.until(`!document.querySelector("dialog")`)
	b.hasLengths("jane@example.org", 5*minute, 2*minute)

	b.click("#checks .nm a")
	b.at("/details/")
	b.click("[aria-labelledby=sched] [data-dialog]")
	b.see("dialog [data-schedule]")
	b.until(`document.querySelector("dialog [name=timeout_value]").value + document.querySelector("dialog [name=grace_value]").value === "52"`)
	b.setLength("timeout", "12", "3600")
	b.click("dialog .btn.primary")
	b.shows("[aria-labelledby=sched]", "12 hours")
	check, _ := b.onlyCheck(s, "jane@example.org")
	if check.Timeout != 12*time.Hour || check.Grace != 2*minute {
		t.Errorf("period %s, grace %s", check.Timeout, check.Grace)
	}
}

// rowMenu opens the menu of the first row and clicks an item of it.
func (b *tab) rowMenu(item string) {
	b.Helper()
	b.click("#checks .ac button")
	b.click("#row-menu:popover-open " + item)
}

// lengthFollowsSlider moves the slider of a length by keyboard, and expects the
// number to follow; and the other way round.
func (b *tab) lengthFollowsSlider(name string) {
	b.Helper()
	number := fmt.Sprintf(`document.querySelector("dialog [name=%s_value]")`, name)
	slider := number + `.closest("fieldset").querySelector("[type=range]")`
	shows := number + fmt.Sprintf(`.value + " " + document.querySelector("dialog [name=%s_unit]").selectedOptions[0].text`, name)
	b.see(fmt.Sprintf("dialog [name=%s_value]", name))
	for _, step := range []struct{ key, want string }{{kb.Home, "1 minutes"}, {kb.ArrowRight, "1 minutes"}, {kb.End, "365 days"}} {
		b.do(chromedp.Evaluate(slider+`.focus()`, nil), chromedp.KeyEvent(step.key))
		b.until(fmt.Sprintf(`%s === %q`, shows, step.want))
	}
	b.setLength(name, "1", "3600")
	b.until(slider + `.value === "300"`)
}

// setLength types a number and chooses a unit.
func (b *tab) setLength(name, number, unit string) {
	b.Helper()
	b.fill(fmt.Sprintf("dialog [name=%s_value]", name), number)
	b.set(fmt.Sprintf("dialog [name=%s_unit]", name), unit)
}

func (b *tab) hasLengths(address string, period, grace time.Duration) {
	b.Helper()
	check, _ := b.onlyCheck(b.store(b.T), address)
	if check.Timeout != period || check.Grace != grace {
		b.Errorf("period %s, grace %s; want %s, %s", check.Timeout, check.Grace, period, grace)
	}
}

// Issue 2, "Web UI": cron and OnCalendar with a live preview; what is wrong is
// said beside the field and not saved.
func TestExpressionsWithPreview(t *testing.T) {
	t.Parallel()
	b := newTab(t, db.SQLite)
	// forms that are wrong
	b.console.Allow("status of 400")
	b.signUp("jane@example.org")
	s := b.store(t)
	check, _ := b.onlyCheck(s, "jane@example.org")
	b.open("/checks/" + check.Code.String() + "/details/")

	for _, test := range []struct {
		kind         schedule.Kind
		good, means  string
		wrong, saved string
	}{
		{schedule.Cron, "30 3 * * *", "03:30", "30 25 * * *", "30 3 * * *"},
		{schedule.OnCalendar, "Mon..Fri 04:15", "04:15", "Mun..Fri 04:15", "Mon..Fri 04:15"},
	} {
		b.click("[aria-labelledby=sched] [data-dialog]")
		b.click(fmt.Sprintf(`dialog .segments label:has([value=%s])`, test.kind))
		b.fill("dialog #schedule", test.good)
		b.shows("dialog [data-preview] .means", test.means)
		b.set("dialog #tz", "Europe/Riga")
		b.shows("dialog [data-preview] .runs", "Europe/Riga")
		b.shows("dialog [data-preview] .runs tbody", test.means)
		b.shoot("dialog-"+string(test.kind), 1280, 900, false)

		b.fill("dialog #schedule", test.wrong)
		b.see("dialog [data-preview] .error")
		b.click("dialog .btn.primary")
		b.see("dialog .field:has(#schedule) .error")
		b.shoot("dialog-"+string(test.kind)+"-error", 390, 844, true)
		b.do(chromedp.EmulateViewport(1280, 900))
		if c, _ := b.onlyCheck(s, "jane@example.org"); c.Schedule == test.wrong {
			t.Errorf("%s was saved", test.wrong)
		}

		b.fill("dialog #schedule", test.good)
		b.shows("dialog [data-preview] .means", test.means)
		b.click("dialog .btn.primary")
		b.until(`!document.querySelector("dialog")`)
		b.shows("[aria-labelledby=sched]", test.good)
		c, _ := b.onlyCheck(s, "jane@example.org")
		if c.Kind != test.kind || c.Schedule != test.saved || c.TZ != "Europe/Riga" {
			t.Errorf("saved as %s %q in %s", c.Kind, c.Schedule, c.TZ)
		}
	}
}

// A check is added and renamed in dialogs.
func TestAddAndRenameInDialogs(t *testing.T) {
	t.Parallel()
	b := newTab(t, db.SQLite)
	b.signUp("jane@example.org")
	s := b.store(t)

	b.click(".head [data-dialog]")
	b.fill("dialog #name", "Nightly backup")
	b.until(`document.querySelector("dialog #slug").value === "nightly-backup"`)
	b.fill("dialog #tags", "prod db")
	b.setLength("timeout", "10", "60")
	b.shoot("dialog-add", 1280, 900, false)
	b.click("dialog .btn.primary")
	b.at("/details/")
	b.shows("main h1", "Nightly backup")

	b.click("main .head [data-dialog]")
	b.fill("dialog #name", "Nightly backup of Postgres")
	b.fill("dialog #tags", "prod db offsite")
	b.click("dialog .btn.primary")
	b.shows("main h1", "Nightly backup of Postgres")
	b.shows("main .head", "offsite")

	all := b.checks(s, "jane@example.org")
	c := all[len(all)-1]
	if c.Name != "Nightly backup of Postgres" || c.Slug != "nightly-backup" || c.Tags != "prod db offsite" || c.Timeout != 10*minute ||
		c.Status != monitor.StatusNew {
		t.Errorf("the check is %+v", c)
	}
	channels, err := s.ChannelsOfCheck(t.Context(), c.ID)
	if err != nil || len(channels) != 1 {
		t.Errorf("the check is told through %v, %v; want the owner's address", channels, err)
	}
	b.click(".crumb")
	b.until(`document.querySelectorAll("#checks tbody tr").length === 2`)
	b.see(`[data-tag=offsite]`)
}
