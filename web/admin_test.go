package web

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/logs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/templates"
)

// superuser logs a superuser in.
func superuser(s *testSite) *testSite {
	s.Helper()
	if _, err := s.auth.CreateSuperuser(s.Context(), "root@example.org", ""); err != nil {
		s.Fatal(err)
	}
	b := s.otherBrowser()
	b.login("root@example.org")
	return b
}

func TestTheAdminPagesAreForSuperusers(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		root := superuser(s)
		pages := []string{"/admin/users/", "/admin/projects/", "/admin/checks/", "/admin/emails/", "/admin/deliveries/"}
		for _, path := range pages {
			root.get(path).is(http.StatusOK)
			s.get(path).is(http.StatusNotFound)
			s.otherBrowser().get(path).is(http.StatusSeeOther)
		}
		root.get("/admin/").leadsTo("/admin/users/")
		for _, path := range []string{"/admin/users/" + user.ID.String() + "/active/", "/admin/users/" + user.ID.String() + "/login/", "/admin/deliveries/1/retry/", "/admin/emails/1/resend/"} {
			s.post(path, nil).is(http.StatusNotFound)
		}
	})
}

func TestListsAreSearchedAndPaged(t *testing.T) {
	eachSite(t, func(s *testSite) {
		root := superuser(s)
		for i := range 60 {
			u := &monitor.Email{MessageID: fmt.Sprintf("%d@example.org", i), Kind: "login", To: fmt.Sprintf("user%02d@example.org", i), Subject: "Hello"}
			if err := s.store.EnqueueEmail(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
		first := root.get("/admin/emails/").has("1–50")
		next, _ := first.Find("a[rel=next]").Attr("href")
		root.get(next).has("51–60")
		root.get("/admin/emails/?q=USER07").has("user07@example.org").hasNot("user08@example.org")
		root.get("/admin/emails/?status=failed").has("There is nothing here")
		root.get("/admin/users/?q=nobody").has("Nothing matches")
		root.get("/admin/users/?q=ROOT").has("root@example.org")
		root.get("/admin/users/?page=-3").is(http.StatusOK)
	})
}

func TestDeactivatingAUser(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		root := superuser(s)
		path := "/admin/users/" + user.ID.String() + "/active/"
		root.post(path, url.Values{"active": {"0"}}).is(http.StatusSeeOther)
		s.get("/accounts/profile/").is(http.StatusSeeOther)
		mailed := len(s.sent.links)
		s.post("/accounts/login/", signupForm("jane@example.org")).leadsTo("/accounts/login_link_sent/")
		if len(s.sent.links) != mailed {
			t.Error("a link was mailed")
		}

		root.post(path, url.Values{"active": {"1"}}).is(http.StatusSeeOther)
		s.login("jane@example.org")

		self, err := s.store.UserByEmail(t.Context(), "root@example.org")
		if err != nil {
			t.Fatal(err)
		}
		root.post("/admin/users/"+self.ID.String()+"/active/", url.Values{"active": {"0"}}).is(http.StatusConflict)
	})
}

func TestLoggingInAsAUserLeavesATrace(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			var log bytes.Buffer
			s := newTestSite(t, engine, func(d *Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			user, project := s.login("jane@example.org")
			root := superuser(s)

			root.post("/admin/users/"+user.ID.String()+"/login/", nil).leadsTo("/projects/" + project.ID.String() + "/checks/")
			page := root.get("/accounts/profile/").is(http.StatusOK).has("jane@example.org")
			if banner := page.text(".banner"); !strings.Contains(banner, "root@example.org") || !strings.Contains(banner, "jane@example.org") {
				t.Errorf("banner %q", banner)
			}
			root.get("/admin/users/").is(http.StatusNotFound)
			root.post("/accounts/close/", url.Values{"confirmation": {"jane@example.org"}}).is(http.StatusForbidden)
			if text := log.String(); !strings.Contains(text, "superuser logs in as a user") || !strings.Contains(text, "superuser=root@example.org") {
				t.Errorf("log:\n%s", text)
			}

			root.post("/accounts/logout/", nil).leadsTo("/admin/users/")
			if root.get("/admin/users/").is(http.StatusOK).Find(".banner.grace").Length() != 0 {
				t.Error("the banner is still there")
			}
			if _, err := s.auth.CreateSuperuser(t.Context(), "jane@example.org", ""); err != nil {
				t.Fatal(err)
			}
			root.login("root@example.org") // coming back is no authentication
			root.post("/admin/users/"+user.ID.String()+"/login/", nil).is(http.StatusForbidden)
		})
	}
}

