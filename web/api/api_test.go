package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/openapitest"
	"punctual/internal/testkit/testdb"
	"punctual/web/api"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	rwKey     = "hcw_AbCdEfGhIjKlMnOpQrStUvWxYz01"
	roKey     = "hcr_AbCdEfGhIjKlMnOpQrStUvWxYz01"
	legacyKey = "abcdefghijklmnopqrstuvwxyz012345"

	metricsKey = "the metrics key"
)

var returnPaths = mail.NewReturnPaths("secret", "bounces.example.org")

// client calls the API over a real store with two projects.
type client struct {
	*testing.T
	// held against the document
	api http.Handler
	// the same, for what the document does not allow
	bare  http.Handler
	store *store.Store
	clock *testdb.Clock
	mine  store.Account
	other store.Account
	// whom of a disabled channel
	notified []store.Undelivered
}

func (c *client) channelBroken(_ context.Context, u store.Undelivered) error {
	c.notified = append(c.notified, u)
	return nil
}

func each(t *testing.T, test func(c *client)) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) { test(newClient(t, s, clock)) })
}

func newClient(t *testing.T, s *store.Store, clock *testdb.Clock) *client {
	t.Helper()
	c := &client{T: t, store: s, clock: clock, mine: testdb.Account(t, s), other: testdb.Account(t, s, "other@example.org")}
	giveKeys(t, s, c.mine.Project, rwKey, roKey)
	c.other.Project.APIKey = legacyKey
	if err := testdb.PutProject(t.Context(), s, c.other.Project); err != nil {
		t.Fatal(err)
	}
	d := deps(s)
	d.ChannelBroken = c.channelBroken
	c.bare = http.StripPrefix("/api", api.New(d))
	c.api = openapitest.Load(t, d.Document()).Handler(t, c.bare)
	return c
}

func hash(key string) string { return "hash of " + key }

func storedKey(_ context.Context, key string) (string, error) { return hash(key), nil }

func giveKeys(tb testing.TB, s *store.Store, p *monitor.Project, rw, ro string) {
	tb.Helper()
	p.APIKey = hash(rw)
	p.APIKeyReadonly = hash(ro)
	if err := testdb.PutProject(tb.Context(), s, p); err != nil {
		tb.Fatal(err)
	}
}

// deps is what the API stands on in tests.
func deps(s *store.Store) api.Deps {
	return api.Deps{
		Store: s, HashKey: storedKey, SiteURL: "https://p.example.org", PingEndpoint: "https://p.example.org/ping/",
		BadgeURL: badgeLinks().Tag, MetricsKey: metricsKey, ReturnPaths: returnPaths, Log: slog.New(slog.DiscardHandler),
	}
}

// call sends a request with the read-write key and returns status and body. {U}
// is the check of the project, {O} the check of the other one.
func (c *client) call(method, path, body string) (int, string) {
	return c.callAs(rwKey, method, path, body)
}

func (c *client) callAs(key, method, path, body string) (int, string) {
	c.Helper()
	path = strings.NewReplacer("{U}", c.mine.Check.Code.String(), "{O}", c.other.Check.Code.String(), "{KEY}",
		monitor.UniqueKey(c.mine.Check.Code)).Replace(path)
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("X-Api-Key", key)
	}
	w := httptest.NewRecorder()
	c.api.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// object sends a request that must answer status with a JSON object.
func (c *client) object(status int, method, path, body string) map[string]any {
	c.Helper()
	code, text := c.call(method, path, body)
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != status {
		c.Fatalf("%s %s %s: %d %s, want %d and an object", method, path, body, code, text, status)
	}
	return out
}

