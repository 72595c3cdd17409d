package integrations

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/web/ui"
)

// Links in mails: their signature is the permission, no account is needed.

// AskAgain: POST /integrations/{channel}/resend/.
func (s *Pages) AskAgain(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return err
	}
	if err := s.Channels.AskAgain(r.Context(), c, project, ui.VisitorOf(r).User); err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", "We have sent "+s.Store.AddressOf(c)+" a message with a link to confirm.")
	return s.Redirect(w, r, listPath(project.ID))
}

// addressPage asks before it acts, since mail scanners open links; and says what
// was done.
type addressPage struct {
	ui.BasePage
	Address     string
	ProjectName string
	Done        bool
}

// VerifyForm: GET /integrations/{channel}/verify/{token}/.
func (s *Pages) VerifyForm(w http.ResponseWriter, r *http.Request) error {
	c, err := s.signedChannel(r, "token", s.Channels.Agreed)
	if err != nil {
		return err
	}
	return s.showAddressPage(w, r, "integrations/verify", "Confirm your address", c, c.Verified)
}

// Verify: POST /integrations/{channel}/verify/{token}/.
func (s *Pages) Verify(w http.ResponseWriter, r *http.Request) error {
	c, err := s.signedChannel(r, "token", s.Channels.Agreed)
	if err != nil {
		return err
	}
	c, err = s.Channels.Agree(r.Context(), c, chi.URLParam(r, "token"))
	if err != nil {
		return ui.Hide(err, errs.Message(errLinkGone))
	}
	return s.showAddressPage(w, r, "integrations/verify", "Address confirmed", c, true)
}

// UnsubscribeForm: GET /integrations/{channel}/unsub/{signed}/.
func (s *Pages) UnsubscribeForm(w http.ResponseWriter, r *http.Request) error {
	c, err := s.signedChannel(r, "signed", s.unsubscribes)
	if err != nil {
		return err
	}
	return s.showAddressPage(w, r, "integrations/unsubscribe", "Unsubscribe", c, !c.UnsubscribedAt.IsZero())
}

// Unsubscribe: POST /integrations/{channel}/unsub/{signed}/, by the button of
// the form or by a mail program (RFC 8058), which sends no cookie.
func (s *Pages) Unsubscribe(w http.ResponseWriter, r *http.Request) error {
	c, err := s.signedChannel(r, "signed", s.unsubscribes)
	if err != nil {
		return err
	}
	if err := s.Channels.Unsubscribe(r.Context(), c); err != nil {
		return ui.Hide(err, errs.Message(errLinkGone))
	}
	return s.showAddressPage(w, r, "integrations/unsubscribe", "Unsubscribed", c, true)
}

// unsubscribes tells whether sig is that of the channel's link to unsubscribe.
func (s *Pages) unsubscribes(c *monitor.Channel, sig string) bool {
	return s.Signer.Verify(auth.PurposeUnsubscribe, c.ID.String(), sig)
}

var errLinkGone = errs.NotFoundf("This link is not valid. Perhaps the integration it was about has been removed or changed.")

// signedChannel is the channel of a link whose signature is right.
func (s *Pages) signedChannel(r *http.Request, param string, right func(c *monitor.Channel, sig string) bool) (*monitor.Channel, error) {
	id, err := uuid.Parse(chi.URLParam(r, "channel"))
	if err != nil {
		return nil, errLinkGone
	}
	c, err := s.Store.ChannelByID(r.Context(), id)
	switch {
	case errs.KindOf(err) == errs.NotFound && err != nil:
		return nil, errLinkGone
	case err != nil:
		return nil, err
	case s.Store.AddressOf(c) == "" || !right(c, chi.URLParam(r, param)):
		return nil, errLinkGone
	}
	return c, nil
}

func (s *Pages) showAddressPage(w http.ResponseWriter, r *http.Request, name, title string, c *monitor.Channel, done bool) error {
	project, err := s.Store.ProjectByID(r.Context(), c.ProjectID)
	if err != nil {
		return err
	}
	m := &addressPage{BasePage: ui.BasePage{Title: title}, Address: s.Store.AddressOf(c), ProjectName: project.Name, Done: done}
	return s.Render(w, r, http.StatusOK, name, m)
}
