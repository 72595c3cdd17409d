package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// request sends a request as it is.
func (c *client) request(r *http.Request) *httptest.ResponseRecorder {
	c.Helper()
	w := httptest.NewRecorder()
	c.api.ServeHTTP(w, r)
	return w
}

// list gets the array under the key as a read-write key sees it.
func (c *client) list(key, path string) []map[string]any {
	c.Helper()
	code, text := c.call("GET", path, "")
	var out map[string][]map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != 200 || out[key] == nil {
		c.Fatalf("GET %s: %d %s, want %s", path, code, text, key)
	}
	return out[key]
}

// ping records a ping of the project's check, now.
func (c *client) ping(p monitor.Ping) {
	c.Helper()
	if p.CreatedAt.IsZero() {
		p.CreatedAt = c.clock.Now()
	}
	a := &store.Arrival{Code: c.mine.Check.Code, Ping: p, Classify: func(*monitor.Filter) monitor.PingKind { return p.Kind }}
	if err := c.store.RecordPings(c.Context(), []*store.Arrival{a}); err != nil {
		c.Fatal(err)
	}
}

var rid = uuid.MustParse("0f5b1f0a-6f0e-4c53-8b8a-2d9f4a3f2c11")

func run(n int) uuid.NullUUID {
	if n == 0 {
		return uuid.NullUUID{}
	}
	id := rid
	id[0] = byte(n)
	id[1] = byte(n >> 8)
	return uuid.NullUUID{UUID: id, Valid: true}
}

// docs/contract.md §2.9: a ping in full, and the newest first.
func TestAListOfPings(t *testing.T) {
	each(t, func(c *client) {
		got := c.list("pings", "/api/v3/checks/{U}/pings/")
		if len(got) != 0 {
			c.Errorf("before the first ping: %v", got)
		}
		id := uuid.NullUUID{UUID: rid, Valid: true}
		c.ping(monitor.Ping{Kind: monitor.PingStart, Scheme: "https", Method: "GET", UserAgent: "runitor/1.4", RemoteAddr: "198.51.100.7",
			RID: id})
		c.clock.Advance(633*time.Second + 208102*time.Microsecond)
		status := 3
		c.ping(monitor.Ping{Kind: monitor.PingFail, Scheme: "http", Method: "POST", RID: id, ExitStatus: &status, Body: []byte("disk full")})
		c.clock.Advance(time.Second)
		c.ping(monitor.Ping{Kind: monitor.PingSuccess, Scheme: "email", UserAgent: "Email from a@example.org"})
		url := "https://p.example.org/api/v2/checks/" + c.mine.Check.Code.String() + "/pings/2/body"
		want := []map[string]any{
			{"type": "success", "date": "2026-03-01T12:10:34.208102+00:00", "n": 3.0, "scheme": "email", "remote_addr": nil, "method": "",
				"ua": "Email from a@example.org", "rid": nil, "body_url": nil},
			{"type": "fail", "date": "2026-03-01T12:10:33.208102+00:00", "n": 2.0, "scheme": "http", "remote_addr": nil, "method": "POST", "ua": "",
				"rid": rid.String(), "body_url": url, "duration": 633.21},
			{"type": "start", "date": "2026-03-01T12:00:00+00:00", "n": 1.0, "scheme": "https", "remote_addr": "198.51.100.7", "method": "GET",
				"ua": "runitor/1.4", "rid": rid.String(), "body_url": nil},
		}
		diff := cmp.Diff(want, c.list("pings", "/api/v2/checks/{U}/pings/"))
		if diff != "" {
			c.Errorf("pings (-want +got):\n%s", diff)
		}
	})
}

