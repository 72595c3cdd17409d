package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"punctual/internal/db"
	"punctual/internal/monitor"
	chromium "punctual/internal/testkit/browser"
)

// Every action works as a plain form post. This is the main job with
// JavaScript disabled.
func TestTheMainJobWithoutJavaScript(t *testing.T) {
	t.Parallel()
	b := newTab(t, db.SQLite)
	if err := chromium.DisableJS(b.ctx); err != nil {
		t.Fatal(err)
	}
	b.open("/")
	b.click(".try form button")
	b.shows("#demo", "Waiting for the first ping")
	ping := find(t, pingURL, b.value(`document.querySelector(".try .code").innerText`))
	b.fill("#identity", "jane@example.org")
	b.click("form .btn.primary")
	b.at("/accounts/login_link_sent/")
	b.open(b.loginLink())
	b.at("/details/")
	b.click("main .crumb")
	b.shows("#checks", "My First Check")
	// whole: there is no button that copies it
	b.shows("#checks", ping)
	s := b.store(t)

	b.click(".head .btn.primary")
	b.at("/add/")
	b.fill("#name", "Nightly backup")
	b.fill("[name=timeout_value]", "2")
	b.set("[name=timeout_unit]", "3600")
	b.click("main form .btn.primary")
	b.at("/details/")
	b.shows("main h1", "Nightly backup")

	b.click("[aria-labelledby=sched] a.btn")
	b.at("/timeout/")
	b.click(".segments label:has([value=cron])")
	b.fill("#schedule", "0 3 * * *")
	b.shoot("plain-schedule", 390, 0, false)
	b.do(chromedp.EmulateViewport(1280, 900))
	b.click("main form .btn.primary")
	b.at("/details/")
	b.shows("[aria-labelledby=sched]", "0 3 * * *")

	b.click(`#state form[action$="/pause/"] button`)
	b.see("#state .s-paused")
	checks := b.checks(s, "jane@example.org")
	check := &checks[1]
	if check.Schedule != "0 3 * * *" || check.Timeout != 2*time.Hour || check.Status != monitor.StatusPaused {
		t.Errorf("the check is %+v", check)
	}

	b.ping(b.site("/ping/"+check.Code.String()), "dumped 17 tables")
	b.open("/checks/" + check.Code.String() + "/details/")
	b.see("#state .s-up")
	b.click("#events .event .body")
	b.at("/pings/1/")
	b.shows(".code.body", "dumped 17 tables")
	b.click(".crumb")
	b.at("/details/")
	b.click(".who button")
	b.see(".who [aria-checked=false]")

	b.click("header .wide [href$='/integrations/']")
	b.click(`.kind-card[href*="add_email"]`)
	b.at("/add_email/")
	b.fill("#value", "ops@example.org")
	b.click("main form .btn.primary")
	b.shows(".flash.ok", "Added")
	b.shows(".channels", "ops@example.org")
	waitMail(t, s, "(?i)alerts|address|confirm")
}