// What is done in a user's name names the superuser, on each line.
func TestEachLineOfWhatIsDoneInAUsersNameNamesTheSuperuser(t *testing.T) {
	var out bytes.Buffer
	log, err := logs.New(&out, logs.Levels{}, "json")
	if err != nil {
		t.Fatal(err)
	}
	s := newTestSite(t, db.SQLite, func(d *Deps) { d.Log = log })
	user, project := s.login("jane@example.org")
	channel := &monitor.Channel{ProjectID: project.ID, Kind: monitor.KindEmail, Config: `{"address":"ops@example.net","up":true,"down":true}`}
	if err := s.store.CreateChannel(t.Context(), channel); err != nil {
		t.Fatal(err)
	}
	root := superuser(s)
	root.post("/admin/users/"+user.ID.String()+"/login/", nil).is(http.StatusSeeOther)
	from := out.Len()
	root.post("/projects/add/", url.Values{"name": {"Another"}}).is(http.StatusSeeOther)
	root.post("/integrations/"+channel.ID.String()+"/resend/", nil).is(http.StatusSeeOther)
	check := s.firstCheck(project)
	root.post("/checks/"+check.Code.String()+"/pause/", nil).is(http.StatusSeeOther)
	root.post("/checks/"+check.Code.String()+"/remove/", nil).is(http.StatusSeeOther)
	lines := strings.Split(strings.TrimSpace(out.String()[from:]), "\n")
	if len(lines) < 4 {
		t.Fatalf("%d lines: %s", len(lines), out.String()[from:])
	}
	for _, line := range lines {
		if strings.Count(line, `"superuser":"root@example.org"`) != 1 || !strings.Contains(line, user.ID.String()) {
			t.Errorf("who has done it? %s", line)
		}
	}
	if v := s.sent.verifies[len(s.sent.verifies)-1]; !strings.Contains(v.By, "root@example.org") || !strings.Contains(v.By, "jane@example.org") {
		t.Errorf("the mail says that it comes from %q", v.By)
	}
	from = out.Len()
	root.post("/accounts/logout/", nil).leadsTo("/admin/users/")
	if strings.Count(out.String()[from:], `"superuser":"root@example.org"`) != 2 {
		t.Errorf("going back: %s", out.String()[from:])
	}
	from = out.Len()
	root.get("/admin/users/").is(http.StatusOK)
	if strings.Contains(out.String()[from:], `"superuser"`) {
		t.Errorf("as themselves: %s", out.String()[from:])
	}
}

func TestASuperuserWhoIsNoneAnyMoreSeesThroughNobodysEyes(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		root := superuser(s)
		root.post("/admin/users/"+user.ID.String()+"/login/", nil).is(http.StatusSeeOther)
		admin, err := s.store.UserByEmail(t.Context(), "root@example.org")
		if err != nil {
			t.Fatal(err)
		}
		admin.IsSuperuser = false
		if err := testdb.PutUser(t.Context(), s.store, admin); err != nil {
			t.Fatal(err)
		}
		root.get("/accounts/profile/").is(http.StatusSeeOther)
	})
}

func TestSuperusersMayOpenEveryProject(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, project := s.login("jane@example.org")
		superuser(s).get(settingsPath(project)).is(http.StatusOK)
	})
}

func TestSuperusersHearWhenNoAlertsAreSent(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		root := superuser(s)
		if root.get("/docs/").Find(".banner.down").Length() != 1 || s.get("/docs/").Find(".banner.down").Length() != 0 {
			t.Error("no sendalerts is alive: superusers must see it, others not")
		}
		if err := s.store.Heartbeat(t.Context(), &monitor.Node{Role: "sendalerts", StartedAt: s.clock.Now()}); err != nil {
			t.Fatal(err)
		}
		if root.get("/docs/").Find(".banner.down").Length() != 0 {
			t.Error("sendalerts is alive")
		}
	})
}

