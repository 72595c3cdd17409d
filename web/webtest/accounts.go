package webtest

import (
	"net/url"

	"punctual/internal/monitor"
)

// Superuser logs a superuser in.
func Superuser(s *Site) *Site {
	s.Helper()
	_, err := s.Auth.CreateSuperuser(s.Context(), "root@example.org", "")
	if err != nil {
		s.Fatal(err)
	}
	b := s.OtherBrowser()
	b.Login("root@example.org")
	return b
}

// LinkInMail is the login link of the mail of KeepMail.
const LinkInMail = "http://example.org/accounts/check_token/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33/TheSecretOfTheLink_-/"

// KeepMail stores a mail with a login link, in the status.
func KeepMail(s *Site, status monitor.EmailStatus) *monitor.Email {
	s.Helper()
	m := &monitor.Email{
		MessageID: "1@example.org", Kind: "login", To: "jane@example.org", Subject: "Log in", Status: status,
		Text: "Open " + LinkInMail, HTML: `<p style="color:red">Hello</p><a href="` + LinkInMail + `">Log in</a>`,
	}
	if err := s.Store.EnqueueEmail(s.Context(), m); err != nil {
		s.Fatal(err)
	}
	return m
}

// SignupForm is the form that signs the address up.
func SignupForm(address string) url.Values {
	return url.Values{"identity": {address}, "tz": {"Europe/Riga"}}
}

// CookieOf is the value of the session's cookie.
func CookieOf(s *Site) string {
	u, _ := url.Parse(s.URL)
	for _, c := range s.Client.Jar.Cookies(u) {
		if c.Name == SessionCookie {
			return c.Value
		}
	}
	return ""
}
