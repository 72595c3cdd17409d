package check_test

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
	"punctual/web"
	"punctual/web/check"
	"punctual/web/webtest"
)

// log reads the rows of the event log: "what | from | body".
func logOf(a *webtest.Answer) []string {
	var out []string
	for _, row := range a.Find(".events .event").EachIter() {
		parts := []string{row.Find(".what").Text(), row.Find(".from").Text(), row.Find(".body").Text()}
		out = append(out, strings.TrimRight(strings.Join(strings.Fields(strings.Join(parts, " | ")), " "), " |"))
	}
	return out
}

func TestTheLogShowsPingsFlipsAndAlerts(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
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
			s.Ping(c, kind, set...)
			s.Clock.Advance(time.Minute)
		}
		step(monitor.PingStart, with(rid, -1, ""))
		step(monitor.PingLog, with(rid, -1, "half\n  way"))
		step(monitor.PingSuccess, with(rid, 0, "<done>"))
		step(monitor.PingIgn, with(uuid.NullUUID{}, -1, "\x00\x01binary"))
		step(monitor.PingFail, with(uuid.NullUUID{}, 3, strings.Repeat("é", 150)))
		want := []string{
			"Notifying email that it is down",
			"Went down: failure signal",
			"Exit status 3 | POST https 198.51.100.7 · curl/8.5 | " + strings.Repeat("é", 100),
			"Ignored | POST https 198.51.100.7 · curl/8.5 | (8 bytes, not text)",
			"Went up",
			"Exit status 0 after 2 min | started 14:00:00 · POST https 198.51.100.7 · curl/8.5 · run 0f5b1 | <done>",
			"Log | POST https 198.51.100.7 · curl/8.5 · run 0f5b1 | half way",
		}
		base := "/checks/" + c.Code.String() + "/"
		diff := cmp.Diff(want, logOf(s.Get(base+"log/").Is(http.StatusOK)))
		if diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, logOf(s.Get(base+"details/"))); diff != "" {
			t.Errorf("on the page of the check (-want +got):\n%s", diff)
		}
		for query, n := range map[string]int{"kind=success": 1, "kind=success&kind=fail": 2, "kind=flip": 2, "kind=alert": 1,
			"kind=start&kind=log&kind=ign": 3, "kind=start&kind=success": 1, "kind=nosuch": 0} {
			got := logOf(s.Get(base + "log/?" + query))
			if len(got) != n {
				t.Errorf("%s: %q", query, got)
			}
		}
		got := logOf(s.Get(base + "log/?kind=success"))
		if !strings.Contains(got[0], "after 2 min | started 14:00:00") {
			t.Errorf("a filter must not hide how long runs took: %q", got)
		}
	})
}

func TestAPingInFull(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.AddNamed(p, "job", func(c *monitor.Check) { c.TZ = "Asia/Kathmandu" })
		base := "/checks/" + c.Code.String() + "/"
		s.Get(base + "last_ping/").Is(http.StatusNotFound)
		s.Ping(c, monitor.PingStart)
		s.Clock.Advance(90 * time.Second)
		exit := 3
		body := "disk <full>\n\tat 100%\n"
		s.Ping(c, monitor.PingFail, func(p *monitor.Ping) {
			p.ExitStatus = &exit
			p.Body = []byte(body)
		})
		a := s.Get(base+"pings/2/").Is(http.StatusOK).Has("Exit status 3", "Duration1 min 30 sec", "UTCSun, 1 Mar 2026, 12:01:30.000 +00:00",
			"Europe/RigaSun, 1 Mar 2026, 14:01:30",
			"Asia/KathmanduSun, 1 Mar 2026, 17:46:30", "POST https 198.51.100.7", "curl/8.5", "21 bytes")
		got := a.Find(".code pre").Text()
		if got != body {
			t.Errorf("body %q", got)
		}
		s.Get(base + "last_ping/").Is(http.StatusOK).Has("Ping 2")
		file := s.Get(base + "pings/2/body/").Is(http.StatusOK)
		if file.Body != body || file.Header.Get("Content-Disposition") != fmt.Sprintf(`attachment; filename="%s-2.txt"`, c.Code) ||
			file.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("download: %v %q", file.Header, file.Body)
		}
		s.Get(base + "pings/1/body/").Is(http.StatusNotFound)
		s.Get(base+"pings/1/").Is(http.StatusOK).Has("Started", "none")
		for _, n := range []string{"3", "0", "-1", "x", "99999999999999999999"} {
			s.Get(base + "pings/" + n + "/").Is(http.StatusNotFound)
		}
	})
}

// A program of Windows that crashed has a number of 32 bits: wherever it is shown,
// it is in each way that Windows and its tools write it.
func TestExitStatusesOfWindowsAreShownBothWays(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		exit := -1073741510
		s.Ping(c, monitor.PingFail, func(p *monitor.Ping) { p.ExitStatus = &exit })
		const shown = "-1073741510 (0xC000013A), unsigned 3221225786"
		base := "/checks/" + c.Code.String() + "/"
		s.Get(base+"pings/1/").Is(http.StatusOK).Has("Exit status"+shown, "Exit status "+shown)
		s.Get(base+"details/").Is(http.StatusOK).Has("with exit status "+shown+".", "Exit status "+shown)
		s.Get(base + "log/").Is(http.StatusOK).Has("Exit status " + shown)
	})
}

