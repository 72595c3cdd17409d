//go:build programs

package checks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// unreachable are the menus of rows that are not wholly in the window or that
// something covers, and the names, tags and schedules that stick out of their rows.
const unreachable = `(() => {
	const wrong = [];
	for (const row of document.querySelectorAll('#checks tbody tr:not(.group)')) {
		row.scrollIntoView({ block: 'center' });
		const card = row.getBoundingClientRect();
		const button = row.querySelector('.ac button');
		const menu = button.getBoundingClientRect();
		const seen = document.elementFromPoint(menu.left + menu.width / 2, menu.top + menu.height / 2);
		if (menu.width < 20 || menu.left < 0 || menu.right > innerWidth || !button.contains(seen)) wrong.push('menu of ' + row.textContent.slice(0, 20));
		for (const part of row.querySelectorAll('.nm a, .tag, .sc')) {
			for (const r of part.getClientRects()) {
				const over = r.top < menu.bottom && r.bottom > menu.top && r.right > menu.left;
				if (r.right > card.right + 1 || over) wrong.push('sticks out: ' + part.textContent.slice(0, 20));
			}
		}
	}
	if (document.documentElement.scrollWidth > innerWidth) wrong.push('the page is ' + document.documentElement.scrollWidth + ' wide');
	return wrong.join('; ');
})()`

// A long name without spaces hid the menu of its row on a phone.
func TestLongNamesLeaveTheMenuOfTheRowInReach(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	s.AddNamed(p, strings.Repeat("postgresql_backup_", 5)+"of_db_main", func(c *monitor.Check) { c.Tags = "prod db" })
	s.AddNamed(p, "Tagged", func(c *monitor.Check) { c.Tags = strings.Repeat("nightly-of-the-northern-region", 10) + " short" })
	s.AddNamed(p, "A name of many words that goes on and on until no phone has room for all of it", func(c *monitor.Check) {
		c.Kind = "oncalendar"
		c.Schedule = "Mon,Tue,Wed,Thu,Fri *-01,02,03,04,05,06-01..28 03:15:00"
	})
	s.AddNamed(p, "Slug", func(c *monitor.Check) { c.Slug = strings.Repeat("a", 100) })
	ctx := s.Chromium(ui.ListURL(p.ID) + "?sort=name")
	for _, query := range []string{"?sort=name", "?sort=name&urls=slug", "?sort=name&group=tag", "?sort=name&select=1"} {
		s.Drive(ctx, chromedp.Navigate(s.URL+ui.ListURL(p.ID)+query))
		for _, width := range []int{320, 390, 800, 1280} {
			if err := browser.Look(ctx, width, 800, false); err != nil {
				t.Fatal(err)
			}
			var wrong string
			s.Drive(ctx, chromedp.Evaluate(unreachable, &wrong))
			if wrong != "" {
				t.Errorf("%s at %d pixels: %s", query, width, wrong)
			}
		}
		s.Shots(ctx, fmt.Sprintf("checks-long-%d", len(query)))
	}
}