// docs/conformance.md §1, §2, §5, §7: who may do what, and the answers that are
// fixed.
func TestRefusals(t *testing.T) {
	const missing, wrong = `{"error": "missing api key"}`, `{"error": "wrong api key"}`
	const notObject, unparsable = `{"error": "json validation error: value is not an object"}`, `{"error": "could not parse request body"}`
	cases := []struct {
		key, method, path, body string
		status                  int
		// "" = not looked at
		want string
	}{
		{"", "GET", "/api/v3/checks/", "", 401, missing},
		{"short", "GET", "/api/v3/checks/", "", 401, missing},
		{strings.Repeat("x", 32), "GET", "/api/v1/checks/", "", 401, wrong},
		{roKey, "POST", "/api/v2/checks/", "", 401, wrong},
		{roKey, "DELETE", "/api/v2/checks/{U}", "", 401, wrong},
		{roKey, "GET", "/api/v3/channels/", "", 401, wrong},
		{"", "POST", "/api/v3/checks/", `{"api_key":"` + rwKey + `"}`, 201, ""},
		{"", "POST", "/api/v3/checks/", `{"api_key":17}`, 401, missing},
		{"short", "POST", "/api/v3/checks/", `{"api_key":"` + rwKey + `"}`, 401, missing},
		{"", "POST", "/api/v3/checks/", `{`, 400, unparsable},
		{"", "POST", "/api/v3/checks/", "\xef\xbb\xbf{}", 400, unparsable},
		{"", "POST", "/api/v3/checks/", "[]", 400, notObject},
		{"", "POST", "/api/v3/checks/", "null", 400, notObject},
		{"", "POST", "/api/v3/checks/{U}/pause", "123", 400, notObject},
		{rwKey, "GET", "/api/v3/checks/{O}", "", 403, ""},
		{rwKey, "POST", "/api/v3/checks/{O}", `{"name":1}`, 403, ""},
		{rwKey, "DELETE", "/api/v3/checks/{O}", "", 403, ""},
		{rwKey, "GET", "/api/v3/checks/" + uuid.NewString(), "", 404, ""},
		{rwKey, "GET", "/api/v3/checks/" + strings.Repeat("a", 40), "", 404, ""},
		{rwKey, "GET", "/api/v3/checks/{U}/", "", 404, ""},
		{rwKey, "GET", "/api/v3/checks/nonsense", "", 404, ""},
		{rwKey, "GET", "/api/v4/checks/", "", 404, ""},
		{rwKey, "HEAD", "/api/v3/checks/", "", 405, ""},
		{rwKey, "PUT", "/api/v3/checks/{U}", "", 405, ""},
		{rwKey, "POST", "/api/v3/checks/{KEY}", "", 405, ""},
		{"", "OPTIONS", "/api/v3/checks/", "", 204, ""},
		{rwKey, "POST", "/api/v3/checks/{U}/resume", "", 409, "check is not paused"},
		{legacyKey, "GET", "/api/v3/checks/{O}", "", 200, ""},
		{"", "GET", "/api/v3/status/", "", 200, "OK"},
		{"", "GET", "/api/v3/checks?tag=a", "", 301, ""},
		{"", "POST", "/api/v3/checks", "", 301, ""},
	}
	each(t, func(c *client) {
		for _, k := range cases {
			code, body := c.callAs(k.key, k.method, k.path, k.body)
			if code != k.status || k.want != "" && body != k.want {
				c.Errorf("%s %s %q: %d %s, want %d %s", k.method, k.path, k.body, code, body, k.status, k.want)
			}
		}
	})
}

