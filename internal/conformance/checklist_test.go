package conformance

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// checklist is docs/contract.md §7. Where an item is what a line of the cases has
// already, they share the test.
func checklist() []line {
	return []line{
		{1, "methods and headers of a ping", once, func(c *client) {
			k := c.make("{}")
			for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
				a := c.send(method, "/ping/"+k.code, "").is("200")
				a.has("Access-Control-Allow-Origin", "*").has("Ping-Body-Limit", "10000")
				if method != "HEAD" {
					a.is("200 OK")
				}
			}
			k.shows("n_pings", 4, "status", "up")
		}},
		{2, "a slash at the end", once, func(c *client) {
			k := c.make("{}")
			k.ping("/")
			k.shows("n_pings", 1, "status", "up")
		}},
		{3, "an unknown uuid", once, func(c *client) { c.get("/ping/{NONE}").is("404 not found") }},
		{4, "exit statuses", once, exitStatuses},
		{5, "slugs", once, func(c *client) {
			c.get("/ping/{PK}/Upper").is("400 invalid url format")
			c.get("/ping/{PK}/unknown").is("404 not found")
			for _, create := range []string{"0", "true"} {
				c.get("/ping/{PK}/fresh?create=" + create).is("404 not found")
			}
			c.get("/ping/{PK}/fresh?create=1").is("201 Created")
			c.get("/ping/{PK}/fresh?create=1").is("200 OK")
			c.called("fresh").shows("channels", c.Channel.ID.String(), "n_pings", 2)
			c.make(`{"slug":"fresh"}`)
			c.get("/ping/{PK}/fresh").is("409 ambiguous slug")
		}},
		{6, "create=1 beyond twice the limit", once, func(c *client) {
			c.change(func(u *monitor.User) { u.CheckLimit = 2 })
			for i, want := range []string{"201 Created", "201 Created", "201 Created", "404 not found"} {
				c.get(fmt.Sprintf("/ping/{PK}/number-%d?create=1", i+2)).is(want)
			}
		}},
		{7, "bad run ids", once, func(c *client) {
			badRunIDs(c)
			c.get("/ping/{NONE}?rid=nonsense").is("404 not found")
		}},
		{8, "a body beyond the limit", once, func(c *client) {
			k := c.make("{}")
			k.ping("", strings.Repeat("x", bodyLimit)+"y")
			c.get(k.path() + "/pings/1/body").is("200 " + strings.Repeat("x", bodyLimit))
		}},
		{9, "a binary body", once, func(c *client) {
			k := c.make("{}")
			var all [256]byte
			for i := range all {
				all[i] = byte(i)
			}
			k.ping("", string(all[:]))
			c.get(k.path() + "/pings/1/body").is("200 " + string(all[:]))
		}},
		{10, "a method that does not count", once, func(c *client) {
			k := c.make(`{"methods":"POST"}`)
			c.get("/ping/" + k.code).is("200 OK")
			k.shows("status", "new", "n_pings", 1)
			c.same("kinds", k.kinds(), "ign")
		}},
		{11, "keywords in the body", once, keywords},
		{12, "a paused check that stays so", once, func(c *client) {
			k := c.make(`{"manual_resume":true}`).paused().after("", "/fail")
			k.shows("status", "paused")
			c.same("kinds", k.kinds(), "ign ign")
		}},
		{13, "a run begun while paused", moving, func(c *client) {
			k := c.make(`{"grace":60}`).paused().after("/start")
			k.shows("status", "paused", "started", true)
			c.advance(time.Minute)
			k.shows("status", "down", "started", true)
		}},
		{14, "runs that overlap", moving, func(c *client) {
			k := c.make("{}").after("/start?rid="+runA, "?rid="+runB)
			k.shows("started", true)
			k.ping("/fail?rid=" + runB)
			k.shows("started", false)
			k.ping("/start?rid=" + runA)
			c.advance(time.Second)
			k.ping("")
			k.shows("started", false, "last_duration", absent)
		}},
		{15, "two starts", moving, func(c *client) {
			k := c.make("{}").after("/start")
			c.advance(10 * time.Second)
			k.ping("/start")
			c.advance(3 * time.Second)
			k.ping("")
			k.shows("last_duration", 3)
			k.last().shows(c, "duration", 3)
		}},
		{16, "a long user agent", once, func(c *client) {
			k := c.make("{}")
			c.get("/ping/"+k.code, "User-Agent: "+strings.Repeat("ab", 150)).is("200 OK")
			k.last().shows(c, "ua", strings.Repeat("ab", 100))
		}},
		{17, "forwarded addresses", once, forwarded},
		{18, "the exit status is stored", once, func(c *client) {
			k := c.make(`{"methods":"POST"}`)
			c.get("/ping/" + k.code + "/42").is("200 OK")
			p := k.storedPing()
			if p.ExitStatus == nil || *p.ExitStatus != 42 || p.Kind != monitor.PingIgn {
				c.Errorf("stored: %+v", p)
			}
		}},
		{19, "the vectors of schedules", once, vectors},
		{20, "down at the deadline without a worker", moving, func(c *client) {
			k := c.make(`{"timeout":60,"grace":60}`).after("")
			c.advance(2*time.Minute - time.Microsecond)
			k.shows("status", "grace")
			c.advance(time.Microsecond)
			k.shows("status", "down")
		}},
		{21, "next_ping while running", moving, func(c *client) {
			k := c.make("{}").after("", "/start")
			started := c.now(0)
			c.advance(time.Minute)
			k.shows("next_ping", started)
		}},
		{22, "a schedule without a next time", once, func(c *client) {
			c.make(`{"schedule":"2020-01-01"}`).after("").shows("status", "up", "next_ping", nil)
		}},
		{23, "keys that do not open", standing, func(c *client) {
			c.as("").get("/api/{V}/checks/").is("401m")
			c.as("short").get("/api/{V}/checks/").is("401m")
			c.as(auth32("hcw_")).get("/api/{V}/checks/").is("401w")
			c.as(c.ro).post("/api/{V}/checks/", "{}").is("401w")
		}},
		{24, "api_key in the body", standing, func(c *client) {
			c.as("").post("/api/{V}/checks/", `{"api_key":"`+c.rw+`","name":"x"}`).object(201).shows(c, "name", "x")
			c.as("").send("GET", "/api/{V}/checks/", `{"api_key":"`+c.rw+`"}`).is("401m")
			// the body of a GET is not read
			c.send("GET", "/api/{V}/checks/", "null").is("200 {}")
		}},
		{25, "bodies that are no object", standing, func(c *client) {
			c.post("/api/{V}/checks/", "[]").is("jve:value is not an object")
			c.post("/api/{V}/checks/", "null").is("jve:value is not an object")
			c.post("/api/{V}/checks/", "{").is("error:could not parse request body")
		}},
		{26, "every text of validation, the first error first", once,
			caseOf(creation(), 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 17, 18, 19, 20, 21, 27)},
		{27, "null", standing, func(c *client) {
			c.refuses("jve:name is not a string", `{"name":null}`)
			c.makes(`{"foo":null,"name":"x"}`, "name", "x")
		}},
		{28, "what differs between the versions", once, func(c *client) {
			k := c.make("{}").after("/start")
			for version, status := range map[string]string{"v1": "started", "v2": "new", "v3": "new"} {
				k := k.through(version)
				k.shows("status", status, "started", true, "update_url", siteRoot+"/api/"+version+"/checks/"+k.code)
				k.update(`{"slug":"before"}`)
				want := "after-all"
				if version == "v3" {
					want = "before"
				}
				k.update(`{"name":"After all"}`).shows(c, "slug", want)
			}
		}},
		{29, "channels", once, caseOf(creation(), 31, 32)},
		{30, "unique", once, caseOf(creation(), 35, 36)},
		{31, "the limit of checks", once, caseOf(creation(), 37)},
		{32, "checks of others and of nobody", standing, func(c *client) {
			for _, method := range []string{"GET", "POST", "DELETE"} {
				c.send(method, "/api/{V}/checks/{OTHER}", "").is("403e")
				c.send(method, "/api/{V}/checks/{NONE}", "").is("404p")
			}
			for _, action := range []string{"pause", "resume"} {
				c.post("/api/{V}/checks/{OTHER}/"+action, "").is("403e")
				c.post("/api/{V}/checks/{NONE}/"+action, "").is("404p")
			}
		}},
		{33, "pausing and resuming twice", standing, func(c *client) {
			k := c.make("{}").paused().paused()
			k.post(k.path()+"/resume", "").object(200).shows(c, "status", "new")
			k.post(k.path()+"/resume", "").is("409 check is not paused")
			c.same("flips", k.flips(), "0 0")
		}},
		{34, "deleting", standing, func(c *client) {
			k := c.make(`{"name":"To go"}`)
			k.send("DELETE", k.path(), "").object(200).shows(c, "name", "To go", "uuid", k.code)
			k.client.get(k.path()).is("404p")
		}},
		{35, "zones of old", once, caseOf(creation(), 28)},
		{36, "schedule and timeout", once, caseOf(creation(), 25)},
		{37, "subject", once, caseOf(creation(), 29, 30)},
		{38, "filters of the list", once, caseOf(reading(), 5, 6, 7)},
		{39, "what a read-only key sees", once, caseOf(checkObject(), 3)},
		{40, "pings", moving, func(c *client) {
			c.change(func(u *monitor.User) { u.PingLogLimit = 10 })
			k := c.make("{}").after("/start")
			c.advance(1500 * time.Millisecond)
			k.ping("", "text")
			k.last().shows(c, "n", 2, "type", "success", "duration", 1.5, "body_url", siteRoot+"/api/v3/checks/"+k.code+"/pings/2/body")
			c.get(k.path() + "/pings/2/body").is("200 text")
			// beyond the hundredth ping the old ones are pruned
			k.record(110)
			c.get(k.path() + "/pings/2/body").is("404p")
			pings := k.pings()
			if len(pings) != 10 || pings[0]["n"] != 112.0 || pings[9]["n"] != 103.0 {
				c.Errorf("%d pings, from %v to %v", len(pings), pings[0]["n"], pings[len(pings)-1]["n"])
			}
		}},
		{41, "filters of flips", moving, caseOf(history(), 8, 9)},
		{42, "badges", once, badgeList},
		{43, "CORS", once, caseOf(routing(), 6, 7)},
		{44, "a list without its slash", once, caseOf(routing(), 1)},
		{45, "metrics of a project", moving, func(c *client) {
			projectMetrics(c)
			caseOf(machines(), 14)(c)
		}},
		{46, "mail", watched, emailPings},
		{47, "callbacks", moving, func(c *client) {
			deliveryReports(c)
			bounces(c)
		}},
	}
}

