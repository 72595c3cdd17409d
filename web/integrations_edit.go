package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/text"
	"punctual/web/ui"
	"punctual/web/ui/human"
)

// channelForm is the page that adds or edits a channel; each kind has a
// template of its own, pages/channel_<kind>.html.
type channelForm struct {
	ui.BasePage
	kindInfo
	*ui.Form
	Action  string           // where the form goes
	Channel *monitor.Channel // nil: a new one

	MayVerify    bool // e-mail: the site asks addresses of others first
	Subscription bool // Pushover: the key comes from its subscription page
}

// addChannelForm: GET /projects/{project}/add_{kind}/.
func (s *Server) addChannelForm(w http.ResponseWriter, r *http.Request) error {
	project, n, err := s.newChannel(r)
	if err != nil {
		return err
	}
	return s.showChannelForm(w, r, http.StatusOK, project, n, nil, ui.NewForm(firstValues(n.Kind(), r)))
}

// firstValues are what the form of a new channel starts with.
func firstValues(kind string, r *http.Request) url.Values {
	switch kind {
	case kindEmail:
		return url.Values{"value": {ui.VisitorOf(r).User.Email}, "down": {"on"}, "up": {"on"}}
	case kindWebhook:
		return url.Values{"method_down": {http.MethodPost}, "method_up": {http.MethodPost}}
	case kindPushover:
		return url.Values{"prio": {"0"}, "prio_up": {"0"}}
	default:
		return url.Values{}
	}
}

// newChannel is the project to be given a channel, and the kind's notifier.
func (s *Server) newChannel(r *http.Request) (*monitor.Project, notify.Notifier, error) {
	project, _, err := s.WritableProject(r)
	if err != nil {
		return nil, nil, err
	}
	n := s.Notifiers.Notifier(chi.URLParam(r, "kind"))
	if n == nil {
		return nil, nil, errs.NotFoundf("This site has no integration of that kind.")
	}
	return project, n, nil
}

func (s *Server) showChannelForm(w http.ResponseWriter, r *http.Request, status int, p *monitor.Project, n notify.Notifier, c *monitor.Channel, f *ui.Form) error {
	info := kindInfoOf(n.Kind(), n)
	m := &channelForm{
		BasePage: integrationsBase("Add "+info.Label, p), kindInfo: info, Form: f, Channel: c,
		Action:       fmt.Sprintf("/projects/%s/add_%s/", p.ID, n.Kind()),
		MayVerify:    s.Site.VerifyEmail,
		Subscription: s.PushoverSubscription != "",
	}
	if c != nil {
		m.Title, m.Action = "Edit "+info.Label, fmt.Sprintf("/integrations/%s/edit/", c.ID)
	}
	return s.Render(w, r, status, "channel_"+n.Kind(), m)
}

