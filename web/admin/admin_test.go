package admin_test

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

	"punctual/internal/auth"
	"punctual/internal/db"
	"punctual/internal/logs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/templates"
	"punctual/web"
	"punctual/web/admin"
	"punctual/web/webtest"
)

func TestTheAdminPagesAreForSuperusers(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		root := webtest.Superuser(s)
		pages := []string{"/admin/users/", "/admin/projects/", "/admin/checks/", "/admin/emails/", "/admin/deliveries/"}
		for _, path := range pages {
			root.Get(path).Is(http.StatusOK)
			s.Get(path).Is(http.StatusNotFound)
			s.OtherBrowser().Get(path).Is(http.StatusSeeOther)
		}
		root.Get("/admin/").LeadsTo("/admin/users/")
		for _, path := range []string{"/admin/users/" + user.ID.String() + "/active/", "/admin/users/" + user.ID.String() + "/login/",
			"/admin/deliveries/1/retry/", "/admin/emails/1/resend/", "/admin/alerts/hold/", "/admin/alerts/release/"} {
			s.Post(path, nil).Is(http.StatusNotFound)
		}
	})
}

func TestListsAreSearchedAndPaged(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		root := webtest.Superuser(s)
		for i := range 60 {
			u := &monitor.Email{MessageID: fmt.Sprintf("%d@example.org", i), Kind: "login", To: fmt.Sprintf("user%02d@example.org", i),
				Subject: "Hello"}
			if err := s.Store.EnqueueEmail(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
		first := root.Get("/admin/emails/").Has("1–50")
		next, _ := first.Find("a[rel=next]").Attr("href")
		root.Get(next).Has("51–60")
		root.Get("/admin/emails/?q=USER07").Has("user07@example.org").HasNot("user08@example.org")
		root.Get("/admin/emails/?status=failed").Has("There is nothing here")
		root.Get("/admin/users/?q=nobody").Has("Nothing matches")
		root.Get("/admin/users/?q=ROOT").Has("root@example.org")
		root.Get("/admin/users/?page=-3").Is(http.StatusOK)
	})
}

func TestDeactivatingAUser(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		root := webtest.Superuser(s)
		path := "/admin/users/" + user.ID.String() + "/active/"
		root.Post(path, url.Values{"active": {"0"}}).Is(http.StatusSeeOther)
		s.Get("/accounts/profile/").Is(http.StatusSeeOther)
		mailed := len(s.Sent.Links)
		s.Post("/accounts/login/", webtest.SignupForm("jane@example.org")).LeadsTo("/accounts/login_link_sent/")
		// mails come after the answer
		s.Auth.Wait(t.Context())
		if len(s.Sent.Links) != mailed {
			t.Error("a link was mailed")
		}

		root.Post(path, url.Values{"active": {"1"}}).Is(http.StatusSeeOther)
		s.Login("jane@example.org")

		self, err := s.Store.UserByEmail(t.Context(), "root@example.org")
		if err != nil {
			t.Fatal(err)
		}
		root.Post("/admin/users/"+self.ID.String()+"/active/", url.Values{"active": {"0"}}).Is(http.StatusConflict)
	})
}

