package conformance

import (
	"strings"

	"punctual/internal/auth"
	"punctual/internal/testkit/testdb"
)

// authentication is §2.
func authentication() []line {
	return []line{
		{1, "no key or one of another length", standing, func(c *client) {
			for _, key := range []string{"", "short", c.rw + "x", c.rw[:31]} {
				c.as(key).get("/api/{V}/checks/").is("401m")
				c.as(key).get("/api/{V}/channels/").is("401m")
				c.as(key).post("/api/{V}/checks/", "{}").is("401m")
				c.as(key).send("DELETE", "/api/{V}/checks/{U}", "").is("401m")
			}
		}},
		{2, "an unknown key", standing, func(c *client) {
			for _, key := range []string{strings.Repeat("x", 32), auth.NewAPIKey(false), auth.NewAPIKey(true), auth.KeyHash(secretKey, c.rw)[:32]} {
				c.as(key).get("/api/{V}/checks/").is("401w")
				c.as(key).post("/api/{V}/checks/{U}", "").is("401w")
			}
		}},
		{3, "where the key is looked for", standing, func(c *client) {
			for _, name := range []string{"x-api-key", "X-API-KEY", "x-Api-keY"} {
				c.as("").unseen().get("/api/{V}/checks/", name+": "+c.rw).is("200 {}")
			}
			c.as("").get("/api/{V}/checks/?api_key={RW}").is("401m")
			c.as("").post("/api/{V}/checks/?api_key={RW}", "{}").is("401m")
		}},
		{4, "the key in the body", standing, func(c *client) {
			body := `{"api_key":"` + c.rw + `"}`
			c = c.as("")
			c.post("/api/{V}/checks/", body).is("201 {}")
			c.post("/api/{V}/checks/{U}", body).is("200 {}")
			c.post("/api/{V}/checks/{U}/pause", body).is("200 {}")
			c.post("/api/{V}/checks/{U}/resume", body).is("200 {}")
			for _, path := range []string{"checks/", "checks/{U}", "checks/{K}", "channels/", "checks/{U}/pings/", "checks/{U}/flips/"} {
				c.send("GET", "/api/{V}/"+path, body).is("401m")
			}
			c.post("/api/{V}/checks/", `{"api_key":"`+c.ro+`"}`).is("401w")
		}},
		{5, "the header wins over the body", standing, func(c *client) {
			body := `{"api_key":"` + c.rw + `"}`
			c.as(strings.Repeat("x", 32)).post("/api/{V}/checks/", body).is("401w")
			c.as("short").post("/api/{V}/checks/", body).is("401m")
			c.as("").post("/api/{V}/checks/", body, "X-Api-Key: ").is("401m")
		}},
		{6, "a number as key", standing, func(c *client) {
			for _, key := range []string{"17", "12345678901234567890123456789012345", "1.5", "true", "null", "[]", "{}"} {
				c.as("").post("/api/{V}/checks/", `{"api_key":`+key+`}`).is("401m")
			}
			c.as("").post("/api/{V}/checks/", `{"api_key":12345678901234567890123456789012}`).is("401w")
		}},
		{7, "a body that is no JSON", standing, func(c *client) {
			for _, body := range []string{"{", "nonsense", "{}{}", `{"name":}`, "{'name':'x'}", `{"name":"` + "\xff" + `"}`, "\xef\xbb\xbf{}", "a=b",
				"{\"name\":\"\x01\"}"} {
				for _, path := range []string{"checks/", "checks/{U}", "checks/{OTHER}", "checks/{NONE}", "checks/{U}/pause", "checks/{U}/resume"} {
					c.as("").post("/api/{V}/"+path, body).is("error:could not parse request body")
				}
			}
		}},
		{8, "a body that is no object", standing, func(c *client) {
			for _, body := range []string{"null", "123", `"s"`, "[]", "true", " [ ] "} {
				for _, path := range []string{"checks/", "checks/{U}", "checks/{U}/pause", "checks/{U}/resume"} {
					c.as("").post("/api/{V}/"+path, body).is("jve:value is not an object")
				}
			}
		}},
		{9, "an empty body", standing, func(c *client) {
			c.post("/api/{V}/checks/", "").is("201 {}")
			c.post("/api/{V}/checks/{U}", "").is("200 {}")
			c.post("/api/{V}/checks/{U}/pause", "").is("200 {}")
			c.post("/api/{V}/checks/{U}/resume", "").is("200 {}")
		}},
		{10, "what a read-only key opens", standing, func(c *client) {
			for _, path := range []string{"checks/", "checks/{U}", "checks/{K}", "checks/{U}/flips/", "checks/{K}/flips/", "badges/"} {
				c.as(c.ro).get("/api/{V}/" + path).is("200 {}")
			}
		}},
		{11, "what a read-only key does not open", standing, func(c *client) {
			c.own().ping("", "with a body")
			ro := c.as(c.ro)
			for _, path := range []string{"checks/", "checks/{U}", "checks/{U}/pause", "checks/{U}/resume"} {
				ro.post("/api/{V}/"+path, "").is("401w")
			}
			ro.send("DELETE", "/api/{V}/checks/{U}", "").is("401w")
			for _, path := range []string{"channels/", "checks/{U}/pings/", "checks/{U}/pings/1/body"} {
				ro.get("/api/{V}/" + path).is("401w")
			}
		}},
		{12, "forms of keys", standing, func(c *client) {
			// The stored form of the example in docs/contract.md §2.2.
			c.same("stored form", auth.KeyHash(secretKey, "hcw_AbCdEfGhIjKlMnOpQrStUvWxYz01"),
				"AbCdEfGh.8ee94a98c6a0aab7ce5677eb0b1128b01d2e52cdea588871e6a89002af48bb94")
			if len(c.rw) != 32 || len(c.ro) != 32 || c.rw[:4] != "hcw_" || c.ro[:4] != "hcr_" {
				c.Errorf("keys of the wrong form: %s, %s", c.rw, c.ro)
			}
			c.get("/api/{V}/checks/").is("200 {}")
			c.as(c.ro).get("/api/{V}/checks/").is("200 {}")
			c.as(c.ro).post("/api/{V}/checks/", "").is("401w")
			c.get("/projects/{P}/metrics/{RW}").is("403")

			// Keys of old are stored as they are.
			rw := strings.ReplaceAll(c.Project.ID.String(), "-", "")
			ro := strings.ReplaceAll(c.User.ID.String(), "-", "")
			c.Project.APIKey = rw
			c.Project.APIKeyReadonly = ro
			if err := testdb.PutProject(c.Context(), c.site.Store(), c.Project); err != nil {
				c.Fatal(err)
			}
			c.as(rw).post("/api/{V}/checks/", "").is("201 {}")
			c.as(ro).get("/api/{V}/checks/").is("200 {}")
			c.as(ro).post("/api/{V}/checks/", "").is("401w")
			c.get("/api/{V}/checks/").is("401w")
		}},
		{13, "the order of refusals", standing, func(c *client) {
			bad := `{"name":1}`
			c.as("").post("/api/{V}/checks/{NONE}", "{").is("error:could not parse request body")
			c.as("").post("/api/{V}/checks/{NONE}", bad).is("401m")
			c.post("/api/{V}/checks/{NONE}", bad).is("404p")
			c.post("/api/{V}/checks/{OTHER}", bad).is("403e")
			c.post("/api/{V}/checks/{U}", bad).is("jve:name is not a string")
			c.post("/api/{V}/checks/{OTHER}/pause", "").is("403e")
			c.post("/api/{V}/checks/{NONE}/resume", "").is("404p")
			c.send("DELETE", "/api/{V}/checks/{OTHER}", "").is("403e")
			c.send("DELETE", "/api/{V}/checks/{NONE}", "").is("404p")
		}},
	}
}