func TestBinaryAndHugeBodies(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		base := "/checks/" + c.Code.String() + "/pings/"
		binary := "\x00\xff\xfe"
		s.Ping(c, monitor.PingSuccess, func(p *monitor.Ping) { p.Body = []byte(binary) })
		s.Get(base + "1/").Is(http.StatusOK).Has("3 bytes, not text")
		got := s.Get(base + "1/body/").Body
		if got != binary {
			t.Errorf("download %q", got)
		}
		s.Ping(c, monitor.PingSuccess, func(p *monitor.Ping) { p.Body = []byte("x" + strings.Repeat("é", check.MaxShownBody)) })
		a := s.Get(base + "2/").Is(http.StatusOK).Has("Only the beginning is shown")
		n := len(a.Find(".code pre").Text())
		if n > check.MaxShownBody || n < check.MaxShownBody-4 {
			t.Errorf("%d bytes shown", n)
		}
	})
}

func TestOldPingsAreHidden(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, p := s.Login("me@example.org")
		user.PingLogLimit = 5
		if err := testdb.PutUser(s.Context(), s.Store, user); err != nil {
			t.Fatal(err)
		}
		c := s.FirstCheck(p)
		for range 8 {
			s.Ping(c, monitor.PingSuccess)
			s.Clock.Advance(time.Minute)
		}
		base := "/checks/" + c.Code.String() + "/"
		got := logOf(s.Get(base + "log/"))
		if len(got) != 5 {
			t.Errorf("log: %q", got)
		}
		s.Get(base + "pings/3/").Is(http.StatusNotFound)
		s.Get(base + "pings/3/body/").Is(http.StatusNotFound)
		s.Get(base + "pings/4/").Is(http.StatusOK)
	})
}

func TestTheNewestEventsAreOnThePageOfTheCheck(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		for range check.DetailsEvents + 2 {
			s.Ping(c, monitor.PingStart)
			s.Clock.Advance(time.Minute)
			s.Ping(c, monitor.PingSuccess)
			s.Clock.Advance(time.Minute)
		}
		rows := logOf(s.Get("/checks/" + c.Code.String() + "/details/"))
		if len(rows) != check.DetailsEvents || !strings.Contains(rows[check.DetailsEvents-1], "after 1 min") {
			t.Errorf("%d rows: %q", len(rows), rows)
		}
	})
}

// A ping by e-mail is shown decoded; nothing in it can do harm.
func TestAPingByEmailInFull(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
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
				p.Scheme = "email"
				p.Method = ""
				p.UserAgent = "Email from j@host.example"
				p.Body = []byte(body)
			}
		}
		s.Ping(c, monitor.PingSuccess, mailed(raw))
		base := "/checks/" + c.Code.String() + "/pings/"
		a := s.Get(base+"1/").Is(http.StatusOK).Has("SubjectBackup ✓", "FromJürgen <j@host.example>", "<b>.pdf application/pdf, 5 bytes",
			"email 198.51.100.7", "Email from j@host.example")
		got := a.Find(".panel pre").First().Text()
		if got != "café is <ready>" {
			t.Errorf("text %q", got)
		}
		if got := a.Find(".panel pre").Last().Text(); !strings.Contains(got, "boundary=A") {
			t.Errorf("raw %q", got)
		}
		src, _ := a.Find("iframe").Attr("src")
		sandbox, _ := a.Find("iframe").Attr("sandbox")
		if src != base+"1/html/" || strings.Contains(sandbox, "script") {
			t.Errorf("frame %s, sandbox %s", src, sandbox)
		}
		frame := s.Get(src).Is(http.StatusOK)
		policy := frame.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox allow-popups") ||
			frame.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("policy of the frame: %v", frame.Header)
		}
		file := s.Get(base + "1/body/").Is(http.StatusOK)
		if file.Body != raw || file.Header.Get("Content-Disposition") != fmt.Sprintf(`attachment; filename="%s-1.eml"`, c.Code) ||
			file.Header.Get("Content-Type") != "message/rfc822" {
			t.Errorf("download: %v", file.Header)
		}

		s.Ping(c, monitor.PingSuccess, mailed("\x00\xff no mail at all"))
		s.Get(base + "2/").Is(http.StatusOK).Has("Raw")
		s.Get(base + "2/html/").Is(http.StatusNotFound)
		s.Ping(c, monitor.PingSuccess, mailed("Subject: long\n\n"+strings.Repeat("é", check.MaxShownBody)))
		n := len(s.Get(base + "3/").Is(http.StatusOK).Find(".panel pre").First().Text())
		if n > check.MaxShownBody+5 {
			t.Errorf("%d bytes of text shown", n)
		}
		s.Ping(c, monitor.PingSuccess)
		s.Get(base + "4/html/").Is(http.StatusNotFound)
		s.OtherBrowser().Get(base + "1/html/").Is(http.StatusSeeOther)
	})
}

func TestAddressesThatTakePingsByEmail(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, "sqlite", func(d *web.Deps) { d.Site.PingEmailDomain = "hc.example.org" })
	_, p := s.Login("me@example.org")
	c := s.FirstCheck(p)
	s.Get("/checks/" + c.Code.String() + "/details/").Has(c.Code.String() + "@hc.example.org")
	p.PingKey = strings.Repeat("k", 22)
	if err := testdb.PutProject(t.Context(), s.Store, p); err != nil {
		t.Fatal(err)
	}
	s.Get("/checks/" + c.Code.String() + "/details/").Has(p.PingKey + "+" + c.Slug + "@hc.example.org")
	s.Get("/docs/email-pings/").Has("your-uuid-here@hc.example.org")

	without := webtest.New(t, "sqlite")
	_, p = without.Login("me@example.org")
	without.Get("/checks/"+without.FirstCheck(p).Code.String()+"/details/").HasNot("send a mail", "@hc.example.org")
}
