package integrations

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
	"punctual/internal/notify"
	"punctual/web/ui"
)

// Providers whose own site adds a channel: people choose and agree there, and come
// back with what that site tells them.

// connectTime is how long the way to a provider and back may take.
const connectTime = time.Hour

// connectField is the field of the form that the provider's site fills in.
func connectField(k *notify.Kind) string {
	for i := range k.Fields {
		if k.Connect != nil && k.Fields[i].Key == k.Connect.Field {
			return k.Fields[i].Name()
		}
	}
	return ""
}

// leaveToConnect sends the browser to the provider's site.
func (s *Pages) leaveToConnect(w http.ResponseWriter, r *http.Request, project *monitor.Project, k *notify.Kind) error {
	target, err := url.Parse(s.Notifiers.ConnectURL(k))
	if err != nil {
		return fmt.Errorf("page of %s: %w", k.Label, err)
	}
	state := s.connectState(r, k, project.ID, s.Store.Now())
	success := s.URL(fmt.Sprintf("/integrations/%s/done/%s/%s/", k.Connect.Path, project.ID, state))
	query := target.Query()
	k.Connect.Leave(query, success, s.URL(listPath(project.ID)))
	target.RawQuery = query.Encode()
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
	return nil
}

// connectState proves that the one who comes back is the one who left, for this
// project, not long ago.
func (s *Pages) connectState(r *http.Request, k *notify.Kind, project uuid.UUID, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return stamp + "." + s.Signer.Sign(k.Connect.Path, connectValue(r, project, stamp))
}

func connectValue(r *http.Request, project uuid.UUID, stamp string) string {
	return strings.Join([]string{ui.VisitorOf(r).User.ID.String(), project.String(), stamp}, " ")
}

func (s *Pages) connectStateValid(r *http.Request, k *notify.Kind, project uuid.UUID, state string) bool {
	stamp, signature, _ := strings.Cut(state, ".")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	age := s.Store.Now().Sub(time.Unix(seconds, 0))
	return err == nil && age <= connectTime && s.Signer.Verify(k.Connect.Path, connectValue(r, project, stamp), signature)
}

// Connected: GET /integrations/{provider}/done/{project}/{signed}/, the way back. It
// shows the form with what the provider has told, which then adds the channel.
func (s *Pages) Connected(w http.ResponseWriter, r *http.Request) error {
	project, _, err := s.WritableProject(r)
	if err != nil {
		return err
	}
	k := s.Notifiers.Connected(chi.URLParam(r, "provider"))
	if k == nil {
		return errs.NotFoundf("This site has no integration of that kind.")
	}
	if !s.connectStateValid(r, k, project.ID, chi.URLParam(r, "signed")) {
		return errs.Forbiddenf("This way back from %s is not valid any more. Please start again at Integrations.", k.Label)
	}
	value, notice, err := k.Connect.Return(r.URL.Query())
	if err != nil {
		return err
	}
	if notice != "" {
		ui.VisitorOf(r).Flash("warning", notice)
		return s.Redirect(w, r, listPath(project.ID))
	}
	form := ui.NewForm(firstValues(k, r))
	form.Values.Set(connectField(k), value)
	return s.showForm(w, r, http.StatusOK, project, k, nil, form)
}
