//go:build programs

package checks_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/kindtest"
	"punctual/web"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// hover moves the pointer over the icon of the channel in the row of the check, and
// holds what the tip says.
func hover(s *channelSite, row, icon int, tip string) chromedp.Action {
	const script = `(() => {
		const cell = document.querySelectorAll("#checks tbody tr")[%ROW].querySelector("td[data-on]");
		const box = cell.firstElementChild.getBoundingClientRect();
		cell.dispatchEvent(new MouseEvent("mousemove", { bubbles: true, clientX: box.left + 23 * %ICON + 9, clientY: box.top + 9 }));
		return cell.title;
	})()`
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var got string
		run := strings.NewReplacer("%ROW", strconv.Itoa(row), "%ICON", strconv.Itoa(icon)).Replace(script)
		if err := chromedp.Evaluate(run, &got).Do(ctx); err != nil {
			return err
		}
		if got != tip {
			s.Errorf("the tip is %q, want %q", got, tip)
		}
		return nil
	})
}

func TestWhoIsNotifiedInABrowser(t *testing.T) {
	site := webtest.New(t, db.SQLite, func(d *web.Deps) {
		d.Notifiers = kindtest.Registry(notify.Env{}, map[string]string{"pushover-api-token": ""})
	})
	_, p := site.Login("jane@example.org")
	s := newChannelSite(site, p)
	ctx := s.Chromium(ui.ListURL(p.ID) + "?sort=created")
	s.Eventually(ctx, `document.querySelectorAll("#checks tbody tr").length === 11`)
	// the first row is the check that every new account has; then "none" and "works"
	s.Drive(ctx,
		hover(s, 2, 1, "works (Webhook). Click to turn off."),
		hover(s, 1, 2, "fails (Webhook): the last message could not be delivered: Connection refused. It is off here: click to turn on."),
		hover(s, 1, 5, "withdrawn (Pushover): this site no longer offers integrations of this kind. It is off here: click to turn on."),
	)
	s.Shots(ctx, "told")

	// the menu of a row says it too, and what is switched there changes the mark
	s.Drive(ctx,
		webtest.First(chromedp.Click, "#checks tbody tr:nth-child(2) .ac button"), webtest.First(chromedp.WaitVisible, "#row-menu:popover-open .bad small"),
		webtest.First(chromedp.Click, "#row-menu [data-channel]:nth-of-type(2)"),
	)
	s.Eventually(ctx, `!document.querySelector("#checks tbody tr:nth-child(2) .untold")`)
	s.Eventually(ctx, `document.querySelector("a[data-told] b").textContent === "7"`)
	s.Eventually(ctx, `document.querySelector("#checks tbody tr:nth-child(2) .ch svg").getAttribute("aria-labelledby").startsWith("ch-on ch-b ch-off ch-a")`)

	// the filter works at once
	s.Drive(ctx, webtest.ClickOn("a[data-told]"))
	s.Eventually(ctx, `document.querySelectorAll("#checks tbody tr:not([hidden])").length === 7 && location.search.includes("told=nobody")`)
	s.Drive(ctx, webtest.ClickOn("a[data-told]"))
	s.Eventually(ctx, `document.querySelectorAll("#checks tbody tr:not([hidden])").length === 11`)

	// what breaks meanwhile shows with the next change of the list
	outcome := store.ChannelOutcome{At: s.Clock.Now(), Error: "Timed out."}
	if err := s.Store.NoteChannelOutcome(s.Context(), s.by["works"].ID, outcome); err != nil {
		t.Fatal(err)
	}
	s.Ping(s.FirstCheck(p), monitor.PingSuccess)
	s.Eventually(ctx, `document.querySelector("#checks tbody tr:nth-child(3) .untold")?.textContent === "All its integrations are broken"`)
	s.Eventually(ctx, `document.querySelectorAll("#channels .slash").length === 5`)
}
