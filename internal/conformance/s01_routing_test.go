package conformance

import (
	"slices"
	"strings"

	"github.com/google/uuid"
)

// endpoints are the addresses of the Management API with the methods they have.
// That version 3 makes channels, too, is an extension of ours.
func (c *client) endpoints() map[string][]string {
	channels := []string{"GET"}
	if c.version == "v3" {
		channels = append(channels, "POST")
	}
	return map[string][]string{
		"/api/{V}/checks/":                 {"GET", "POST"},
		"/api/{V}/checks/{U}":              {"GET", "POST", "DELETE"},
		"/api/{V}/checks/{K}":              {"GET"},
		"/api/{V}/checks/{U}/pause":        {"POST"},
		"/api/{V}/checks/{U}/resume":       {"POST"},
		"/api/{V}/checks/{U}/pings/":       {"GET"},
		"/api/{V}/checks/{U}/pings/1/body": {"GET"},
		"/api/{V}/checks/{U}/flips/":       {"GET"},
		"/api/{V}/checks/{K}/flips/":       {"GET"},
		"/api/{V}/channels/":               channels,
		"/api/{V}/badges/":                 {"GET"},
	}
}

// routing is §1: addresses and what is the same for all.
func routing() []line {
	return []line{
		{1, "a list without its final slash", standing, func(c *client) {
			for _, list := range []string{"checks", "channels", "badges", "metrics", "status", "checks/{U}/pings", "checks/{U}/flips",
				"checks/{K}/flips"} {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
					for _, query := range []string{"", "?tag=a&tag=b%20c&slug="} {
						path := c.fill("/api/{V}/" + list)
						a := c.as("").send(method, path+query, "").is("301 ")
						a.has("Location", path+"/"+query).has("Access-Control-Allow-Origin", "").has("Access-Control-Allow-Methods", "")
					}
				}
			}
		}},
		{2, "addresses that do not exist", standing, func(c *client) {
			for _, path := range []string{"/api/{V}/checks/{U}/", "/api/{V}/checks/{U}/pause/", "/api/{V}/checks/{U}/resume/", "/api/v4/checks/",
				"/api/checks/", "/api/{V}/", "/api/{V}/nonsense/"} {
				c.get(path).is("404p")
			}
		}},
		{3, "paths are not cleaned", standing, func(c *client) {
			for _, path := range []string{"/api/{V}//checks/", "//api/{V}/checks/", "//ping/{U}", "/ping//{U}", "/ping/../ping/{U}", "/ping/./{U}"} {
				c.get(path).is("404p").has("Location", "")
			}
		}},
		{4, "percent-escapes are decoded first", standing, func(c *client) {
			k := c.make(`{"slug":"abc"}`)
			c.get("/ping/{PK}/%61bc").is("200 OK")
			c.get("/pi%6eg/" + k.code).is("200 OK")
			c.get("/api/{V}/check%73/{U}").is("200 {}")
			k.shows("n_pings", 2)
		}},
		{5, "a uuid has one form", standing, func(c *client) {
			// has letters
			code := uuid.MustParse("ab0e64c6-8e29-4f5b-93b1-5fd0a7ad3bd9")
			for _, form := range []string{strings.ToUpper(code.String()), strings.ReplaceAll(code.String(), "-", ""), "{" + code.String() + "}",
				"%7B" + code.String() + "%7D", code.String() + "0"} {
				c.get("/api/{V}/checks/" + form).is("404p")
				c.get("/api/{V}/checks/" + form + "/flips/").is("404p")
				c.post("/api/{V}/checks/"+form+"/pause", "").is("404p")
				c.get("/ping/" + form).is("404p")
				c.get("/ping/" + form + "/").is("404p")
			}
		}},
		{6, "OPTIONS needs no key", standing, func(c *client) {
			for path, methods := range c.endpoints() {
				a := c.as("").send("OPTIONS", path, "").is("204 ")
				a.has("Access-Control-Allow-Origin", "*").has("Access-Control-Allow-Headers", "X-Api-Key").has("Access-Control-Max-Age", "600")
				a.allows(append(methods, "OPTIONS"))
			}
		}},
		{7, "other methods are refused before the key", standing, func(c *client) {
			for path, methods := range c.endpoints() {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"} {
					if slices.Contains(methods, method) {
						continue
					}
					a := c.as("").send(method, path, "not json").is("405e")
					a.has("Access-Control-Allow-Headers", "X-Api-Key").has("Access-Control-Max-Age", "600")
				}
			}
		}},
		{8, "the methods of each address", standing, func(c *client) {
			for path, methods := range c.endpoints() {
				c.send("PUT", path, "").is("405e").allows(append(methods, "OPTIONS"))
				for _, method := range methods {
					a := c.as("").send(method, path, "")
					if a.status != 401 {
						a.Errorf("%s: %d, want 401: the method is there", a.request, a.status)
					}
				}
			}
		}},
		{9, "content types and CORS headers", standing, func(c *client) {
			// is, object and list look at both in every answer; here is one of each kind.
			c.get("/api/{V}/checks/").is("200 {}")
			c.post("/api/{V}/checks/", "{}").is("201 {}")
			c.post("/api/{V}/checks/", "{").is("error:could not parse request body")
			c.as("").get("/api/{V}/checks/").is("401m")
			c.get("/api/{V}/checks/{OTHER}").is("403e")
			c.get("/api/{V}/checks/{NONEK}").is("404e")
			c.send("PUT", "/api/{V}/checks/", "").is("405e")
			c.post("/api/{V}/checks/{U}/resume", "").is("409 check is not paused").has("Content-Type",
				"text/html; charset=utf-8").has("Access-Control-Allow-Origin", "*")
			c.get("/api/{V}/checks/{NONE}").is("404p")
		}},
		{10, "the content type of a request", standing, func(c *client) {
			for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"} {
				a := c.post("/api/{V}/checks/", `{"name":"As it comes"}`, "Content-Type: "+kind)
				a.object(201).shows(a, "name", "As it comes")
			}
		}},
		{11, "a pre-flight that asks for Content-Type", standing, func(c *client) {
			a := c.send("OPTIONS", "/api/{V}/checks/", "", "Origin: https://example.org", "Access-Control-Request-Method: POST",
				"Access-Control-Request-Headers: content-type,x-api-key")
			a.is("204 ").has("Access-Control-Allow-Headers", "X-Api-Key")
		}},
	}
}

// allows compares Access-Control-Allow-Methods, whatever its order.
func (a *answer) allows(methods []string) {
	a.Helper()
	got := strings.Split(a.header.Get("Access-Control-Allow-Methods"), ", ")
	slices.Sort(got)
	slices.Sort(methods)
	if !slices.Equal(got, methods) {
		a.Errorf("%s: allows %v, want %v", a.request, got, methods)
	}
}
