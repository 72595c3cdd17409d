package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/smtpsink"
)

// linesOf are those of the log with the message, as JSON.
func (p *process) linesOf(msg string) (list []map[string]any) {
	p.Helper()
	for line := range strings.Lines(p.log()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			p.Fatalf("%s: %v", line, err)
		}
		if l["msg"] == msg {
			list = append(list, l)
		}
	}
	return list
}

// logged waits for a line of the log with the message and the values.
func (p *process) logged(msg string, want map[string]any) (found map[string]any) {
	p.Helper()
	eventually(p.T, "the log has a line “"+msg+"” as wanted", func() bool {
		for _, l := range p.linesOf(msg) {
			fits := true
			for key, value := range want {
				fits = fits && l[key] == value
			}
			if fits {
				found = l
				return true
			}
		}
		return false
	})
	return found
}

// One id leads from the log to the answer, the mail and the other side of a
// webhook and back, and nothing that opens anything is in the log, however much
// of it is wanted (docs/logs.md).
func TestTheLogTiesThingsTogetherAndKeepsSecrets(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		sink := smtpsink.New(t, smtpsink.Options{TLS: "none"})
		heard := make(chan string, 20)
		hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.Header.Get("Idempotency-Key") }))
		t.Cleanup(hook.Close)
		const secret = "hunter2hunter2hunter2hunter2"
		e := newEnv(t, engine).with(env{
			"PUNCTUAL_LOG_LEVEL": "debug", "PUNCTUAL_SMTP_HOST": sink.Host(), "PUNCTUAL_SMTP_PORT": strconv.Itoa(sink.Port()),
			"PUNCTUAL_SMTP_TLS":   "none",
			"PUNCTUAL_SECRET_KEY": secret + "-key-of-the-site", "PUNCTUAL_STATUS_TOKENS": secret + "-token", "PUNCTUAL_METRICS_KEY": secret,
			"PUNCTUAL_PUSHOVER_API_TOKEN": secret,
		})
		p := e.start(t, "up")
		b := e.browser(t)

		// A mail with a login link.
		status, _, _ := b.post("/accounts/signup/", url.Values{"identity": {"someone@example.org"}, "tz": {"Europe/Riga"}})
		if status != 200 {
			t.Fatalf("sign up: %d", status)
		}
		login := sink.Wait(t, 1)[0]
		link := find(t, `(http://127\.0\.0\.1:\d+/accounts/check_token/[^\s"\\]+)`, login.Text)
		_, page, _ := b.get(link)
		ping := find(t, pingURL, page)
		id, err := login.Header.MessageID()
		if err != nil {
			t.Fatal(err)
		}
		queued := p.logged("mail queued", map[string]any{"message_id": id, "kind": "login"})
		p.logged("request", map[string]any{"request_id": queued["request_id"], "method": "POST", "path": "/accounts/signup/"})
		p.logged("mail", map[string]any{"message_id": id, "outcome": "sent"})

		// Requests, with secrets wherever there is room for one.
		s := e.store(t)
		u := newUser(t, e, s)
		c := u.check()
		for _, request := range []string{
			"GET /api/v3/checks/" + c.UUID, "GET /api/v3/checks/" + c.UUID + "/pings/", "POST /api/v3/checks/" + c.UUID,
			"POST /api/v3/checks/" + c.UUID + "/pause",
			"GET /api/v3/nothing/" + c.UUID, "GET /api/v3/metrics/?key=" + secret, "GET /api/v3/checks/?api_key=" + u.APIKey,
			"GET /pign/" + c.UUID + "/fail", "GET /" + u.PingKey + "/job", "GET /ping/" + c.UUID + "/" + secret,
			"GET /ping/" + secret + "/" + u.PingKey, "GET /ping/" + u.PingKey + "/nothing",
			"GET /docs/" + secret + "/", "GET /checks/" + c.UUID + "/details/", "GET /cloaked/" + secret + "/",
			"GET /badge/" + u.PingKey + "/" + secret + "/x.svg",
			"GET /projects/" + u.Project + "/metrics/" + u.APIKeyReadonly, "GET /projects/" + u.Project + "/checks/metrics/" + secret,
			"GET /metrics?watchman-token=" + secret, "GET /integrations/" + uuid.NewString() + "/unsub/" + secret + "/",
			"GET /wall/" + uuid.NewString() + "/" + secret + "/",
			"GET /accounts/check_token/" + uuid.NewString() + "/" + secret + "/", "GET /mailbox/" + secret + "/", "GET /?token=" + secret,
		} {
			method, path, _ := strings.Cut(request, " ")
			r, err := http.NewRequestWithContext(t.Context(), method, e.site(path),
				strings.NewReader(`{"api_key":"`+secret+`","password":"`+secret+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{"X-Api-Key": u.APIKey, "Authorization": "Bearer " + secret + "-token",
				"Cookie": "punctual=" + secret, "X-Request-Id": "the-proxy-has-" + strconv.Itoa(len(path))} {
				r.Header.Set(name, value)
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		}
		unique := monitor.UniqueKey(uuid.MustParse(c.UUID))
		path := "/api/v3/checks/" + unique + "/pause"
		p.logged("request", map[string]any{"path": path, "status": 200.0, "project": u.Project,
			"request_id": "the-proxy-has-" + strconv.Itoa(len("/api/v3/checks/"+c.UUID+"/pause"))})

		// Alerts: by webhook to one who listens and to one who does not, and by mail.
		dead := httptest.NewServer(http.NotFoundHandler())
		dead.Close()
		for name, target := range map[string]string{"listens": hook.URL, "is gone": dead.URL} {
			config, _ := json.Marshal(map[string]string{"method_down": "GET",
				"url_down": target + "/" + secret + "?token=" + secret + "&check=$CODE"})
			if err := s.CreateChannel(t.Context(), &monitor.Channel{ProjectID: uuid.MustParse(u.Project), Kind: "webhook", Name: name,
				Config: string(config), Verified: true}); err != nil {
				t.Fatal(err)
			}
		}
		u.call(200, "POST /api/v3/checks/"+c.UUID, `{"channels":"*"}`)
		u.call(200, "POST /api/v3/checks/"+c.UUID+"/resume", "")
		u.send(200, "POST /ping/"+c.UUID+"/fail", secret)
		p.logged("ping", map[string]any{"check": unique, "kind": "fail", "status": 200.0})
		u.send(200, "GET /ping/"+u.PingKey+"/job/start", "")
		p.logged("ping", map[string]any{"slug": "job", "kind": "start", "status": 200.0})
		key := <-heard
		line := p.logged("delivery", map[string]any{"delivery": key, "outcome": "sent", "kind": "webhook", "check": unique, "project": u.Project,
			"attempt": 1.0})
		took, ok := line["duration_ms"].(float64)
		if !ok || took <= 0 {
			t.Errorf("%v", line)
		}
		p.logged("delivery", map[string]any{"outcome": "retry", "error": "The server refused the connection.", "check": unique})
		b.get(ping + "/fail")
		alert := sink.WaitFor(t, func(m smtpsink.Message) bool {
			return strings.HasPrefix(m.Subject(), "DOWN") && m.SentTo("someone@example.org")
		})
		id, err = alert.Header.MessageID()
		if err != nil {
			t.Fatal(err)
		}
		delivery, _, _ := strings.Cut(id, "@")
		p.logged("delivery", map[string]any{"delivery": delivery, "outcome": "sent", "kind": "email"})
		unsubscribe := regexp.MustCompile(`/unsub/([^/\s>]+)/`).FindStringSubmatch(string(alert.Raw))
		if unsubscribe != nil {
			b.get(find(t, `(http://127\.0\.0\.1:\d+/integrations/[0-9a-f-]+/unsub/[^/\s>]+/)`, string(alert.Raw)))
			p.logged("request", map[string]any{"route": "/integrations/{channel}/unsub/{signed}", "status": 200.0})
		} else {
			t.Error("the alert has no link to unsubscribe")
		}

		log := p.log()
		for what, text := range map[string]string{
			"a secret": secret, "the code of a check": c.UUID, "the code of the first check": ping[strings.LastIndex(ping, "/")+1:],
			"the login link": strings.Split(link, "/")[6],
			"the API key":    u.APIKey, "the read-only key": u.APIKeyReadonly, "the ping key": u.PingKey,
			"the link to unsubscribe": find(t, `/unsub/([^/\s>]+)/`, string(alert.Raw)), "the secret key of the tests": "an e2e secret",
		} {
			if text == "" || strings.Contains(log, text) {
				t.Errorf("the log has %s: %s", what, regexp.MustCompile(`.*`+regexp.QuoteMeta(text)+`.*`).FindString(log))
			}
		}
	})
}