// docs/contract.md §2.9: which pings show how long a run took.
func TestDurations(t *testing.T) {
	const start, success, fail, log, ign = monitor.PingStart, monitor.PingSuccess, monitor.PingFail, monitor.PingLog, monitor.PingIgn
	type step struct {
		after time.Duration
		kind  monitor.PingKind
		run   int
	}
	// eleven runs, all begun before the page of ten pings
	var parallel []step
	for n := 1; n <= 11; n++ {
		parallel = append(parallel, step{time.Second, start, n})
	}
	for n := 1; n <= 11; n++ {
		parallel = append(parallel, step{time.Second, success, n})
	}
	cases := map[string]struct {
		// 0 = 100
		limit int
		steps []step
		// of n: seconds, the oldest first
		want string
	}{
		"whole seconds": {0, []step{{0, start, 0}, {5 * time.Second, success, 0}}, "2:5.0"},
		"two decimals": {0, []step{{0, start, 0}, {1250 * time.Millisecond, success, 0}, {0, start, 0},
			{499999 * time.Microsecond, fail, 0}}, "2:1.25 4:0.5"},
		"the latest start counts": {0, []step{{0, start, 0}, {time.Second, start, 0}, {time.Second, success, 0}}, "3:1.0"},
		"log and ign do not matter": {0, []step{{0, start, 0}, {time.Second, log, 0}, {time.Second, ign, 0}, {time.Second, fail, 0}},
			"4:3.0"},
		"another run does not end it": {0, []step{{0, start, 1}, {time.Second, success, 2}, {time.Second, success, 1}}, "3:2.0"},
		"no run id is not another's":  {0, []step{{0, start, 1}, {time.Second, success, 0}}, ""},
		"a second end has no start":   {0, []step{{0, start, 1}, {time.Second, success, 1}, {time.Second, fail, 1}}, "2:1.0"},
		"72 hours are too long":       {0, []step{{0, start, 0}, {72 * time.Hour, success, 0}}, ""},
		"a bit less is not":           {0, []step{{0, start, 0}, {72*time.Hour - time.Second, success, 0}}, "2:259199.0"},
		"the start lies before the page": {2, []step{{0, start, 1}, {time.Second, log, 0}, {time.Second, log, 0}, {time.Second, success, 1}},
			"4:3.0"},
		"so does an end in between": {2, []step{{0, start, 1}, {time.Second, fail, 1}, {time.Second, log, 0},
			{time.Second, success, 1}}, ""},
		"and without a run id":               {1, []step{{0, start, 0}, {time.Second, log, 0}, {time.Second, success, 0}}, "3:2.0"},
		"ten starts may lie before the page": {10, parallel, "13:11.0 14:11.0 15:11.0 16:11.0 17:11.0 18:11.0 19:11.0 20:11.0 21:11.0 22:11.0"},
		"with more of them nothing is shown": {11, append(parallel[:11:11], append([]step{{0, log, 0}}, parallel[11:]...)...), ""},
		"that does not go for starts in view": {23, append(parallel[:11:11], append([]step{{0, log, 0}}, parallel[11:]...)...),
			"13:11.0 14:11.0 15:11.0 16:11.0 17:11.0 18:11.0 19:11.0 20:11.0 21:11.0 22:11.0 23:11.0"},
	}
	each(t, func(c *client) {
		for name, k := range cases {
			// A run id that ended a moment ago makes a start late, also after the events were cleared.
			c.clock.Advance(time.Hour)
			c.store.ClearEvents(c.Context(), c.mine.Check.Code)
			c.mine.User.PingLogLimit = 100
			before := c.list("pings", "/api/v3/checks/{U}/pings/")
			check, err := c.store.CheckByCode(c.Context(), c.mine.Check.Code)
			if err != nil || len(before) != 0 {
				c.Fatal(err, before)
			}
			for _, s := range k.steps {
				c.clock.Advance(s.after)
				c.ping(monitor.Ping{Kind: s.kind, RID: run(s.run)})
			}
			// pings that are hidden but not pruned yet
			if k.limit > 0 {
				c.mine.User.PingLogLimit = k.limit
			}
			if err := testdb.PutUser(c.Context(), c.store, c.mine.User); err != nil {
				c.Fatal(err)
			}
			var got []string
			_, text := c.call("GET", "/api/v3/checks/{U}/pings/", "")
			var answer struct {
				Pings []struct {
					N        int64
					Duration json.Number
				}
			}
			if err := json.Unmarshal([]byte(text), &answer); err != nil {
				c.Fatal(err)
			}
			for _, p := range answer.Pings {
				if p.Duration != "" {
					got = append([]string{fmt.Sprintf("%d:%s", p.N-check.NPings, p.Duration)}, got...)
				}
			}
			if k.limit > 0 && len(answer.Pings) > k.limit {
				c.Errorf("%s: %d pings, want %d", name, len(answer.Pings), k.limit)
			}
			if strings.Join(got, " ") != k.want {
				c.Errorf("%s: %q, want %q", name, strings.Join(got, " "), k.want)
			}
			c.mine.User.PingLogLimit = 100
			testdb.PutUser(c.Context(), c.store, c.mine.User)
		}
	})
}