const linkInMail = "http://example.org/accounts/check_token/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33/TheSecretOfTheLink_-/"

func keepMail(s *testSite, status monitor.EmailStatus) *monitor.Email {
	s.Helper()
	m := &monitor.Email{
		MessageID: "1@example.org", Kind: "login", To: "jane@example.org", Subject: "Log in", Status: status,
		Text: "Open " + linkInMail, HTML: `<p style="color:red">Hello</p><a href="` + linkInMail + `">Log in</a>`,
	}
	if err := s.store.EnqueueEmail(s.Context(), m); err != nil {
		s.Fatal(err)
	}
	return m
}

// madeMail is a mail and what in its links acts for the reader; none: no link does.
type madeMail struct {
	mail    *mail.Message
	secrets []string
}

// mailOfEachKind makes a mail of each kind, with a link that was made for it.
func mailOfEachKind(s *testSite) map[string]madeMail {
	s.Helper()
	composer, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: s.url}, "example.org")
	if err != nil {
		s.Fatal(err)
	}
	secretOf := func(link string) string {
		parts := strings.Split(strings.Trim(link, "/"), "/")
		secret := parts[len(parts)-1]
		return secret[strings.LastIndex(secret, ".")+1:]
	}
	all := make(map[string]madeMail)
	add := func(m *mail.Message, err error) func(secrets ...string) {
		if err != nil {
			s.Fatal(err)
		}
		return func(secrets ...string) { all[m.Kind] = madeMail{m, secrets} }
	}

	user, project := s.login("jane@example.org")
	login := s.lastLink()
	add(composer.Login(user.Email, login))(secretOf(login))
	add(composer.Welcome(mail.Welcome{To: user.Email, Link: login}))(secretOf(login))

	s.post("/projects/"+project.ID.String()+"/members/", url.Values{"email": {"bob@example.net"}, "role": {"w"}}).is(http.StatusSeeOther)
	invite := s.linkTo("bob@example.net")
	add(composer.Invite(mail.Invite{To: "bob@example.net", Link: invite}))(secretOf(invite))

	s.post("/accounts/change_email/", url.Values{"email": {"jane@example.net"}}).is(http.StatusSeeOther)
	change := s.linkTo("jane@example.net")
	add(composer.EmailChange(mail.EmailChange{To: "jane@example.net", Old: user.Email, New: "jane@example.net", Link: change}))(secretOf(change))

	channel := &monitor.Channel{ProjectID: project.ID, Kind: monitor.KindEmail, Config: `{"address":"ops@example.net","up":true,"down":true}`}
	if err := s.addresses.Create(s.Context(), channel, project, user); err != nil {
		s.Fatal(err)
	}
	if len(s.sent.verifies) == 0 {
		s.Fatal("no address was asked")
	}
	verify := s.sent.verifies[0]
	add(composer.Verify(verify))(secretOf(verify.Link))

	unsubscribe := s.server.Signer.UnsubscribePath(channel.ID)
	add(composer.Alert(mail.Alert{To: user.Email, Key: uuid.NewString(), Link: s.url + "/", Unsubscribe: s.url + unsubscribe}))(secretOf(unsubscribe))
	unsubscribeReports := s.server.Signer.UnsubscribeReportsPath(user.ID, s.store.Now())
	frame := mail.ReportFrame{Key: uuid.NewString(), To: user.Email, Link: s.url + "/", Settings: s.url + "/accounts/profile/notifications/", Unsubscribe: s.url + unsubscribeReports}
	add(composer.Report(mail.Report{ReportFrame: frame, Period: "monthly"}))(secretOf(unsubscribeReports))
	frame.Key = uuid.NewString()
	add(composer.Nag(mail.Nag{ReportFrame: frame, Every: "day"}))(secretOf(unsubscribeReports))

	// These lead to pages that ask who one is.
	page := s.url + "/projects/" + project.ID.String() + "/settings/"
	add(composer.Trouble(mail.Trouble{To: user.Email, Key: uuid.NewString(), Link: page}))()
	add(composer.Transfer(mail.Transfer{To: user.Email, Link: page}))()
	add(composer.TwoFactor(mail.TwoFactor{To: user.Email, Link: page}))()
	add(composer.Removed(mail.Removed{To: user.Email, Link: page}))()
	add(composer.Unused(mail.Unused{To: user.Email, Link: page}))()
	add(composer.Security(mail.Security{To: user.Email, Link: page}))()
	return all
}

