package conformance

import (
	"strconv"
	"strings"
	"time"
)

const (
	runA = "aaaaaaaa-6f0e-4c53-8b8a-2d9f4a3f2c11"
	runB = "bbbbbbbb-6f0e-4c53-8b8a-2d9f4a3f2c11"
)

// pingsByUUID is §9: /ping/U[/start|fail|log|N] and /ping/U/.
func pingsByUUID() []line {
	return []line{
		{1, "every method is a ping", once, func(c *client) {
			k := c.make("{}")
			for i, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
				for _, rest := range []string{"", "/", "/start", "/fail", "/log", "/0"} {
					body := "OK"
					if method == "HEAD" {
						body = ""
					}
					a := c.send(method, "/ping/"+k.code+rest, "").is("200 " + body)
					a.has("Content-Type", "text/html; charset=utf-8").has("Access-Control-Allow-Origin", "*").has("Ping-Body-Limit",
						strconv.Itoa(bodyLimit)).has("Content-Length", "2")
					for _, word := range []string{"no-cache", "no-store", "must-revalidate", "private", "max-age=0"} {
						if !strings.Contains(a.header.Get("Cache-Control"), word) {
							c.Errorf("%s: Cache-Control %q without %s", a.request, a.header.Get("Cache-Control"), word)
						}
					}
				}
				k.shows("n_pings", 6*(i+1))
				k.last().shows(c, "method", method)
			}
		}},
		{2, "an unknown uuid", once, func(c *client) {
			for _, rest := range []string{"", "/", "/start", "/fail", "/log", "/0", "/256", "?rid=nonsense", "/fail?rid=", "?create=1"} {
				for _, method := range []string{"GET", "POST", "OPTIONS"} {
					c.send(method, "/ping/{NONE}"+rest, "").is("404 not found").has("Access-Control-Allow-Origin", "").has("Ping-Body-Limit", "")
				}
			}
		}},
		{3, "what is no ping URL", once, func(c *client) {
			for _, path := range []string{"/ping/", "/ping/nonsense", "/ping/{U}0", "/ping/{U}/fail/", "/ping/{U}/fail/x", "/ping/{U}/1.5",
				"/ping/{U}/start/fail/", "/ping/{U}/5/", "/ping/{U}//"} {
				c.get(path).is("404p")
			}
			c.own().shows("n_pings", 0)
		}},
		{4, "what reads as ping key and slug", once, func(c *client) {
			for _, rest := range []string{"foo", "-0", "--1", "done", "success", "1a", "nightly-dump", "start/fail", "fail/log", "5/start"} {
				c.get("/ping/{U}/" + rest).is("404 not found")
			}
			c.own().shows("n_pings", 0)
		}},
		{5, "capitals", once, func(c *client) {
			for _, rest := range []string{"FAIL", "Start", "fAil", "LOG"} {
				c.get("/ping/{U}/" + rest).is("400 invalid url format")
				c.get("/ping/{NONE}/" + rest).is("400 invalid url format")
			}
			c.own().shows("n_pings", 0)
		}},
		{6, "exit statuses", once, exitStatuses},
		{7, "run ids", once, func(c *client) {
			k := c.make("{}")
			for sent, want := range map[string]string{
				"rid=" + runA: runA, "rid=" + strings.ToUpper(runA): runA, "rid=nonsense&rid=" + runB: runB, "rid=" + runA + "&rid=" + runB: runB,
				"foo=1&rid=" + runA + "&bar": runA, "rid=00000000-0000-0000-0000-000000000000": "00000000-0000-0000-0000-000000000000",
				"rid=FFFFFFFF-ffff-ffff-FFFF-ffffffffffff": "ffffffff-ffff-ffff-ffff-ffffffffffff",
			} {
				c.unseen().get("/ping/" + k.code + "/log?" + sent).is("200 OK")
				k.last().shows(c, "rid", want)
			}
		}},
		{8, "run ids that are none", once, badRunIDs},
		{9, "create is for slugs", once, func(c *client) {
			c.own().ping("?create=1")
			c.own().ping("/start?create=1")
			c.get("/ping/{NONE}?create=1").is("404 not found")
			c.same("checks", c.names("/api/v3/checks/"), "Nightly dump")
		}},
		{10, "bodies", once, func(c *client) {
			k := c.make("{}")
			kept := func(want string) {
				c.Helper()
				p := k.last()
				if want == "" {
					p.shows(c, "body_url", nil)
					return
				}
				url, _ := p["body_url"].(string)
				c.get(strings.TrimPrefix(url, siteRoot)).is("200 " + want)
			}
			binary := "\x00\x01\xff\xfe\x80 raw"
			k.ping("", binary)
			kept(binary)
			k.ping("", strings.Repeat("ü", bodyLimit))
			kept(strings.Repeat("ü", bodyLimit/2))
			k.ping("", strings.Repeat("x", bodyLimit-1)+"ü")
			kept(strings.Repeat("x", bodyLimit-1) + "\xc3")
			k.ping("")
			kept("")
			for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS"} {
				c.send(method, "/ping/"+k.code, "sent by "+method).is("200 OK")
				kept("sent by " + method)
			}
			c.post("/ping/"+k.code, "a=1&b=%20", "Content-Type: application/x-www-form-urlencoded").is("200 OK")
			kept("a=1&b=%20")
			form := "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n"
			c.post("/ping/"+k.code, form, "Content-Type: multipart/form-data; boundary=x").is("200 OK")
			kept(form)
			n := k.get()["n_pings"]
			c.post("/ping/"+k.code, strings.Repeat("x", 2621440)).is("200 OK")
			kept(strings.Repeat("x", bodyLimit))
			c.post("/ping/"+k.code, strings.Repeat("x", 2621441)).isPage(400)
			k.shows("n_pings", n.(float64)+1)
		}},
		{11, "the user agent", once, func(c *client) {
			k := c.make("{}")
			for sent, want := range map[string]string{
				"curl/8.0": "curl/8.0", "": "", strings.Repeat("a", 200): strings.Repeat("a", 200), strings.Repeat("b", 201): strings.Repeat("b", 200),
				strings.Repeat("c", 4000): strings.Repeat("c", 200),
			} {
				c.get("/ping/"+k.code, "User-Agent: "+sent).is("200 OK")
				k.last().shows(c, "ua", want)
			}
		}},
		{12, "forwarded addresses", once, forwarded},
		{13, "success and failure", once, func(c *client) {
			k := c.make(`{"timeout":60}`)
			for _, step := range []struct{ ping, status, flips string }{
				{"", "up", "1"}, {"", "up", "1"}, {"/fail", "down", "1 0"}, {"/fail", "down", "1 0"}, {"/1", "down", "1 0"}, {"/0", "up", "1 0 1"},
			} {
				n, _ := k.get()["n_pings"].(float64)
				k.ping("/start")
				k.ping(step.ping)
				k.shows("status", step.status, "started", false, "last_ping", c.now(0), "n_pings", n+2)
				c.same("flips after "+step.ping, k.flips(), step.flips)
			}
			flips, err := c.site.Store().Flips(c.Context(), k.stored().ID, noFilter)
			if err != nil || flips[1].Reason != "fail" || flips[0].Reason != "" {
				c.Errorf("reasons of the flips: %v, %v", flips, err)
			}
		}},
		{14, "start", once, func(c *client) {
			for before, status := range map[string]string{"/log": "new", "": "up", "/fail": "down"} {
				k := c.make("{}").after(before)
				last := k.get()["last_ping"]
				k.ping("/start")
				k.shows("started", true, "status", status, "last_ping", last, "n_pings", 2)
			}
		}},
		{15, "log", once, func(c *client) {
			for _, before := range []string{"", "/fail", "/start", "/log"} {
				k := c.make("{}").after(before)
				want := k.get()
				want["n_pings"] = 2.0
				flips := k.flips()
				k.ping("/log", "something to note")
				for key, value := range want {
					k.shows(key, value)
				}
				c.same("kinds", k.last()["type"].(string), "log")
				c.same("flips", k.flips(), flips)
			}
		}},
		{16, "run ids at success", moving, func(c *client) {
			runIDs(c, "", false)
			lateStarts(c, "")
		}},
		{17, "run ids at failure", moving, func(c *client) {
			runIDs(c, "/fail", true)
			lateStarts(c, "/fail")
		}},
		{18, "methods", once, func(c *client) {
			k := c.make(`{"methods":"POST","filter_http_body":true,"success_kw":"done","filter_default_fail":true}`)
			for i, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"} {
				for j, rest := range []string{"", "/fail", "/start", "/log", "/7"} {
					a := c.send(method, "/ping/"+k.code+rest, "done")
					if a.status != 200 {
						c.Errorf("%s: %d", a.request, a.status)
					}
					k.shows("status", "new", "started", false, "last_ping", nil, "n_pings", i*5+j+1)
					k.last().shows(c, "type", "ign", "method", method)
				}
			}
			c.same("flips", k.flips(), "")
			k.ping("", "done")
			k.shows("status", "up")
		}},
		{19, "keywords in the body", once, keywords},
		{20, "keywords for mail only", once, func(c *client) {
			for _, flag := range []string{`"filter_subject":true`, `"filter_body":true`, `"filter_subject":true,"filter_body":true`} {
				k := c.make(`{` + flag + `,"failure_kw":"oops","success_kw":"fine","filter_default_fail":true}`)
				k.ping("", "oops")
				k.ping("/fail", "fine")
				k.ping("/start", "neither")
				c.same(flag, k.kinds(), "success fail start")
			}
		}},
		{21, "keywords in what is no UTF-8", once, func(c *client) {
			k := c.make(`{"filter_http_body":true,"success_kw":"done","failure_kw":"oops"}`)
			k.ping("/fail", "\xff\xfe done \x80")
			k.ping("", "\xff oops\xff")
			k.ping("", "\xff\xff")
			c.same("kinds", k.kinds(), "success fail ign")
		}},
		{22, "a paused check that stays so", once, func(c *client) {
			k := c.make(`{"manual_resume":true,"filter_http_body":true,"success_kw":"done","failure_kw":"oops"}`).paused()
			k.ping("", "done")
			k.ping("/fail", "oops")
			k.ping("/start", "done")
			k.shows("status", "paused", "started", false, "last_ping", nil)
			c.same("kinds", k.kinds(), "ign ign ign")
			c.same("flips", k.flips(), "0")
		}},
	}
}

