package checks

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/web/ui"
	"punctual/web/ui/channelstate"
	"punctual/web/ui/checkstate"
)

// A project of up to wholeList checks is one page, in which scripts filter at
// once. A longer list has pages of pageRows.
const (
	wholeList = 1000
	pageRows  = 250
)

// checksPage is the list of a project's checks.
type checksPage struct {
	ui.BasePage
	CanWrite bool
	// ping URLs are shown with slugs
	Slugs bool
	// what the filter lets through, of this page
	Rows []checkRow
	// the same; one without a heading unless the filter asks for groups
	Groups []rowGroup
	// scripts leave filtering to the server: there are pages, groups or boxes
	ServerFiltered bool
	// checks that the filter lets through, on all pages
	Matched  int
	Pages    ui.PageLinks
	Total    int
	Filter   listFilter
	Sort     string
	Chips    []stateChip
	TagChips []tagChip
	// there are tags without a chip
	MoreTags bool
	// at most maxRowIcons, none when there are more
	Icons        []channelIcon
	ChannelCount int
	// all, where rows have a box
	Channels []channelIcon
	// when the next ping of an up check is expected
	NextPing time.Time
	// PING_ENDPOINT
	PingBase string
	PingKey  string
	// where checks are made by API
	APIBase string
	// of everything but pings, see listVersion
	Version string

	// of the address of each check's page
	detailsPrefix string
	// how many checks have the slug
	slugs map[string]int
	// checks of which nobody hears
	Unreached int
}

// Partial tells whether rows are left out, so that scripts have to fetch them
// before they filter anew.
func (p *checksPage) Partial() bool { return !p.ServerFiltered && len(p.Rows) < p.Total }

// Selecting tells whether rows have a box.
func (p *checksPage) Selecting() bool { return p.CanWrite && p.Filter.Select }

// choice is an entry of the menu of the view.
type choice struct {
	On         bool
	Href, Text string
}

// Choice is for the partial "choice".
func (p *checksPage) Choice(on bool, href, text string) choice { return choice{on, href, text} }

// viewChoice is an entry of that menu that is remembered, and therefore posted.
type viewChoice struct {
	On                bool
	Name, Value, Text string
}

// ViewChoice is for the partial "view-choice".
func (p *checksPage) ViewChoice(on bool, name, value, text string) viewChoice {
	return viewChoice{on, name, value, text}
}

// Legend says what the bars of the rows mean.
func (p *checksPage) Legend() []checkstate.Bar { return checkstate.Legend() }

// Everything leads to the list without a filter.
func (p *checksPage) Everything() string { return p.Filter.everything() }

// Grouped leads to the list by groups, or not.
func (p *checksPage) Grouped(yes bool) string { return p.Filter.grouped(yes) }

// Selected leads to the list with boxes, or not.
func (p *checksPage) Selected(yes bool) string { return p.Filter.selecting(yes) }

// stateChip is a state above the list with its number of checks.
type stateChip struct {
	State checkstate.State
	Count int
	On    bool
	Query string
}

// List shows the list.
func (s *Pages) List(w http.ResponseWriter, r *http.Request) error {
	project, role, err := s.ProjectFor(r)
	if err != nil {
		return err
	}
	dropOldUndo(ui.VisitorOf(r), s.Store.Now())
	page, err := s.listChecks(r, project, role, parseListFilter(r.URL.Query()))
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "checks/list", page)
}

// ChooseView answers POST /projects/{project}/checks/view/ remembers how the list is
// shown: sort is the order, for whoever chooses it; urls, "uuid" or "slug", is the
// style of ping URLs, for everybody in the project, and not for readers to choose.
func (s *Pages) ChooseView(w http.ResponseWriter, r *http.Request) error {
	project, role, err := s.ProjectFor(r)
	if err != nil {
		return err
	}
	back := filterOf(ui.PostedField(r, "back"))
	order := ui.PostedField(r, "sort")
	if slices.Contains(sorts(), order) {
		back.Sort = ""
		_, err := s.Store.ChangeUser(r.Context(), ui.VisitorOf(r).User.ID, func(u *monitor.User) error { u.Sort = order; return nil })
		if err != nil {
			return err
		}
	}
	style := ui.PostedField(r, "urls")
	if style == "slug" || style == "uuid" {
		back.URLs = ""
		if !role.CanWrite() {
			return errs.Forbiddenf("You may look at this project, but not change it.")
		}
		_, err := s.Store.ChangeProject(r.Context(), project.ID, func(p *monitor.Project) error { p.ShowSlugs = style == "slug"; return nil })
		if err != nil {
			return err
		}
	}
	return s.Redirect(w, r, ui.ListURL(project.ID)+strings.TrimSuffix(back.Query(), "?"))
}

