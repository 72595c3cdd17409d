package conformance

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// checkObject is §3.
func checkObject() []line {
	return []line{
		{1, "the keys with the read-write key", standing, func(c *client) {
			simple := slices.Sorted(maps.Keys(c.make(`{"timeout":60}`).get()))
			want := strings.Fields(`badge_url channels desc failure_kw filter_body filter_default_fail filter_http_body filter_subject grace
				last_ping manual_resume methods n_pings name next_ping pause_url ping_url resume_url slug start_kw started status subject
				subject_fail success_kw tags timeout update_url uuid`)
			c.same("keys of a simple check", strings.Join(simple, " "), strings.Join(want, " "))
			for _, schedule := range []string{"0 2 * * *", "daily"} {
				got := slices.Sorted(maps.Keys(c.make(`{"schedule":"` + schedule + `"}`).get()))
				keys := slices.DeleteFunc(append(slices.Clone(want), "schedule", "tz"), func(s string) bool { return s == "timeout" })
				slices.Sort(keys)
				c.same("keys of "+schedule, strings.Join(got, " "), strings.Join(keys, " "))
			}
		}},
		{2, "last_duration", moving, func(c *client) {
			k := c.make("{}")
			k.shows("last_duration", absent)
			k.ping("/start")
			k.shows("last_duration", absent)
			c.advance(90*1e9 + 7e8)
			k.ping("")
			k.shows("last_duration", 90)
			k.ping("/log")
			k.shows("last_duration", 90)
			k.ping("")
			k.shows("last_duration", absent)
			k.ping("/start")
			c.advance(3e8)
			k.ping("/fail")
			// 0.3 s
			k.shows("last_duration", 0)
		}},
		{3, "the keys with a read-only key", standing, func(c *client) {
			ro := c.as(c.ro)
			for _, path := range []string{"checks/{U}", "checks/{K}"} {
				got := ro.get("/api/{V}/" + path).object(200)
				for _, key := range []string{"uuid", "ping_url", "update_url", "pause_url", "resume_url", "channels"} {
					got.shows(c, key, absent)
				}
				got.shows(c, "unique_key", c.fill("{K}"), "timeout", 86400)
				badge, _ := got["badge_url"].(string)
				if !strings.HasPrefix(badge, siteRoot+"/b/2/") || len(got) != 24 {
					c.Errorf("badge_url %q, %d keys, want 24", badge, len(got))
				}
			}
			for _, k := range ro.get("/api/{V}/checks/").list("checks") {
				k.shows(c, "uuid", absent, "unique_key", c.fill("{K}"))
			}
			c.get("/api/{V}/checks/{U}").object(200).shows(c, "unique_key", absent)
		}},
		{4, "times", moving, func(c *client) {
			k := c.make(`{"timeout":3600}`)
			k.shows("last_ping", nil, "next_ping", nil)
			k.ping("")
			k.shows("last_ping", c.now(0), "next_ping", c.now(3600e9))
			form := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$`)
			last, _ := k.get()["last_ping"].(string)
			if !form.MatchString(last) {
				c.Errorf("last_ping is %q", last)
			}
		}},
		{5, "addresses", standing, func(c *client) {
			badge := siteRoot + "/b/2/" + c.own().stored().BadgeKey.String() + ".svg"
			c.own().shows("update_url", c.fill("{API}/checks/{U}"), "pause_url", c.fill("{API}/checks/{U}/pause"), "resume_url",
				c.fill("{API}/checks/{U}/resume"),
				"ping_url", c.fill(siteRoot+"/ping/{U}"), "badge_url", badge, "uuid", c.fill("{U}"))
		}},
		{6, "channels", standing, func(c *client) {
			ids := []string{c.Channel.ID.String(), c.channel("One").String(), c.channel("Two").String()}
			slices.Sort(ids)
			c.make(`{"channels":"*"}`).shows("channels", strings.Join(ids, ","))
			c.make("{}").shows("channels", "")
			one := c.make(`{"channels":"One","slug":"one"}`)
			one.shows("channels", one.update(`{"channels":"One"}`)["channels"])
			for _, k := range c.get("/api/{V}/checks/?slug=one").list("checks") {
				k.shows(c, "channels", one.get()["channels"])
			}
		}},
		{7, "subject and subject_fail", standing, func(c *client) {
			k := c.make(`{"success_kw":"done","failure_kw":"oops","filter_subject":true}`)
			k.shows("subject", "done", "subject_fail", "oops")
			k.update(`{"filter_subject":false}`)
			k.shows("subject", "", "subject_fail", "", "success_kw", "done", "failure_kw", "oops")
			k.update(`{"filter_body":true,"filter_http_body":true}`)
			k.shows("subject", "", "subject_fail", "")
		}},
		{8, "status", standing, func(c *client) {
			k := c.make(`{"timeout":60}`)
			k.shows("status", "new", "started", false)
			started := func(status string) {
				c.Helper()
				if c.version == "v1" {
					status = "started"
				}
				k.shows("status", status, "started", true)
			}
			k.ping("/start")
			started("new")
			k.ping("")
			k.shows("status", "up", "started", false)
			k.ping("/start")
			started("up")
			k.ping("/fail")
			k.shows("status", "down", "started", false)
			k.ping("/start")
			started("down")
			k.post(k.path()+"/pause", "")
			k.shows("status", "paused", "started", false)
			k.ping("/start")
			started("paused")
		}},
		{9, "next_ping", moving, func(c *client) {
			k := c.make(`{"timeout":600,"grace":600}`)
			k.shows("next_ping", nil)
			// while new
			k.ping("/start")
			k.shows("next_ping", c.now(0), "status", "new")
			k.ping("")
			k.shows("next_ping", c.now(600e9))
			k.ping("/start")
			started := c.now(0)
			k.shows("next_ping", started)
			c.advance(10e9)
			k.shows("next_ping", started)
			k.post(k.path()+"/pause", "")
			k.shows("next_ping", nil)
			// while paused
			k.ping("/start")
			k.shows("next_ping", c.now(0), "status", "paused")
			k.ping("/fail")
			k.shows("next_ping", nil)
			// while down
			k.ping("/start")
			k.shows("next_ping", nil, "started", true, "status", "down")

			cron := c.make(`{"schedule":"30 12 * * *"}`)
			cron.ping("")
			want := c.site.clock.Now().Truncate(24 * 3600e9).Add(12*3600e9 + 1800e9)
			if !want.After(c.site.clock.Now()) {
				want = want.Add(24 * 3600e9)
			}
			cron.shows("next_ping", want.Format("2006-01-02T15:04:05+00:00"))
		}},
	}
}