// What the main job does not need: changes to many checks, tests and badges,
// with JavaScript disabled.
func TestEverythingElseWithoutJavaScript(t *testing.T) {
	t.Parallel()
	b := newTab(t, db.SQLite)
	if err := chromium.DisableJS(b.ctx); err != nil {
		t.Fatal(err)
	}
	const user = "jane@example.org"
	s := b.store(t)
	b.signUp(user)
	project := "/projects/" + b.project(s, user).String()
	first := b.checks(s, user)[0]
	details := "/checks/" + first.Code.String() + "/details/"

	// One check: its name, a pause and its end, its log.
	b.open(details)
	b.click(".head a.btn")
	b.at("/name/")
	b.fill("#name", "Nightly backup")
	b.fill("#tags", "prod db")
	b.click("main form .btn.primary")
	b.at("/details/")
	b.shows("main h1", "Nightly backup")
	b.click(`#state form[action$="/pause/"] button`)
	b.see("#state .s-paused")
	b.click(`#state form[action$="/resume/"] button`)
	b.see("#state .s-new")
	b.ping(b.site("/ping/"+first.Code.String()), "dumped 17 tables")
	b.ping(b.site("/ping/"+first.Code.String()+"/fail"), "no space left")
	b.open(details)
	b.shows(".output", "no space left")
	b.click(`.card > header a[href$="/log/"]`)
	b.at("/log/")
	b.shows("#log", "dumped 17 tables")
	// where the filters are folded
	b.do(chromedp.EmulateViewport(390, 844))
	b.click(".logfilter summary")
	for _, kind := range []string{"success", "start", "log", "ign", "flip", "alert"} {
		b.click(".logfilter [value=" + kind + "]")
	}
	b.click(".logfilter .btn")
	b.until(`location.search.includes("kind=fail") && document.readyState === "complete"`)
	b.shows("#log", "no space left")
	if b.value(`document.querySelector("#log").innerText.includes("dumped")`) != "false" {
		t.Error("the log shows what was not asked for")
	}
	b.fill("#logsearch", "nothing like this"+kb.Enter)
	b.shows("#log", "Nothing matches")
	b.do(chromedp.EmulateViewport(1280, 900))

	// Many checks: pause, undo, removal.
	for _, name := range []string{"One more", "And another"} {
		b.open(project + "/checks/add/")
		b.fill("#name", name)
		b.click("main form .btn.primary")
		b.at("/details/")
	}
	b.open(project + "/checks/")
	b.click("#select")
	b.see("#bulk")
	b.click("#bulk [name=all]")
	b.click("#bulk [value=pause]")
	b.shows(".flash.ok", "3 checks")
	paused := func() (n int) {
		for _, c := range b.checks(s, user) {
			if c.Status == monitor.StatusPaused {
				n++
			}
		}
		return n
	}
	n := paused()
	if n != 3 {
		t.Errorf("%d checks are paused, want 3", n)
	}
	b.click(".flash form button")
	b.shows(".flash.ok", "Undone.")
	if n := paused(); n != 0 {
		t.Errorf("%d checks are paused after the undo", n)
	}
	b.open(project + "/checks/?select=1")
	b.click("#checks tbody tr:nth-child(2) [name=check]")
	b.click("#checks tbody tr:nth-child(3) [name=check]")
	b.click("[popovertarget=bulk-tags]")
	b.fill("#bulk-tag", "spare")
	b.click("#bulk [value=tag]")
	b.shows("#checks", "spare")
	b.open(project + "/checks/?tag=spare&select=1")
	b.click("#bulk [name=all]")
	b.click("#bulk [value=remove]")
	b.shows("main .named", "And another")
	b.click("main .btn.danger")
	b.see("#checks")
	left := b.checks(s, user)
	if len(left) != 1 || left[0].Code != first.Code {
		t.Errorf("left are %v", left)
	}

	// A test of an integration, a badge, a wall, keys.
	b.open(project + "/integrations/")
	b.click(`.channels form[action$="/test/"] button`)
	b.see(".flash")
	waitMail(t, s, "(?i)test")
	b.open(project + "/settings/")
	create := func(key string) {
		b.click("[name=create_key][value=" + key + "]")
		b.see("#" + key + " .code")
	}
	revoke := func(key string) {
		b.click("[popovertarget=revoke-" + key + "]")
		b.click("#revoke-" + key + " .danger")
		b.see("[name=create_key][value=" + key + "]")
	}
	create("api_key")
	revoke("api_key")
	// A project has a ping key from the start.
	revoke("ping_key")
	create("ping_key")
	b.click(`main a[href$="/badges/"]`)
	b.at("/badges/")
	b.click(`.segments label:has([value="3"])`)
	b.click("main form .btn.primary")
	b.until(`location.search.includes("states=3") && document.querySelector(".badge .shown img").naturalWidth > 20`)
	b.open("/walls/")
	b.fill("main form #name", "Ops room")
	b.click("main form [name=project]")
	b.click("main form .btn.primary")
	b.click("main a.btn[href*='/wall/']")
	b.shows("#wall", "Nightly backup")
}
