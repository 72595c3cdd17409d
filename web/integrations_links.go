package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
)

// Links in mails: their signature is the permission, no account is needed.

// Questions to addresses one user may cause.
const (
	verifyMails  = 20
	verifyWindow = 24 * time.Hour
)

// addressOf is where an e-mail channel sends, "" for other kinds.
func addressOf(c *monitor.Channel) string {
	if c.Kind != kindEmail {
		return ""
	}
	var config struct {
		Address string `json:"address"`
	}
	if json.Unmarshal([]byte(c.Config), &config) != nil {
		return ""
	}
	return config.Address
}

// vouched tells whether a channel may be used without asking: it is no address,
// or the user's own, or the site does not ask.
func (s *Server) vouched(r *http.Request, c *monitor.Channel) bool {
	return c.Kind != kindEmail || !s.Site.VerifyEmail || strings.EqualFold(addressOf(c), visitorOf(r).User.Email)
}

// verifyValue is what a confirmation is about: an address given later must be
// asked anew.
func verifyValue(c *monitor.Channel) string {
	return c.ID.String() + " " + strings.ToLower(addressOf(c))
}

// mayAsk takes one from the number of addresses the user may have asked today,
// for a channel whose address must be.
func (s *Server) mayAsk(r *http.Request, c *monitor.Channel) error {
	if c.Verified {
		return nil
	}
	ok, wait, err := s.Store.TakeToken(r.Context(), "verify:"+visitorOf(r).User.ID.String(), verifyMails, verifyWindow)
	if err == nil && !ok {
		err = errs.TooManyf(wait, "You have had many addresses asked today. Please try again later.")
	}
	return err
}

// ask mails the question whether the address of an unverified channel wants
// alerts.
func (s *Server) ask(r *http.Request, c *monitor.Channel, project *monitor.Project) error {
	if c.Verified {
		return nil
	}
	user := visitorOf(r).User
	link := s.Site.URL("/integrations/" + c.ID.String() + "/verify/" + s.Signer.Sign(auth.PurposeVerify, verifyValue(c)) + "/")
	return s.SendVerify(r.Context(), mail.Verify{To: addressOf(c), Project: project.Name, By: user.Email, Link: link})
}

// resendVerify: POST /integrations/{channel}/resend/.
func (s *Server) resendVerify(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.writableChannel(r)
	if err != nil {
		return err
	}
	if err := s.mayAsk(r, c); err != nil {
		return err
	}
	if err := s.ask(r, c, project); err != nil {
		return err
	}
	visitorOf(r).flash("ok", "We have sent "+addressOf(c)+" a message with a link to confirm.")
	return s.redirect(w, r, integrationsPath(project.ID))
}

// addressPage asks before it acts, since mail scanners open links; and says what
// was done.
type addressPage struct {
	BasePage
	Address     string
	ProjectName string
	Done        bool
}

// verifyForm: GET /integrations/{channel}/verify/{token}/.
func (s *Server) verifyForm(w http.ResponseWriter, r *http.Request) error {
	c, err := s.signedChannel(r, "token", auth.PurposeVerify, verifyValue)
	if err != nil {
		return err
	}
	return s.showAddressPage(w, r, "verify", "Confirm your address", c, c.Verified)
}

// verify: POST /integrations/{channel}/verify/{token}/.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) error {
	c, err := s.signedChannel(r, "token", auth.PurposeVerify, verifyValue)
	if err != nil {
		return err
	}
	if !c.Verified {
		c.Verified = true
		if err := s.Store.UpdateChannel(r.Context(), c); err != nil {
			return err
		}
	}
	return s.showAddressPage(w, r, "verify", "Address confirmed", c, true)
}

// unsubscribeForm: GET /integrations/{channel}/unsub/{signed}/.
func (s *Server) unsubscribeForm(w http.ResponseWriter, r *http.Request) error {
	c, err := s.signedChannel(r, "signed", auth.PurposeUnsubscribe, channelValue)
	if err != nil {
		return err
	}
	return s.showAddressPage(w, r, "unsubscribe", "Unsubscribe", c, c.Disabled)
}

// unsubscribe: POST /integrations/{channel}/unsub/{signed}/, by the button of
// the form or by a mail program (RFC 8058), which sends no cookie.
func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	c, err := s.signedChannel(r, "signed", auth.PurposeUnsubscribe, channelValue)
	if err != nil {
		return err
	}
	if !c.Disabled {
		c.Disabled, c.LastError = true, "The recipient has unsubscribed."
		if err := s.Store.UpdateChannel(r.Context(), c); err != nil {
			return err
		}
		s.Log.InfoContext(r.Context(), "unsubscribed", "channel", c.ID)
	}
	return s.showAddressPage(w, r, "unsubscribe", "Unsubscribed", c, true)
}

func channelValue(c *monitor.Channel) string { return c.ID.String() }

// signedChannel is the channel of a link whose signature is right.
func (s *Server) signedChannel(r *http.Request, param, purpose string, value func(*monitor.Channel) string) (*monitor.Channel, error) {
	gone := errs.NotFoundf("This link is not valid. Perhaps the integration it was about has been removed or changed.")
	id, err := uuid.Parse(chi.URLParam(r, "channel"))
	if err != nil {
		return nil, gone
	}
	c, err := s.Store.ChannelByID(r.Context(), id)
	switch {
	case errs.KindOf(err) == errs.NotFound && err != nil:
		return nil, gone
	case err != nil:
		return nil, err
	case c.Kind != kindEmail || !s.Signer.Verify(purpose, value(c), chi.URLParam(r, param)):
		return nil, gone
	}
	return c, nil
}

func (s *Server) showAddressPage(w http.ResponseWriter, r *http.Request, name, title string, c *monitor.Channel, done bool) error {
	project, err := s.Store.ProjectByID(r.Context(), c.ProjectID)
	if err != nil {
		return err
	}
	m := &addressPage{BasePage: BasePage{Title: title}, Address: addressOf(c), ProjectName: project.Name, Done: done}
	return s.render(w, r, http.StatusOK, name, m)
}