// addChannel: POST /projects/{project}/add_{kind}/.
func (s *Server) addChannel(w http.ResponseWriter, r *http.Request) error {
	project, n, err := s.newChannel(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	if n.Kind() == kindPushover && s.PushoverSubscription != "" && form.Value("value") == "" {
		return s.pushoverSubscribe(w, r, project)
	}
	c := &monitor.Channel{ProjectID: project.ID, Kind: n.Kind(), Verified: true}
	if err := s.fillChannel(c, n, form); err != nil {
		return err
	}
	if !form.OK() {
		return s.showChannelForm(w, r, http.StatusBadRequest, project, n, nil, form)
	}
	if err := s.addresses.Create(r.Context(), c, project, ui.VisitorOf(r).User); err != nil {
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
func (s *Server) fillChannel(c *monitor.Channel, n notify.Notifier, form *ui.Form) error {
	form.Values.Set("name", strings.TrimSpace(form.Value("name")))
	if err := form.Note(setChannelName(c, form.Value("name"))); err != nil {
		return err
	}
	config, err := n.FromForm(c.Config, form.Values)
	if err := form.Note(err); err != nil {
		return err
	}
	c.Config = config
	return nil
}

// setChannelName gives a channel another name; one that is too long may stay.
func setChannelName(c *monitor.Channel, name string) error {
	name = strings.TrimSpace(name)
	if text.Longer(name, monitor.MaxChannelName) && name != c.Name {
		return errs.Invalidf("name", "A name has at most %d characters.", monitor.MaxChannelName)
	}
	c.Name = name
	return nil
}

// editChannelForm: GET /integrations/{channel}/edit/.
func (s *Server) editChannelForm(w http.ResponseWriter, r *http.Request) error {
	c, project, n, err := s.editableChannel(r)
	if err != nil {
		return err
	}
	values := n.ToForm(c.Config)
	values.Set("name", c.Name)
	return s.showChannelForm(w, r, http.StatusOK, project, n, c, ui.NewForm(values))
}

func (s *Server) editableChannel(r *http.Request) (*monitor.Channel, *monitor.Project, notify.Notifier, error) {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return nil, nil, nil, err
	}
	n := s.Notifiers.Notifier(c.Kind)
	if n == nil {
		return nil, nil, nil, errs.NotFoundf("This site has no integration of that kind any more.")
	}
	return c, project, n, nil
}

// editChannel: POST /integrations/{channel}/edit/. Saving also switches a
// disabled channel on again: that is how people repair one.
func (s *Server) editChannel(w http.ResponseWriter, r *http.Request) error {
	c, project, n, err := s.editableChannel(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	before := *c
	if err := s.fillChannel(c, n, form); err != nil {
		return err
	}
	if !form.OK() {
		return s.showChannelForm(w, r, http.StatusBadRequest, project, n, &before, form)
	}
	saved, asked, err := s.addresses.Change(r.Context(), auth.Edit{
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
	_, err = s.Store.ChangeChannel(r.Context(), c.ID, func(now *monitor.Channel) error {
		return setChannelName(now, ui.PostedField(r, "name"))
	})
	if err != nil {
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
	if err := s.Store.DeleteChannel(r.Context(), c.ID); err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", "Removed "+s.viewChannel(c).Title+".")
	return s.Redirect(w, r, integrationsPath(project.ID))
}

// testChannel: POST /integrations/{channel}/test/. It shows what the other side
// really answered.
func (s *Server) testChannel(w http.ResponseWriter, r *http.Request) error {
	c, project, err := s.WritableChannel(r)
	if err != nil {
		return err
	}
	kind, text := s.sendTest(r, c)
	ui.VisitorOf(r).Flash(kind, text)
	return s.Redirect(w, r, integrationsPath(project.ID))
}

func (s *Server) sendTest(r *http.Request, c *monitor.Channel) (kind, text string) {
	title := s.viewChannel(c).Title
	result, err := s.Tester.SendTest(ui.WithoutTimeout(r).Context(), c)
	if err == nil {
		took := ""
		if after, err := s.Store.ChannelByID(r.Context(), c.ID); err == nil && after.LastLatency > 0 {
			took = " in " + human.Duration(after.LastLatency.Round(time.Millisecond))
		}
		return "ok", "The test to " + title + " was accepted" + took + "." + answerText(result)
	}
	if failed, ok := errors.AsType[*notify.Error](err); ok {
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
	if body := strings.TrimSpace(result.Response); body != "" {
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
	checks, err := s.Store.CheckList(r.Context(), project.ID)
	if err != nil {
		return err
	}
	ticked := map[string]bool{}
	for _, code := range form.Values["checks"] {
		ticked[code] = true
	}
	var ids []int64
	for i := range checks {
		if ticked[checks[i].Code.String()] {
			ids = append(ids, checks[i].ID)
		}
	}
	if err := s.Store.SetChannelChecks(r.Context(), c.ID, ids); err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", fmt.Sprintf("%s now tells of %s.", s.viewChannel(c).Title, text.Plural(len(ids), "check", "checks")))
	return s.Redirect(w, r, integrationsPath(project.ID))
}

func integrationsPath(project uuid.UUID) string {
	return "/projects/" + project.String() + "/integrations/"
}