// docs/conformance.md §8: only so many pings are shown, and their bodies go with
// them.
func TestPingsBeyondTheLimit(t *testing.T) {
	each(t, func(c *client) {
		for n := range 5 {
			c.ping(monitor.Ping{Kind: monitor.PingSuccess, Body: fmt.Appendf(nil, "\x00\xffbody %d", n+1)})
		}
		c.ping(monitor.Ping{Kind: monitor.PingLog})
		c.mine.User.PingLogLimit = 3
		if err := testdb.PutUser(c.Context(), c.store, c.mine.User); err != nil {
			c.Fatal(err)
		}
		got := c.list("pings", "/api/v1/checks/{U}/pings/")
		if len(got) != 3 || got[0]["n"] != 6.0 || got[2]["n"] != 4.0 {
			c.Errorf("pings: %v", got)
		}
		for _, k := range []struct {
			n      string
			status int
		}{{"4", 200}, {"04", 200}, {"5", 200}, {"3", 404}, {"6", 404}, {"7", 404}, {"0", 404}, {"-1", 404}, {"x", 404}, {"4.0", 404},
			{"99999999999999999999", 404}} {
			r := httptest.NewRequest("GET", "/api/v3/checks/"+c.mine.Check.Code.String()+"/pings/"+k.n+"/body", nil)
			r.Header.Set("X-Api-Key", rwKey)
			w := c.request(r)
			if w.Code != k.status {
				c.Errorf("body of %s: %d, want %d", k.n, w.Code, k.status)
			}
			cors := w.Header().Get("Access-Control-Allow-Origin")
			if (cors == "*") != (k.status == 200) {
				c.Errorf("body of %s: CORS %q", k.n, cors)
			}
			if k.status == 200 && (w.Header().Get("Content-Type") != "text/plain" || !strings.HasPrefix(w.Body.String(), "\x00\xffbody ")) {
				c.Errorf("body of %s: %q %q", k.n, w.Header().Get("Content-Type"), w.Body)
			}
		}
	})
}

// docs/contract.md §2.10.
func TestAListOfFlips(t *testing.T) {
	each(t, func(c *client) {
		c.clock.Advance(300 * time.Millisecond)
		// 12:00:00.3
		c.ping(monitor.Ping{Kind: monitor.PingSuccess})
		c.clock.Advance(time.Minute)
		// 12:01:00.3
		c.ping(monitor.Ping{Kind: monitor.PingFail})
		c.clock.Advance(time.Minute)
		c.object(200, "POST", "/api/v3/checks/{U}/pause", "")
		c.clock.Advance(time.Minute)
		// 12:03:00.3
		c.object(200, "POST", "/api/v3/checks/{U}/resume", "")
		noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Unix()
		cases := []struct {
			query string
			// minute:up
			want string
		}{
			{"", "03:0 02:0 01:0 00:1"},
			{"seconds=60", "03:0 02:0"}, {"seconds=0", "03:0 02:0 01:0 00:1"}, {"seconds=", "03:0 02:0 01:0 00:1"},
			{"seconds=31536000", "03:0 02:0 01:0 00:1"},
			{"start=0", "03:0 02:0 01:0 00:1"}, {"end=0", ""}, {"end=10000000000", "03:0 02:0 01:0 00:1"},
			{fmt.Sprintf("start=%d", noon+61), "03:0 02:0"}, {fmt.Sprintf("end=%d", noon+61), "01:0 00:1"},
			{fmt.Sprintf("start=%d&end=%d", noon+60, noon+120), "01:0"},
			{fmt.Sprintf("start=%d&seconds=60", noon), "03:0 02:0"}, {fmt.Sprintf("start=%d&seconds=60", noon+180), "03:0"},
			{"other=x", "03:0 02:0 01:0 00:1"},
		}
		for _, k := range cases {
			for _, address := range []string{"{U}", "{KEY}"} {
				for _, key := range []string{rwKey, roKey} {
					code, text := c.callAs(key, "GET", "/api/v3/checks/"+address+"/flips/?"+k.query, "")
					var answer struct {
						Flips []struct {
							Timestamp string
							Up        int
						}
					}
					if err := json.Unmarshal([]byte(text), &answer); err != nil || code != 200 {
						c.Errorf("%s %s: %d %s", address, k.query, code, text)
						continue
					}
					var got []string
					for _, f := range answer.Flips {
						if !strings.HasPrefix(f.Timestamp, "2026-03-01T12:0") || !strings.HasSuffix(f.Timestamp, ":00+00:00") {
							c.Errorf("timestamp %s", f.Timestamp)
						}
						got = append(got, fmt.Sprintf("%s:%d", f.Timestamp[14:16], f.Up))
					}
					if strings.Join(got, " ") != k.want {
						c.Errorf("%s %s: %q, want %q", address, k.query, strings.Join(got, " "), k.want)
					}
				}
			}
		}
		for _, query := range []string{
			"seconds=x", "seconds=-1", "seconds=31536001", "seconds=1.5", "seconds=99999999999999999999",
			"start=", "start=x", "start=-1", "start=10000000001", "end=", "end=x", "end=1.5", "end=10000000001", "start=0&end=x",
		} {
			code, text := c.call("GET", "/api/v3/checks/{U}/flips/?"+query, "")
			if code != 400 || text != "" {
				c.Errorf("%s: %d %q, want an empty 400", query, code, text)
			}
		}
	})
}

