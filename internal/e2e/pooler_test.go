package e2e

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/internal/testkit/smtpsink"
)

// TestThroughPgBouncer: in transaction mode each transaction may run in another
// session of the server, and what was prepared or set in one is not there in the next.
func TestThroughPgBouncer(t *testing.T) {
	t.Parallel()
	sink := smtpsink.New(t, smtpsink.Options{TLS: "none"})
	e := newEnv(t, db.Postgres).with(env{"PUNCTUAL_SMTP_HOST": sink.Host(), "PUNCTUAL_SMTP_PORT": strconv.Itoa(sink.Port()),
		"PUNCTUAL_SMTP_TLS": "none"})
	e = e.with(env{"PUNCTUAL_DATABASE_URL": pgtest.PgBouncer(t, e["PUNCTUAL_DATABASE_URL"])})
	for range 2 {
		code, _, stderr := e.run(t, "migrate")
		if code != 0 {
			t.Fatalf("migrate: exit %d\n%s", code, stderr)
		}
	}
	serve := e.start(t, "serve")
	alerts := e.start(t, "sendalerts")
	serve.waitFor("a connection pooler stands before PostgreSQL")

	s := e.store(t)
	u := newUser(t, e, s)
	var calls sync.WaitGroup
	for i := range 40 {
		calls.Go(func() {
			name := "job-" + strconv.Itoa(i)
			status, body := api(t, e, u.APIKey, "POST", "/api/v3/checks/", `{"name":"`+name+`","slug":"`+name+`","channels":"*","unique":["slug"]}`)
			if status != http.StatusCreated && status != http.StatusOK {
				t.Errorf("create %s: %d %s", name, status, body)
			}
			for _, path := range []string{"/api/v3/checks/", "/api/v3/checks/?slug=" + name, "/api/v3/channels/", "/api/v3/badges/"} {
				status, body := api(t, e, u.APIKey, "GET", path, "")
				if status != http.StatusOK {
					t.Errorf("%s: %d %s", path, status, body)
				}
			}
			for _, suffix := range []string{"/start", "", "/log", "/0"} {
				status, body := api(t, e, "", "POST", "/ping/"+u.PingKey+"/"+name+suffix, "output")
				if status != http.StatusOK {
					t.Errorf("ping %s%s: %d %s", name, suffix, status, body)
				}
			}
		})
	}
	calls.Wait()

	// The watcher finds a deadline that passes, and a failure is announced with the next poll.
	var silent struct{ UUID string }
	_, body := api(t, e, u.APIKey, "POST", "/api/v3/checks/", `{"name":"Silent","channels":"*"}`)
	err := json.Unmarshal([]byte(body), &silent)
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	c := &check{u, silent.UUID, e.site("/ping/" + silent.UUID)}
	api(t, e, "", "GET", "/ping/"+c.UUID, "")
	aboutToGoDown(t, s, c.load())
	api(t, e, "", "GET", "/ping/"+u.PingKey+"/job-7/fail", "")
	for _, name := range []string{"Silent", "job-7"} {
		sink.WaitFor(t, func(m smtpsink.Message) bool { return m.Subject() == "DOWN | "+name })
	}
	for name, p := range map[string]*process{"serve": serve, "sendalerts": alerts} {
		if strings.Contains(p.log(), `"level":"ERROR"`) {
			t.Errorf("%s has errors: %s", name, p.notable())
		}
		code := p.terminate()
		if code != 0 {
			t.Errorf("%s: exit code %d", name, code)
		}
	}
}