func TestLoggingInAsAUserLeavesATrace(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			var log bytes.Buffer
			s := webtest.New(t, engine, func(d *web.Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			user, project := s.Login("jane@example.org")
			root := webtest.Superuser(s)

			first := s.FirstCheck(project)
			root.Post("/admin/users/"+user.ID.String()+"/login/", nil).LeadsTo("/checks/" + first.Code.String() + "/details/")
			page := root.Get("/accounts/profile/").Is(http.StatusOK).Has("jane@example.org")
			banner := page.Text(".banner")
			if !strings.Contains(banner, "root@example.org") || !strings.Contains(banner, "jane@example.org") {
				t.Errorf("banner %q", banner)
			}
			root.Get("/admin/users/").Is(http.StatusNotFound)
			root.Post("/accounts/close/", url.Values{"confirmation": {"jane@example.org"}}).Is(http.StatusForbidden)
			text := log.String()
			if !strings.Contains(text, "superuser logs in as a user") || !strings.Contains(text, "superuser=root@example.org") {
				t.Errorf("log:\n%s", text)
			}

			root.Post("/accounts/logout/", nil).LeadsTo("/admin/users/")
			if root.Get("/admin/users/").Is(http.StatusOK).Find(".banner.grace").Length() != 0 {
				t.Error("the banner is still there")
			}
			_, err := s.Auth.CreateSuperuser(t.Context(), "jane@example.org", "")
			if err != nil {
				t.Fatal(err)
			}
			// coming back is no authentication
			root.Login("root@example.org")
			root.Post("/admin/users/"+user.ID.String()+"/login/", nil).Is(http.StatusForbidden)
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
	s := webtest.New(t, db.SQLite, func(d *web.Deps) { d.Log = log })
	user, project := s.Login("jane@example.org")
	channel := &monitor.Channel{ProjectID: project.ID, Kind: "email", Config: `{"address":"ops@example.net","up":true,"down":true}`}
	if err := s.Store.CreateChannel(t.Context(), channel); err != nil {
		t.Fatal(err)
	}
	root := webtest.Superuser(s)
	root.Post("/admin/users/"+user.ID.String()+"/login/", nil).Is(http.StatusSeeOther)
	from := out.Len()
	root.Post("/projects/add/", url.Values{"name": {"Another"}}).Is(http.StatusSeeOther)
	root.Post("/integrations/"+channel.ID.String()+"/resend/", nil).Is(http.StatusSeeOther)
	check := s.FirstCheck(project)
	root.Post("/checks/"+check.Code.String()+"/pause/", nil).Is(http.StatusSeeOther)
	root.Post("/checks/"+check.Code.String()+"/remove/", nil).Is(http.StatusSeeOther)
	lines := strings.Split(strings.TrimSpace(out.String()[from:]), "\n")
	if len(lines) < 4 {
		t.Fatalf("%d lines: %s", len(lines), out.String()[from:])
	}
	for _, line := range lines {
		if strings.Count(line, `"superuser":"root@example.org"`) != 1 || !strings.Contains(line, user.ID.String()) {
			t.Errorf("who has done it? %s", line)
		}
	}
	v := s.Sent.Verifies[len(s.Sent.Verifies)-1]
	if !strings.Contains(v.By, "root@example.org") || !strings.Contains(v.By, "jane@example.org") {
		t.Errorf("the mail says that it comes from %q", v.By)
	}
	from = out.Len()
	root.Post("/accounts/logout/", nil).LeadsTo("/admin/users/")
	if strings.Count(out.String()[from:], `"superuser":"root@example.org"`) != 2 {
		t.Errorf("going back: %s", out.String()[from:])
	}
	from = out.Len()
	root.Get("/admin/users/").Is(http.StatusOK)
	if strings.Contains(out.String()[from:], `"superuser"`) {
		t.Errorf("as themselves: %s", out.String()[from:])
	}
}

func TestASuperuserWhoIsNoneAnyMoreSeesThroughNobodysEyes(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		root := webtest.Superuser(s)
		root.Post("/admin/users/"+user.ID.String()+"/login/", nil).Is(http.StatusSeeOther)
		admin, err := s.Store.UserByEmail(t.Context(), "root@example.org")
		if err != nil {
			t.Fatal(err)
		}
		admin.IsSuperuser = false
		if err := testdb.PutUser(t.Context(), s.Store, admin); err != nil {
			t.Fatal(err)
		}
		root.Get("/accounts/profile/").Is(http.StatusSeeOther)
	})
}

func TestSuperusersMayOpenEveryProject(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, project := s.Login("jane@example.org")
		webtest.Superuser(s).Get(webtest.SettingsPath(project)).Is(http.StatusOK)
	})
}

func TestSuperusersHearWhenNoAlertsAreSent(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		root := webtest.Superuser(s)
		if root.Get("/docs/").Find(".banner.down").Length() != 1 || s.Get("/docs/").Find(".banner.down").Length() != 0 {
			t.Error("no sendalerts is alive: superusers must see it, others not")
		}
		if err := s.Store.Heartbeat(t.Context(), &monitor.Node{Role: "sendalerts", StartedAt: s.Clock.Now()}); err != nil {
			t.Fatal(err)
		}
		if root.Get("/docs/").Find(".banner.down").Length() != 0 {
			t.Error("sendalerts is alive")
		}
	})
}

// madeMail is a mail and what in its links acts for the reader; none: no link does.
type madeMail struct {
	mail    *mail.Message
	secrets []string
}