// caseOf runs lines of the cases that an item stands for, through one version:
// TestCases runs them through all.
func caseOf(lines []line, numbers ...int) func(*client) {
	return func(c *client) {
		for _, n := range numbers {
			c.Helper()
			lines[n-1].run(newClient(c.T, c.site, c.version))
		}
	}
}

// vectors are the examples of docs/contract.md §1.9 and §1.10, as a check shows them:
// the next time after a ping. The whole set is tested in internal/schedule.
func vectors(c *client) {
	at := func(text string) time.Time {
		t, err := time.Parse("2006-01-02T15:04:05Z", text)
		if err != nil {
			c.Fatal(err)
		}
		return t
	}
	for _, v := range []struct{ schedule, zone, after, next string }{
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z 2026-03-30T00:30:00Z"},
		{"0 2-3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z 2026-03-30T00:00:00Z 2026-03-30T01:00:00Z"},
		{"0 * * * *", "Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T00:00:00Z 2026-03-29T01:00:00Z 2026-03-29T02:00:00Z"},
		{"*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			"2026-10-25T00:00:00Z 2026-10-25T00:30:00Z 2026-10-25T01:00:00Z 2026-10-25T01:30:00Z 2026-10-26T01:00:00Z"},
		{"15 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:15:00Z 2026-10-26T01:15:00Z"},
		{"30 1-3 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-24T23:30:00Z 2026-10-25T00:30:00Z 2026-10-25T02:30:00Z"},
		{"0 */2 * * *", "Europe/Berlin", "2026-03-28T22:30:00Z", "2026-03-28T23:00:00Z 2026-03-29T02:00:00Z 2026-03-29T04:00:00Z"},
		{"0 */2 * * *", "Europe/Berlin", "2026-10-24T20:30:00Z",
			"2026-10-24T22:00:00Z 2026-10-25T00:00:00Z 2026-10-25T01:00:00Z 2026-10-25T03:00:00Z"},
		{"0 0-23/2 * * *", "Europe/Berlin", "2026-10-24T20:30:00Z", "2026-10-24T22:00:00Z 2026-10-25T00:00:00Z 2026-10-25T03:00:00Z"},
		{"30 2 * * *", "America/New_York", "2026-03-08T05:00:00Z", "2026-03-08T07:00:00Z 2026-03-09T06:30:00Z"},
		{"0 0 13 * 5", "UTC", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z 2026-01-09T00:00:00Z 2026-01-13T00:00:00Z 2026-01-16T00:00:00Z"},
		{"0 0 */2 * MON", "UTC", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z 2026-01-19T00:00:00Z 2026-02-09T00:00:00Z 2026-02-23T00:00:00Z"},
		{"0 0 L * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z 2026-02-28T00:00:00Z 2026-03-31T00:00:00Z"},
		{"0 0 LW * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-30T00:00:00Z 2026-02-27T00:00:00Z 2026-03-31T00:00:00Z"},
		{"0 0 1,LW * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-30T00:00:00Z 2026-02-01T00:00:00Z"},
		{"0 0 * * 5L", "UTC", "2026-01-01T00:00:00Z", "2026-01-30T00:00:00Z 2026-02-27T00:00:00Z 2026-03-27T00:00:00Z"},
		{"0 0 * * MON#2", "UTC", "2026-01-01T00:00:00Z", "2026-01-12T00:00:00Z 2026-02-09T00:00:00Z 2026-03-09T00:00:00Z"},
		{"0 0 1 * 1#1", "UTC", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z 2026-02-01T00:00:00Z 2026-02-02T00:00:00Z 2026-03-01T00:00:00Z"},
		{"10/20 * * * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z 2026-01-01T00:30:00Z 2026-01-01T00:50:00Z 2026-01-01T01:10:00Z"},
		{"0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z 2032-02-29T00:00:00Z"},
		{"0 0 * * 5/1", "UTC", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z 2026-01-03T00:00:00Z 2026-01-04T00:00:00Z 2026-01-09T00:00:00Z"},
		{"* * * * *", "UTC", "2026-01-01T00:00:59Z", "2026-01-01T00:01:00Z 2026-01-01T00:02:00Z"},
		// after the ping, not before it
		{"15 2 * * *", "Europe/Berlin", "2026-10-25T01:05:00Z", "2026-10-26T01:15:00Z"},
		{"*-*-* 02:30", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"},
		{"hourly", "Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z 2026-10-25T02:00:00Z 2026-10-25T03:00:00Z"},
		{"*-*-* *:00/20", "Europe/Berlin", "2026-10-25T00:10:00Z",
			"2026-10-25T00:20:00Z 2026-10-25T00:40:00Z 2026-10-25T02:00:00Z 2026-10-25T02:20:00Z"},
		{"Mon..Fri 09:30 America/New_York", "UTC", "2026-03-06T12:00:00Z", "2026-03-06T14:30:00Z 2026-03-09T13:30:00Z"},
		{`2027-01-01\n*-*~02 08:00`, "UTC", "2026-12-01T00:00:00Z",
			"2026-12-30T08:00:00Z 2027-01-01T00:00:00Z 2027-01-30T08:00:00Z 2027-02-27T08:00:00Z"},
		{"Mon *-05~07/1", "UTC", "2026-01-01T00:00:00Z", "2026-05-25T00:00:00Z 2027-05-31T00:00:00Z 2028-05-29T00:00:00Z"},
		{"Wed-Fri *-1", "UTC", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z 2026-05-01T00:00:00Z 2026-07-01T00:00:00Z"},
		{"*-*-5/3 08:05:40", "UTC", "2026-01-01T00:00:00Z", "2026-01-05T08:05:40Z 2026-01-08T08:05:40Z 2026-01-11T08:05:40Z"},
		{"daily Europe/Riga", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T22:00:00Z 2026-01-02T22:00:00Z"},
		{"2020-01-01", "UTC", "2026-01-01T00:00:00Z", "never"},
	} {
		k := c.make(`{"schedule":"` + v.schedule + `","tz":"` + v.zone + `"}`)
		last := at(v.after)
		for _, next := range strings.Fields(v.next) {
			_, err := c.site.Store().UpdateCheck(c.Context(), uuid.MustParse(k.code), pingedAt(last))
			if err != nil {
				c.Fatal(err)
			}
			if next == "never" {
				k.get().shows(k, "next_ping", nil)
				continue
			}
			got := k.get()["next_ping"]
			want := strings.Replace(next, "Z", "+00:00", 1)
			if got != want {
				c.Errorf("%s in %s after %s: %v, want %s", v.schedule, v.zone, last, got, want)
			}
			last = at(next)
		}
	}
	for _, bad := range []string{"12:00:00.5", "*-*-* */2:00", "noon", "*-*-* 24:00", "*-*-*,1", "* * * * FRI-SUN", "0 0 31 2 *",
		"0 0 31 4,6 *", "0 0 ? * *", "0 0 15W * *", "0 0 L-3 * *", "@reboot", "@Daily", "0 0 * * FRIL", "*/0 * * * *"} {
		c.refuses(noSchedule, `{"schedule":"`+bad+`"}`)
	}
}

// otherSite is what other settings change: a path in SITE_ROOT, no limit of
// bodies, no key for metrics, nothing for Prometheus (docs/contract.md §0, §1.3,
// §4, §5).
func otherSite(c *client) {
	k := c.own()
	a := k.client.get("/ping/"+k.code).is("200 OK").has("Ping-Body-Limit", "")
	long := strings.Repeat("x", 3<<20)
	k.post("/ping/"+k.code, long).is("200 OK")
	c.get(k.path() + "/pings/2/body").is("200 " + long)
	for _, version := range []string{"v1", "v2", "v3"} {
		k := k.through(version)
		root := siteRoot + otherPath
		k.shows("update_url", root+"/api/"+version+"/checks/"+k.code, "ping_url", root+"/ping/"+k.code)
		k.client.get("/api/{V}/checks?tag=a").is("301 ").has("Location", otherPath+"/api/"+version+"/checks/?tag=a")
		k.as("").get("/api/{V}/metrics/", "X-Metrics-Key: ").is("403 ")
		address, _ := k.last()["body_url"].(string)
		c.same("body_url", address, root+"/api/"+version+"/checks/"+k.code+"/pings/2/body")
	}
	for _, path := range []string{"/projects/{P}/metrics/{RO}", "/projects/{P}/checks/metrics/{RO}", "/projects/{P}/metrics/"} {
		c.get(path, "Authorization: Bearer "+c.ro).is("404")
	}
	badge, _ := k.get()["badge_url"].(string)
	c.get(strings.TrimPrefix(badge, siteRoot+otherPath)).is("200").has("Content-Type", "image/svg+xml")
	c.get(c.badge("*", "", "json")).object(200).shows(c, "total", 1)
	host, _, _ := net.SplitHostPort(strings.TrimPrefix(c.site.address, "http://"))
	// no Host header is refused
	a.same("asked by number", host, "127.0.0.1")
}
