package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"punctual/internal/db"
)

// opening is a way to something that opens on a page: a dialog, a menu, what is
// folded.
type opening struct {
	name string
	path string
	// what to click
	open string
	// what is there then
	see string
	// of the window while it is opened; 0 = 1280
	width int
}

// Whatever opens on the pages is as good as the pages: nothing that axe objects
// to, wide and on a phone, light and dark, nothing on the console, nothing wider
// than the window.
func TestEverythingThatOpens(t *testing.T) {
	t.Parallel()
	e := newEnv(t, db.SQLite)
	server := e.start(t, "up")
	var session []*network.Cookie
	t.Run("begin", func(t *testing.T) {
		b := openTab(t, e, server)
		b.signUp("jane.roe@acme.example")
		session = b.cookies()
	})
	if session == nil {
		t.FailNow()
	}
	check := seedDemo(t, e.store(t), "jane.roe@acme.example")
	channels, err := e.store(t).ChannelsOf(t.Context(), check.ProjectID)
	must(t, err)
	project := "/projects/" + check.ProjectID.String()
	details := "/checks/" + check.Code.String() + "/details/"
	list := project + "/checks/"
	chosen := project + "/checks/?select=1"
	menu := "menu-" + channels[0].ID.String()
	for _, part := range [][]opening{
		{
			{name: "dialog-add", path: list, open: ".head .btn.primary", see: "dialog[open] #name"},
			{name: "dialog-keys", path: list, open: "[data-keys]", see: "dialog.keys[open]"},
			{name: "menu-row", path: list, open: "#checks .ac button", see: "#row-menu:popover-open"},
			{name: "menu-view", path: list, open: "[popovertarget=view-menu]", see: "#view-menu:popover-open"},
			{name: "menu-projects", path: list, open: "[popovertarget=projects-menu]", see: "#projects-menu:popover-open"},
			{name: "menu-site", path: list, open: "[popovertarget=site-menu]", see: "#site-menu:popover-open", width: 390},
			{name: "bulk-tags", path: chosen, open: "[popovertarget=bulk-tags]", see: "#bulk-tags:popover-open"},
			{name: "bulk-channels", path: chosen, open: "[popovertarget=bulk-channels]", see: "#bulk-channels:popover-open"},
			{name: "bulk-remove", path: chosen, open: "#bulk [value=remove]", see: "main .named"},
		}, {
			{name: "dialog-name", path: details, open: ".head .btn[data-dialog]", see: "dialog[open] #name"},
			{name: "dialog-schedule", path: details, open: "[aria-labelledby=sched] a.btn", see: "dialog[open] .preview"},
			{name: "dialog-filtering", path: details, open: "[aria-labelledby=rules] a.btn", see: "dialog[open] [name=methods]"},
			{name: "dialog-ping", path: details, open: "#events a.main", see: "dialog[open] .facts"},
			{name: "ask-clear", path: details, open: "[popovertarget=ask-clear]", see: "#ask-clear:popover-open"},
			{name: "unfolded", path: details, open: ".examples summary", see: ".examples[open] .usage"},
			{name: "log-unfolded", path: "/checks/" + check.Code.String() + "/log/", open: ".logfilter summary", see: ".logfilter .kinds",
				width: 390},
		}, {
			{name: "add-project", path: "/", open: "[popovertarget=add-project]", see: "#add-project:popover-open"},
			{name: "channel-menu", path: project + "/integrations/", open: "[popovertarget=" + menu + "]", see: "#" + menu + ":popover-open"},
			{name: "dialog-channel", path: project + "/integrations/", open: ".kind-card[href*=add_webhook]", see: "dialog[open] form"},
			{name: "webhook-unfolded", path: project + "/add_webhook/", open: "main details summary", see: "main details[open]"},
			{name: "docs-pages", path: "/docs/python/", open: ".docs .all", see: "#docs-nav:popover-open", width: 390},
			{name: "error-method", path: "/accounts/logout/", see: ".oops"},
			{name: "error-form", path: "/checks/" + check.Code.String() + "/log/?from=nonsense", see: ".error"},
		},
	} {
		t.Run(part[0].name, func(t *testing.T) {
			t.Parallel()
			b := openTab(t, e, server)
			b.use(session)
			b.console.Allow("status of 4")
			for _, o := range part {
				b.look(max(o.width, 390), false)
				if o.width == 0 {
					b.look(1280, false)
				}
				b.open(o.path)
				b.until(`document.readyState === "complete"`)
				b.page = o.name
				if o.name == "bulk-remove" || slices.Contains([]string{"bulk-tags", "bulk-channels"}, o.name) {
					b.click("#checks tbody tr:nth-child(2) [name=check]")
				}
				if o.open != "" {
					b.see(o.open)
					b.do(chromedp.Evaluate(fmt.Sprintf(`document.querySelector(%q).click()`, o.open), nil))
				}
				b.see(o.see)
				b.fromAllSides()
			}
		})
	}
}