// docs/conformance.md §4: each validation text.
func TestValidation(t *testing.T) {
	cases := map[string]string{
		`{"name":1}`:    "json validation error: name is not a string",
		`{"name":null}`: "json validation error: name is not a string",
		`{"name":"` + strings.Repeat("ü", 101) + `"}`: "json validation error: name is too long",
		`{"timeout":59}`:                              "json validation error: timeout is too small",
		`{"timeout":31536001}`:                        "json validation error: timeout is too large",
		`{"timeout":99999999999999999999}`:            "json validation error: timeout is too large",
		`{"timeout":60.0}`:                            "json validation error: timeout is not a number",
		`{"timeout":1e3}`:                             "json validation error: timeout is not a number",
		`{"timeout":"60"}`:                            "json validation error: timeout is not a number",
		`{"timeout":true}`:                            "json validation error: timeout is too small",
		`{"grace":[]}`:                                "json validation error: grace is not a number",
		`{"slug":"A"}`:                                "json validation error: slug does not match pattern",
		`{"slug":"a\n"}`:                              "json validation error: slug does not match pattern",
		`{"slug":"` + strings.Repeat("a", 101) + `"}`: "json validation error: slug is too long",
		`{"methods":"GET"}`:                           "json validation error: methods has unexpected value",
		`{"methods":null}`:                            "json validation error: methods has unexpected value",
		`{"manual_resume":1}`:                         "json validation error: manual_resume is not a boolean",
		`{"unique":"name"}`:                           "json validation error: unique is not an array",
		`{"unique":["status"]}`:                       "json validation error: an item in 'unique' has unexpected value",
		`{"schedule":"* * * * * *"}`:                  "json validation error: schedule is not a valid cron or OnCalendar expression",
		`{"schedule":""}`:                             "json validation error: schedule is not a valid cron or OnCalendar expression",
		`{"schedule":"1999-01-01"}`:                   "json validation error: schedule is not a valid cron or OnCalendar expression",
		`{"tz":"europe/riga"}`:                        "json validation error: tz is not a valid timezone",
		`{"tz":"x","name":1,"channels":2}`:            "json validation error: channels is not a string",
		`{"channels":"Bob"}`:                          "invalid channel identifier: Bob",
		`{"channels":","}`:                            "empty channel identifier",
	}
	each(t, func(c *client) {
		for body, want := range cases {
			code, got := c.call("POST", "/api/v3/checks/", body)
			var e struct{ Error string }
			json.Unmarshal([]byte(got), &e)
			if code != 400 || e.Error != want {
				c.Errorf("%s: %d %s, want %s", body, code, got, want)
			}
		}
		checks, _ := testdb.ChecksOf(c.Context(), c.store, c.mine.Project.ID)
		if len(checks) != 1 {
			c.Errorf("%d checks, want none made", len(checks)-1)
		}
	})
}

func TestTheLifeOfACheck(t *testing.T) {
	each(t, func(c *client) {
		made := c.object(201, "POST", "/api/v3/checks/",
			`{"name":"Nightly","slug":"nightly","tags":"db prod","schedule":"0 2 * * *","tz":"Europe/Kiev","grace":1800,"channels":"*","unique":["slug"],"more":null}`)
		id, _ := made["uuid"].(string)
		url := "https://p.example.org/api/v3/checks/" + id
		want := map[string]any{
			"name": "Nightly", "slug": "nightly", "tags": "db prod", "desc": "", "grace": 1800.0, "n_pings": 0.0, "status": "new", "started": false,
			"last_ping": nil, "next_ping": nil, "manual_resume": false, "methods": "", "subject": "", "subject_fail": "",
			"start_kw": "", "success_kw": "", "failure_kw": "", "filter_subject": false, "filter_body": false, "filter_http_body": false,
			"filter_default_fail": false,
			"badge_url":           made["badge_url"], "uuid": id, "ping_url": "https://p.example.org/ping/" + id, "update_url": url,
			"pause_url": url + "/pause", "resume_url": url + "/resume",
			"channels": c.mine.Channel.ID.String(), "schedule": "0 2 * * *", "tz": "Europe/Kyiv",
		}
		diff := cmp.Diff(want, made)
		if diff != "" {
			c.Errorf("made (-want +got):\n%s", diff)
		}
		again := c.object(200, "POST", "/api/v1/checks/", `{"name":"A.B/C Ünïcödé Straße","slug":"nightly","unique":["slug"],"timeout":3600}`)
		if again["uuid"] != id || again["slug"] != "nightly" || again["timeout"] != 3600.0 || again["schedule"] != nil {
			c.Errorf("upsert: %v", again)
		}
		renamed := c.object(200, "POST", "/api/v2/checks/"+id, `{"name":"A.B/C Ünïcödé Straße","subject":"done","channels":""}`)
		if renamed["slug"] != "abc-unicode-strae" || renamed["subject"] != "done" || renamed["filter_subject"] != true ||
			renamed["channels"] != "" {
			c.Errorf("update: %v", renamed)
		}
		got := c.object(200, "GET", "/api/v3/checks/?tag=db&tag=prod", "")
		if len(got["checks"].([]any)) != 1 {
			c.Errorf("by tags: %v", got)
		}
		if got := c.object(200, "GET", "/api/v3/checks/?tag=", ""); len(got["checks"].([]any)) != 0 {
			c.Errorf("by an empty tag: %v", got)
		}
		for range 2 {
			got := c.object(200, "POST", "/api/v3/checks/"+id+"/pause", "")
			if got["status"] != "paused" {
				c.Errorf("pause: %v", got["status"])
			}
		}
		if got := c.object(200, "POST", "/api/v3/checks/"+id+"/resume", "{}"); got["status"] != "new" {
			c.Errorf("resume: %v", got["status"])
		}
		if got := c.object(200, "DELETE", "/api/v3/checks/"+id, ""); got["channels"] != "" {
			c.Errorf("deleted: %v", got)
		}
		code, _ := c.call("GET", "/api/v3/checks/"+id, "")
		if code != 404 {
			c.Errorf("after delete: %d", code)
		}
	})
}

