package conformance

import (
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

var (
	noFilter         = store.FlipFilter{}
	noDeliveryFilter = store.DeliveryFilter{}
)

// called is the check of the project with the slug, which must be the only one.
func (c *client) called(slug string) check {
	c.Helper()
	list := c.get("/api/v3/checks/?slug=" + slug).list("checks")
	if len(list) != 1 {
		c.Fatalf("%d checks have the slug %s, want one", len(list), slug)
	}
	code, _ := list[0]["uuid"].(string)
	return check{c, code}
}

// pingsBySlug is §10: /ping/KEY/SLUG[/start|fail|log|N].
func pingsBySlug() []line {
	return []line{
		{1, "as by uuid", once, func(c *client) {
			k := c.make(`{"slug":"the_slug-1"}`)
			for _, step := range []struct{ rest, want string }{
				{"", "success"}, {"/start", "start"}, {"/fail", "fail"}, {"/log", "log"}, {"/0", "success"}, {"/3", "fail"}, {"/007", "fail"},
				{"/-1", "fail"}, {"/4294967295", "fail"}, {"?rid=" + runA, "success"}, {"?create=1", "success"},
			} {
				for _, method := range []string{"GET", "POST", "PUT", "OPTIONS"} {
					a := c.send(method, "/ping/{PK}/the_slug-1"+step.rest, "").is("200 OK")
					a.has("Access-Control-Allow-Origin", "*").has("Ping-Body-Limit", "10000").has("Content-Type", "text/html; charset=utf-8")
				}
				k.last().shows(c, "type", step.want)
			}
			c.send("HEAD", "/ping/{PK}/the_slug-1", "").is("200 ")
			for rest, want := range map[string]string{"/256": "invalid url format", "?rid=": "invalid uuid format",
				"/256?rid=": "invalid url format"} {
				c.get("/ping/{PK}/the_slug-1" + rest).is("400 " + want)
			}
			k.shows("n_pings", 45)
		}},
		{2, "other endings", once, func(c *client) {
			for _, rest := range []string{"/", "/done", "/fail/", "/fail/x", "/-0", "/1.5", "/START"} {
				c.get("/ping/{PK}/nightly-dump" + rest).is("404p")
			}
			c.own().shows("n_pings", 0)
		}},
		{3, "what is not known", once, func(c *client) {
			for _, path := range []string{"{PK}/unknown", "{PK}/unknown/start", "{PK}/unknown/256", "{PK}/unknown?rid=nonsense",
				"unknown/nightly-dump", "unknown/nightly-dump/fail", "unknown/nightly-dump?create=1", "{RW}/nightly-dump", "{P}/nightly-dump"} {
				c.get("/ping/"+path).is("404 not found").has("Access-Control-Allow-Origin", "")
			}
		}},
		{4, "slugs that cannot be", once, func(c *client) {
			for _, path := range []string{"{PK}/Nightly-dump", "{PK}/nightly-dumP", "unknown/Nightly", "{PK}/Nightly-dump/start",
				"{PK}/Nightly-dump?create=1", "{PK}/Nightly-dump/256"} {
				c.get("/ping/" + path).is("400 invalid url format")
			}
			for _, path := range []string{"{PK}/nightly.dump", "{PK}/nightly%20dump", "{PK}/%C3%BC", "{PK}/", "{PK}/nightly+dump",
				"nightly.key/nightly-dump"} {
				c.get("/ping/" + path).is("404p")
			}
		}},
		{5, "the case of a ping key", once, func(c *client) {
			key := "AbC-_" + c.Project.PingKey[5:]
			c.Project.PingKey = key
			if err := testdb.PutProject(c.Context(), c.site.Store(), c.Project); err != nil {
				c.Fatal(err)
			}
			c.get("/ping/" + key + "/nightly-dump").is("200 OK")
			c.get("/ping/" + strings.ToLower(key) + "/nightly-dump").is("404 not found")
			c.get("/ping/" + strings.ToUpper(key) + "/nightly-dump").is("404 not found")
		}},
		{6, "a slug of two checks", once, func(c *client) {
			c.make(`{"slug":"nightly-dump"}`)
			for _, rest := range []string{"", "/fail", "/256", "?rid=nonsense", "?create=1", "/start?create=1"} {
				c.get("/ping/{PK}/nightly-dump" + rest).is("409 ambiguous slug")
			}
			c.own().shows("n_pings", 0)
		}},
		{7, "create=1", once, func(c *client) {
			c.channel("Another")
			all := c.make(`{"channels":"*"}`).get()["channels"]
			for slug, step := range map[string]struct {
				rest, status string
				started      bool
			}{
				"fresh": {"", "up", false}, "failing": {"/fail", "down", false}, "starting": {"/start", "new", true}, "exiting": {"/5", "down", false},
				"crashing": {"/-1073741510", "down", false}, "logging": {"/log", "new", false}, "a_b-9": {"/0", "up", false},
			} {
				a := c.post("/ping/{PK}/"+slug+step.rest+"?create=1", "text").is("201 Created")
				a.has("Content-Type", "text/html; charset=utf-8").has("Access-Control-Allow-Origin", "*").has("Ping-Body-Limit", "10000")
				k := c.called(slug)
				k.shows("name", slug, "slug", slug, "timeout", 86400, "grace", 3600, "channels", all, "status", step.status, "started", step.started,
					"n_pings", 1, "tags", "", "desc", "")
				c.post("/ping/{PK}/"+slug+"?create=1", "").is("200 OK")
				k.shows("n_pings", 2)
			}
			for _, query := range []string{"create=0", "create=true", "create=", "create", "create=11", "CREATE=1", "create=1&create=0"} {
				c.get("/ping/{PK}/not-made?" + query).is("404 not found")
			}
			c.get("/ping/{PK}/made-last?create=0&create=1").is("201 Created")
		}},
		{8, "create=1 with a bad run id", once, func(c *client) {
			c.get("/ping/{PK}/fresh?create=1&rid=nonsense").is("400 invalid uuid format")
			c.called("fresh").shows("name", "fresh", "n_pings", 0, "status", "new")
			c.get("/ping/{PK}/fresh?create=1").is("200 OK")
		}},
		{9, "create=1 beyond twice the limit", once, func(c *client) {
			c.change(func(u *monitor.User) { u.CheckLimit = 1 })
			c.get("/ping/{PK}/second?create=1").is("201 Created")
			c.get("/ping/{PK}/third?create=1").is("404 not found")
			c.get("/ping/{PK}/second?create=1").is("200 OK")
			c.same("checks", c.names("/api/v3/checks/"), "Nightly dump second")
		}},
	}
}
