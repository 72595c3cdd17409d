package conformance

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// history is §8: pings, bodies and flips.
func history() []line {
	return []line{
		{1, "the list of pings", standing, func(c *client) {
			c.change(func(u *monitor.User) { u.PingLogLimit = 5 })
			k := c.make("{}")
			c.same("no pings", c.get(k.path()+"/pings/").body, `{"pings":[]}`)
			for range 8 {
				k.ping("/log")
			}
			var got []string
			for _, p := range k.pings() {
				got = append(got, fmt.Sprint(p["n"]))
			}
			c.same("newest first", strings.Join(got, " "), "8 7 6 5 4")
			if c.version == "v3" {
				c.change(func(u *monitor.User) { u.PingLogLimit = 2000 })
				k.record(1005)
				c.same("at most", fmt.Sprint(len(k.pings())), "1000")
			}
			c.as(c.ro).get(k.path() + "/pings/").is("401w")
			c.get("/api/{V}/checks/{K}/pings/").is("404p")
			c.get("/api/{V}/checks/{OTHER}/pings/").is("403e")
			c.get("/api/{V}/checks/{NONE}/pings/").is("404p")
		}},
		{2, "a ping", standing, func(c *client) {
			k := c.make("{}")
			const rid = "0f5b1f0a-6f0e-4c53-8b8a-2d9f4a3f2c11"
			k.ping("/start?rid=" + strings.ToUpper(rid))
			c.send("PUT", "/ping/"+k.code+"/log", "text", "User-Agent: runner/1.0", "X-Forwarded-For: 198.51.100.7",
				"X-Forwarded-Proto: https").is("200 OK")
			c.get("/ping/"+k.code+"/fail", "X-Forwarded-For: nonsense").is("200 OK")
			const date = "2026-03-01T12:00:00.123456+00:00"
			pings := k.pings()
			if len(pings) != 3 {
				c.Fatalf("%d pings, want 3", len(pings))
			}
			pings[0].shows(c, "type", "fail", "n", 3, "date", date, "method", "GET", "scheme", "http", "remote_addr", nil, "rid", nil, "body_url",
				nil)
			pings[1].shows(c, "type", "log", "n", 2, "date", date, "method", "PUT", "scheme", "https", "remote_addr", "198.51.100.7", "ua",
				"runner/1.0", "rid", nil, "duration", absent)
			pings[2].shows(c, "type", "start", "n", 1, "date", date, "method", "POST", "scheme", "http", "remote_addr", "127.0.0.1", "rid", rid,
				"body_url", nil, "duration", absent)
			for _, p := range pings {
				keys := len(p)
				if keys != 9 {
					c.Errorf("%d keys in %v, want 9", keys, p)
				}
			}
			c.change(func(u *monitor.User) { u.PingLogLimit = 1000 })
			c.same("types", c.make(`{"methods":"POST"}`).after("", "/start", "/fail", "/log", "GET").kinds(), "success start fail log ign")
		}},
		{3, "durations", moving, func(c *client) {
			const a, b = "?rid=aaaaaaaa-6f0e-4c53-8b8a-2d9f4a3f2c11", "?rid=bbbbbbbb-6f0e-4c53-8b8a-2d9f4a3f2c11"
			const d = "?rid=dddddddd-6f0e-4c53-8b8a-2d9f4a3f2c11"
			k := c.make("{}")
			took := func(what string, want any, steps ...any) {
				c.Helper()
				for _, s := range steps {
					switch s := s.(type) {
					case string:
						k.after(s)
					case time.Duration:
						c.advance(s)
					}
				}
				got, there := k.last()["duration"]
				if !there {
					got = absent
				}
				if got != want {
					c.Errorf("%s: duration %v, want %v", what, got, want)
				}
			}
			const s = time.Second
			took("no start", absent, "")
			took("two decimals", 1.23, "/start", 1234567*time.Microsecond, "")
			took("a second end", absent, s, "")
			took("a failure", 2.5, "/start", 2500*time.Millisecond, "/fail")
			took("the latest start", 1.0, "/start", 5*s, "/start", s, "")
			took("a log between", 4.0, "/start", s, "/log", 3*s, "")
			took("same run id", 3.0, "/start"+a, s, "/start"+b, 2*s, a)
			took("the other run", 4.0, 2*s, b)
			// Not a again: its start would be a late one, of the run that has just ended.
			took("other run ids do not pair", absent, "/start"+d, s, b)
			took("none does not pair with one", absent, s, "")
			took("ended long before", 3.0, s, d)
			took("one does not pair with none", absent, "/start", s, "/fail"+d)
			took("at 72 hours", absent, 72*time.Hour, "/start", 72*time.Hour, "")
			took("below 72 hours", 72*3600.0-1, "/start", 72*time.Hour-s, "")
			k = c.make(`{"methods":"POST"}`)
			took("an ignored one between", 2.0, "/start", s, "GET", s, "")

			// Ten starts beyond the page are looked for, with eleven nothing is shown.
			for beyond, want := range map[int]any{10: 1.0, 11: absent} {
				c.change(func(u *monitor.User) { u.PingLogLimit = beyond + 2 })
				k = c.make("{}")
				rid := func(i int) string { return fmt.Sprintf("?rid=%08x-6f0e-4c53-8b8a-2d9f4a3f2c11", i) }
				for i := range beyond {
					k.ping("/start" + rid(i))
				}
				for i := range beyond {
					k.ping(rid(i))
				}
				took(fmt.Sprint(beyond, " starts beyond the page"), want, "/start", s, "")
				oldest := k.pings()[beyond+1]
				oldest.shows(c, "n", beyond+1)
				_, shown := oldest["duration"]
				if shown != (want == 1.0) {
					c.Errorf("%d starts beyond the page: the duration of %v", beyond, oldest)
				}
			}
		}},
		{4, "body_url", standing, func(c *client) {
			k := c.make("{}")
			k.ping("", "text")
			k.last().shows(c, "body_url", c.fill("{API}/checks/")+k.code+"/pings/1/body")
			k.ping("")
			k.last().shows(c, "body_url", nil)
		}},
		{5, "the body", standing, func(c *client) {
			c.change(func(u *monitor.User) { u.PingLogLimit = 3 })
			k := c.make("{}")
			binary := "\x00\xff\xfe<b>\r\n\x80"
			k.ping("", "pushed out of the log")
			k.ping("/log")
			k.ping("/fail", binary)
			k.ping("/start", "äöü")
			body := func(n string) *answer { return c.get(k.path() + "/pings/" + n + "/body") }
			body("3").is("200 "+binary).has("Content-Type", "text/plain").has("Access-Control-Allow-Origin", "*")
			body("4").is("200 äöü")
			body("03").is("200 " + binary)
			for _, n := range []string{"1", "2", "5", "99999999999999999999999", "0", "x", "-1", "3.0", ""} {
				body(n).is("404p")
			}
			c.get("/api/{V}/checks/{OTHER}/pings/1/body").is("403e")
			c.get("/api/{V}/checks/{NONE}/pings/1/body").is("404p")
			c.get("/api/{V}/checks/{K}/pings/1/body").is("404p")
		}},
		{6, "the list of flips", moving, func(c *client) {
			k := c.make("{}")
			k.ping("")
			up := c.now(0)
			c.advance(90 * time.Second)
			k.ping("/fail")
			down := c.now(0)
			want := `{"flips":[{"timestamp":"` + down + `","up":0},{"timestamp":"` + up + `","up":1}]}`
			for _, version := range []string{"v1", "v2", "v3"} {
				for _, key := range []string{c.rw, c.ro} {
					for _, name := range []string{k.code, uniqueKey(k.stored().Code)} {
						c.same("flips", c.as(key).get("/api/"+version+"/checks/"+name+"/flips/").body, want)
					}
				}
			}
			c.same("none", c.get("/api/v3/checks/{U}/flips/").body, `{"flips":[]}`)
			c.get("/api/v3/checks/{OTHER}/flips/").is("403e")
			c.get("/api/v3/checks/{NONE}/flips/").is("404p")
			c.get("/api/v3/checks/{OTHERK}/flips/").is("404e")
		}},
		{7, "which flips there are", standing, func(c *client) {
			k := c.make("{}")
			for _, step := range []string{"", "/start", "", "/fail", "/fail", "/log", "", "PAUSE", "RESUME", "/fail", "PAUSE", ""} {
				switch step {
				case "PAUSE", "RESUME":
					k.post(k.path()+"/"+strings.ToLower(step), "").is("200 {}")
				default:
					k.ping(step)
				}
			}
			c.same("flips", k.flips(), "1 0 1 0 0 0 0 1")
		}},
		{8, "flips by time", moving, func(c *client) {
			k := c.make("{}")
			first := c.site.clock.Now().Truncate(time.Second).Add(10 * time.Second)
			c.site.clock.Set(first)
			// at 0, 10 and 20
			for _, ping := range []string{"", "/fail", ""} {
				k.ping(ping)
				c.advance(10 * time.Second)
			}
			at := func(seconds int) string { return strconv.FormatInt(first.Unix()+int64(seconds), 10) }
			// now it is 30
			for query, want := range map[string]int{
				"": 3, "seconds=": 3, "seconds=0": 3, "seconds=10": 1, "seconds=20": 2, "seconds=9": 0, "seconds=31536000": 3,
				"start=0": 3, "end=0": 0, "end=10000000000": 3, "start=10000000000": 0,
				"start=" + at(10): 2, "start=" + at(11): 1, "end=" + at(10): 1, "end=" + at(11): 2,
				"start=" + at(10) + "&end=" + at(20): 1, "start=" + at(0) + "&seconds=10": 1, "seconds=30&end=" + at(20): 2,
			} {
				got := len(c.get(k.path() + "/flips/?" + query).list("flips"))
				if got != want {
					c.Errorf("%s: %d flips, want %d", query, got, want)
				}
			}
		}},
		{9, "wrong filters of flips", standing, func(c *client) {
			for _, query := range []string{
				"seconds=x", "seconds=-1", "seconds=1.5", "seconds=31536001", "start=", "end=", "start=x", "end=x", "start=-1", "end=-1",
				"start=1.5", "start=10000000001", "end=10000000001", "start=99999999999999999999", "seconds=10&start=",
			} {
				c.get("/api/{V}/checks/{U}/flips/?" + query).is("400e")
				c.as(c.ro).get("/api/{V}/checks/{K}/flips/?" + query).is("400e")
			}
		}},
	}
}

// record records pings in one go, past HTTP.
func (k check) record(n int) {
	k.Helper()
	batch := make([]*store.Arrival, n)
	for i := range batch {
		batch[i] = &store.Arrival{Code: uuid.MustParse(k.code), Ping: monitor.Ping{CreatedAt: k.site.clock.Now()},
			Classify: func(*monitor.Filter) monitor.PingKind { return monitor.PingLog }}
	}
	if err := k.site.Store().RecordPings(k.Context(), batch); err != nil {
		k.Fatal(err)
	}
}

// after sends pings: what follows the uuid, or GET for one by that method.
func (k check) after(pings ...string) check {
	k.Helper()
	for _, p := range pings {
		if p == "GET" {
			k.client.get("/ping/" + k.code).is("200 OK")
			continue
		}
		k.ping(p)
	}
	return k
}
