package checks

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"time"

	"punctual/internal/monitor"
	"punctual/web/ui"
	"punctual/web/ui/checkstate"
)

// version changes whenever a row changes by anything else than a ping or the
// passing of time: settings, pauses, channels, checks that come and go. Where
// scripts leave filtering to the server it tells of the rows of the page and
// changes too when they move.
func (p *checksPage) version(d *listData, views []ui.Channel) string {
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
	if p.ServerFiltered {
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
		fmt.Fprintf(h, "%s\x00%s\x00%s\x00%t\x00", d.channels[i].ID, d.channels[i].Name, views[i].State, views[i].NotifiesDown)
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// listUpdate is what the script of the list asks for every few seconds.
type listUpdate struct {
	Version string `json:"version"`
	// microseconds since 1970, to be sent back as ?since=
	Now  int64 `json:"now"`
	Down int   `json:"down"`
	// HTML of the line below the heading
	Summary string `json:"summary"`
	// checks of which nobody hears
	Unreached int `json:"unreached"`
	// HTML of what the rows show channels by, where that may have changed
	Icons string `json:"icons,omitempty"`
	// the same in the menu of a row
	IconMenu string                   `json:"icon_menu,omitempty"`
	Counts   map[checkstate.State]int `json:"counts"`
	// state and tip by tag
	Tags map[string][2]any `json:"tags"`
	// rows are the whole list, in order; there are no others. Of a list that the server filters: load it anew
	All bool `json:"all"`
	// HTML
	Rows []string `json:"rows,omitempty"`
	// for each row the code of the one before it in the list, "" = none
	After []string `json:"after,omitempty"`
}

// clockSlack is how much older than the last look a ping may be that was not
// yet stored then.
const clockSlack = 5 * time.Second

// Status answers what has changed in the list since the look before:
// ?v= and ?since= are the version and the time of that. A script that leaves
// filtering to the server sends the query string of the list along. Rows that
// look the same are left out, so that polling a thousand checks is cheap.
func (s *Pages) Status(w http.ResponseWriter, r *http.Request) error {
	project, role, err := s.ProjectFor(r)
	if err != nil {
		return err
	}
	page, err := s.listChecks(r, project, role, parseListFilter(r.URL.Query()))
	if err != nil {
		return err
	}
	if err := s.FillBase(r, &page.BasePage); err != nil {
		return err
	}
	u, err := s.updateOf(page, ui.Field(r, "v"), microsTime(ui.Field(r, "since")))
	if err != nil {
		return err
	}
	return ui.WriteJSON(w, u)
}

// updateOf is what has changed on the page for those who saw it as version at
// time since.
func (s *Pages) updateOf(page *checksPage, version string, since time.Time) (*listUpdate, error) {
	u := &listUpdate{Version: page.Version, Now: page.Now.UnixMicro(), Down: page.Down(), Unreached: page.Unreached,
		All:    version != page.Version,
		Counts: map[checkstate.State]int{}, Tags: map[string][2]any{}}
	for _, chip := range page.Chips {
		u.Counts[chip.State] = chip.Count
	}
	for _, tag := range page.TagChips {
		u.Tags[tag.Name] = [2]any{tag.State, tag.Tip}
	}
	var err error
	u.Summary, err = s.Part("checks/list", "summary", page)
	if err != nil {
		return nil, err
	}
	if u.All {
		if err := s.addIcons(u, page); err != nil {
			return nil, err
		}
	}
	if page.ServerFiltered && u.All {
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

// addIcons adds what the rows and their menu show channels by.
func (s *Pages) addIcons(u *listUpdate, page *checksPage) error {
	var err error
	u.Icons, err = s.Part("checks/list", "icons", page)
	if err != nil {
		return err
	}
	u.IconMenu, err = s.Part("checks/list", "icon-menu", page)
	return err
}

// changedSince tells whether a ping or the passing of time has changed the row.
func changedSince(c *monitor.Check, since, now time.Time) bool {
	moments := []time.Time{c.LastPing, c.LastStart, c.DueAt, c.AlertAt}
	if c.Started() {
		moments = append(moments, c.LastStart.Add(c.Grace))
	}
	return slices.ContainsFunc(moments, func(t time.Time) bool { return t.After(since) && !t.After(now) })
}
