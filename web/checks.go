package web

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// maxRowIcons is how many channels are shown one by one in each row; of more
// there is only the number (features §11).
const maxRowIcons = 10

// A project of up to wholeList checks is one page, in which scripts filter at
// once. A longer list has pages of pageRows.
const (
	wholeList = 1000
	pageRows  = 250
)

// checksPage is the list of a project's checks.
type checksPage struct {
	BasePage
	CanWrite     bool
	Slugs        bool       // ping URLs are shown with slugs
	Rows         []checkRow // what the filter lets through, of this page
	Groups       []rowGroup // the same; one without a heading unless the filter asks for groups
	Far          bool       // scripts leave filtering to the server: there are pages, groups or boxes
	Matched      int        // checks that the filter lets through, on all pages
	Pages        Pages
	Total        int
	Filter       listFilter
	Sort         string
	Chips        []stateChip
	TagChips     []tagChip
	Icons        []channelIcon // at most maxRowIcons, none when there are more
	ChannelCount int
	Channels     []channelIcon // all, where rows have a box
	NextPing     time.Time     // when the next ping of an up check is expected
	PingBase     string        // PING_ENDPOINT
	PingKey      string
	APIBase      string // where checks are made by API
	Version      string // of everything but pings, see listVersion

	detailsPrefix string         // of the address of each check's page
	slugs         map[string]int // how many checks have the slug, where URLs show it
}

// Partial tells whether rows are left out, so that scripts have to fetch them
// before they filter anew.
func (p *checksPage) Partial() bool { return !p.Far && len(p.Rows) < p.Total }

// Selecting tells whether rows have a box.
func (p *checksPage) Selecting() bool { return p.CanWrite && p.Filter.Select }

// choice is an entry of the menu of the view.
type choice struct {
	On         bool
	Href, Text string
}

// Choice is for the partial "choice".
func (p *checksPage) Choice(on bool, href, text string) choice { return choice{on, href, text} }

// What the menu of the view and the links above the list lead to.
func (p *checksPage) Everything() string       { return p.Filter.everything() }
func (p *checksPage) Grouped(yes bool) string  { return p.Filter.grouped(yes) }
func (p *checksPage) Selected(yes bool) string { return p.Filter.selecting(yes) }
func (p *checksPage) With(param, v string) string {
	return strings.Replace(p.Filter.Query()+"&", "?&", "?", 1) + param + "=" + v
}

// OtherSort is what a click on a column's head asks for.
func (p *checksPage) OtherSort(column string) string {
	if p.Sort == column {
		return "-" + column
	}
	return column
}

// stateChip is a state above the list with its number of checks.
type stateChip struct {
	State shown
	Count int
	On    bool
	Query string
}

// tagChip is a tag above the list, coloured by the worst of its checks.
type tagChip struct {
	Name  string
	State shown
	Tip   string // "2 of 5 down"
	On    bool
	Query string
}

// channelIcon is a channel as each row shows it.
type channelIcon struct {
	ID    uuid.UUID
	Label string // where alerts go
	Icon  string // of its kind
	X     int    // where the picture of a row has it
}

// iconStep is the distance of the icons in a row.
const iconStep = 23

// appendIcons writes the cell that shows which channels are on; where there are
// too many for icons it only says how many: "3 of 14". The icons of all channels
// are one symbol of the page; data-on has a letter for each that is on, a for the
// first, by which styles colour them and scripts switch them.
func (p *checksPage) appendIcons(b []byte, on []uuid.UUID) []byte {
	b = append(b, "<td class=ch"...)
	if p.ChannelCount > 0 && p.ChannelCount <= maxRowIcons {
		b = append(b, ` data-on="`...)
		for i := range p.Icons {
			if slices.Contains(on, p.Icons[i].ID) {
				b = append(b, byte('a'+i))
			}
		}
		b = append(b, `"><svg width=`...)
		b = strconv.AppendInt(b, int64(p.ChannelCount*iconStep), 10)
		b = append(b, ` role=img aria-label="`...)
		b = p.appendCount(b, on)
		return append(b, `"><use href=#channels /></svg>`...)
	}
	if b = append(b, '>'); p.ChannelCount > 0 {
		b = p.appendCount(b, on)
	}
	return b
}