// mailOfEachKind makes a mail of each kind, with a link that was made for it.
func mailOfEachKind(s *webtest.Site) map[string]madeMail {
	s.Helper()
	composer, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: s.URL}, "example.org")
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

	user, project := s.Login("jane@example.org")
	login := s.LastLink()
	add(composer.Login(user.Email, login))(secretOf(login))
	ran := s.URL + auth.NewSigner(webtest.Secret).VerdictPath(1, "success", user.Email, s.Clock.Now())
	hidden := []mail.BlindRun{{Name: "db", Ran: ran}}
	add(composer.Blind(mail.Blind{To: user.Email, Runs: 1, Link: s.URL + "/", Unknown: hidden}))(secretOf(ran))
	add(composer.Welcome(mail.Welcome{To: user.Email, Link: login}))(secretOf(login))

	s.Post("/projects/"+project.ID.String()+"/members/", url.Values{"email": {"bob@example.net"}, "role": {"w"}}).Is(http.StatusSeeOther)
	invite := s.LinkTo("bob@example.net")
	add(composer.Invite(mail.Invite{To: "bob@example.net", Link: invite}))(secretOf(invite))

	s.Post("/accounts/change_email/", url.Values{"email": {"jane@example.net"}}).Is(http.StatusSeeOther)
	change := s.LinkTo("jane@example.net")
	add(composer.EmailChange(mail.EmailChange{To: "jane@example.net", Old: user.Email, New: "jane@example.net", Link: change}))(
		secretOf(change))

	channel := &monitor.Channel{ProjectID: project.ID, Kind: "email", Config: `{"address":"ops@example.net","up":true,"down":true}`}
	if err := s.Channels.Create(s.Context(), channel, project, user); err != nil {
		s.Fatal(err)
	}
	if len(s.Sent.Verifies) == 0 {
		s.Fatal("no address was asked")
	}
	verify := s.Sent.Verifies[0]
	add(composer.Verify(verify))(secretOf(verify.Link))

	unsubscribe := s.Server.Signer.UnsubscribePath(channel.ID)
	add(composer.Alert(mail.Alert{To: user.Email, Key: uuid.NewString(), Link: s.URL + "/", Unsubscribe: s.URL + unsubscribe}))(
		secretOf(unsubscribe))
	add(composer.Digest(mail.Digest{To: user.Email, Key: uuid.NewString(), Link: s.URL + "/", Unsubscribe: s.URL + unsubscribe}))(
		secretOf(unsubscribe))
	unsubscribeReports := s.Server.Signer.UnsubscribeReportsPath(user.ID, s.Store.Now())
	frame := mail.ReportFrame{Key: uuid.NewString(), To: user.Email, Link: s.URL + "/", Settings: s.URL + "/accounts/profile/notifications/",
		Unsubscribe: s.URL + unsubscribeReports}
	add(composer.Report(mail.Report{ReportFrame: frame, Period: "monthly"}))(secretOf(unsubscribeReports))
	frame.Key = uuid.NewString()
	add(composer.Nag(mail.Nag{ReportFrame: frame, Every: "day"}))(secretOf(unsubscribeReports))

	// These lead to pages that ask who one is.
	page := s.URL + "/projects/" + project.ID.String() + "/settings/"
	add(composer.Trouble(mail.Trouble{To: user.Email, Key: uuid.NewString(), Link: page}))()
	add(composer.Transfer(mail.Transfer{To: user.Email, Link: page}))()
	add(composer.TwoFactor(mail.TwoFactor{To: user.Email, Link: page}))()
	add(composer.Removed(mail.Removed{To: user.Email, Link: page}))()
	add(composer.Unused(mail.Unused{To: user.Email, Link: page}))()
	add(composer.Security(mail.Security{To: user.Email, Link: page}))()
	return all
}

func TestSuperusersDoNotActByTheMailOfOthers(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	all := mailOfEachKind(s)
	root := webtest.Superuser(s)
	for _, kind := range mail.Kinds() {
		t.Run(kind, func(t *testing.T) {
			made, ok := all[kind]
			if !ok {
				t.Fatal("this test has no mail of this kind")
			}
			if err := s.Store.EnqueueEmail(t.Context(), &made.mail.Email); err != nil {
				t.Fatal(err)
			}
			path := fmt.Sprintf("/admin/emails/%d/", made.mail.ID)
			shown := root.Get(path).Is(http.StatusOK).Body + root.Get(path+"html/").Is(http.StatusOK).Body
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
	webtest.Each(t, func(s *webtest.Site) {
		root := webtest.Superuser(s)
		m := webtest.KeepMail(s, monitor.EmailFailed)
		path := fmt.Sprintf("/admin/emails/%d/", m.ID)
		page := root.Get(path).Is(http.StatusOK).Has("jane@example.org", "failed")
		html := root.Get(path + "html/").Is(http.StatusOK)
		for _, body := range []string{page.Body, html.Body} {
			if strings.Contains(body, "TheSecret") || !strings.Contains(body, "/accounts/check_token/") {
				t.Errorf("the login link can be used:\n%s", body)
			}
		}
		s.Get(path).Is(http.StatusSeeOther)
		root.Post(path+"resend/", nil).LeadsTo(path)
		root.Post(path+"resend/", nil).Is(http.StatusNotFound)
		root.Get("/admin/emails/999999/").Is(http.StatusNotFound)
	})
}

func TestTheMailbox(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		m := webtest.KeepMail(s, monitor.EmailKept)
		s.OpenMailbox()
		path := fmt.Sprintf("/mailbox/%d/", m.ID)
		s.Get("/mailbox/").Is(http.StatusOK).Has("Log in", "jane@example.org")
		page := s.Get(path).Is(http.StatusOK).Has(webtest.LinkInMail)
		frame, _ := page.Find("iframe").Attr("src")
		html := s.Get(frame).Is(http.StatusOK)
		policy := html.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox") || strings.Contains(policy, "allow-scripts") {
			t.Errorf("policy %q", policy)
		}
		target, _ := html.Find("a").Attr("target")
		if target != "_top" {
			t.Errorf("the link opens in %q", target)
		}
		s.Get("/accounts/login_link_sent/").Has("Open the mailbox")
	})
}

