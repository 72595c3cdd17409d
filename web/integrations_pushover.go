package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/web/ui"
)

// Pushover: people subscribe to our application on its site, which sends them
// back here with a user key that is only for us (features §6, row 17).

const (
	purposePushover = "pushover"
	// subscribeTime is how long the way to Pushover and back may take.
	subscribeTime = time.Hour
)

// pushoverSubscribe sends the browser to Pushover.
func (s *Server) pushoverSubscribe(w http.ResponseWriter, r *http.Request, project *monitor.Project) error {
	target, err := url.Parse(s.PushoverSubscription)
	if err != nil {
		return fmt.Errorf("pushover subscription address: %w", err)
	}
	back := s.Site.URL(fmt.Sprintf("/integrations/pushover/done/%s/%s/", project.ID, s.pushoverState(r, project.ID, s.Store.Now())))
	query := target.Query()
	query.Set("success", back)
	query.Set("failure", s.Site.URL(integrationsPath(project.ID)))
	target.RawQuery = query.Encode()
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
	return nil
}

// pushoverState proves that the one who comes back is the one who left, for this
// project, not long ago.
func (s *Server) pushoverState(r *http.Request, project uuid.UUID, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return stamp + "." + s.Signer.Sign(purposePushover, s.pushoverValue(r, project, stamp))
}

func (s *Server) pushoverValue(r *http.Request, project uuid.UUID, stamp string) string {
	return strings.Join([]string{ui.VisitorOf(r).User.ID.String(), project.String(), stamp}, " ")
}

func (s *Server) pushoverStateValid(r *http.Request, project uuid.UUID, state string) bool {
	stamp, signature, _ := strings.Cut(state, ".")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	age := s.Store.Now().Sub(time.Unix(seconds, 0))
	return err == nil && age <= subscribeTime && s.Signer.Verify(purposePushover, s.pushoverValue(r, project, stamp), signature)
}

// pushoverDone: GET /integrations/pushover/done/{project}/{signed}/, the way
// back. It asks for priorities; the form then adds the channel.
func (s *Server) pushoverDone(w http.ResponseWriter, r *http.Request) error {
	project, _, err := s.WritableProject(r)
	if err != nil {
		return err
	}
	n := s.Notifiers.Notifier(kindPushover)
	if n == nil {
		return errs.NotFoundf("This site does not offer Pushover.")
	}
	if !s.pushoverStateValid(r, project.ID, chi.URLParam(r, "signed")) {
		return errs.Forbiddenf("This way back from Pushover is not valid any more. Please start again at Integrations.")
	}
	query := r.URL.Query()
	if query.Get("pushover_unsubscribed") == "1" {
		return s.pushoverUnsubscribed(w, r, project)
	}
	key := query.Get("pushover_user_key")
	if key == "" {
		return errs.Invalidf("", "Pushover has not told us a user key. Please start again at Integrations.")
	}
	form := ui.NewForm(firstValues(kindPushover, r))
	form.Values.Set("value", key)
	return s.showChannelForm(w, r, http.StatusOK, project, n, nil, form)
}

// pushoverUnsubscribed is for somebody who has ended the subscription. It removes
// nothing: Pushover does not say whose key that was, and this address is only
// looked at.
func (s *Server) pushoverUnsubscribed(w http.ResponseWriter, r *http.Request, project *monitor.Project) error {
	ui.VisitorOf(r).Flash("warning", "You have unsubscribed at Pushover. Please remove the integration that was yours.")
	return s.Redirect(w, r, integrationsPath(project.ID))
}
