package conformance

// lifecycle is §7: deleting, pausing, resuming.
func lifecycle() []line {
	return []line{
		{1, "deleting", standing, func(c *client) {
			k := c.make(`{"name":"To go","slug":"to-go","channels":"*"}`)
			k.ping("")
			before := k.get()
			before["channels"] = ""
			got := k.send("DELETE", k.path(), "").object(200)
			for key, want := range before {
				got.shows(c, key, want)
			}
			if len(got) != len(before) {
				c.Errorf("%d keys, want %d", len(got), len(before))
			}
			k.client.get(k.path()).is("404p")
			k.send("DELETE", k.path(), "").is("404p")
			k.post("/ping/"+k.code, "").is("404 not found")
			k.client.get("/ping/{PK}/to-go").is("404 not found")
		}},
		{2, "pausing", standing, func(c *client) {
			k := c.make(`{"timeout":3600}`)
			k.ping("")
			k.ping("/start")
			last := k.get()["last_ping"]
			got := k.post(k.path()+"/pause", "").object(200)
			got.shows(c, "status", "paused", "started", false, "next_ping", nil, "last_ping", last, "uuid", k.code)
			k.shows("status", "paused", "next_ping", nil)
			c.same("flips", k.flips(), "1 0")
			fresh := c.make("{}")
			fresh.post(fresh.path()+"/pause", "").object(200).shows(c, "status", "paused")
			c.same("flips of a new check", fresh.flips(), "0")
		}},
		{3, "pausing again", standing, func(c *client) {
			k := c.make("{}")
			k.post(k.path()+"/pause", "").is("200 {}")
			k.ping("/start")
			for range 2 {
				got := k.post(k.path()+"/pause", "").object(200)
				got.shows(c, "started", true, "next_ping", c.now(0))
			}
			c.same("flips", k.flips(), "0")
		}},
		{4, "resuming", standing, func(c *client) {
			k := c.make("{}")
			k.ping("")
			k.post(k.path()+"/pause", "").is("200 {}")
			k.ping("/start")
			got := k.post(k.path()+"/resume", "").object(200)
			got.shows(c, "status", "new", "last_ping", nil, "next_ping", nil, "started", false, "n_pings", 2)
			c.same("flips", k.flips(), "1 0 0")
		}},
		{5, "resuming what is not paused", standing, func(c *client) {
			k := c.make("{}")
			for _, ping := range []string{"", "/fail"} {
				k.post(k.path()+"/resume", "").is("409 check is not paused")
				k.ping(ping)
			}
			k.post(k.path()+"/resume", "{}").is("409 check is not paused")
			c.same("flips", k.flips(), "1 0")
		}},
		{6, "pings of a paused check", standing, func(c *client) {
			for ping, want := range map[string]string{"": "up", "/fail": "down", "/start": "paused", "/log": "paused", "/0": "up", "/7": "down"} {
				k := c.make("{}").through("v3").paused()
				k.ping(ping)
				k.shows("status", want, "started", ping == "/start")
			}
		}},
		{7, "pings of a paused check with manual_resume", standing, func(c *client) {
			k := c.make(`{"manual_resume":true}`).through("v3").paused()
			for _, ping := range []string{"", "/fail", "/start", "/log", "/3"} {
				k.ping(ping)
			}
			k.shows("status", "paused", "started", false, "last_ping", nil, "n_pings", 5)
			c.same("pings", k.kinds(), "ign ign ign ign ign")
		}},
	}
}

// through is k, asked for through another version of the API.
func (k check) through(version string) check { return check{k.client.through(version), k.code} }

// paused pauses the check.
func (k check) paused() check {
	k.Helper()
	k.post(k.path()+"/pause", "").object(200).shows(k, "status", "paused")
	return k
}
