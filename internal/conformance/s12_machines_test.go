package conformance

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// machines is §12: channels, badges, metrics, status, callbacks.
func machines() []line {
	return []line{
		{1, "channels", standing, func(c *client) {
			hook := c.channel("")
			got := c.get("/api/{V}/channels/").list("channels")
			if len(got) != 2 || len(got[0]) != 3 || len(got[1]) != 3 {
				c.Fatalf("channels: %v", got)
			}
			// made at the same moment
			if got[0]["id"] == hook.String() {
				got[0], got[1] = got[1], got[0]
			}
			got[0].shows(c, "id", c.Channel.ID.String(), "name", "Ops", "kind", "email")
			got[1].shows(c, "id", hook.String(), "name", "", "kind", "webhook")
			c.as(c.ro).get("/api/{V}/channels/").is("401w")
		}},
		{2, "the list of badges", standing, badgeList},
		{3, "addresses of badges", once, badgeAddresses},
		{4, "badges as JSON", moving, func(c *client) {
			const grace = `,"timeout":60,"grace":60`
			badge := func(tag, states string) object {
				c.Helper()
				return c.get(c.badge(tag, states, "json")).object(200)
			}
			both := func(tag, two, three string, total, grace, down int) {
				c.Helper()
				for states, status := range map[string]string{"-2": two, "": three} {
					got := badge(tag, states)
					got.shows(c, "status", status, "total", total, "grace", grace, "down", down)
					if len(got) != 4 {
						c.Errorf("keys of a badge: %v", got)
					}
				}
			}
			c.make(`{"tags":"new"}`)
			c.make(`{"tags":"paused"}`).paused()
			c.make(`{"tags":"running"}`).ping("/start")
			c.make(`{"tags":"up"}`).ping("")
			c.make(`{"tags":"late` + ` some"` + grace + `}`).ping("")
			for _, tag := range []string{"new", "paused", "running", "up"} {
				both(tag, "up", "up", 1, 0, 0)
			}
			c.advance(90 * time.Second)
			both("late", "up", "late", 1, 1, 0)
			both("*", "up", "late", 6, 1, 0)
			c.make(`{"tags":"some"}`).ping("/fail")
			both("some", "down", "down", 2, 1, 1)
			both("*", "down", "down", 7, 1, 1)
			c.advance(time.Minute)
			both("late", "down", "down", 1, 0, 1)
		}},
		{5, "badges for shields.io", moving, func(c *client) {
			k := c.make(`{"tags":"prod","timeout":60,"grace":60}`)
			k.ping("")
			shields := func(tag, states, label, message, color string) {
				c.Helper()
				got := c.get(c.badge(tag, states, "shields")).object(200)
				got.shows(c, "schemaVersion", 1, "label", label, "message", message, "color", color)
				if len(got) != 4 {
					c.Errorf("keys of a badge: %v", got)
				}
			}
			shields("prod", "-2", "prod", "up", "success")
			shields("*", "", "Acme Cron", "up", "success")
			c.advance(time.Minute)
			shields("prod", "-2", "prod", "up", "success")
			shields("prod", "", "prod", "late", "important")
			c.advance(time.Minute)
			shields("prod", "", "prod", "down", "critical")
			shields("*", "-2", "Acme Cron", "down", "critical")
		}},
		{6, "badges as pictures", moving, func(c *client) {
			k := c.make(`{"tags":"a<b&c","timeout":60,"grace":60}`)
			k.ping("")
			svg := func(states, color, text string) {
				c.Helper()
				a := c.get(c.badge("a<b&c", states, "svg")).is("200")
				a.has("Content-Type", "image/svg+xml").has("Access-Control-Allow-Origin", "*")
				for _, want := range []string{color, ">" + text + "<", "#555", "a&lt;b&amp;c", `height="20"`} {
					if !strings.Contains(a.body, want) {
						c.Errorf("%s: no %s in %.600s", a.request, want, a.body)
					}
				}
				if strings.Contains(a.body, "a<b") {
					c.Errorf("%s: the label is not escaped", a.request)
				}
			}
			svg("-2", "#4c1", "up")
			svg("", "#4c1", "up")
			c.advance(time.Minute)
			svg("-2", "#4c1", "up")
			svg("", "#fe7d37", "late")
			c.advance(time.Minute)
			svg("-2", "#e05d44", "down")
			svg("", "#e05d44", "down")
		}},
		{7, "the badge of a check", moving, checkBadge},
		{8, "methods of badges", once, func(c *client) {
			for _, path := range []string{c.badge("*", "", "svg"), c.badge("*", "-2", "json"), c.own().badge("2", "shields")} {
				a := c.send("OPTIONS", path, "").is("204 ").has("Access-Control-Allow-Origin", "*")
				a.allows([]string{"GET", "OPTIONS"})
				c.send("HEAD", path, "").is("405 ").has("Access-Control-Allow-Origin", "*")
				if a := c.post(path, ""); a.status != 403 || !strings.Contains(a.body, "<html") {
					c.Errorf("%s: %d %.200s, want a page with 403", a.request, a.status, a.body)
				}
			}
		}},
		{9, "metrics of the service", standing, func(c *client) {
			c.own().ping("/fail")
			before := c.metrics()
			for _, key := range []string{"ts", "max_ping_id", "max_notification_id", "num_unprocessed_flips"} {
				_, ok := before[key].(float64)
				if !ok || len(before) != 4 {
					c.Errorf("metrics: %v", before)
				}
			}
			before.shows(c, "ts", int(c.site.clock.Now().Unix()))
			c.own().ping("")
			after := c.metrics()
			if after["max_ping_id"].(float64) <= before["max_ping_id"].(float64) ||
				after["max_notification_id"].(float64) <= before["max_notification_id"].(float64) {
				c.Errorf("metrics before and after a ping that is told of: %v, %v", before, after)
			}
			for _, key := range []string{"", "wrong", metricsKey + "x", c.rw} {
				c.as("").get("/api/{V}/metrics/", "X-Metrics-Key: "+key).is("403 ")
			}
			c.get("/api/{V}/metrics/").is("403 ")
		}},
		{10, "status of the service", standing, func(c *client) {
			c.as("").get("/api/{V}/status/").is("200 OK")
			c.as("nonsense").get("/api/{V}/status/").is("200 OK")
		}},
		{11, "what providers report", moving, deliveryReports},
		{12, "mail that comes back", moving, bounces},
		{13, "metrics of a project", moving, projectMetrics},
		{14, "who may read the metrics of a project", once, func(c *client) {
			for _, p := range []string{"/projects/{P}/metrics/", "/projects/{P}/checks/metrics/"} {
				for key, want := range map[string]string{c.ro: "200", c.rw: "403", auth32("hcr_"): "403", c.ro[:31]: "400", c.ro + "x": "400",
					"short": "400"} {
					c.get(p + key).is(want)
				}
			}
			const bearer = "/projects/{P}/metrics/"
			c.get(bearer).is("401")
			for header, want := range map[string]string{
				"Bearer " + c.ro: "200", "Bearer " + c.rw: "403", "Bearer " + auth32("hcr_"): "403", "Bearer short": "400", "Basic " + c.ro: "401",
				c.ro: "401", "": "401",
			} {
				c.get(bearer, "Authorization: "+header).is(want)
			}
		}},
	}
}

