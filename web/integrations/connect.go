package integrations

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/web/ui"
)

// Providers whose own site adds a channel: people choose and agree there, and come
// back with what that site tells them. Each provider has one address to come back to,
// since many accept only the one that is registered with them; what it is about is in
// the session.

// connectField is the field of the form that the provider's site fills in.
func connectField(k *notify.Kind) string {
	for i := range k.Fields {
		if k.Connect != nil && k.Fields[i].Key == k.Connect.Field {
			return k.Fields[i].Name()
		}
	}
	return ""
}

// returnPath is where people come back to from the provider of a kind.
func returnPath(k *notify.Kind) string { return "/integrations/" + k.Connect.Path + "/done/" }

// leaveToConnect sends the browser to the provider's site.
func (s *Pages) leaveToConnect(w http.ResponseWriter, r *http.Request, project *monitor.Project, k *notify.Kind) error {
	target, err := url.Parse(s.Notifiers.ConnectURL(k))
	if err != nil {
		return fmt.Errorf("page of %s: %w", k.Label, err)
	}
	state, err := s.rememberLeaving(ui.VisitorOf(r), k, project.ID)
	if err != nil {
		return err
	}
	query := target.Query()
	k.Connect.Leave(query, notify.ConnectReturn{Address: s.URL(returnPath(k)), State: state, Failure: s.URL(listPath(project.ID))})
	target.RawQuery = query.Encode()
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
	return nil
}

// Connected: GET /integrations/{provider}/done/?state=…, the way back. It shows the
// form with what the provider has told, which then adds the channel.
func (s *Pages) Connected(w http.ResponseWriter, r *http.Request) error {
	k, err := s.connectedKind(r)
	if err != nil {
		return err
	}
	left, ok := s.takeLeaving(ui.VisitorOf(r), k, r.URL.Query().Get(stateParam))
	if !ok {
		return errs.Forbiddenf("Nothing was added. You have come back from %s by a link that was used before, is older than %d minutes, "+
			"or belongs to another browser or login. Please start again on the page Integrations of your project.", k.Label, connectMinutes)
	}
	project, err := s.WritableProjectByID(r, left.Project)
	if err != nil {
		return err
	}
	return s.showConnected(w, r, project, k)
}

// connectedKind is the kind whose provider is named in the address.
func (s *Pages) connectedKind(r *http.Request) (*notify.Kind, error) {
	k := s.Notifiers.Connected(chi.URLParam(r, "provider"))
	if k == nil {
		return nil, errs.NotFoundf("This site has no integration of that kind.")
	}
	return k, nil
}

// showConnected reads what the visitor has brought back, and shows the form with it.
func (s *Pages) showConnected(w http.ResponseWriter, r *http.Request, project *monitor.Project, k *notify.Kind) error {
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

// formerConnectTime is how long a way back may take that has the project in its
// address.
const formerConnectTime = time.Hour

// ConnectedBefore: GET /integrations/{provider}/done/{project}/{signed}/, the way back
// for those who left before there was one address for each provider. Nothing leads
// here any more.
func (s *Pages) ConnectedBefore(w http.ResponseWriter, r *http.Request) error {
	project, _, err := s.WritableProject(r)
	if err != nil {
		return err
	}
	k, err := s.connectedKind(r)
	if err != nil {
		return err
	}
	stamp, signature, _ := strings.Cut(chi.URLParam(r, "signed"), ".")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	fresh := err == nil && s.Store.Now().Sub(time.Unix(seconds, 0)) <= formerConnectTime
	signed := strings.Join([]string{ui.VisitorOf(r).User.ID.String(), project.ID.String(), stamp}, " ")
	if !fresh || !s.Signer.Verify(k.Connect.Path, signed, signature) {
		return errs.Forbiddenf("This way back from %s is not valid any more. Please start again on the page Integrations of your project.", k.Label)
	}
	return s.showConnected(w, r, project, k)
}
