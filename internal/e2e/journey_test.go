package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/smtpsink"
)

var pingURL = `(http://127\.0\.0\.1:\d+/ping/[0-9a-f-]{36})`

// signUp signs up and opens the login link, which link finds; it returns the
// ping URL of the first check.
func signUp(b *browser, address string, link func() string) (ping string) {
	b.Helper()
	status, _, _ := b.post("/accounts/signup/", url.Values{"identity": {address}, "tz": {"Europe/Riga"}})
	if status != 200 {
		b.Fatalf("sign up: %d", status)
	}
	_, page, at := b.get(link())
	if !strings.Contains(page, "My First Check") {
		b.Fatalf("after the login link, at %s: no first check in\n%.2000s", at, page)
	}
	return find(b.T, pingURL, page)
}

// Issue 2, "It is done when", first point: `punctual up` with nothing set but
// where to listen, and nothing but HTTP.
func TestTheFirstFiveMinutes(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		e := newEnv(t, engine)
		p := e.start(t, "up")
		b := e.browser(t)
		ping := signUp(b, "Someone@Example.org", func() string {
			return p.waitFor(`(http://127\.0\.0\.1:\d+/accounts/check_token/[^\s"\\]+)`)[1]
		})

		status, body, _ := b.get(ping)
		if status != 200 || body != "OK" {
			t.Fatalf("ping: %d %s", status, body)
		}
		s := e.store(t)
		check := checkOf(t, s, ping)
		if check.Status != monitor.StatusUp {
			t.Fatalf("after a ping: %s", check.Status)
		}
		_, page, _ := b.get("/checks/" + check.Code.String() + "/details/")
		if !strings.Contains(page, "s-up") {
			t.Error("the details page is not green")
		}

		failed := time.Now()
		b.get(ping + "/fail")
		mail := waitMail(t, s, `^DOWN \| My First Check$`)
		took := time.Since(failed)
		if took > 2*time.Second {
			t.Errorf("the DOWN mail took %s", took)
		}
		if mail.To != "someone@example.org" || !strings.Contains(mail.Text, "The job reported a failure") {
			t.Errorf("DOWN mail to %s:\n%s", mail.To, mail.Text)
		}
		if _, page, _ := b.get(p.mailbox()); !strings.Contains(page, "DOWN | My First Check") {
			t.Error("the mailbox does not show the mail")
		}
		b.get(ping)
		mail = waitMail(t, s, `^UP \| My First Check$`)
		if !regexp.MustCompile(`down for|was down`).MatchString(mail.Text) {
			t.Errorf("the UP mail does not say how long it was down:\n%s", mail.Text)
		}
		code := p.terminate()
		if code != 0 {
			t.Errorf("exit code %d after SIGTERM", code)
		}
	})
}

// Who got a mail that a check is down gets one that it is up, also where somebody
// has paused and resumed it meanwhile.
func TestTheEndOfAFailureIsMailedAcrossAPause(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		e := newEnv(t, engine)
		p := e.start(t, "up")
		b := e.browser(t)
		ping := signUp(b, "someone@example.org", func() string {
			return p.waitFor(`(http://127\.0\.0\.1:\d+/accounts/check_token/[^\s"\\]+)`)[1]
		})
		s := e.store(t)
		b.get(ping + "/fail")
		waitMail(t, s, `^DOWN \| My First Check$`)
		page := "/checks/" + checkOf(t, s, ping).Code.String() + "/"
		for _, change := range []string{"pause/", "resume/"} {
			b.post(page+change, nil)
		}
		_, details, _ := b.get(page + "details/")
		if !strings.Contains(details, "the next ping starts the watching again") {
			t.Errorf("the page after a resume:\n%.2000s", details)
		}
		b.get(ping)
		waitMail(t, s, `^UP \| My First Check$`)
	})
}

