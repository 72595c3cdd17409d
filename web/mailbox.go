package web

import (
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"punctual/internal/clientip"
	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// mailboxPage lists the mails that were kept because no mail server is set.
type mailboxPage struct {
	BasePage
	Mails []monitor.Email
}

// mailPage shows one mail: of the mailbox, or of the admin pages.
type mailPage struct {
	BasePage
	Mail  *monitor.Email
	Back  string // path of the list
	List  string // its name
	Frame string // path of the mail's HTML part, "" = it has none
	Admin bool
}

// maxMailbox is how many mails the mailbox shows.
const maxMailbox = 200

// mayReadMailbox tells whether the visitor sits at the machine Punctual runs
// on. Whoever reads the mailbox can log in as anybody, so every sign that the
// request came from elsewhere counts: a proxy on this machine may hide it, but
// then the site has another name than that of the machine to itself.
func (s *Server) mayReadMailbox(r *http.Request) bool {
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

// mailbox lists the kept mails for whoever sits at the machine (DESIGN §2.2).
func (s *Server) mailbox(w http.ResponseWriter, r *http.Request) error {
	if !s.mayReadMailbox(r) {
		return errs.NotFoundf("There is no such page.")
	}
	mails, err := s.Store.Emails(r.Context(), store.EmailFilter{Status: monitor.EmailKept, Limit: maxMailbox})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "mailbox", &mailboxPage{BasePage: BasePage{Title: "Mailbox"}, Mails: mails})
}

func (s *Server) mailboxMessage(w http.ResponseWriter, r *http.Request) error {
	mail, err := s.keptMail(r)
	if err != nil {
		return err
	}
	m := &mailPage{BasePage: BasePage{Title: mail.Subject}, Mail: mail, Back: "/mailbox/", List: "Mailbox"}
	if mail.HTML != "" {
		m.Frame = "/mailbox/" + strconv.FormatInt(mail.ID, 10) + "/html/"
	}
	return s.render(w, r, http.StatusOK, "mail", m)
}

func (s *Server) mailboxHTML(w http.ResponseWriter, r *http.Request) error {
	mail, err := s.keptMail(r)
	if err != nil {
		return err
	}
	return sendMailHTML(w, mail.HTML)
}

func (s *Server) keptMail(r *http.Request) (*monitor.Email, error) {
	if !s.mayReadMailbox(r) {
		return nil, errs.NotFoundf("There is no such page.")
	}
	mail, err := s.mailByID(r)
	if err == nil && mail.Status != monitor.EmailKept {
		return nil, errs.NotFoundf("There is no such mail.")
	}
	return mail, err
}

func (s *Server) mailByID(r *http.Request) (*monitor.Email, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return nil, errs.NotFoundf("There is no such mail.")
	}
	mail, err := s.Store.EmailByID(r.Context(), id)
	return mail, hide(err, "There is no such mail.")
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
	_, _ = w.Write([]byte(openingTag.ReplaceAllString(html, `<a target="_top" `))) // the reader may have gone
	return nil
}
