package integrations

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/channel"
	"punctual/internal/text"
	"punctual/web/ui"
)

// checksPage is the page that says which checks a channel tells of.
type checksPage struct {
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

// ChecksForm: GET /integrations/{channel}/checks/.
func (s *Pages) ChecksForm(w http.ResponseWriter, r *http.Request) error {
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
	m := &checksPage{BasePage: basePage("Checks of an integration", project), Channel: s.viewChannel(c)}
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
	return s.Render(w, r, http.StatusOK, "integrations/checks", m)
}

// SaveChecks: POST /integrations/{channel}/checks/ with the codes of the
// checks in "checks".
func (s *Pages) SaveChecks(w http.ResponseWriter, r *http.Request) error {
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
	ui.VisitorOf(r).Flash("ok", fmt.Sprintf("%s is now on for %s.", s.viewChannel(c).Title, text.Plural(n, "check", "checks")))
	return s.Redirect(w, r, listPath(project.ID))
}