// auth32 is a key that nobody has.
func auth32(prefix string) string { return prefix + strings.Repeat("x", 32-len(prefix)) }

// metrics are those of the service. Programs read them, not browsers: there are
// no CORS headers.
func (c *client) metrics() object {
	c.Helper()
	a := c.as("").get("/api/{V}/metrics/", "X-Metrics-Key: "+metricsKey).has("Content-Type", "application/json")
	var o object
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.status != 200 {
		c.Fatalf("metrics: %d %s", a.status, a.body)
	}
	return o
}

// badge is the path of a badge of the project, its signature made as docs/contract.md
// §3.1 says; states is "-2" or "".
func (c *client) badge(tag, states, format string) string {
	path := "/badge/" + c.Project.BadgeKey + "/" + signature(c.Project.BadgeKey, tag) + states
	if tag != "*" {
		path += "/" + twice(tag)
	}
	return path + "." + format
}

func signature(badgeKey, tag string) string {
	key := sha1.Sum([]byte(badgeKey + secretKey))
	mac := hmac.New(sha1.New, key[:])
	mac.Write([]byte(tag))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))[:8]
}

// twice escapes a tag and its escapes again.
func twice(tag string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(tag), "+", "%20"), "%", "%25")
}

// badge is the path of the check's badge.
func (k check) badge(states, format string) string {
	return "/b/" + states + "/" + k.stored().BadgeKey.String() + "." + format
}

// badges reads the list of badges.
func (c *client) badges() map[string]map[string]string {
	c.Helper()
	a := c.get("/api/{V}/badges/").is("200 {}")
	var list struct {
		Badges map[string]map[string]string
	}
	if err := json.Unmarshal([]byte(a.body), &list); err != nil {
		c.Fatal(err)
	}
	return list.Badges
}