func TestTheMailboxIsForTheMachineItselfOnly(t *testing.T) {
	public, err := url.Parse("https://punctual.example.org")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*web.Deps)
		header http.Header
	}{
		"a mail server is set":           {change: func(d *web.Deps) { d.Site.HasSMTP = true }},
		"the site is known to the world": {change: func(d *web.Deps) { d.Site.Root = public }},
		"through a proxy":                {header: http.Header{"X-Forwarded-For": {"192.0.2.7"}}},
		"through a proxy on the machine": {header: http.Header{"X-Forwarded-For": {"127.0.0.1"}}},
		"through a proxy that hides":     {header: http.Header{"X-Real-Ip": {"192.0.2.7"}}},
	} {
		t.Run(name, func(t *testing.T) {
			listen := ""
			change := func(d *web.Deps) {
				listen = d.Site.Root.String()
				if c.change != nil {
					c.change(d)
				}
			}
			s := webtest.New(t, db.SQLite, change)
			s.URL = listen
			until := strconv.FormatInt(s.Clock.Now().Add(time.Hour).Unix(), 36)
			signed := until + "." + s.Server.Signer.Sign(admin.PurposeMailbox, until)
			s.Header.Set("Cookie", admin.MailboxCookie+"="+signed)
			m := webtest.KeepMail(s, monitor.EmailKept)
			for k, v := range c.header {
				s.Header[k] = v
			}
			for _, path := range []string{"/mailbox/", "/mailbox/?token=" + s.MailboxToken(), fmt.Sprintf("/mailbox/%d/", m.ID),
				fmt.Sprintf("/mailbox/%d/html/", m.ID)} {
				s.Get(path).Is(http.StatusNotFound)
			}
		})
	}
}

// A proxy on the machine makes everybody look as if they sat there.
func TestTheMailboxOpensOnceWithTheAddressOfTheLog(t *testing.T) {
	var log bytes.Buffer
	s := webtest.New(t, db.SQLite, func(d *web.Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	m := webtest.KeepMail(s, monitor.EmailKept)
	paths := []string{"/mailbox/", fmt.Sprintf("/mailbox/%d/", m.ID), fmt.Sprintf("/mailbox/%d/html/", m.ID)}
	refused := func(b *webtest.Site, why string) {
		t.Helper()
		for _, path := range paths {
			a := b.Get(path).Is(http.StatusForbidden)
			if strings.Contains(a.Text("main"), m.To) {
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
	s.Get("/mailbox/?token=").Is(http.StatusForbidden)
	s.Server.ShowMailbox(t.Context())
	first := address()
	refused(s, "without a token")
	s.Get("/mailbox/?token=wrong").Is(http.StatusForbidden)
	// not used up by a look at the head
	s.Do(http.MethodHead, first, nil).Is(http.StatusForbidden)
	s.Get("/accounts/login_link_sent/").HasNot("Open the mailbox")
	opened := s.Get(first).LeadsTo("/mailbox/")
	cookie := opened.Header.Get("Set-Cookie")
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Errorf("cookie %s", cookie)
	}
	for _, path := range paths {
		s.Get(path).Is(http.StatusOK)
	}
	// logging in does not close it
	s.Login("jane@example.org")
	s.Get("/mailbox/").Is(http.StatusOK)

	other := s.OtherBrowser()
	other.Get(first).Is(http.StatusForbidden)
	refused(other, "with a token that was used")
	if address() == first {
		t.Error("the log does not print another address")
	}
	other.Get(address()).LeadsTo("/mailbox/")
	forged := s.OtherBrowser()
	forged.Header.Set("Cookie", admin.MailboxCookie+"=zzzzzz.AAAA")
	refused(forged, "with a forged cookie")
	s.Clock.Advance(admin.MailboxLife + time.Second)
	refused(s, "after 12 hours")
	if strings.Contains(regexp.MustCompile(`(?m)^.*msg=request.*$`).FindString(log.String()), "token") {
		t.Error("the line of a request has the token")
	}
}

func TestTheMailboxHasKeptMailsOnly(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	m := webtest.KeepMail(s, monitor.EmailSent)
	s.OpenMailbox()
	s.Get(fmt.Sprintf("/mailbox/%d/", m.ID)).Is(http.StatusNotFound)
}
