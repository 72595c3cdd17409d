package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/channel"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/text"
	"punctual/web/ui"
	"punctual/web/ui/human"
)

// addChannelForm: GET /projects/{project}/add_{kind}/.
func (s *Server) addChannelForm(w http.ResponseWriter, r *http.Request) error {
	project, k, err := s.newChannel(r)
	if err != nil {
		return err
	}
	return s.showChannelForm(w, r, http.StatusOK, project, k, nil, ui.NewForm(firstValues(k, r)))
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
func (s *Server) newChannel(r *http.Request) (*monitor.Project, *notify.Kind, error) {
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

func (s *Server) showChannelForm(
	w http.ResponseWriter, r *http.Request, status int, p *monitor.Project, k *notify.Kind, c *monitor.Channel, f *ui.Form,
) error {
	m := &channelForm{
		BasePage: integrationsBase("Add "+k.Label, p), kindView: s.viewKind(k.Name), Form: f, Channel: c,
		Action: fmt.Sprintf("/projects/%s/add_%s/", p.ID, k.Name),
	}
	if s.Notifiers.ConnectURL(k) != "" {
		m.Connect = k.Connect
		m.Leave = f.Value(connectedName(k)) == ""
	}
	if c != nil {
		m.Title = "Edit " + k.Label
		m.Action = fmt.Sprintf("/integrations/%s/edit/", c.ID)
	}
	m.arrange(k, s.VerifyEmail)
	var err error
	m.Help, err = s.integrationHelp(k)
	if err != nil {
		return err
	}
	return s.Render(w, r, status, "channel", m)
}

// addChannel: POST /projects/{project}/add_{kind}/.
func (s *Server) addChannel(w http.ResponseWriter, r *http.Request) error {
	project, k, err := s.newChannel(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	if s.Notifiers.ConnectURL(k) != "" && form.Value(connectedName(k)) == "" {
		return s.leaveToConnect(w, r, project, k)
	}
	c := &monitor.Channel{ProjectID: project.ID, Kind: k.Name, Verified: true}
	if err := s.fillChannel(c, k, form); err != nil {
		return err
	}
	if !form.OK() {
		return s.showChannelForm(w, r, http.StatusBadRequest, project, k, nil, form)
	}
	if err := s.Channels.Create(r.Context(), c, project, ui.VisitorOf(r).User); err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", addedText(c))
	return s.Redirect(w, r, integrationsPath(project.ID))
}

func addedText(c *monitor.Channel) string {
	if !c.Verified {
		return "Added. It gets alerts as soon as the address is confirmed: we have sent it a message with a link."
	}
	return "Added, and switched on for every check of the project. Send a test to be sure that it arrives."
}

// fillChannel takes name and settings from the form; what is wrong stays in it.
func (s *Server) fillChannel(c *monitor.Channel, k *notify.Kind, form *ui.Form) error {
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

// editChannelForm: GET /integrations/{channel}/edit/.
func (s *Server) editChannelForm(w http.ResponseWriter, r *http.Request) error {
	c, project, k, err := s.editableChannel(r)
	if err != nil {
		return err
	}
	values := k.ToForm(c.Config)
	values.Set("name", c.Name)
	return s.showChannelForm(w, r, http.StatusOK, project, k, c, ui.NewForm(values))
}

func (s *Server) editableChannel(r *http.Request) (*monitor.Channel, *monitor.Project, *notify.Kind, error) {
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

// editChannel: POST /integrations/{channel}/edit/. Saving also switches a
// disabled channel on again: that is how people repair one.
func (s *Server) editChannel(w http.ResponseWriter, r *http.Request) error {
	c, project, k, err := s.editableChannel(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	before := *c
	if err := s.fillChannel(c, k, form); err != nil {
		return err
	}
	if !form.OK() {
		return s.showChannelForm(w, r, http.StatusBadRequest, project, k, &before, form)
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
	return s.Redirect(w, r, integrationsPath(project.ID))
}

// renameChannel: POST /integrations/{channel}/name/.
func (s *Server) renameChannel(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return err
	}
	if err := s.Channels.Rename(r.Context(), c, ui.PostedField(r, "name")); err != nil {
		return ui.Hide(err, "There is no such integration any more.")
	}
	return s.Redirect(w, r, integrationsPath(project.ID))
}

// removeChannel: POST /integrations/{channel}/remove/.
func (s *Server) removeChannel(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return err
	}
	if err := s.Channels.Remove(r.Context(), c); err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", "Removed "+s.viewChannel(c).Title+".")
	return s.Redirect(w, r, integrationsPath(project.ID))
}

// testChannel: POST /integrations/{channel}/test/. It shows what the other side
// really answered, on the page named by the field next, else on the list of integrations.
func (s *Server) testChannel(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return err
	}
	kind, text := s.sendTest(r, c)
	ui.VisitorOf(r).Flash(kind, text)
	return s.Redirect(w, r, cmp.Or(ui.SafeNext(ui.PostedField(r, "next")), integrationsPath(project.ID)))
}

func (s *Server) sendTest(r *http.Request, c *monitor.Channel) (kind, text string) {
	title := s.viewChannel(c).Title
	result, err := s.Tester.SendTest(ui.WithoutTimeout(r).Context(), c)
	if err == nil {
		took := ""
		after, err := s.Store.ChannelByID(r.Context(), c.ID)
		if err == nil && after.LastLatency > 0 {
			took = " in " + human.Duration(after.LastLatency.Round(time.Millisecond))
		}
		return "ok", "The test to " + title + " was accepted" + took + "." + answerText(result)
	}
	failed, ok := errors.AsType[*notify.Error](err)
	if ok {
		return "error", "The test to " + title + " failed: " + failed.Message + answerText(result)
	}
	if errs.KindOf(err) == errs.TooMany {
		return "error", "No test was sent to " + title + ". " + errs.Message(err)
	}
	if errs.KindOf(err) == errs.Internal {
		s.Log.ErrorContext(r.Context(), "send test", "channel", c.ID, "error", err)
	}
	return "error", "The test to " + title + " failed: " + errs.Message(err)
}

// answerText is what an HTTP server has answered, if one has.
func answerText(result notify.Result) string {
	if result.StatusCode == 0 {
		return ""
	}
	text := fmt.Sprintf("\nThe server answered %d %s", result.StatusCode, http.StatusText(result.StatusCode))
	body := strings.TrimSpace(result.Response)
	if body != "" {
		text += ":\n" + body
	}
	return text
}

// channelChecks is the page that says which checks a channel tells of.
type channelChecks struct {
	ui.BasePage
	Channel channelView
	Checks  []assignedCheck
}

type assignedCheck struct {
	Code     uuid.UUID
	Name     string
	Tags     []string
	Assigned bool
}

// channelChecksForm: GET /integrations/{channel}/checks/.
func (s *Server) channelChecksForm(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return err
	}
	checks, err := s.Store.CheckList(r.Context(), project.ID)
	if err != nil {
		return err
	}
	assigned, err := s.Store.Assignments(r.Context(), project.ID)
	if err != nil {
		return err
	}
	m := &channelChecks{BasePage: integrationsBase("Checks of an integration", project), Channel: s.viewChannel(c)}
	for i := range checks {
		name := checks[i].Name
		if name == "" {
			name = checks[i].Code.String()
		}
		m.Checks = append(m.Checks, assignedCheck{
			Code: checks[i].Code, Name: name, Tags: strings.Fields(checks[i].Tags),
			Assigned: slices.Contains(assigned[checks[i].ID], c.ID),
		})
	}
	slices.SortStableFunc(m.Checks, func(a, b assignedCheck) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return s.Render(w, r, http.StatusOK, "channel_checks", m)
}

// saveChannelChecks: POST /integrations/{channel}/checks/ with the codes of the
// checks in "checks".
func (s *Server) saveChannelChecks(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	n, err := s.Channels.Assign(r.Context(), c, channel.Choice{Codes: form.Values["checks"]})
	if err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", fmt.Sprintf("%s now tells of %s.", s.viewChannel(c).Title, text.Plural(n, "check", "checks")))
	return s.Redirect(w, r, integrationsPath(project.ID))
}

func integrationsPath(project uuid.UUID) string {
	return "/projects/" + project.String() + "/integrations/"
}
