package conformance

import (
	"encoding/json"
	"time"
)

// updates is §6: POST checks/U.
func updates() []line {
	return []line{
		{1, "what is not given stays", standing, func(c *client) {
			k := c.make(
				`{"name":"N","slug":"s","tags":"t","desc":"d","grace":120,"timeout":240,"manual_resume":true,"methods":"POST","start_kw":"a","success_kw":"b","failure_kw":"c",
				"filter_subject":true,"filter_body":true,"filter_http_body":true,"filter_default_fail":true,"channels":"*"}`)
			before, _ := json.Marshal(k.get())
			for _, body := range []string{"{}", "", `{"foo":1}`} {
				after, _ := json.Marshal(k.update(body))
				c.same("after "+body, string(after), string(before))
			}
			k.update(`{"desc":"changed"}`).shows(c, "desc", "changed", "name", "N", "slug", "s", "tags", "t", "grace", 120, "timeout", 240,
				"methods", "POST", "success_kw", "b", "filter_default_fail", true, "channels", c.Channel.ID.String())
			k.post(k.path(), `{"desc":"not to be saved","name":1}`).is("jve:name is not a string")
			k.shows("desc", "changed")
		}},
		{2, "the kind of schedule", standing, func(c *client) {
			k := c.make(`{"timeout":120}`)
			k.update(`{"schedule":"0 2 * * *"}`).shows(c, "schedule", "0 2 * * *", "tz", "UTC", "timeout", absent)
			k.update(`{"tz":"Europe/Riga"}`).shows(c, "schedule", "0 2 * * *", "tz", "Europe/Riga")
			k.update(`{"schedule":"daily"}`).shows(c, "schedule", "daily", "tz", "Europe/Riga")
			k.update(`{"grace":60}`).shows(c, "schedule", "daily", "grace", 60)
			k.update(`{"timeout":180}`).shows(c, "timeout", 180, "schedule", absent, "tz", absent)
			k.update(`{"tz":"Asia/Tokyo"}`).shows(c, "timeout", 180, "tz", absent)
			k.update(`{"schedule":"weekly"}`).shows(c, "tz", "Asia/Tokyo")
		}},
		{3, "the name and the slug", standing, func(c *client) {
			k := c.make(`{"name":"First","slug":"explicit"}`)
			want := "a-new-name"
			if c.version == "v3" {
				want = "explicit"
			}
			k.update(`{"name":"A new name"}`).shows(c, "slug", want, "name", "A new name")
			k.update(`{"slug":"again"}`).shows(c, "slug", "again", "name", "A new name")
			k.update(`{"name":"Both","slug":"given"}`).shows(c, "slug", "given", "name", "Both")
			k.update(`{"slug":""}`).shows(c, "slug", "")
		}},
		{4, "channels", standing, func(c *client) {
			k := c.make(`{"channels":"*","desc":"before"}`)
			own := c.Channel.ID.String()
			k.update(`{"desc":"kept"}`).shows(c, "channels", own)
			k.post(k.path(), `{"desc":"not to be saved","channels":"Bob"}`).is("error:invalid channel identifier: Bob")
			k.shows("desc", "kept", "channels", own)
			k.update(`{"channels":""}`).shows(c, "channels", "")
			k.update(`{"channels":"Ops"}`).shows(c, "channels", own)
		}},
		{5, "unique has no effect", standing, func(c *client) {
			c.make(`{"name":"Taken"}`)
			k := c.make(`{"name":"Mine"}`)
			k.update(`{"name":"Taken","unique":["name"],"desc":"changed"}`).shows(c, "uuid", k.code, "desc", "changed")
			k.post(k.path(), `{"unique":["status"]}`).is("jve:an item in 'unique' has unexpected value")
			k.post(k.path(), `{"unique":"name"}`).is("jve:unique is not an array")
		}},
		{6, "deadlines, deleted checks, bad uuids", standing, func(c *client) {
			k := c.make(`{"timeout":3600,"grace":3600}`)
			k.ping("")
			got := k.stored().AlertAt.Sub(k.stored().LastPing)
			if got != 2*time.Hour {
				c.Errorf("the deadline is after %s", got)
			}
			k.update(`{"timeout":60,"grace":120}`).shows(c, "next_ping", c.now(time.Minute))
			if got := k.stored().AlertAt.Sub(k.stored().LastPing); got != 3*time.Minute {
				c.Errorf("after the update the deadline is after %s", got)
			}
			k.send("DELETE", k.path(), "").is("200 {}")
			k.post(k.path(), `{"name":"x"}`).is("404p")
			c.post("/api/{V}/checks/not-a-uuid", `{"name":"x"}`).is("404p")
		}},
		{7, "back to nothing", standing, func(c *client) {
			k := c.make(`{"methods":"POST","manual_resume":true,"name":"N","desc":"d","tags":"t","success_kw":"s"}`)
			k.update(`{"methods":"","manual_resume":false}`).shows(c, "methods", "", "manual_resume", false, "name", "N")
			k.update(`{"name":"","desc":"","tags":"","success_kw":""}`).shows(c, "name", "", "desc", "", "tags", "", "success_kw", "")
		}},
	}
}