func exitStatuses(c *client) {
	k := c.make("{}")
	for _, step := range []struct {
		n, kind string
		status  int
	}{
		{"0", "success", 0}, {"1", "fail", 1}, {"127", "fail", 127}, {"255", "fail", 255}, {"000", "success", 0}, {"007", "fail", 7},
		{"00000000000000000000255", "fail", 255},
	} {
		k.ping("/" + step.n)
		k.last().shows(c, "type", step.kind)
		got := k.storedPing().ExitStatus
		if got == nil || *got != step.status {
			c.Errorf("/%s: exit status %v, want %d", step.n, got, step.status)
		}
	}
	windowsExitStatuses(k)
	before := k.get()["n_pings"]
	for _, n := range []string{"256", "999", "0256", "2147483647", "4294967296", "-2147483649", "99999999999999999999999"} {
		c.get("/ping/" + k.code + "/" + n).is("400 invalid url format")
	}
	k.shows("n_pings", before)
}

// The exit statuses of Windows are failures. Healthchecks answers 404 to those
// with a minus and 400 to the others, so that a crashed program is not told from
// one that has never ended.
func windowsExitStatuses(k check) {
	c := k.client
	for sent, want := range map[string]int{"-1": -1, "-2147483648": -2147483648, "2147483648": -2147483648, "3221225786": -1073741510,
		"4294967295": -1} {
		k.ping("/0")
		k.ping("/" + sent)
		k.shows("status", "down")
		k.last().shows(c, "type", "fail")
		pings := c.get(k.path() + "/pings/?extra=exit_status").list("pings")
		pings[0].shows(c, "exit_status", want)
	}
}