func badgeList(c *client) {
	got := c.badges()
	if len(got) != 1 || len(got["*"]) != 6 {
		c.Errorf("badges without tags: %v", got)
	}
	tags := []string{"prod", "a/b", "100%", "ünï", "日本", "x.y~z-_", "<&>"}
	c.make(`{"tags":"prod ` + strings.Join(tags[1:], "  ") + `"}`)
	c.make(`{"tags":"prod"}`)
	list := c.badges()
	if len(list) != len(tags)+1 {
		c.Errorf("%d entries, want %d", len(list), len(tags)+1)
	}
	for _, tag := range append(tags, "*") {
		for name, end := range map[string][2]string{"svg": {"-2", "svg"}, "svg3": {"", "svg"}, "json": {"-2", "json"}, "json3": {"", "json"},
			"shields": {"-2", "shields"}, "shields3": {"", "shields"}} {
			want := c.badge(tag, end[0], end[1])
			c.same(tag+" "+name, list[tag][name], siteRoot+want)
			c.get(want).is("200")
		}
	}
	c.same("with a read-only key", fmt.Sprint(c.as(c.ro).badges()), fmt.Sprint(list))
}

func badgeAddresses(c *client) {
	// The examples of docs/contract.md §2.12.
	c.same("prod", signature("demo-badge-key", "prod"), "j_Hs3Xrx")
	c.same("*", signature("demo-badge-key", "*"), "dHvmqrRc")
	c.get("/badge/demo-badge-key/j_Hs3Xrx-2/prod.json").object(200).shows(c, "status", "up", "total", 0, "grace", 0, "down", 0)

	c.make(`{"tags":"prod a/b"}`)
	for _, format := range []string{"svg", "json", "shields"} {
		for _, states := range []string{"", "-2"} {
			for _, tag := range []string{"*", "prod", "a/b"} {
				a := c.get(c.badge(tag, states, format)).is("200").has("Access-Control-Allow-Origin", "*")
				if !strings.Contains(a.header.Get("Cache-Control"), "no-cache") {
					c.Errorf("%s: Cache-Control %q", a.request, a.header.Get("Cache-Control"))
				}
			}
		}
	}
	// A tag with a blank belongs to no check; one may be escaped once or twice.
	c.get(c.badge("a b", "", "json")).object(200).shows(c, "status", "up", "total", 0)
	c.make(`{"tags":"100% ü"}`)
	for tag, once := range map[string]string{"100%": "100%25", "ü": "%C3%BC", "prod": "pro%64", "a/b": "a%2Fb"} {
		c.unseen().get("/badge/"+c.Project.BadgeKey+"/"+signature(c.Project.BadgeKey, tag)+"/"+once+".json").object(200).shows(c, "total", 1)
	}
	good := signature(c.Project.BadgeKey, "prod")
	key := c.Project.BadgeKey
	for _, path := range []string{
		key + "/00000000/prod.svg", key + "/" + good + "/other.svg", key + "/" + good + ".svg", key + "/" + good + "/prod.png",
		key + "/" + good + "/prod.gif",
		key + "/" + signature(key, "*") + "/prod.svg", "unknown/" + good + "/prod.svg", key + "/" + strings.ToUpper(good[:7]) + "-/prod.json",
	} {
		a := c.get("/badge/" + path).is("404e")
		if !strings.Contains(a.header.Get("Cache-Control"), "no-cache") {
			c.Errorf("%s: Cache-Control %q", a.request, a.header.Get("Cache-Control"))
		}
	}
}

func checkBadge(c *client) {
	k := c.make(`{"name":"A & B","timeout":60,"grace":60}`)
	k.ping("")
	json := func(states, status string, grace, down int) {
		c.Helper()
		c.get(k.badge(states, "json")).object(200).shows(c, "status", status, "total", 1, "grace", grace, "down", down)
	}
	json("2", "up", 0, 0)
	c.advance(time.Minute)
	json("2", "up", 1, 0)
	json("3", "late", 1, 0)
	json("1", "up", 1, 0)
	json("99", "up", 1, 0)
	c.advance(time.Minute)
	json("2", "down", 0, 1)
	json("3", "down", 0, 1)
	c.get(k.badge("2", "shields")).object(200).shows(c, "label", "A & B", "message", "down", "color", "critical")
	c.get(k.badge("2", "svg")).is("200").has("Content-Type", "image/svg+xml")
	address, _ := k.get()["badge_url"].(string)
	c.get(strings.TrimPrefix(address, siteRoot)).is("200")

	// A check without a name does not give its ping URL away.
	nameless := c.make(`{"slug":"by-slug"}`)
	c.get(nameless.badge("2", "shields")).object(200).shows(c, "label", "by-slug")

	c.get("/b/2/" + uuid.NewString() + ".svg").is("404p")
	// the check's own uuid is another secret
	c.get("/b/2/" + k.code + ".svg").is("404p")
	c.get(k.badge("2", "png")).isStatus("404")
}