func checkOf(t *testing.T, s *store.Store, ping string) *monitor.Check {
	t.Helper()
	c, err := s.CheckByCode(t.Context(), uuid.MustParse(ping[strings.LastIndex(ping, "/")+1:]))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// waitMail waits for a mail in the outbox whose subject matches.
func waitMail(t *testing.T, s *store.Store, subject string) (found monitor.Email) {
	t.Helper()
	re := regexp.MustCompile(subject)
	eventually(t, "a mail "+subject, func() bool {
		mails, err := s.Emails(t.Context(), store.EmailFilter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mails {
			if re.MatchString(m.Subject) {
				mail, err := s.EmailByID(t.Context(), m.ID)
				if err != nil {
					t.Fatal(err)
				}
				found = *mail
				return true
			}
		}
		return false
	})
	return found
}

// Issue 2, second point: serve and sendalerts as two processes, a real SMTP
// server, and a check that simply stays silent.
func TestASilentCheckIsReportedOnceByTwoProcesses(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		sink := smtpsink.New(t, smtpsink.Options{TLS: "none"})
		e := newEnv(t, engine).with(env{"PUNCTUAL_SMTP_HOST": sink.Host(), "PUNCTUAL_SMTP_PORT": strconv.Itoa(sink.Port()),
			"PUNCTUAL_SMTP_TLS": "none"})

		code, _, stderr := e.run(t, "serve")
		if code != 1 || !strings.Contains(stderr, "punctual migrate") {
			t.Fatalf("serve on an empty database: exit %d, %s", code, stderr)
		}
		if code, stdout, stderr := e.run(t, "migrate"); code != 0 || !strings.Contains(stdout, "applied") {
			t.Fatalf("migrate: exit %d, %s%s", code, stdout, stderr)
		}
		serve := e.start(t, "serve")
		if code, _, stderr := e.run(t, "status", "-c", "sendalerts"); code != 1 || !strings.Contains(stderr, "sendalerts") {
			t.Errorf("status without sendalerts: exit %d, %s", code, stderr)
		}
		alerts := e.start(t, "sendalerts")
		eventually(t, "status is silent and well", func() bool {
			code, stdout, stderr := e.run(t, "status")
			return code == 0 && stdout+stderr == ""
		})

		b := e.browser(t)
		ping := signUp(b, "ops@example.org", func() string {
			m := sink.WaitFor(t, func(m smtpsink.Message) bool { return m.SentTo("ops@example.org") })
			return find(t, `(http://127\.0\.0\.1:\d+/accounts/check_token/\S+)`, m.Text)
		})
		b.get(ping)
		s := e.store(t)
		check := checkOf(t, s, ping)
		deadline := aboutToGoDown(t, s, check)

		down := sink.WaitFor(t, func(m smtpsink.Message) bool { return m.Subject() == "DOWN | My First Check" })
		if !strings.Contains(down.Text, "No success signal came in time") {
			t.Errorf("the DOWN mail does not give the reason:\n%s", down.Text)
		}
		if down.Header.Get("List-Unsubscribe") == "" || down.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
			t.Errorf("no one-click unsubscribe: %v", down.Header)
		}
		flips, err := s.Flips(t.Context(), check.ID, store.FlipFilter{Limit: 1})
		if err != nil || !flips[0].CreatedAt.Equal(deadline) || flips[0].Reason != monitor.ReasonTimeout {
			t.Errorf("flip %+v, %v; want it stamped with the deadline %s", flips, err, deadline)
		}
		b.get(ping)
		sink.WaitFor(t, func(m smtpsink.Message) bool { return m.Subject() == "UP | My First Check" })
		for name, p := range map[string]*process{"serve": serve, "sendalerts": alerts} {
			code := p.terminate()
			if code != 0 {
				t.Errorf("%s: exit code %d after SIGTERM", name, code)
			}
		}
	})
}

// aboutToGoDown moves the check into the past so that its deadline comes in a
// moment, and returns the deadline.
func aboutToGoDown(t *testing.T, s *store.Store, c *monitor.Check) (deadline time.Time) {
	t.Helper()
	deadline = s.Now().Add(300 * time.Millisecond)
	_, err := s.UpdateCheck(t.Context(), c.Code, func(e *store.CheckChange) error {
		e.LastPing = deadline.Add(-e.Timeout - e.Grace)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return deadline
}

// Provisioning without a browser: keys from the command line, a check by API,
// a webhook that hears of its failure.
func TestProvisioningWithoutABrowser(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		heard := make(chan string, 10)
		hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			heard <- r.Method + " " + r.URL.String() + " " + string(body)
		}))
		t.Cleanup(hook.Close)
		e := newEnv(t, engine)
		e.start(t, "up")

		var keys struct {
			Project    string `json:"project"`
			APIKey     string `json:"api_key"`
			APIKeyRead string `json:"api_key_readonly"`
			PingKey    string `json:"ping_key"`
		}
		code, stdout, stderr := e.run(t, "project", "create", "--owner", "team@example.org", "--name", "Fleet", "--json")
		if err := json.Unmarshal([]byte(stdout), &keys); code != 0 || err != nil || len(keys.APIKey) != 32 || keys.PingKey == "" {
			t.Fatalf("project create: exit %d, %s%s", code, stdout, stderr)
		}
		s := e.store(t)
		config, _ := json.Marshal(map[string]string{"method_down": "POST", "url_down": hook.URL + "/$SLUG/$STATUS",
			"body_down": "$NAME is $STATUS"})
		err := s.CreateChannel(t.Context(), &monitor.Channel{ProjectID: uuid.MustParse(keys.Project), Kind: "webhook", Name: "hook",
			Config: string(config), Verified: true})
		if err != nil {
			t.Fatal(err)
		}
		status, body := api(t, e, keys.APIKey, "POST", "/api/v3/checks/", `{"name":"Backup","slug":"backup","timeout":60,"channels":"hook"}`)
		if status != 201 || !strings.Contains(body, `"channels":"`) {
			t.Fatalf("create: %d %s", status, body)
		}
		if status, body := api(t, e, keys.APIKeyRead, "GET", "/api/v3/checks/", ""); status != 200 || !strings.Contains(body, `"slug":"backup"`) {
			t.Errorf("list with the read-only key: %d %s", status, body)
		}
		b := e.browser(t)
		if status, body, _ := b.get("/ping/" + keys.PingKey + "/backup/3"); status != 200 || body != "OK" {
			t.Fatalf("ping by slug: %d %s", status, body)
		}
		got := <-heard
		want := "POST /backup/down Backup is down"
		if got != want {
			t.Errorf("the webhook heard %q, want %q", got, want)
		}
	})
}

func api(t *testing.T, e env, key, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, e.site(path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(out)
}