func TestSuperusersDoNotActByTheMailOfOthers(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	all := mailOfEachKind(s)
	root := superuser(s)
	for _, kind := range mail.Kinds() {
		t.Run(kind, func(t *testing.T) {
			made, ok := all[kind]
			if !ok {
				t.Fatal("this test has no mail of this kind")
			}
			if err := s.store.EnqueueEmail(t.Context(), &made.mail.Email); err != nil {
				t.Fatal(err)
			}
			path := fmt.Sprintf("/admin/emails/%d/", made.mail.ID)
			shown := root.get(path).is(http.StatusOK).body + root.get(path+"html/").is(http.StatusOK).body
			for _, secret := range made.secrets {
				if !strings.Contains(made.mail.Text, secret) || len(secret) < 40 {
					t.Fatalf("%q is no secret of this mail:\n%s", secret, made.mail.Text)
				}
				if strings.Contains(shown, secret) {
					t.Errorf("a superuser sees the secret of the link:\n%s", shown)
				}
			}
			// Where a page is led to, its address stays whole.
			if len(made.secrets) == 0 && strings.Count(shown, made.mail.Link) < 2 {
				t.Errorf("the link to a page is not whole:\n%s", shown)
			}
		})
	}
}

func TestSuperusersReadMailButNotLoginLinks(t *testing.T) {
	eachSite(t, func(s *testSite) {
		root := superuser(s)
		m := keepMail(s, monitor.EmailFailed)
		path := fmt.Sprintf("/admin/emails/%d/", m.ID)
		page := root.get(path).is(http.StatusOK).has("jane@example.org", "failed")
		html := root.get(path + "html/").is(http.StatusOK)
		for _, body := range []string{page.body, html.body} {
			if strings.Contains(body, "TheSecret") || !strings.Contains(body, "/accounts/check_token/") {
				t.Errorf("the login link can be used:\n%s", body)
			}
		}
		s.get(path).is(http.StatusSeeOther)
		root.post(path+"resend/", nil).leadsTo(path)
		root.post(path+"resend/", nil).is(http.StatusNotFound)
		root.get("/admin/emails/999999/").is(http.StatusNotFound)
	})
}

func TestTheMailbox(t *testing.T) {
	eachSite(t, func(s *testSite) {
		m := keepMail(s, monitor.EmailKept)
		s.openMailbox()
		path := fmt.Sprintf("/mailbox/%d/", m.ID)
		s.get("/mailbox/").is(http.StatusOK).has("Log in", "jane@example.org")
		page := s.get(path).is(http.StatusOK).has(linkInMail)
		frame, _ := page.Find("iframe").Attr("src")
		html := s.get(frame).is(http.StatusOK)
		if policy := html.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox") || strings.Contains(policy, "allow-scripts") {
			t.Errorf("policy %q", policy)
		}
		if target, _ := html.Find("a").Attr("target"); target != "_top" {
			t.Errorf("the link opens in %q", target)
		}
		s.get("/accounts/login_link_sent/").has("Open the mailbox")
	})
}