// failed makes a check that has failed and returns it with the delivery that
// tells so through the channel of the account.
func (c *client) failed() (check, *monitor.Delivery) {
	c.Helper()
	k := c.make(`{"channels":"*"}`)
	k.ping("/fail")
	rows, err := c.site.Store().DeliveriesOf(c.Context(), k.stored().ID, noDeliveryFilter)
	if err != nil || len(rows) != 1 {
		c.Fatalf("%d deliveries of a failure, %v", len(rows), err)
	}
	return k, &rows[0].Delivery
}

// broken is what the channel of the account shows of its last delivery, and
// whether it is disabled. Both are put back.
func (c *client) broken() (text string, disabled bool) {
	c.Helper()
	ch, err := c.site.Store().ChannelByID(c.Context(), c.Channel.ID)
	if err != nil {
		c.Fatal(err)
	}
	text = ch.LastError
	disabled = ch.Disabled
	if err := c.site.Store().NoteChannelOutcome(c.Context(), ch.ID, store.ChannelOutcome{At: c.site.clock.Now()}); err != nil {
		c.Fatal(err)
	}
	ch.LastError = ""
	ch.Disabled = false
	if err := testdb.PutChannel(c.Context(), c.site.Store(), ch); err != nil {
		c.Fatal(err)
	}
	return text, disabled
}

func (c *client) isBroken(what, text string, disabled bool) {
	c.Helper()
	gotText, gotDisabled := c.broken()
	if gotText != text || gotDisabled != disabled {
		c.Errorf("%s: the channel shows %q, disabled %t; want %q, %t", what, gotText, gotDisabled, text, disabled)
	}
}

func deliveryReports(c *client) {
	_, delivery := c.failed()
	path := "/api/{V}/notifications/" + delivery.Code.String() + "/status"
	report := func(form string) {
		c.Helper()
		c.as("").post(path, form, "Content-Type: application/x-www-form-urlencoded").is("200 ")
	}
	for _, step := range []struct {
		form, text string
		disabled   bool
	}{
		{"", "", false}, {"foo=1", "", false}, {"error=", "", false}, {"mark_disabled=1", "", false},
		{"error=No+such+number", "No such number", false}, {"error=Gone&mark_disabled=1", "Gone", true},
		{"error=Busy&mark_disabled=", "Busy", false},
		{"error=" + strings.Repeat("x", 300), strings.Repeat("x", 200), false},
		{"MessageStatus=delivered", "", false}, {"MessageStatus=failed", "Delivery failed (status=failed).", false},
		{"MessageStatus=undelivered", "Delivery failed (status=undelivered).", false},
		{"CallStatus=completed", "", false}, {"CallStatus=failed", "Delivery failed (status=failed).", false},
	} {
		report(step.form)
		c.isBroken(step.form, step.text, step.disabled)
	}
	c.as("").post("/api/{V}/notifications/{NONE}/status", "error=x", "Content-Type: application/x-www-form-urlencoded").is("200 ")
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		c.as("").send(method, path, "").is("405")
	}
	c.as("").post("/api/{V}/notifications/nonsense/status", "").is("404")
	c.advance(time.Hour + time.Second)
	report("error=Too+late")
	c.isBroken("after an hour", "", false)
}

