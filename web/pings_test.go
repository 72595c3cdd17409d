package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
)

// log reads the rows of the event log: "what | from | body".
func logOf(a *answer) []string {
	var out []string
	for _, row := range a.Find(".events .event").EachIter() {
		parts := []string{row.Find(".what").Text(), row.Find(".from").Text(), row.Find(".body").Text()}
		out = append(out, strings.TrimRight(strings.Join(strings.Fields(strings.Join(parts, " | ")), " "), " |"))
	}
	return out
}

func TestTheLogShowsPingsFlipsAndAlerts(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		rid := uuid.NullUUID{UUID: uuid.MustParse("0f5b1f0a-6f0e-4c53-8b8a-2d9f4a3f2c11"), Valid: true}
		with := func(r uuid.NullUUID, exit int, body string) func(*monitor.Ping) {
			return func(p *monitor.Ping) {
				p.RID = r
				if exit >= 0 {
					p.ExitStatus = &exit
				}
				if body != "" {
					p.Body = []byte(body)
				}
			}
		}
		step := func(kind monitor.PingKind, set ...func(*monitor.Ping)) {
			s.ping(c, kind, set...)
			s.clock.Advance(time.Minute)
		}
		step(monitor.PingStart, with(rid, -1, ""))
		step(monitor.PingLog, with(rid, -1, "half\n  way"))
		step(monitor.PingSuccess, with(rid, 0, "<done>"))
		step(monitor.PingIgn, with(uuid.NullUUID{}, -1, "\x00\x01binary"))
		step(monitor.PingFail, with(uuid.NullUUID{}, 3, strings.Repeat("é", 150)))
		want := []string{
			"Alert waits | to email: down",
			"Went down: failure signal",
			"Exit status 3 | POST https 198.51.100.7 · curl/8.5 | " + strings.Repeat("é", 100),
			"Ignored | POST https 198.51.100.7 · curl/8.5 | (8 bytes, not text)",
			"Went up",
			"Exit status 0 in 2 min | POST https 198.51.100.7 · curl/8.5 · run 0f5b1 | <done>",
			"Log | POST https 198.51.100.7 · curl/8.5 · run 0f5b1 | half way",
			"Started | POST https 198.51.100.7 · curl/8.5 · run 0f5b1",
		}
		base := "/checks/" + c.Code.String() + "/"
		if diff := cmp.Diff(want, logOf(s.get(base+"log/").is(http.StatusOK))); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want[1:], logOf(s.get(base+"details/"))); diff != "" {
			t.Errorf("on the page of the check (-want +got):\n%s", diff)
		}
		for query, n := range map[string]int{"kind=success": 1, "kind=success&kind=fail": 2, "kind=flip": 2, "kind=alert": 1, "kind=start&kind=log&kind=ign": 3, "kind=nosuch": 0} {
			if got := logOf(s.get(base + "log/?" + query)); len(got) != n {
				t.Errorf("%s: %q", query, got)
			}
		}
		if got := logOf(s.get(base + "log/?kind=success")); !strings.Contains(got[0], "in 2 min") {
			t.Errorf("a filter must not hide how long runs took: %q", got)
		}
	})
}