func (p *checksPage) appendCount(b []byte, on []uuid.UUID) []byte {
	b = strconv.AppendInt(b, int64(len(on)), 10)
	b = append(b, " of "...)
	return strconv.AppendInt(b, int64(p.ChannelCount), 10)
}

// checks shows the list.
func (s *Server) checks(w http.ResponseWriter, r *http.Request) error {
	project, role, err := s.projectFor(r)
	if err != nil {
		return err
	}
	if project, err = s.switchURLs(r, project, role); err != nil {
		return err
	}
	visitorOf(r).dropOldUndo(s.Store.Now())
	user := visitorOf(r).User
	if order := r.FormValue("sort"); slices.Contains(sorts(), order) && order != user.Sort {
		user.Sort = order
		if _, err := s.Store.ChangeUser(r.Context(), user.ID, func(u *monitor.User) error { u.Sort = order; return nil }); err != nil {
			return err
		}
	}
	page, err := s.listChecks(r, project, role, parseListFilter(r.URL.Query()))
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "checks", page)
}

// switchURLs shows the ping URLs of the project the other way, ?urls=uuid or
// slug, for everybody (features §11); those who may only look cannot.
func (s *Server) switchURLs(r *http.Request, project *monitor.Project, role monitor.Role) (*monitor.Project, error) {
	style := r.FormValue("urls")
	slugs := style == "slug"
	if !slugs && style != "uuid" || !role.CanWrite() || project.ShowSlugs == slugs {
		return project, nil
	}
	return s.Store.ChangeProject(r.Context(), project.ID, func(p *monitor.Project) error { p.ShowSlugs = slugs; return nil })
}

// listChecks loads the list in a constant number of statements.
func (s *Server) listChecks(r *http.Request, project *monitor.Project, role monitor.Role, f listFilter) (*checksPage, error) {
	data, err := s.loadList(r.Context(), project.ID)
	if err != nil {
		return nil, err
	}
	return s.listPage(r, project, role, f, data), nil
}

// listData is what the list of a project shows, whoever looks at it: nobody may
// change it.
type listData struct {
	checks   []monitor.Check // as created
	channels []monitor.Channel
	assigned map[int64][]uuid.UUID
}

func (s *Server) loadList(ctx context.Context, project uuid.UUID) (*listData, error) {
	var d listData
	var err error
	if d.checks, err = s.Store.CheckList(ctx, project); err != nil {
		return nil, err
	}
	if d.channels, err = s.Store.ChannelsOf(ctx, project); err != nil {
		return nil, err
	}
	if d.assigned, err = s.Store.Assignments(ctx, project); err != nil {
		return nil, err
	}
	return &d, nil
}

// listPage is the list as the one who asks sees it.
func (s *Server) listPage(r *http.Request, project *monitor.Project, role monitor.Role, f listFilter, d *listData) *checksPage {
	p := &checksPage{
		BasePage: checksBase(project, "Checks"), CanWrite: role.CanWrite(), Slugs: project.ShowSlugs,
		Total: len(d.checks), Filter: f, Sort: visitorOf(r).User.Sort, ChannelCount: len(d.channels),
		PingBase: s.Site.PingEndpoint, PingKey: project.PingKey, APIBase: s.Site.URL("/api/v3/checks/"),
	}
	if !slices.Contains(sorts(), p.Sort) {
		p.Sort = defaultSort
	}
	p.detailsPrefix, p.Icons = s.Site.Path("/checks/"), s.channelIcons(d.channels)
	if p.Selecting() {
		p.Channels = s.allIcons(d.channels)
	}
	p.Far = p.Total > wholeList || f.Group || p.Selecting()
	p.fill(d.checks, s.Store.Now())
	p.cutPage()
	for i := range p.Rows {
		p.Rows[i].on = d.assigned[p.Rows[i].ID]
	}
	p.Version = p.version(d)
	return p
}

// checksBase is the base of the pages about a project's checks.
func checksBase(project *monitor.Project, title string) BasePage {
	name := project.Name
	if name == "" {
		name = "Untitled project"
	}
	return BasePage{Title: title, Nav: "checks", Project: &ProjectNav{ID: project.ID, Name: name}}
}

func (s *Server) channelIcons(channels []monitor.Channel) []channelIcon {
	if len(channels) > maxRowIcons {
		return nil
	}
	return s.allIcons(channels)
}

