package kinds_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/testkit/kindtest"
)

const userKey = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"

func pushoverAt(base string) kindtest.Bound {
	env := notify.Env{Client: kindtest.Client(base), SiteRoot: "https://punctual.example.org", SiteName: "Punctual", Now: clock}
	return kindtest.Bind(kindtest.Registry(env, nil), "po")
}

func pushoverConfig(t *testing.T, down, up int) string {
	t.Helper()
	return config(t, map[string]any{"user": userKey, "priority_down": down, "priority_up": up})
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func fields(t *testing.T, h heard) url.Values {
	t.Helper()
	form, err := url.ParseQuery(h.Body)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

const tag = "6b0fcbd59650507ee65f62b4611c5b059107d6b7"

func TestAPushoverMessage(t *testing.T) {
	base, got := standIn(t, answer(200, `{"status":1,"request":"r"}`))
	ev := event(monitor.StatusDown, pushoverConfig(t, 1, 0))
	ev.Check.Name = "Dump <main>"
	ev.Project.Name = "R&D"
	_, err := pushoverAt(base).Send(soon(t), ev)
	if err != nil {
		t.Fatal(err)
	}
	h := <-got
	form := fields(t, h)
	if h.Method != "POST" || h.Path != "/1/messages.json" {
		t.Errorf("%s %s", h.Method, h.Path)
	}
	for name, want := range map[string]string{
		"token": "azGDORePK8gMaC0QOYAMyEEuzJnyUi", "user": userKey, "title": "Dump <main> is DOWN", "html": "1", "priority": "1",
		"url": "https://punctual.example.org/cloaked/" + tag + "/", "url_title": "Open in Punctual", "tags": tag, "retry": "", "expire": "",
	} {
		got := form.Get(name)
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, part := range []string{"No success signal came in time", "<b>Project:</b> R&amp;D\n", "exit status 3", "no space $NAME"} {
		if !strings.Contains(form.Get("message"), part) {
			t.Errorf("%q is not in:\n%s", part, form.Get("message"))
		}
	}
}

func TestALongMessageKeepsTheLimits(t *testing.T) {
	base, got := standIn(t, answer(200, `{"status":1}`))
	ev := event(monitor.StatusDown, pushoverConfig(t, 0, 0))
	ev.Check.Name = strings.Repeat("ü", 300)
	ev.Check.Tags = strings.Repeat("&", 500)
	ev.LastPing.Body = []byte(strings.Repeat("<", 2000))
	_, err := pushoverAt(base).Send(soon(t), ev)
	if err != nil {
		t.Fatal(err)
	}
	form := fields(t, <-got)
	n := len([]rune(form.Get("message")))
	if n > 1024 {
		t.Errorf("message of %d characters", n)
	}
	if n := len([]rune(form.Get("title"))); n > 250 {
		t.Errorf("title of %d characters", n)
	}
}

func TestAnEmergencyRepeatsUntilTheCheckIsUp(t *testing.T) {
	base, got := standIn(t, answer(200, `{"status":1}`))
	n := pushoverAt(base)
	c := pushoverConfig(t, 2, 0)
	_, err := n.Send(soon(t), event(monitor.StatusDown, c))
	if err != nil {
		t.Fatal(err)
	}
	form := fields(t, <-got)
	if form.Get("retry") != "300" || form.Get("expire") != "86400" || form.Get("priority") != "2" {
		t.Errorf("emergency: %v", form)
	}
	if _, err := n.Send(soon(t), event(monitor.StatusUp, c)); err != nil {
		t.Fatal(err)
	}
	cancel := <-got
	message := <-got
	if cancel.Path != "/1/receipts/cancel_by_tag/"+tag+".json" || fields(t, cancel).Get("token") == "" {
		t.Errorf("first %s %s", cancel.Path, cancel.Body)
	}
	m := fields(t, message)
	if m.Get("priority") != "0" || !strings.Contains(m.Get("message"), "was down for 2 hours, 5 minutes") {
		t.Errorf("then %v", m)
	}
}

func TestAnEmergencyEndsEvenWhereUpIsSilent(t *testing.T) {
	base, got := standIn(t, answer(200, `{"status":1}`))
	c := pushoverConfig(t, 2, -3)
	ev := event(monitor.StatusUp, c)
	if !pushoverAt(base).Wants(c, ev.Flip) {
		t.Error("the end is not wanted")
	}
	_, err := pushoverAt(base).Send(soon(t), ev)
	if err != nil {
		t.Fatal(err)
	}
	h := <-got
	if !strings.HasPrefix(h.Path, "/1/receipts/") || len(got) != 0 {
		t.Errorf("%s, and %d more", h.Path, len(got))
	}
}

func TestFailuresOfPushover(t *testing.T) {
	type verdict struct {
		Message string
		Class   notify.Class
	}
	for name, tc := range map[string]struct {
		status int
		body   string
		want   verdict
	}{
		"unknown user": {400, `{"user":"invalid","errors":["user identifier is invalid"],"status":0}`,
			verdict{"Pushover said: user identifier is invalid", notify.Dead}},
		"wrong token": {400, `{"token":"invalid","errors":["application token is invalid"],"status":0}`,
			verdict{"Pushover said: application token is invalid", notify.Operator}},
		"quota is used": {429, `{"errors":["over quota"],"status":0}`, verdict{"Pushover said: over quota", notify.Later}},
		"trouble of it": {500, `{"user":"invalid","errors":["try again"],"status":0}`, verdict{"Pushover said: try again", notify.Later}},
		"trouble":       {500, `<html>`, verdict{"The server answered with status 500.", notify.Later}},
	} {
		base, _ := standIn(t, answer(tc.status, tc.body))
		_, err := pushoverAt(base).Send(soon(t), event(monitor.StatusDown, pushoverConfig(t, 0, 0)))
		e := failure(t, err)
		diff := cmp.Diff(tc.want, verdict{e.Message, e.Class})
		if diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTooManyMessagesWait(t *testing.T) {
	base, got := standIn(t, nil)
	take := func(_ context.Context, bucket, user string, count int, per time.Duration) (bool, time.Duration, error) {
		limited := bucket == "pushover" && user == userKey && count == 6 && per == time.Minute
		return !limited, 9 * time.Second, nil
	}
	n := kindtest.Bind(kindtest.Registry(notify.Env{Client: kindtest.Client(base), Take: take}, nil), "po")
	_, err := n.Send(soon(t), event(monitor.StatusDown, pushoverConfig(t, 0, 0)))
	const waits = "Too many messages to this Pushover user in a minute; this one waits."
	e := failure(t, err)
	if e.RetryAfter != 9*time.Second || e.GivenUp() || e.Message != waits {
		t.Errorf("got %+v", e)
	}
	if len(got) != 0 {
		t.Error("it was sent all the same")
	}
}

func TestTheFormOfPushover(t *testing.T) {
	n := pushoverAt("")
	form := url.Values{"value": {userKey}, "prio": {"2"}, "prio_up": {"-3"}}
	c := roundTrip(t, n, form, form)
	if c != `{"user":"`+userKey+`","priority_down":2,"priority_up":-3}` || n.Summary(c) != "uQiR…" || n.Destination(c) != "pushover" {
		t.Errorf("stored %s", c)
	}
	roundTrip(t, n, url.Values{"value": {userKey}}, url.Values{"value": {userKey}, "prio": {"0"}, "prio_up": {"0"}})
	for field, values := range map[string][]string{"value": {"", "short", userKey + "x", userKey[:29] + "/"}, "prio": {"3", "-4", "x"},
		"prio_up": {"3"}} {
		for _, v := range values {
			wrong := url.Values{"value": {userKey}}
			wrong.Set(field, v)
			wantInvalid(t, n, field, wrong)
		}
	}
	wantInvalid(t, n, "prio", url.Values{"value": {userKey}, "prio": {"-3"}, "prio_up": {"-3"}})
}
