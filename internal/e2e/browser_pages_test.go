package e2e

import (
	"fmt"
	"strings"
	"testing"

	"punctual/internal/db"
)

// Every page, wide and on a phone, light and dark: nothing on the console, no
// violation of the content security policy, nothing wider than the window.
// What they look like is kept in artifacts/screenshots.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	const user, operator = "jane.roe@acme.example", "root@acme.example"
	e := newEnv(t, db.SQLite).with(env{
		"PUNCTUAL_PING_ENDPOINT":             "https://ping.acme.example/",
		"PUNCTUAL_PUSHOVER_API_TOKEN":        "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
		"PUNCTUAL_PUSHOVER_SUBSCRIPTION_URL": "https://pushover.example.org/subscribe/Acme-1234",
	})
	server := e.start(t, "up")
	b := openTab(t, e, server)
	b.signUp(user)
	s := b.store(t)
	check := seedDemo(t, s, user)
	project := "/projects/" + check.ProjectID.String()
	channels, err := s.ChannelsOf(t.Context(), check.ProjectID)
	must(t, err)

	b.open(project + "/checks/")
	b.shoot("checks-light", 1280, 940, false) // for docs/img/make
	b.shoot("checks-phone-dark", 390, 844, true)
	b.open("/")
	b.click("[popovertarget=add-project]")
	b.fill("#add-project #name", "Home")
	b.click("#add-project .btn.primary")
	b.at("/checks/")
	empty := b.value("location.pathname")
	b.ping(b.site("/ping/"+checkNamed(b, user, "Rotate application logs")+"/fail"), "logrotate: disk full")
	waitMail(t, s, "DOWN")

	details := "/checks/" + check.Code.String()
	mailbox := "/mailbox/"
	b.open(mailbox)
	b.until(`document.querySelector("tbody a")`)
	mail := b.value(`document.querySelector("tbody a").pathname`)

	if code, _, stderr := b.run(t, "createsuperuser", "--email", operator, "--password", "correct horse battery"); code != 0 {
		t.Fatalf("createsuperuser: %s", stderr)
	}

	t.Run("visitor", func(t *testing.T) {
		t.Parallel()
		v := openTab(t, e, server)
		v.tour(map[string]string{
			"welcome": "/", "login": "/accounts/login/", "link-sent": "/accounts/login_link_sent/", "docs": "/docs/", "docs-page": "/docs/signalling/",
		})
		lost := openTab(t, e, server)
		lost.console.Allow("status of 404")
		lost.tour(map[string]string{"404": "/no/such/page/"})
	})
	t.Run("user", func(t *testing.T) {
		t.Parallel()
		b := b.twin(t)
		b.tour(map[string]string{
			"projects": "/", "checks": project + "/checks/", "checks-empty": empty, "check-add": project + "/checks/add/",
			"details": details + "/details/", "log": details + "/log/", "ping": details + "/pings/23/",
			"check-name": details + "/name/", "check-schedule": details + "/timeout/", "check-filtering": details + "/filtering_rules/", "check-remove": details + "/remove/",
		})
	})
	t.Run("team", func(t *testing.T) {
		t.Parallel()
		b := b.twin(t)
		b.tour(map[string]string{
			"integrations": project + "/integrations/", "add-email": project + "/add_email/", "add-webhook": project + "/add_webhook/", "add-pushover": project + "/add_po/",
			"channel-checks": "/integrations/" + channels[0].ID.String() + "/checks/", "settings": project + "/settings/",
			"profile": "/accounts/profile/", "close": "/accounts/close/", "mailbox": mailbox, "mail": mail,
		})
	})
	t.Run("operator", func(t *testing.T) {
		t.Parallel()
		b := openTab(t, e, server)
		b.open("/accounts/login/")
		b.click("details summary")
		b.fill("#email", operator)
		b.fill("#password", "correct horse battery")
		b.click("details .btn")
		b.until(`!location.pathname.includes("/accounts/")`)
		tour := map[string]string{}
		for _, page := range []string{"users", "projects", "checks", "emails", "deliveries"} {
			tour["admin-"+page] = "/admin/" + page + "/"
		}
		b.tour(tour)
		b.open("/admin/emails/")
		b.click("tbody a")
		b.tour(map[string]string{"admin-email": b.value("location.pathname")})
	})
}

func checkNamed(b *tab, user, name string) string {
	b.Helper()
	for _, c := range b.checks(b.store(b.T), user) {
		if c.Name == name {
			return c.Code.String()
		}
	}
	b.Fatalf("no check %q", name)
	return ""
}

// tour looks at pages by name.
func (b *tab) tour(pages map[string]string) {
	b.Helper()
	for name, path := range pages {
		b.open(path)
		b.until(`document.readyState === "complete" && document.fonts.status === "loaded"`)
		if title := b.value("document.title"); !strings.Contains(title, "Punctual") || strings.HasPrefix(title, " ·") {
			b.Errorf("%s has the title %q", path, title)
		}
		if n := b.value(`document.querySelectorAll("h1").length`); n != "1" {
			b.Errorf("%s has %s main headings", path, n)
		}
		for _, width := range []int{1280, 390} {
			for _, dark := range []bool{false, true} {
				b.shoot(fmt.Sprintf("page-%s-%d-%s", name, width, map[bool]string{false: "light", true: "dark"}[dark]), width, 0, dark)
			}
			if wide := b.value(tooWide); wide != "" {
				b.Errorf("%s is wider than %d: %s", path, width, wide)
			}
		}
	}
}

// tooWide names what makes the page wider than its window.
const tooWide = `document.scrollingElement.scrollWidth <= innerWidth ? "" : document.scrollingElement.scrollWidth + " " +
	[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 6).map(e => e.tagName + "." + e.className).join(" ")`