func TestTheMailboxIsForTheMachineItselfOnly(t *testing.T) {
	public, err := url.Parse("https://punctual.example.org")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Deps)
		header http.Header
	}{
		"a mail server is set":           {change: func(d *Deps) { d.Site.HasSMTP = true }},
		"the site is known to the world": {change: func(d *Deps) { d.Site.Root = public }},
		"through a proxy":                {header: http.Header{"X-Forwarded-For": {"192.0.2.7"}}},
		"through a proxy on the machine": {header: http.Header{"X-Forwarded-For": {"127.0.0.1"}}},
		"through a proxy that hides":     {header: http.Header{"X-Real-Ip": {"192.0.2.7"}}},
	} {
		t.Run(name, func(t *testing.T) {
			listen := ""
			change := func(d *Deps) {
				listen = d.Site.Root.String()
				if c.change != nil {
					c.change(d)
				}
			}
			s := newTestSite(t, db.SQLite, change)
			s.url = listen
			until := strconv.FormatInt(s.clock.Now().Add(time.Hour).Unix(), 36)
			signed := until + "." + s.server.Signer.Sign(purposeMailbox, until)
			s.header.Set("Cookie", mailboxCookie+"="+signed)
			m := keepMail(s, monitor.EmailKept)
			for k, v := range c.header {
				s.header[k] = v
			}
			for _, path := range []string{"/mailbox/", "/mailbox/?token=" + s.mailboxToken(), fmt.Sprintf("/mailbox/%d/", m.ID), fmt.Sprintf("/mailbox/%d/html/", m.ID)} {
				s.get(path).is(http.StatusNotFound)
			}
		})
	}
}

// A proxy on the machine makes everybody look as if they sat there.
func TestTheMailboxOpensOnceWithTheAddressOfTheLog(t *testing.T) {
	var log bytes.Buffer
	s := newTestSite(t, db.SQLite, func(d *Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	m := keepMail(s, monitor.EmailKept)
	paths := []string{"/mailbox/", fmt.Sprintf("/mailbox/%d/", m.ID), fmt.Sprintf("/mailbox/%d/html/", m.ID)}
	refused := func(b *testSite, why string) {
		t.Helper()
		for _, path := range paths {
			if a := b.get(path).is(http.StatusForbidden); strings.Contains(a.text("main"), m.To) {
				t.Errorf("%s: %s shows the mail", why, path)
			}
		}
	}
	address := func() string {
		t.Helper()
		all := regexp.MustCompile(`mailbox="?(http\S+token=\w+)`).FindAllStringSubmatch(log.String(), -1)
		if all == nil {
			t.Fatalf("no address in the log: %s", log.String())
		}
		return all[len(all)-1][1]
	}
	refused(s, "before there is a token")
	s.get("/mailbox/?token=").is(http.StatusForbidden)
	s.server.ShowMailbox(t.Context())
	first := address()
	refused(s, "without a token")
	s.get("/mailbox/?token=wrong").is(http.StatusForbidden)
	s.do(http.MethodHead, first, nil).is(http.StatusForbidden) // not used up by a look at the head
	s.get("/accounts/login_link_sent/").hasNot("Open the mailbox")
	opened := s.get(first).leadsTo("/mailbox/")
	if cookie := opened.header.Get("Set-Cookie"); !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Errorf("cookie %s", cookie)
	}
	for _, path := range paths {
		s.get(path).is(http.StatusOK)
	}
	s.login("jane@example.org") // logging in does not close it
	s.get("/mailbox/").is(http.StatusOK)

	other := s.otherBrowser()
	other.get(first).is(http.StatusForbidden)
	refused(other, "with a token that was used")
	if address() == first {
		t.Error("the log does not print another address")
	}
	other.get(address()).leadsTo("/mailbox/")
	forged := s.otherBrowser()
	forged.header.Set("Cookie", mailboxCookie+"=zzzzzz.AAAA")
	refused(forged, "with a forged cookie")
	s.clock.Advance(mailboxLife + time.Second)
	refused(s, "after 12 hours")
	if strings.Contains(regexp.MustCompile(`(?m)^.*msg=request.*$`).FindString(log.String()), "token") {
		t.Error("the line of a request has the token")
	}
}

func TestTheMailboxHasKeptMailsOnly(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	m := keepMail(s, monitor.EmailSent)
	s.openMailbox()
	s.get(fmt.Sprintf("/mailbox/%d/", m.ID)).is(http.StatusNotFound)
}