func badRunIDs(c *client) {
	k := c.make("{}")
	for _, rid := range []string{"", "nonsense", strings.ReplaceAll(runA, "-", ""), "{" + runA + "}", "%7B" + runA + "%7D", runA + "0",
		"%20" + runA, "urn:uuid:" + runA, runA[:35], strings.Replace(runA, "a", "g", 1)} {
		for _, rest := range []string{"", "/", "/start", "/fail", "/log", "/3"} {
			c.get("/ping/" + k.code + rest + "?rid=" + rid).is("400 invalid uuid format")
		}
	}
	c.get("/ping/" + k.code + "?rid").is("400 invalid uuid format")
	c.get("/ping/" + k.code + "?rid=" + runA + "&rid=nonsense").is("400 invalid uuid format")
	c.get("/ping/" + k.code + "/256?rid=nonsense").is("400 invalid url format")
	k.shows("n_pings", 0)
}

// A text that is no address is not kept, and of a scheme the first ten letters.
func forwarded(c *client) {
	k := c.make("{}")
	for sent, want := range map[string]any{
		"198.51.100.7": "198.51.100.7", "198.51.100.7, 10.0.0.1,10.0.0.2": "198.51.100.7", "1.2.3.4:567": "1.2.3.4",
		"1.2.3.4:567, 10.0.0.1": "1.2.3.4",
		"2001:db8::1":           "2001:db8::1", "::ffff:1.2.3.4": "::ffff:1.2.3.4", "::1": "::1",
		"nonsense": nil, "1.2.3.4.5": nil, ",1.2.3.4": nil,
	} {
		c.get("/ping/"+k.code, "X-Forwarded-For: "+sent).is("200 OK")
		k.last().shows(c, "remote_addr", want)
	}
	// Healthchecks keeps ten characters of anything; we take only what can be true.
	for sent, want := range map[string]string{"https": "https", "http": "http", "abcdefghijkl": "http"} {
		c.get("/ping/"+k.code, "X-Forwarded-Proto: "+sent).is("200 OK")
		k.last().shows(c, "scheme", want)
	}
	c.get("/ping/" + k.code).is("200 OK")
	k.last().shows(c, "remote_addr", "127.0.0.1", "scheme", "http")
}

