package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Issue 2, third point of "It is done when": a failure turns the open pages red
// by themselves and is told by mail; the next ping turns them green again.
func TestTheAlertRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		b := newTab(t, engine)
		b.signUp("jane@example.org")
		_, ping := b.onlyCheck(b.store(t), "jane@example.org")

		b.stamp()
		b.ping(ping+"/fail", "disk full")
		b.see("#checks tr.s-down")
		b.until(`document.title.startsWith("(1 down) ")`)
		b.until(`document.querySelector("link[rel=icon]").href.includes("favicon-down")`)
		b.shows("#summary", "1 down")
		b.unchanged()

		b.readMail("DOWN | My First Check", "disk full")

		b.open("/")
		// one project: the start page may be its checks
		b.click(".projects .s-down, #checks .nm a")
		b.until(`document.readyState === "complete"`)
		b.click("#checks .nm a")
		b.see("#state .s-down")
		b.shows("#events", "disk full")
		b.stamp()
		b.ping(ping, "")
		b.see("#state .s-up")
		b.until(`!document.title.includes("down)")`)
		b.unchanged()
		b.readMail("UP | My First Check", "")

		b.open(detailsOf(ping))
		b.click(`#state form[action$="/pause/"] button`)
		b.see("#state .s-paused")
		b.shows("#events", "Paused")
		b.click(`#state form[action$="/resume/"] button`)
		b.see("#state .s-new")
	})
}

// detailsOf is the page of the check with the ping URL.
func detailsOf(ping string) string {
	return "/checks/" + ping[len(ping)-36:] + "/details/"
}

// readMail opens the newest mail of the mailbox and looks for its subject, and
// for words in the HTML part that is shown.
func (b *tab) readMail(subject, words string) {
	b.Helper()
	waitMail(b.T, b.store(b.T), "^"+regexp.QuoteMeta(subject)+"$")
	b.open(b.server.mailbox())
	b.click("tbody tr:first-child a")
	b.shows("main h1", subject)
	b.see("iframe.mail")
	var path string
	b.do(chromedp.AttributeValue("iframe.mail", "src", &path, nil, chromedp.ByQuery))
	b.open(path)
	b.shows("body", "My First Check")
	b.shows("body", words)
}

// A webhook is added through its form and tested; the answer of the other side
// is what the page says. Then a switch of the check turns it off.
func TestAWebhookByItsForm(t *testing.T) {
	t.Parallel()
	status := make(chan int, 1)
	calls := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls <- r.Method + " " + string(body)
		w.WriteHeader(<-status)
	}))
	t.Cleanup(hook.Close)
	b := newTab(t, db.SQLite)
	b.signUp("jane@example.org")
	s := b.store(t)
	check, ping := b.onlyCheck(s, "jane@example.org")

	b.click("header .wide [href$='/integrations/']")
	b.click(`.kind-card[href*="add_webhook"]`)
	b.fill("dialog #url_down", hook.URL+"/down")
	b.set("dialog [name=method_down]", "POST")
	b.click("dialog fieldset summary")
	b.fill("dialog #body_down", `{"check":$NAME_JSON,"status":"$STATUS"}`)
	b.fill("dialog #name", "Incident bot")
	b.click("dialog .btn.primary")
	b.shows(".flash.ok", "Added")

	row := `.channels li:has([action*="/integrations/%s/"])`
	channels, err := s.ChannelsOf(t.Context(), b.project(s, "jane@example.org"))
	if err != nil || len(channels) != 2 {
		t.Fatalf("channels: %v, %v", channels, err)
	}
	row = fmt.Sprintf(row, channels[1].ID)
	for _, test := range []struct {
		status int
		text   string
	}{{http.StatusNoContent, "was accepted"}, {http.StatusTeapot, "418"}} {
		status <- test.status
		b.click(row + " .do form button")
		b.shows(".flash", test.text)
		<-calls
	}
	b.shoot("integrations-tested", 1280, 900, false)

	b.open("/checks/" + check.Code.String() + "/details/")
	b.see(".who")
	status <- http.StatusOK
	b.ping(ping+"/fail", "")
	method := ""
	body := map[string]string{}
	call := <-calls
	fmt.Sscan(call, &method)
	if err := json.Unmarshal([]byte(call[len(method)+1:]), &body); err != nil || method != "POST" || body["check"] != "My First Check" ||
		body["status"] != "down" {
		t.Errorf("the webhook heard %s (%v)", call, err)
	}

	b.click(`.who [aria-label="Tell Incident bot"]`)
	b.see(`.who [aria-label="Tell Incident bot"][aria-checked=false]`)
	eventually(t, "the switch is stored", func() bool {
		channels, err := s.ChannelsOfCheck(t.Context(), check.ID)
		return err == nil && len(channels) == 1 && channels[0].Kind == "email"
	})
	b.ping(ping, "")
	if c, err := s.CheckByCode(t.Context(), check.Code); err != nil || c.Status != monitor.StatusUp {
		t.Errorf("the check is %+v, %v", c, err)
	}
	b.open("/checks/" + check.Code.String() + "/details/")
	b.see(`.who [aria-label="Tell Incident bot"][aria-checked=false]`)
	if len(calls) != 0 {
		t.Errorf("the webhook that was switched off heard %s", <-calls)
	}
}