func bounces(c *client) {
	paths := mail.NewReturnPaths(secretKey, "bounces.example.net")
	_, delivery := c.failed()
	now := c.site.clock.Now()
	bounce := func(to, fields, want string) {
		c.Helper()
		c.as("").post("/api/{V}/bounces/", bounceMail(to, fields), "Content-Type: message/rfc822").is("200 " + want)
	}
	address := paths.Address(mail.AboutDelivery, delivery.Code, now)
	bounce(address, "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 No such user", "OK")
	c.isBroken("permanent", "Delivery failed (smtp; 550 No such user)", true)
	bounce(address, "Action: failed\r\nStatus: 5.1.1", "OK")
	c.isBroken("permanent without a diagnosis", "Delivery failed (SMTP status code: 5.1.1)", true)
	for _, status := range []string{"4.2.2", "5.4.4"} {
		bounce(address, "Action: delayed\r\nStatus: "+status, "OK")
		c.isBroken("transient", "Delivery failed (SMTP status code: "+status+")", false)
	}
	bounce(address, "Action: delivered\r\nStatus: 2.0.0", "OK (ignored)")
	bounce(address, "Reporting-MTA: dns; example.org", "OK (ignored)")
	c.isBroken("ignored", "", false)

	bounce("someone@bounces.example.net", "Action: failed\r\nStatus: 5.1.1", "OK (bad signature)")
	bounce(strings.Replace(address, "n.", "r.", 1), "Action: failed\r\nStatus: 5.1.1", "OK (bad signature)")
	bounce("", "Action: failed\r\nStatus: 5.1.1", "OK (bad signature)")
	c.as("").post("/api/{V}/bounces/", "", "Content-Type: message/rfc822").is("200 OK (bad signature)")
	c.as("").post("/api/{V}/bounces/", "nonsense").is("200 OK (bad signature)")
	bounce(paths.Address(mail.AboutDelivery, uuid.New(), now), "Action: failed\r\nStatus: 5.1.1", "OK (notification not found)")
	bounce(paths.Address(mail.AboutReport, uuid.New(), now), "Action: failed\r\nStatus: 5.1.1", "OK (user not found)")
	bounce(paths.Address(mail.AboutReport, c.User.ID, now), "Action: failed\r\nStatus: 5.1.1", "OK")
	c.advance(48*time.Hour + 2*time.Second)
	bounce(address, "Action: failed\r\nStatus: 5.1.1", "OK (bad signature)")
	c.isBroken("after 48 hours", "", false)
}

// bounceMail is a delivery report as mail servers send it (RFC 3464).
func bounceMail(to, fields string) string {
	return strings.ReplaceAll(`From: mailer@example.org
To: `+to+`
Subject: Undelivered mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; ops@example.org
`, "\n", "\r\n") + fields + "\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: The alert\r\n\r\n--b--\r\n"
}

func projectMetrics(c *client) {
	own := c.own()
	quoted := c.make(`{"name":"a \"b\" \\ c\nd","tags":"db prod","timeout":60,"grace":60}`)
	quoted.ping("")
	own.ping("/start")
	c.make(`{"name":"P","tags":"db"}`).paused()
	c.make(`{"name":"D","tags":"web"}`).ping("/fail")
	c.advance(90 * time.Second)
	key := func(k check) string { return uniqueKey(k.stored().Code) }
	labels := `{name="a \"b\" \\ c\nd", tags="db prod", unique_key="` + key(quoted) + `"} `
	ownLabels := `{name="Nightly dump", tags="", unique_key="` + key(own) + `"} `
	want := []string{
		"hc_check_up" + labels + "1", "hc_check_started" + labels + "0", "hc_check_grace" + labels + "1", "hc_check_paused" + labels + "0",
		"hc_check_up" + ownLabels + "1", "hc_check_started" + ownLabels + "1", "hc_check_grace" + ownLabels + "0",
		`hc_tag_up{tag="db"} 1`, `hc_tag_up{tag="prod"} 1`, `hc_tag_up{tag="web"} 0`, "hc_checks_total 4", "hc_checks_down_total 1",
		"# TYPE hc_check_up gauge", "# TYPE hc_check_started gauge", "# TYPE hc_check_grace gauge", "# TYPE hc_check_paused gauge",
		"# TYPE hc_tag_up gauge", "# TYPE hc_checks_total gauge", "# TYPE hc_checks_down_total gauge",
	}
	get := func(path string, headers ...string) {
		c.Helper()
		a := c.get(path, headers...).is("200")
		kind := a.header.Get("Content-Type")
		if !strings.HasPrefix(kind, "text/plain") {
			c.Errorf("%s: Content-Type %q", a.request, kind)
		}
		lines := "\n" + a.body
		for _, w := range want {
			if !strings.Contains(lines, "\n"+w+"\n") {
				c.Errorf("%s: no line %s in\n%s", a.request, w, a.body)
			}
		}
		paused := regexp.MustCompile(`(?m)^hc_check_paused\{name="P", .*\} 1$`)
		down := regexp.MustCompile(`(?m)^hc_check_up\{name="D", .*\} 0$`)
		if !paused.MatchString(a.body) || !down.MatchString(a.body) {
			c.Errorf("%s: the paused and the failed check are not there", a.request)
		}
	}
	get("/projects/{P}/metrics/{RO}")
	get("/projects/{P}/checks/metrics/{RO}")
	get("/projects/{P}/metrics/", "Authorization: Bearer "+c.ro)
}
