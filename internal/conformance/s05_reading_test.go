package conformance

import (
	"strings"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

func renamed(name string) func(*store.CheckChange) error {
	return func(e *store.CheckChange) error {
		e.Check.Name = name
		return nil
	}
}

// pingedAt makes a check up, with its last ping at t.
func pingedAt(t time.Time) func(*store.CheckChange) error {
	return func(e *store.CheckChange) error {
		e.Check.Status = monitor.StatusUp
		e.Check.LastPing = t
		return nil
	}
}

// names are the names of the checks in the list at path, in its order.
func (c *client) names(path string) string {
	c.Helper()
	var out []string
	for _, k := range c.get(path).list("checks") {
		name, _ := k["name"].(string)
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

// reading is §5: GET checks/ and GET checks/U.
func reading() []line {
	return []line{
		{1, "a check by its uuid", standing, func(c *client) {
			c.get("/api/{V}/checks/{U}").object(200).shows(c, "uuid", c.fill("{U}"), "name", "Nightly dump")
			c.get("/api/{V}/checks/{NONE}").is("404p")
			c.get("/api/{V}/checks/{OTHER}").is("403e")
			c.as(c.ro).get("/api/{V}/checks/{OTHER}").is("403e")
		}},
		{2, "a check by its unique key", standing, func(c *client) {
			c.get("/api/{V}/checks/{K}").object(200).shows(c, "uuid", c.fill("{U}"), "unique_key", absent, "update_url", c.fill("{API}/checks/{U}"))
			c.as(c.ro).get("/api/{V}/checks/{K}").object(200).shows(c, "unique_key", c.fill("{K}"), "uuid", absent)
			for _, key := range []string{"{NONEK}", "{OTHERK}", strings.Repeat("z", 40), strings.ToUpper(uniqueKey(c.Check.Code))} {
				c.get("/api/{V}/checks/" + key).is("404e")
				c.as(c.ro).get("/api/{V}/checks/" + key).is("404e")
			}
		}},
		{3, "a check by anything else", standing, func(c *client) {
			for _, name := range []string{"nonsense", "nightly-dump", "1", strings.Repeat("a", 39), strings.Repeat("a", 41), strings.Repeat("-", 40),
				"%20"} {
				c.get("/api/{V}/checks/" + name).is("404p")
			}
		}},
		{4, "the list", moving, func(c *client) {
			for _, name := range []string{"b", "c", "a"} {
				c.advance(1e9)
				c.make(`{"name":"` + name + `"}`)
			}
			// in the same moment
			c.make(`{"name":"d"}`)
			c.same("names", c.names("/api/v3/checks/"), "Nightly dump b c a d")
			c.same("names with a read-only key", c.as(c.ro).names("/api/v1/checks/"), "Nightly dump b c a d")
			c.own().send("DELETE", "/api/v3/checks/{U}", "").is("200 {}")
			for _, name := range []string{"?tag=none", "?slug=none"} {
				c.same("an empty list", c.get("/api/v2/checks/"+name).body, `{"checks":[]}`)
			}
		}},
		{5, "by tags", standing, func(c *client) {
			c.make(`{"name":"1","tags":"a"}`)
			c.make(`{"name":"2","tags":"a b"}`)
			c.make(`{"name":"3","tags":"  b   a  "}`)
			c.make(`{"name":"4","tags":"ab"}`)
			c.make(`{"name":"5","tags":"A b"}`)
			for query, want := range map[string]string{
				"tag=a": "1 2 3", "tag=b": "2 3 5", "tag=a&tag=b": "2 3", "tag=b&tag=a": "2 3", "tag=A": "5", "tag=ab": "4", "tag=c": "", "tag=": "",
				"tag=a&tag=": "", "tag=a%20b": "",
			} {
				c.same(query, c.names("/api/{V}/checks/?"+query), want)
			}
		}},
		{6, "by slug", standing, func(c *client) {
			c.make(`{"name":"1","slug":"one","tags":"a"}`)
			c.make(`{"name":"2","slug":"one","tags":"b"}`)
			c.make(`{"name":"3","slug":"one-more","tags":"a"}`)
			for query, want := range map[string]string{
				"slug=one": "1 2", "slug=one-more": "3", "slug=on": "", "slug=One": "", "slug=one&tag=a": "1", "slug=one&tag=a&tag=b": "",
				"slug=": "Nightly dump 1 2 3", "slug=&tag=a": "1 3",
			} {
				c.same(query, c.names("/api/{V}/checks/?"+query), want)
			}
		}},
		{7, "other parameters", standing, func(c *client) {
			c.make(`{"name":"1"}`)
			queries := []string{"tags=a", "page=2", "page=99", "name=", "foo=bar"}
			// where a name is looked for, an extension of ours
			if c.version != "v3" {
				queries = append(queries, "name=1", "name=none", "status=down", "limit=1", "cursor=x")
			}
			for _, query := range queries {
				c.same(query, c.names("/api/{V}/checks/?"+query), "Nightly dump 1")
			}
		}},
		{8, "how tags are taken apart", once, func(c *client) {
			k := monitor.Check{Tags: "  a b   a  c-d,e "}
			c.same("tags", strings.Join(k.TagList(), "|"), "a|b|a|c-d,e")
			c.make(`{"name":"1","tags":"  x   y  "}`).shows("tags", "  x   y  ")
			c.same("by x", c.names("/api/{V}/checks/?tag=x"), "1")
			c.same("by nothing", c.names("/api/{V}/checks/?tag="), "")
		}},
	}
}