func (s *Server) allIcons(channels []monitor.Channel) []channelIcon {
	out := make([]channelIcon, len(channels))
	for i := range channels {
		v := s.viewChannel(&channels[i])
		out[i] = channelIcon{ID: v.ID, Label: v.Title, Icon: v.Icon, X: i * iconStep}
	}
	return out
}

// fill makes the rows, the chips and the counts of the checks at time now.
func (p *checksPage) fill(checks []monitor.Check, now time.Time) {
	if p.Slugs {
		p.slugs = map[string]int{}
	}
	p.Rows = make([]checkRow, 0, len(checks))
	counts := map[shown]int{}
	tags := newTagCount()
	for i := range checks {
		c := &checks[i]
		state := shownAt(c, now)
		counts[state]++
		if p.Slugs {
			p.slugs[c.Slug]++
		}
		tags.add(c, state)
		if state == shownUp && c.DueAt.After(now) && (p.NextPing.IsZero() || c.DueAt.Before(p.NextPing)) {
			p.NextPing = c.DueAt
		}
		if !p.Filter.matches(c, state) {
			continue
		}
		p.Rows = append(p.Rows, checkRow{Check: c, State: state, page: p})
	}
	p.Matched = len(p.Rows)
	sortRows(p.Rows, p.Sort)
	for _, state := range allShown() {
		on := slices.Contains(p.Filter.States, string(state))
		p.Chips = append(p.Chips, stateChip{state, counts[state], on, p.Filter.toggledState(string(state))})
	}
	p.TagChips = tags.chips(&p.Filter)
}

// Down counts the checks that are down.
func (p *checksPage) Down() int { return p.Chips[1].Count }

// tagCount collects, tag by tag, how many checks have it and how they are.
type tagCount struct{ by map[string]*tagStates }

type tagStates struct{ total, down, late, up int }

func newTagCount() *tagCount { return &tagCount{by: map[string]*tagStates{}} }

func (t *tagCount) add(c *monitor.Check, state shown) {
	for tag := range strings.FieldsSeq(c.Tags) {
		n := t.by[tag]
		if n == nil {
			n = &tagStates{}
			t.by[tag] = n
		}
		n.add(state)
	}
}

func (n *tagStates) add(state shown) {
	n.total++
	switch state {
	case shownDown:
		n.down++
	case shownLate:
		n.late++
	case shownUp, shownStarted:
		n.up++
	}
}