// listChecks loads the list in a constant number of statements.
func (s *Pages) listChecks(r *http.Request, project *monitor.Project, role monitor.Role, f listFilter) (*checksPage, error) {
	data, err := s.loadList(r.Context(), project.ID)
	if err != nil {
		return nil, err
	}
	return s.listPage(r, project, role, f, data), nil
}

// listData is what the list of a project shows, whoever looks at it: nobody may
// change it.
type listData struct {
	// as created
	checks   []monitor.Check
	channels []monitor.Channel
	assigned map[int64][]uuid.UUID
}

func (s *Pages) loadList(ctx context.Context, project uuid.UUID) (*listData, error) {
	var d listData
	var err error
	d.checks, err = s.Store.CheckList(ctx, project)
	if err != nil {
		return nil, err
	}
	d.channels, err = s.Store.ChannelsOf(ctx, project)
	if err != nil {
		return nil, err
	}
	d.assigned, err = s.Store.Assignments(ctx, project)
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// listPage is the list as the one who asks sees it.
func (s *Pages) listPage(r *http.Request, project *monitor.Project, role monitor.Role, f listFilter, d *listData) *checksPage {
	p := &checksPage{
		BasePage: ui.ChecksBase(project, "Checks"), CanWrite: role.CanWrite(), Slugs: project.ShowSlugs,
		Total: len(d.checks), Filter: f, Sort: cmp.Or(f.Sort, ui.VisitorOf(r).User.Sort), ChannelCount: len(d.channels),
		PingBase: s.Site.PingEndpoint, PingKey: project.PingKey, APIBase: s.Site.URL("/api/v3/checks/"),
	}
	if !slices.Contains(sorts(), p.Sort) {
		p.Sort = defaultSort
	}
	if f.URLs != "" {
		p.Slugs = f.URLs == "slug"
	}
	p.detailsPrefix = s.Site.Path("/checks/")
	views := s.views(d.channels)
	p.Icons = rowIcons(views)
	if p.Selecting() {
		p.Channels = allIcons(views)
	}
	p.ServerFiltered = p.Total > wholeList || f.Group || p.Selecting()
	p.fill(d, reachesOf(views), s.Store.Reading())
	p.cutPage()
	p.Version = p.version(d, views)
	return p
}

// fill makes the rows, the chips and the counts of the checks, read at a time.
func (p *checksPage) fill(d *listData, reached reaches, at monitor.Reading) {
	checks := d.checks
	p.slugs = make(map[string]int, len(checks))
	p.Rows = make([]checkRow, 0, len(checks))
	counts := map[checkstate.State]int{}
	tags := newTagCount(p.Filter.Tags)
	for i := range checks {
		c := &checks[i]
		state := checkstate.At(c, at)
		counts[state]++
		p.slugs[c.Slug]++
		tags.add(c, state)
		if state == checkstate.Up && c.DueAt.After(at.Now) && (p.NextPing.IsZero() || c.DueAt.Before(p.NextPing)) {
			p.NextPing = c.DueAt
		}
		on := d.assigned[c.ID]
		reach := reached.by(on)
		if reach != channelstate.Reached {
			p.Unreached++
		}
		if !p.Filter.matches(c, state) || !p.Filter.reaches(reach) {
			continue
		}
		p.Rows = append(p.Rows, checkRow{Check: c, State: state, page: p, on: on, reach: reach})
	}
	p.Matched = len(p.Rows)
	sortRows(p.Rows, p.Sort)
	for _, state := range checkstate.All() {
		on := slices.Contains(p.Filter.States, string(state))
		p.Chips = append(p.Chips, stateChip{state, counts[state], on, p.Filter.toggledState(string(state))})
	}
	p.TagChips, p.MoreTags = tags.chips(&p.Filter)
}

// SharedSlugs are the slugs that several checks of the project have, in their
// order and at most a few, so that people learn of it before their pings do.
func (p *checksPage) SharedSlugs() []string {
	var shared []string
	for slug, n := range p.slugs {
		if slug != "" && n > 1 {
			shared = append(shared, slug)
		}
	}
	slices.Sort(shared)
	return shared[:min(len(shared), maxSharedSlugs)]
}

// maxSharedSlugs is how many shared slugs the list names.
const maxSharedSlugs = 5

// Down counts the checks that are down.
func (p *checksPage) Down() int { return p.Chips[1].Count }
