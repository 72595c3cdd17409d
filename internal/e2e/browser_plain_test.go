package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	chromium "punctual/internal/testkit/browser"
)

// DESIGN §8: every action works as a plain form post. This is the main job with
// JavaScript disabled.
func TestTheMainJobWithoutJavaScript(t *testing.T) {
	t.Parallel()
	b := newTab(t, db.SQLite)
	if err := chromium.DisableJS(b.ctx); err != nil {
		t.Fatal(err)
	}
	b.open("/")
	ping := find(t, pingURL, b.value(`document.querySelector(".try .code").innerText`))
	b.fill("#identity", "jane@example.org")
	b.click("form .btn.primary")
	b.at("/accounts/login_link_sent/")
	b.open(b.loginLink())
	b.says("#checks", "My First Check")
	b.says("#checks", ping) // whole: there is no button that copies it
	s := b.store(t)

	b.click(".head .btn.primary")
	b.at("/add/")
	b.fill("#name", "Nightly backup")
	b.fill("[name=timeout_value]", "2")
	b.set("[name=timeout_unit]", "3600")
	b.click("main form .btn.primary")
	b.at("/details/")
	b.says("main h1", "Nightly backup")

	b.click("[aria-labelledby=sched] a.btn")
	b.at("/timeout/")
	b.click(".segments label:has([value=cron])")
	b.fill("#schedule", "0 3 * * *")
	b.shoot("plain-schedule", 390, 0, false)
	b.do(chromedp.EmulateViewport(1280, 900))
	b.click("main form .btn.primary")
	b.at("/details/")
	b.says("[aria-labelledby=sched]", "0 3 * * *")

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
	b.says(".code.body", "dumped 17 tables")
	b.click(".crumb")
	b.at("/details/")
	b.click(".who button")
	b.see(".who [aria-checked=false]")

	b.click("header .wide [href$='/integrations/']")
	b.click(`.kind-card[href*="add_email"]`)
	b.at("/add_email/")
	b.fill("#value", "ops@example.org")
	b.click("main form .btn.primary")
	b.says(".flash.ok", "Added")
	b.says(".channels", "ops@example.org")
	waitMail(t, s, "(?i)alerts|address|confirm")
}