func TestAPingInFull(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.addNamed(p, "job", func(c *monitor.Check) { c.TZ = "Asia/Kathmandu" })
		base := "/checks/" + c.Code.String() + "/"
		s.get(base + "last_ping/").is(http.StatusNotFound)
		s.ping(c, monitor.PingStart)
		s.clock.Advance(90 * time.Second)
		exit := 3
		body := "disk <full>\n\tat 100%\n"
		s.ping(c, monitor.PingFail, func(p *monitor.Ping) { p.ExitStatus, p.Body = &exit, []byte(body) })
		a := s.get(base+"pings/2/").is(http.StatusOK).has("Exit status 3", "Duration1 min 30 sec", "UTCSun, 1 Mar 2026, 12:01:30.000 +00:00", "Europe/RigaSun, 1 Mar 2026, 14:01:30",
			"Asia/KathmanduSun, 1 Mar 2026, 17:46:30", "POST https 198.51.100.7", "curl/8.5", "21 bytes")
		if got := a.Find(".code pre").Text(); got != body {
			t.Errorf("body %q", got)
		}
		s.get(base + "last_ping/").is(http.StatusOK).has("Ping 2")
		file := s.get(base + "pings/2/body/").is(http.StatusOK)
		if file.body != body || file.header.Get("Content-Disposition") != fmt.Sprintf(`attachment; filename="%s-2.txt"`, c.Code) || file.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("download: %v %q", file.header, file.body)
		}
		s.get(base + "pings/1/body/").is(http.StatusNotFound)
		s.get(base+"pings/1/").is(http.StatusOK).has("Started", "none")
		for _, n := range []string{"3", "0", "-1", "x", "99999999999999999999"} {
			s.get(base + "pings/" + n + "/").is(http.StatusNotFound)
		}
	})
}

// A program of Windows that crashed has a number of 32 bits: wherever it is shown,
// it is in each way that Windows and its tools write it.
func TestExitStatusesOfWindowsAreShownBothWays(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		exit := -1073741510
		s.ping(c, monitor.PingFail, func(p *monitor.Ping) { p.ExitStatus = &exit })
		const shown = "-1073741510 (0xC000013A), unsigned 3221225786"
		base := "/checks/" + c.Code.String() + "/"
		s.get(base+"pings/1/").is(http.StatusOK).has("Exit status"+shown, "Exit status "+shown)
		s.get(base+"details/").is(http.StatusOK).has("with exit status "+shown+".", "Exit status "+shown)
		s.get(base + "log/").is(http.StatusOK).has("Exit status " + shown)
	})
}

func TestBinaryAndHugeBodies(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		base := "/checks/" + c.Code.String() + "/pings/"
		binary := "\x00\xff\xfe"
		s.ping(c, monitor.PingSuccess, func(p *monitor.Ping) { p.Body = []byte(binary) })
		s.get(base + "1/").is(http.StatusOK).has("3 bytes, not text")
		if got := s.get(base + "1/body/").body; got != binary {
			t.Errorf("download %q", got)
		}
		s.ping(c, monitor.PingSuccess, func(p *monitor.Ping) { p.Body = []byte("x" + strings.Repeat("é", maxShownBody)) })
		a := s.get(base + "2/").is(http.StatusOK).has("Only the beginning is shown")
		if n := len(a.Find(".code pre").Text()); n > maxShownBody || n < maxShownBody-4 {
			t.Errorf("%d bytes shown", n)
		}
	})
}

func TestOldPingsAreHidden(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, p := s.login("me@example.org")
		user.PingLogLimit = 5
		if err := testdb.PutUser(s.Context(), s.store, user); err != nil {
			t.Fatal(err)
		}
		c := s.firstCheck(p)
		for range 8 {
			s.ping(c, monitor.PingSuccess)
			s.clock.Advance(time.Minute)
		}
		base := "/checks/" + c.Code.String() + "/"
		if got := logOf(s.get(base + "log/")); len(got) != 5 {
			t.Errorf("log: %q", got)
		}
		s.get(base + "pings/3/").is(http.StatusNotFound)
		s.get(base + "pings/3/body/").is(http.StatusNotFound)
		s.get(base + "pings/4/").is(http.StatusOK)
	})
}

func TestTheNewestEventsAreOnThePageOfTheCheck(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		for range 20 {
			s.ping(c, monitor.PingStart)
			s.clock.Advance(time.Minute)
			s.ping(c, monitor.PingSuccess)
			s.clock.Advance(time.Minute)
		}
		rows := logOf(s.get("/checks/" + c.Code.String() + "/details/"))
		if len(rows) != detailsEvents || !strings.Contains(rows[detailsEvents-2], "in 1 min") {
			t.Errorf("%d rows: %q", len(rows), rows)
		}
	})
}