func TestWhatAReadOnlyKeySees(t *testing.T) {
	each(t, func(c *client) {
		_, text := c.callAs(roKey, "GET", "/api/v3/checks/{KEY}", "")
		var got map[string]any
		json.Unmarshal([]byte(text), &got)
		for _, secret := range []string{"uuid", "ping_url", "update_url", "pause_url", "resume_url", "channels"} {
			_, there := got[secret]
			if there {
				c.Errorf("a read-only key sees %s", secret)
			}
		}
		if got["unique_key"] != monitor.UniqueKey(c.mine.Check.Code) {
			c.Errorf("unique_key: %v", got["unique_key"])
		}
		rw := c.object(200, "GET", "/api/v3/checks/{KEY}", "")
		if rw["uuid"] != c.mine.Check.Code.String() {
			c.Errorf("by unique key with the read-write key: %v", rw)
		}
	})
}

// docs/conformance.md §11: the status is that of the moment of asking.
func TestStatusFollowsTheClock(t *testing.T) {
	each(t, func(c *client) {
		c.object(200, "POST", "/api/v3/checks/{U}", `{"timeout":60,"grace":60}`)
		ping := func(kind monitor.PingKind) {
			a := &store.Arrival{Code: c.mine.Check.Code, Ping: monitor.Ping{CreatedAt: c.clock.Now()},
				Classify: func(*monitor.Filter) monitor.PingKind { return kind }}
			if err := c.store.RecordPings(c.Context(), []*store.Arrival{a}); err != nil {
				c.Fatal(err)
			}
		}
		ping(monitor.PingSuccess)
		for _, step := range []struct {
			wait time.Duration
			want string
		}{{58 * time.Second, "up"}, {5 * time.Second, "grace"}, {60 * time.Second, "down"}} {
			c.clock.Advance(step.wait)
			got := c.object(200, "GET", "/api/v3/checks/{U}", "")
			if got["status"] != step.want || got["next_ping"] != "2026-03-01T12:01:00+00:00" {
				c.Errorf("status %v, next ping %v; want %s", got["status"], got["next_ping"], step.want)
			}
		}
		ping(monitor.PingSuccess)
		ping(monitor.PingStart)
		got := c.object(200, "GET", "/api/v1/checks/{U}", "")
		if got["status"] != "started" || got["started"] != true {
			c.Errorf("v1 while running: %v", got["status"])
		}
		if got := c.object(200, "GET", "/api/v3/checks/{U}", ""); got["status"] != "up" || got["next_ping"] != "2026-03-01T12:02:03+00:00" {
			c.Errorf("v3 while running: %v %v", got["status"], got["next_ping"])
		}
	})
}

// A body is bounded before it is known who sends it.
func TestBodiesAreBounded(t *testing.T) {
	each(t, func(c *client) {
		huge := `{"desc":"` + strings.Repeat("x", 1<<20) + `"}`
		for _, key := range []string{rwKey, ""} {
			status, text := c.callAs(key, "POST", "/api/v3/checks/", huge)
			if status != 413 || text != `{"error": "the request body is larger than 1048576 bytes"}` {
				t.Errorf("with the key %q: %d %s", key, status, text)
			}
		}
	})
}