// docs/conformance.md §1, §2: who may see what happened, and the redirects.
func TestWhoMaySeeEvents(t *testing.T) {
	const missing, wrong = `{"error": "missing api key"}`, `{"error": "wrong api key"}`
	each(t, func(c *client) {
		c.ping(monitor.Ping{Kind: monitor.PingSuccess, Body: []byte("hi")})
		upper := strings.ToUpper(c.mine.Check.Code.String())
		nobody := uuid.NewString()
		cases := []struct {
			key, method, path string
			status            int
			// "" = not looked at
			body string
		}{
			{roKey, "GET", "/api/v3/checks/{U}/pings/", 401, wrong},
			{roKey, "GET", "/api/v3/checks/{U}/pings/1/body", 401, wrong},
			{"", "GET", "/api/v3/checks/{U}/pings/", 401, missing},
			{"", "GET", "/api/v3/checks/{U}/flips/", 401, missing},
			{roKey, "GET", "/api/v3/checks/{U}/flips/", 200, ""},
			{rwKey, "GET", "/api/v3/checks/{KEY}/pings/", 404, ""},
			{rwKey, "GET", "/api/v3/checks/{O}/pings/", 403, ""},
			{rwKey, "GET", "/api/v3/checks/{O}/pings/1/body", 403, ""},
			{rwKey, "GET", "/api/v3/checks/{O}/flips/", 403, ""},
			{legacyKey, "GET", "/api/v3/checks/{KEY}/flips/", 404, ""},
			{rwKey, "GET", "/api/v3/checks/" + nobody + "/pings/", 404, ""},
			{rwKey, "GET", "/api/v3/checks/" + nobody + "/flips/", 404, ""},
			{rwKey, "GET", "/api/v3/checks/" + upper + "/pings/", 404, ""},
			{rwKey, "GET", "/api/v3/checks/{U}/pings/1/body/", 404, ""},
			{rwKey, "GET", "/api/v3//checks/{U}/flips/", 404, ""},
			{rwKey, "POST", "/api/v3/checks/{U}/pings/", 405, ""},
			{rwKey, "HEAD", "/api/v3/checks/{U}/flips/", 405, ""},
			{"", "PUT", "/api/v3/checks/{U}/pings/1/body", 405, ""},
			{"", "OPTIONS", "/api/v3/checks/{KEY}/flips/", 204, ""},
		}
		for _, k := range cases {
			code, body := c.callAs(k.key, k.method, k.path, "")
			if code != k.status || k.body != "" && body != k.body {
				c.Errorf("%s %s: %d %s, want %d %s", k.method, k.path, code, body, k.status, k.body)
			}
		}
	})
}