// A ping by e-mail is shown decoded; nothing in it can do harm.
func TestAPingByEmailInFull(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		raw := strings.ReplaceAll(`From: =?utf-8?Q?J=C3=BCrgen?= <j@host.example>
Subject: =?utf-8?B?QmFja3VwIOKckw==?=
Content-Type: multipart/mixed; boundary=A

--A
Content-Type: text/plain; charset=iso-8859-1

caf`+"\xe9"+` is <ready>
--A
Content-Type: text/html

<p>ready</p><script>alert(1)</script><img src="https://tracker.example/x.png">
--A
Content-Type: application/pdf; name="<b>.pdf"

12345
--A--
`, "\n", "\r\n")
		mailed := func(body string) func(*monitor.Ping) {
			return func(p *monitor.Ping) {
				p.Scheme, p.Method, p.UserAgent, p.Body = "email", "", "Email from j@host.example", []byte(body)
			}
		}
		s.ping(c, monitor.PingSuccess, mailed(raw))
		base := "/checks/" + c.Code.String() + "/pings/"
		a := s.get(base+"1/").is(http.StatusOK).has("SubjectBackup ✓", "FromJürgen <j@host.example>", "<b>.pdf application/pdf, 5 bytes", "email 198.51.100.7", "Email from j@host.example")
		if got := a.Find(".panel pre").First().Text(); got != "café is <ready>" {
			t.Errorf("text %q", got)
		}
		if got := a.Find(".panel pre").Last().Text(); !strings.Contains(got, "boundary=A") {
			t.Errorf("raw %q", got)
		}
		src, _ := a.Find("iframe").Attr("src")
		if sandbox, _ := a.Find("iframe").Attr("sandbox"); src != base+"1/html/" || strings.Contains(sandbox, "script") {
			t.Errorf("frame %s, sandbox %s", src, sandbox)
		}
		frame := s.get(src).is(http.StatusOK)
		policy := frame.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox allow-popups") || frame.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("policy of the frame: %v", frame.header)
		}
		file := s.get(base + "1/body/").is(http.StatusOK)
		if file.body != raw || file.header.Get("Content-Disposition") != fmt.Sprintf(`attachment; filename="%s-1.eml"`, c.Code) || file.header.Get("Content-Type") != "message/rfc822" {
			t.Errorf("download: %v", file.header)
		}

		s.ping(c, monitor.PingSuccess, mailed("\x00\xff no mail at all"))
		s.get(base + "2/").is(http.StatusOK).has("Raw")
		s.get(base + "2/html/").is(http.StatusNotFound)
		s.ping(c, monitor.PingSuccess, mailed("Subject: long\n\n"+strings.Repeat("é", maxShownBody)))
		if n := len(s.get(base + "3/").is(http.StatusOK).Find(".panel pre").First().Text()); n > maxShownBody+5 {
			t.Errorf("%d bytes of text shown", n)
		}
		s.ping(c, monitor.PingSuccess)
		s.get(base + "4/html/").is(http.StatusNotFound)
		s.otherBrowser().get(base + "1/html/").is(http.StatusSeeOther)
	})
}

func TestAddressesThatTakePingsByEmail(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, "sqlite", func(d *Deps) { d.Site.PingEmailDomain = "hc.example.org" })
	_, p := s.login("me@example.org")
	c := s.firstCheck(p)
	s.get("/checks/" + c.Code.String() + "/details/").has(c.Code.String() + "@hc.example.org")
	p.PingKey = strings.Repeat("k", 22)
	if err := testdb.PutProject(t.Context(), s.store, p); err != nil {
		t.Fatal(err)
	}
	s.get("/checks/" + c.Code.String() + "/details/").has(p.PingKey + "+" + c.Slug + "@hc.example.org")
	s.get("/docs/email-pings/").has("your-uuid-here@hc.example.org")

	without := newTestSite(t, "sqlite")
	_, p = without.login("me@example.org")
	without.get("/checks/"+without.firstCheck(p).Code.String()+"/details/").hasNot("send a mail", "@hc.example.org")
}
