package project

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/web/badge"
	"punctual/web/ui"
)

// badgesPage makes the address of a badge, with what to paste into a README.
type badgesPage struct {
	ui.BasePage
	// of, format, states
	Form   *ui.Form
	Tags   []string
	Checks []badgeCheck
	Badge  badgeView
}

// badgeCheck is a check in the list to choose from.
type badgeCheck struct{ Value, Title string }

// badgeView is a badge with its address in all forms.
type badgeView struct {
	Label string
	// address of the SVG, for the preview
	Picture string
	URL     string
	// "" = the format is no picture
	Markdown string
	HTML     string
}

// The values of the field of: the project, or one of these and a name.
const (
	badgeOfProject = "project"
	badgeOfTag     = "tag:"
	badgeOfCheck   = "check:"
)

// Badges answers GET /projects/{project}/badges/?of=&format=&states=. Everybody who may
// look at the project may have its badges: they tell less than its pages.
func (s *Pages) Badges(w http.ResponseWriter, r *http.Request) error {
	p, _, err := s.ProjectFor(r)
	if err != nil {
		return err
	}
	var checks []monitor.Check
	err = s.Store.EachCheckObject(r.Context(), p.ID, func(c *monitor.Check) {
		seen := *c
		// of ten thousand checks that is much
		seen.Description = ""
		checks = append(checks, seen)
	})
	if err != nil {
		return err
	}
	query := r.URL.Query()
	form := ui.NewForm(url.Values{"of": {badgeOfProject}, "format": {"svg"}, "states": {"2"}})
	of := query.Get("of")
	if of != "" {
		form.Values.Set("of", of)
	}
	format := query.Get("format")
	if slices.Contains(badge.Formats(), format) {
		form.Values.Set("format", format)
	}
	if query.Get("states") == "3" {
		form.Values.Set("states", "3")
	}
	m := &badgesPage{BasePage: ui.BasePage{Title: "Badges", Nav: "settings", Project: &ui.ProjectNav{ID: p.ID, Name: p.Title()}}, Form: form}
	var tags monitor.FirstTags
	for i := range checks {
		tags.Add(checks[i].Tags)
		m.Checks = append(m.Checks, badgeCheck{badgeOfCheck + checks[i].Code.String(), checks[i].Title()})
	}
	m.Tags = tags.List()
	slices.SortStableFunc(m.Checks, func(a, b badgeCheck) int { return strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)) })
	m.Badge, err = s.badge(p, checks, form)
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "project/badges", m)
}

// badge is the one that was asked for. It fails with errs.NotFound where there
// is no such check; any word may be a tag.
func (s *Pages) badge(p *monitor.Project, checks []monitor.Check, form *ui.Form) (badgeView, error) {
	states := badge.TwoStates
	if form.Is("states", "3") {
		states = badge.ThreeStates
	}
	of := form.Value("of")
	tag, tagged := strings.CutPrefix(of, badgeOfTag)
	code, single := strings.CutPrefix(of, badgeOfCheck)
	switch {
	case single:
		id, err := uuid.Parse(code)
		i := slices.IndexFunc(checks, func(c monitor.Check) bool { return c.Code == id })
		if err != nil || i < 0 {
			return badgeView{}, errs.NotFoundf("There is no such check.")
		}
		return newBadgeView(checks[i].Title(), form.Value("format"),
			func(format string) string { return s.BadgeLinks.Check(checks[i].BadgeKey, states, format) }), nil
	case tagged && tag != "" && tag != badge.Project:
		return newBadgeView(tag, form.Value("format"), func(format string) string { return s.BadgeLinks.Tag(p.BadgeKey, tag, states, format) }),
			nil
	case of == badgeOfProject:
		return newBadgeView(p.Title(), form.Value("format"),
			func(format string) string { return s.BadgeLinks.Tag(p.BadgeKey, badge.Project, states, format) }), nil
	default:
		return badgeView{}, errs.NotFoundf("There is no such badge.")
	}
}

// newBadgeView is a badge in a format; link makes its address in each.
func newBadgeView(label, format string, link func(format string) string) badgeView {
	b := badgeView{Label: label, Picture: link("svg"), URL: link(format)}
	picture := b.URL
	switch format {
	case "json":
		return b
	case "shields":
		picture = "https://img.shields.io/endpoint?" + url.Values{"url": {b.URL}}.Encode()
	}
	b.Markdown = "![" + strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(label) + "](" + picture + ")"
	b.HTML = `<img src="` + html.EscapeString(picture) + `" alt="` + html.EscapeString(label) + `">`
	return b
}