// docs/conformance.md §1: every list without its last slash, whatever the method.
func TestTheSlashIsAdded(t *testing.T) {
	each(t, func(c *client) {
		code := c.mine.Check.Code.String()
		key := monitor.UniqueKey(c.mine.Check.Code)
		for _, path := range []string{"checks", "channels", "metrics", "status", "bounces", "checks/" + code + "/pings",
			"checks/" + code + "/flips", "checks/" + key + "/flips"} {
			for _, version := range []string{"v1", "v2", "v3"} {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
					target := "/api/" + version + "/" + path
					w := c.request(httptest.NewRequest(method, target+"?tag=a%20b&x", nil))
					location := w.Header().Get("Location")
					if w.Code != 301 || location != target+"/?tag=a%20b&x" || w.Body.Len() > 0 || w.Header().Get("Access-Control-Allow-Origin") != "" {
						c.Errorf("%s %s: %d to %q, %q", method, target, w.Code, location, w.Body)
					}
				}
			}
		}
		// a path in SITE_ROOT
		r := httptest.NewRequest("GET", "/cron/api/v3/checks", nil)
		w := httptest.NewRecorder()
		http.StripPrefix("/cron", c.bare).ServeHTTP(w, r)
		if w.Header().Get("Location") != "/cron/api/v3/checks/" {
			c.Errorf("under a path: %q", w.Header().Get("Location"))
		}
	})
}

// docs/contract.md §6: a key as programs like to send it.
func TestBearer(t *testing.T) {
	each(t, func(c *client) {
		cases := []struct {
			method, body, header, bearer string
			status                       int
		}{
			{"GET", "", "", "Bearer " + rwKey, 200},
			{"GET", "", "", "bearer " + roKey, 200},
			{"GET", "", "", "Basic " + rwKey, 401},
			{"GET", "", "", "Bearer", 401},
			{"GET", "", roKey, "Bearer nonsense", 200},
			{"GET", "", "nonsense", "Bearer " + rwKey, 401},
			{"POST", "{}", "", "Bearer " + rwKey, 201},
			{"POST", "{}", "", "Bearer " + roKey, 401},
			{"POST", `{"api_key":"` + rwKey + `"}`, "", "Bearer of somebody else", 201},
			{"POST", `{"api_key":"short"}`, "", "Bearer " + rwKey, 401},
		}
		for _, k := range cases {
			r := httptest.NewRequest(k.method, "/api/v3/checks/", strings.NewReader(k.body))
			r.Header.Set("Authorization", k.bearer)
			if k.header != "" {
				r.Header.Set("X-Api-Key", k.header)
			}
			w := c.request(r)
			if w.Code != k.status {
				c.Errorf("%s %s X-Api-Key %q, %q: %d, want %d", k.method, k.body, k.header, k.bearer, w.Code, k.status)
			}
		}
	})
}

// A ping whose body was not kept is one without a body, and counts.
func TestAPingWhoseBodyWasNotKept(t *testing.T) {
	each(t, func(c *client) {
		a := &store.Arrival{
			Code:     c.mine.Check.Code,
			Ping:     monitor.Ping{CreatedAt: c.clock.Now(), Scheme: "https", Method: "POST", Body: []byte("ERROR")},
			Classify: func(*monitor.Filter) monitor.PingKind { return monitor.PingFail },
			KeepBody: func(project uuid.UUID, size int) bool { return project != c.mine.Project.ID || size != 5 },
		}
		if err := c.store.RecordPings(c.Context(), []*store.Arrival{a}); err != nil {
			c.Fatal(err)
		}
		got := c.list("pings", "/api/v3/checks/{U}/pings/")
		if len(got) != 1 || got[0]["type"] != "fail" || got[0]["body_url"] != nil {
			c.Errorf("listed as %v", got)
		}
		code, _ := c.call("GET", "/api/v3/checks/{U}/pings/1/body", "")
		if code != http.StatusNotFound {
			c.Errorf("its body: %d", code)
		}
		check := c.object(200, "GET", "/api/v3/checks/{U}", "")
		if check["status"] != "down" || check["n_pings"] != 1.0 {
			c.Errorf("the check: %v", check)
		}
	})
}
