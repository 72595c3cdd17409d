package integrations

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/channel"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/web/ui"
)

// AddForm: GET /projects/{project}/add_{kind}/.
func (s *Pages) AddForm(w http.ResponseWriter, r *http.Request) error {
	project, k, err := s.newChannel(r)
	if err != nil {
		return err
	}
	return s.showForm(w, r, http.StatusOK, project, k, nil, ui.NewForm(firstValues(k, r)))
}

// firstValues are what the form of a new channel starts with. The address of one
// that has to agree is the visitor's own.
func firstValues(k *notify.Kind, r *http.Request) url.Values {
	values := k.ToForm("")
	for i := range k.Fields {
		if k.Confirms && k.Fields[i].Type == notify.Mail {
			values.Set(k.Fields[i].Name(), ui.VisitorOf(r).User.Email)
		}
	}
	return values
}

// newChannel is the project to be given a channel, and its kind.
func (s *Pages) newChannel(r *http.Request) (*monitor.Project, *notify.Kind, error) {
	project, _, err := s.WritableProject(r)
	if err != nil {
		return nil, nil, err
	}
	k := s.Notifiers.Kind(chi.URLParam(r, "kind"))
	if k == nil {
		return nil, nil, errs.NotFoundf("This site has no integration of that kind.")
	}
	return project, k, nil
}

func (s *Pages) showForm(
	w http.ResponseWriter, r *http.Request, status int, p *monitor.Project, k *notify.Kind, c *monitor.Channel, f *ui.Form,
) error {
	m := &channelForm{
		BasePage: basePage("Add "+k.Label, p), kindView: s.viewKind(k.Name), Form: f, Channel: c,
		Action: fmt.Sprintf("/projects/%s/add_%s/", p.ID, k.Name),
	}
	if s.Notifiers.ConnectURL(k) != "" {
		m.Connect = k.Connect
		m.Leave = f.Value(connectField(k)) == ""
	}
	if c != nil {
		m.Title = "Edit " + k.Label
		m.Action = fmt.Sprintf("/integrations/%s/edit/", c.ID)
	}
	m.arrange(k, s.VerifyEmail)
	var err error
	m.Help, err = s.help(k)
	if err != nil {
		return err
	}
	return s.Render(w, r, status, "integrations/form", m)
}

// Add: POST /projects/{project}/add_{kind}/.
func (s *Pages) Add(w http.ResponseWriter, r *http.Request) error {
	project, k, err := s.newChannel(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	if s.Notifiers.ConnectURL(k) != "" && form.Value(connectField(k)) == "" {
		return s.leaveToConnect(w, r, project, k)
	}
	c := &monitor.Channel{ProjectID: project.ID, Kind: k.Name, Verified: true}
	if err := s.fill(c, k, form); err != nil {
		return err
	}
	if !form.OK() {
		return s.showForm(w, r, http.StatusBadRequest, project, k, nil, form)
	}
	if err := s.Channels.Create(r.Context(), c, project, ui.VisitorOf(r).User); err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", addedText(c))
	return s.Redirect(w, r, listPath(project.ID))
}

func addedText(c *monitor.Channel) string {
	if !c.Verified {
		return "Added. It gets alerts as soon as the address is confirmed: we have sent it a message with a link."
	}
	return "Added, and switched on for every check of the project. Send a test to be sure that it arrives."
}

// fill takes name and settings from the form; what is wrong stays in it.
func (s *Pages) fill(c *monitor.Channel, k *notify.Kind, form *ui.Form) error {
	form.Values.Set("name", strings.TrimSpace(form.Value("name")))
	if err := form.Note(channel.SetName(c, form.Value("name"))); err != nil {
		return err
	}
	config, err := k.FromForm(c.Config, form.Values)
	if err := form.Note(err); err != nil {
		return err
	}
	c.Config = config
	return nil
}

// EditForm: GET /integrations/{channel}/edit/.
func (s *Pages) EditForm(w http.ResponseWriter, r *http.Request) error {
	c, project, k, err := s.editable(r)
	if err != nil {
		return err
	}
	values := k.ToForm(c.Config)
	values.Set("name", c.Name)
	return s.showForm(w, r, http.StatusOK, project, k, c, ui.NewForm(values))
}

func (s *Pages) editable(r *http.Request) (*monitor.Channel, *monitor.Project, *notify.Kind, error) {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return nil, nil, nil, err
	}
	k := s.Notifiers.Kind(c.Kind)
	if k == nil {
		return nil, nil, nil, errs.NotFoundf("This site has no integration of that kind any more.")
	}
	return c, project, k, nil
}

// Edit: POST /integrations/{channel}/edit/. Saving also switches a
// disabled channel on again: that is how people repair one.
func (s *Pages) Edit(w http.ResponseWriter, r *http.Request) error {
	c, project, k, err := s.editable(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	before := *c
	if err := s.fill(c, k, form); err != nil {
		return err
	}
	if !form.OK() {
		return s.showForm(w, r, http.StatusBadRequest, project, k, &before, form)
	}
	saved, asked, err := s.Channels.Change(r.Context(), channel.Edit{
		Channel: &before, Project: project, User: ui.VisitorOf(r).User, SwitchOn: true,
		Apply: func(now *monitor.Channel) error {
			now.Name = c.Name
			now.Config = c.Config
			return nil
		},
	})
	if err != nil {
		return err
	}
	text := "Saved."
	switch unsubscribed := !saved.UnsubscribedAt.IsZero(); {
	case unsubscribed && asked:
		text = "Saved. The address has unsubscribed: it gets alerts again as soon as it agrees. We have sent it a message with a link."
	case unsubscribed:
		text = "Saved. The address has unsubscribed, and was asked within a day already. It gets alerts again as soon as it agrees."
	case asked:
		text = "Saved. It gets alerts as soon as the new address is confirmed: we have sent it a message with a link."
	}
	ui.VisitorOf(r).Flash("ok", text)
	return s.Redirect(w, r, listPath(project.ID))
}

// Rename: POST /integrations/{channel}/name/.
func (s *Pages) Rename(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return err
	}
	if err := s.Channels.Rename(r.Context(), c, ui.PostedField(r, "name")); err != nil {
		return ui.Hide(err, "There is no such integration any more.")
	}
	return s.Redirect(w, r, listPath(project.ID))
}

// Remove: POST /integrations/{channel}/remove/.
func (s *Pages) Remove(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return err
	}
	if err := s.Channels.Remove(r.Context(), c); err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", "Removed "+s.viewChannel(c).Title+".")
	return s.Redirect(w, r, listPath(project.ID))
}

// listPath is the list of a project's integrations.
func listPath(project uuid.UUID) string {
	return "/projects/" + project.String() + "/integrations/"
}
