package admin

import (
	"fmt"
	"net/http"
	"regexp"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/web/ui"
)

// linkInText finds the addresses in a mail, and apart from its host what an address
// leads to.
var linkInText = regexp.MustCompile(`(https?://[^/\s"'<>]+)(/[^\s"'<>]*)`)

// longToken is what may be a secret in an address: signatures and tokens have 43
// characters, no word of a path has 20.
var longToken = regexp.MustCompile(`[A-Za-z0-9_-]{20,}`)

// withInertLinks is the text of a mail whose links do not act for its reader.
// Whatever looks like a secret goes, in every link but for ids, so that a kind of
// link that is new cannot be forgotten. Superusers look through somebody's eyes by
// a button that leaves a trace, not by their mail.
func withInertLinks(text string) string {
	return linkInText.ReplaceAllStringFunc(text, func(link string) string {
		parts := linkInText.FindStringSubmatch(link)
		return parts[1] + longToken.ReplaceAllStringFunc(parts[2], func(token string) string {
			const lengthOfID = 36
			if len(token) == lengthOfID && uuid.Validate(token) == nil {
				return token
			}
			return "…"
		})
	})
}

func (s *Pages) mail(r *http.Request) (*monitor.Email, error) {
	if err := s.SuperuserOnly(r); err != nil {
		return nil, err
	}
	mail, err := s.mailByID(r)
	if err != nil {
		return nil, err
	}
	mail.Text = withInertLinks(mail.Text)
	mail.HTML = withInertLinks(mail.HTML)
	return mail, nil
}

// Email answers GET /admin/emails/{id}/.
func (s *Pages) Email(w http.ResponseWriter, r *http.Request) error {
	mail, err := s.mail(r)
	if err != nil {
		return err
	}
	m := &mailPage{
		BasePage: ui.BasePage{Title: mail.Subject, Nav: "admin"}, Mail: mail, Back: "/admin/emails/", List: "Outgoing mail", Admin: true,
	}
	if mail.HTML != "" {
		m.Frame = fmt.Sprintf("/admin/emails/%d/html/", mail.ID)
	}
	return s.Render(w, r, http.StatusOK, "admin/mail", m)
}

// EmailHTML answers GET /admin/emails/{id}/html/.
func (s *Pages) EmailHTML(w http.ResponseWriter, r *http.Request) error {
	mail, err := s.mail(r)
	if err != nil {
		return err
	}
	return sendMailHTML(w, mail.HTML)
}

// ResendEmail queues a mail again that was given up.
func (s *Pages) ResendEmail(w http.ResponseWriter, r *http.Request) error {
	mail, err := s.mail(r)
	if err != nil {
		return err
	}
	if err := s.Store.ResendEmail(r.Context(), mail.ID); err != nil {
		return ui.Hide(err, "This mail was not given up; there is nothing to send again.")
	}
	s.audit(r, "mail queued again", "mail", mail.ID)
	ui.VisitorOf(r).Flash("ok", "The mail is on its way again.")
	return s.Redirect(w, r, fmt.Sprintf("/admin/emails/%d/", mail.ID))
}