func runIDs(c *client, end string, always bool) {
	for _, step := range []struct {
		start, end string
		clears     bool
		duration   any
	}{
		{"", "", true, 7}, {runA, runA, true, 7}, {runA, "", true, absent}, {runA, runB, always, absent}, {"", runA, always, absent},
		{strings.ToUpper(runA), runA, true, 7},
	} {
		rid := func(r string) string {
			if r == "" {
				return ""
			}
			return "?rid=" + r
		}
		k := c.make("{}")
		k.ping("/start" + rid(step.start))
		c.advance(7_900_000_000)
		k.ping(end + rid(step.end))
		k.shows("started", !step.clears, "last_duration", step.duration, "last_ping", c.now(0))
	}
}

// A start that arrives after the end of its own run is kept without effect: the
// reference begins a run then which nobody ends, and the check goes down.
func lateStarts(c *client, end string) {
	k := c.make(`{"grace":60}`).after("/start?rid="+runA, end+"?rid="+runA)
	want := k.get()
	want["n_pings"] = 4.0
	c.advance(10 * time.Minute)
	k.ping("/start?rid=" + strings.ToUpper(runA))
	k.last().shows(c, "type", "ign", "rid", runA)
	k.ping("/start?rid=" + runA)
	k.shows("started", false, "n_pings", want["n_pings"], "status", want["status"], "last_ping", want["last_ping"])
	c.advance(time.Minute)
	k.shows("status", want["status"])
	// the job sends one id with each run
	k.ping(end + "?rid=" + runA)
	k.ping("/start?rid=" + runA)
	k.shows("started", true)
	k = c.make("{}").after(end, "/start")
	k.shows("started", true)
	k = c.make("{}").after(end+"?rid="+runA, "/start", end, "/start?rid="+runB)
	k.shows("started", true)
	k = c.make("{}").after(end + "?rid=" + runA)
	c.advance(10*time.Minute + time.Microsecond)
	k.ping("/start?rid=" + runA)
	k.shows("started", true)
}

func keywords(c *client) {
	const words = `"filter_http_body":true,"failure_kw":"ERROR, out of memory ,","success_kw":" ok,DONE","start_kw":"begin"`
	for _, rule := range []struct{ settings, fallback string }{{"", "ign"}, {`,"filter_default_fail":true`, "fail"}} {
		for body, want := range map[string]string{
			"an ERROR": "fail", "ran out of memory!": "fail", "ERROR but ok and begin": "fail", "begin, then ok": "success", "it is DONE": "success",
			"beginning": "start",
			"error":     rule.fallback, "done Ok": rule.fallback, "out of  memory": rule.fallback, ",": rule.fallback, "": rule.fallback,
			" ": rule.fallback,
		} {
			k := c.make(`{` + words + rule.settings + `}`)
			var kinds []string
			for _, rest := range []string{"", "/", "/start", "/fail", "/log", "/0", "/3"} {
				k.ping(rest, body)
				kinds = append(kinds, want)
			}
			c.same(body+rule.settings, k.kinds(), strings.Join(kinds, " "))
		}
		k := c.make(`{` + words + rule.settings + `}`)
		c.get("/ping/" + k.code).is("200 OK")
		c.same("GET has no body", k.kinds(), rule.fallback)
		k.ping("", strings.Repeat("x", bodyLimit)+"ERROR")
		// beyond what is kept
		k.last().shows(c, "type", rule.fallback)
	}
}