// chips are the tags in natural order, with the filter's own even when no check
// has them any more.
func (t *tagCount) chips(f *listFilter) []tagChip {
	for _, tag := range f.Tags {
		if t.by[tag] == nil {
			t.by[tag] = &tagStates{}
		}
	}
	out := make([]tagChip, 0, len(t.by))
	for tag, n := range t.by {
		chip := tagChip{Name: tag, On: slices.Contains(f.Tags, tag), Query: f.toggledTag(tag)}
		chip.State, chip.Tip = n.worst()
		out = append(out, chip)
	}
	slices.SortFunc(out, func(a, b tagChip) int {
		if c := compareNatural(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

func (n *tagStates) worst() (shown, string) {
	of := func(k int, word string) string { return fmt.Sprintf("%d of %d %s", k, n.total, word) }
	switch {
	case n.down > 0:
		return shownDown, of(n.down, "down")
	case n.late > 0:
		return shownLate, of(n.late, "late")
	case n.up > 0:
		return shownUp, of(n.up, "up")
	default:
		return shownNew, plural(n.total, "check", "checks")
	}
}

// version changes whenever a row changes by anything else than a ping or the
// passing of time: settings, pauses, channels, checks that come and go. Where
// scripts leave filtering to the server it tells of the rows of the page and
// changes too when they move.
func (p *checksPage) version(d *listData) string {
	h := fnv.New64a()
	var b []byte
	add := func(c *monitor.Check) {
		b = append(b[:0], c.Code[:]...)
		for _, text := range [...]string{c.Name, c.Slug, c.Tags, string(c.Kind), c.Schedule} {
			b = append(append(b, text...), 0)
		}
		b = binary.AppendVarint(b, int64(c.Timeout))
		b = binary.AppendVarint(b, int64(c.Grace))
		b = strconv.AppendBool(b, c.Status == monitor.StatusPaused)
		b = strconv.AppendBool(b, c.Status == monitor.StatusNew)
		for _, id := range d.assigned[c.ID] {
			b = append(b, id[:]...)
		}
		h.Write(b)
	}
	if p.Far {
		fmt.Fprintf(h, "%d\x00%d\x00", p.Matched, p.Total)
		for i := range p.Rows {
			add(p.Rows[i].Check)
		}
	} else {
		for i := range d.checks {
			add(&d.checks[i])
		}
	}
	fmt.Fprintf(h, "%t\x00", p.Slugs)
	for i := range d.channels {
		fmt.Fprintf(h, "%s\x00%s\x00", d.channels[i].ID, d.channels[i].Name)
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// listUpdate is what the script of the list asks for every few seconds.
type listUpdate struct {
	Version string            `json:"version"`
	Now     int64             `json:"now"` // microseconds since 1970, to be sent back as ?since=
	Down    int               `json:"down"`
	Summary string            `json:"summary"` // HTML of the line below the heading
	Counts  map[shown]int     `json:"counts"`
	Tags    map[string][2]any `json:"tags"`            // state and tip by tag
	All     bool              `json:"all"`             // rows are the whole list, in order; there are no others. Of a list that the server filters: load it anew
	Rows    []string          `json:"rows,omitempty"`  // HTML
	After   []string          `json:"after,omitempty"` // for each row the code of the one before it in the list, "" = none
}

// clockSlack is how much older than the last look a ping may be that was not
// yet stored then.
const clockSlack = 5 * time.Second

// checksStatus answers what has changed in the list since the look before:
// ?v= and ?since= are the version and the time of that. A script that leaves
// filtering to the server sends the query string of the list along. Rows that
// look the same are left out, so that polling a thousand checks is cheap.
func (s *Server) checksStatus(w http.ResponseWriter, r *http.Request) error {
	project, role, err := s.projectFor(r)
	if err != nil {
		return err
	}
	page, err := s.listChecks(r, project, role, parseListFilter(r.URL.Query()))
	if err != nil {
		return err
	}
	if err := s.fillBase(r, &page.BasePage); err != nil {
		return err
	}
	u, err := s.updateOf(page, r.FormValue("v"), microsTime(r.FormValue("since")))
	if err != nil {
		return err
	}
	return writeJSON(w, u)
}

// updateOf is what has changed on the page for those who saw it as version at
// time since.
func (s *Server) updateOf(page *checksPage, version string, since time.Time) (*listUpdate, error) {
	u := &listUpdate{Version: page.Version, Now: page.Now.UnixMicro(), Down: page.Down(), All: version != page.Version,
		Counts: map[shown]int{}, Tags: map[string][2]any{}}
	for _, chip := range page.Chips {
		u.Counts[chip.State] = chip.Count
	}
	for _, tag := range page.TagChips {
		u.Tags[tag.Name] = [2]any{tag.State, tag.Tip}
	}
	var err error
	if u.Summary, err = s.part("checks", "summary", page); err != nil {
		return nil, err
	}
	if page.Far && u.All {
		return u, nil
	}
	since = since.Add(-clockSlack)
	before := ""
	for i := range page.Rows {
		row := &page.Rows[i]
		if u.All || changedSince(row.Check, since, page.Now) {
			u.Rows = append(u.Rows, string(row.appendHTML(nil)))
			u.After = append(u.After, before)
		}
		before = row.Code.String()
	}
	return u, nil
}

// changedSince tells whether a ping or the passing of time has changed the row.
func changedSince(c *monitor.Check, since, now time.Time) bool {
	moments := []time.Time{c.LastPing, c.LastStart, c.DueAt, c.AlertAt}
	if c.Started() {
		moments = append(moments, c.LastStart.Add(c.Grace))
	}
	return slices.ContainsFunc(moments, func(t time.Time) bool { return t.After(since) && !t.After(now) })
}

// part is one named template of a page as text, for answers that hold several.
func (s *Server) part(page, name string, m any) (string, error) {
	t, err := s.pages.page(page)
	if err != nil {
		return "", err
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, name, m); err != nil {
		return "", fmt.Errorf("render %s of %s: %w", name, page, err)
	}
	return buf.String(), nil
}

// writeJSON answers a script of ours.
func writeJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // the reader may have gone
	return nil
}
