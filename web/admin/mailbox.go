package admin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"punctual/internal/clientip"
	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/ui"
)

// mailboxPage lists the mails that were kept because no mail server is set.
type mailboxPage struct {
	ui.BasePage
	Mails []monitor.Email
}

// mailPage shows one mail: of the mailbox, or of the admin pages.
type mailPage struct {
	ui.BasePage
	Mail *monitor.Email
	// path of the list
	Back string
	// its name
	List string
	// path of the mail's HTML part, "" = it has none
	Frame string
	Admin bool
}

// maxMailbox is how many mails the mailbox shows.
const maxMailbox = 200

// mailboxCookie is of a browser that has opened the address which the log printed.
const mailboxCookie = "punctual-mailbox"

// mailboxLife is how long the mailbox stays open in that browser.
const mailboxLife = 12 * time.Hour

const purposeMailbox = "local mailbox"

// mailboxKey is the token that opens the mailbox once. Each use makes a new one,
// which the log prints.
type mailboxKey struct {
	mu    sync.Mutex
	token string
}

// ShowMailbox prints to the log the address that opens the mailbox, where there
// is one.
func (s *Pages) ShowMailbox(ctx context.Context) {
	if s.Site.HasSMTP || !isLoopback(s.Site.Root.Hostname()) {
		return
	}
	s.mailboxKey.mu.Lock()
	defer s.mailboxKey.mu.Unlock()
	s.printMailbox(ctx)
}

func (s *Pages) printMailbox(ctx context.Context) {
	s.mailboxKey.token = rand.Text()
	address := s.Site.URL("/mailbox/?" + url.Values{"token": {s.mailboxKey.token}}.Encode())
	s.Log.InfoContext(ctx, "no SMTP server is set, mails are in the mailbox; this address opens it, once", "mailbox", address)
}

// takeMailboxKey tells whether the token is the one that the log printed last, and
// uses it up.
func (s *Pages) takeMailboxKey(ctx context.Context, token string) bool {
	s.mailboxKey.mu.Lock()
	defer s.mailboxKey.mu.Unlock()
	if s.mailboxKey.token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(s.mailboxKey.token)) != 1 {
		return false
	}
	s.printMailbox(ctx)
	return true
}

// isLocal tells whether the visitor seems to sit at the machine Punctual runs on.
// A proxy on this machine may hide that they do not: it is not enough to be let
// in.
func (s *Pages) isLocal(r *http.Request) bool {
	if s.Site.HasSMTP || !isLoopback(s.Site.Root.Hostname()) || !isLoopback(hostname(r.Host)) {
		return false
	}
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	return isLoopback(hostname(r.RemoteAddr)) && isLoopback(clientip.Of(r))
}

// MayReadMailbox tells whether the visitor sits at the machine Punctual runs on
// and has opened the address which the log printed: whoever reads the mailbox can
// log in as anybody.
func (s *Pages) MayReadMailbox(r *http.Request) bool {
	cookie, err := r.Cookie(mailboxCookie)
	if err != nil || !s.isLocal(r) {
		return false
	}
	until, signature, _ := strings.Cut(cookie.Value, ".")
	seconds, err := strconv.ParseInt(until, 36, 64)
	return err == nil && s.Store.Now().Unix() < seconds && s.Signer.Verify(purposeMailbox, until, signature)
}

// requireMailbox fails for those who may not read the mailbox; from elsewhere
// nobody learns that there is one.
func (s *Pages) requireMailbox(r *http.Request) error {
	switch {
	case !s.isLocal(r):
		return errs.NotFoundf("There is no such page.")
	case !s.MayReadMailbox(r):
		return errClosedMailbox
	}
	return nil
}

// openMailbox lets the browser in that sends the token.
func (s *Pages) openMailbox(w http.ResponseWriter, r *http.Request) error {
	if !s.takeMailboxKey(r.Context(), r.URL.Query().Get("token")) {
		return errClosedMailbox
	}
	until := strconv.FormatInt(s.Store.Now().Add(mailboxLife).Unix(), 36)
	http.SetCookie(w, &http.Cookie{
		Name: mailboxCookie, Value: until + "." + s.Signer.Sign(purposeMailbox, until), Path: s.Site.Path("/"),
		MaxAge:   int(mailboxLife.Seconds()),
		HttpOnly: true, Secure: s.Site.Root.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
	return s.Redirect(w, r, "/mailbox/")
}

var errClosedMailbox = errs.Forbiddenf(
	"The mailbox opens with the address that the log of the server prints; each works once. The newest one stands at the end of the log.")

// hostname is the host without a port, a final dot and the brackets of IPv6.
func hostname(hostport string) string {
	return strings.Trim(hosts.Name(hostport), "[]")
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Mailbox lists the kept mails for whoever sits at the machine.
func (s *Pages) Mailbox(w http.ResponseWriter, r *http.Request) error {
	if s.isLocal(r) && r.Method == http.MethodGet && r.URL.Query().Has("token") {
		return s.openMailbox(w, r)
	}
	err := s.requireMailbox(r)
	if err != nil {
		return err
	}
	mails, err := s.Store.Emails(r.Context(), store.EmailFilter{Status: monitor.EmailKept, Limit: maxMailbox})
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "admin/mailbox", &mailboxPage{BasePage: ui.BasePage{Title: "Mailbox"}, Mails: mails})
}

// MailboxMessage answers GET /mailbox/{id}/.
func (s *Pages) MailboxMessage(w http.ResponseWriter, r *http.Request) error {
	mail, err := s.keptMail(r)
	if err != nil {
		return err
	}
	m := &mailPage{BasePage: ui.BasePage{Title: mail.Subject}, Mail: mail, Back: "/mailbox/", List: "Mailbox"}
	if mail.HTML != "" {
		m.Frame = "/mailbox/" + strconv.FormatInt(mail.ID, 10) + "/html/"
	}
	return s.Render(w, r, http.StatusOK, "admin/mail", m)
}

// MailboxHTML answers GET /mailbox/{id}/html/.
func (s *Pages) MailboxHTML(w http.ResponseWriter, r *http.Request) error {
	mail, err := s.keptMail(r)
	if err != nil {
		return err
	}
	return sendMailHTML(w, mail.HTML)
}

func (s *Pages) keptMail(r *http.Request) (*monitor.Email, error) {
	err := s.requireMailbox(r)
	if err != nil {
		return nil, err
	}
	mail, err := s.mailByID(r)
	if err == nil && mail.Status != monitor.EmailKept {
		return nil, errs.NotFoundf("There is no such mail.")
	}
	return mail, err
}

func (s *Pages) mailByID(r *http.Request) (*monitor.Email, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return nil, errs.NotFoundf("There is no such mail.")
	}
	mail, err := s.Store.EmailByID(r.Context(), id)
	return mail, ui.Hide(err, "There is no such mail.")
}

// mailPolicy lets a mail look as it was meant to, and do nothing but lead to
// where a clicked link leads.
const mailPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; " +
	"sandbox allow-top-navigation-by-user-activation allow-popups"

var openingTag = regexp.MustCompile(`(?i)<a\s`)

// sendMailHTML answers with the HTML part of a mail, for the frame of its page.
// Its links leave the frame.
func sendMailHTML(w http.ResponseWriter, html string) error {
	h := w.Header()
	h.Set("Content-Security-Policy", mailPolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	// the reader may have gone
	_, _ = w.Write([]byte(openingTag.ReplaceAllString(html, `<a target="_top" `)))
	return nil
}
