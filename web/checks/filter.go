package checks

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"punctual/internal/monitor"
	"punctual/web/ui/checkstate"
)

// listFilter is what the query string of the list chooses: all of the tags, the
// text, any of the states. static/js/checks.js does the same.
type listFilter struct {
	Tags   []string
	Search string
	States []string
	// ?told=nobody: those of which nobody hears, see Untold
	Notified string

	// ?group=tag: rows stand below each of their tags
	Group bool
	// ?select=1: rows have a box, for actions on many
	Select bool
	// ?sort=name: one of sorts for this address, "" = as the user has chosen
	Sort string
	// ?urls=slug: ping URLs for this address, "slug" or "uuid", "" = as the project shows them
	URLs string
	// of a list too long for one page, from 1
	Page int
}

func parseListFilter(q url.Values) listFilter {
	f := listFilter{Search: strings.TrimSpace(q.Get("search")), Group: q.Get("group") == "tag", Select: q.Get("select") == "1", Page: 1}
	f.Notified = notifiedFilter(q)
	n, err := strconv.Atoi(q.Get("page"))
	if err == nil && n > 1 {
		f.Page = n
	}
	order := q.Get("sort")
	if slices.Contains(sorts(), order) {
		f.Sort = order
	}
	style := q.Get("urls")
	if style == "slug" || style == "uuid" {
		f.URLs = style
	}
	for _, tag := range q["tag"] {
		if tag != "" && !slices.Contains(f.Tags, tag) {
			f.Tags = append(f.Tags, tag)
		}
	}
	for _, state := range q["status"] {
		if slices.Contains(checkstate.All(), checkstate.State(state)) && !slices.Contains(f.States, state) {
			f.States = append(f.States, state)
		}
	}
	return f
}

// Any tells whether anything is filtered out.
func (f *listFilter) Any() bool {
	return len(f.Tags) > 0 || f.Search != "" || len(f.States) > 0 || f.UnreachedOnly()
}

func (f *listFilter) matches(c *monitor.Check, state checkstate.State) bool {
	if len(f.States) > 0 && !slices.Contains(f.States, string(state)) {
		return false
	}
	for _, want := range f.Tags {
		if !slices.Contains(c.TagList(), want) {
			return false
		}
	}
	want := strings.ToLower(f.Search)
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), want) }
	return want == "" || has(c.Name) || has(c.Slug) || has(c.Tags) || has(c.Code.String())
}

// toggledState is the query string with the state chosen, or no longer.
func (f *listFilter) toggledState(state string) string {
	g := *f
	g.States = toggled(f.States, state)
	return g.Query()
}

// toggledTag is the query string with the tag chosen, or no longer.
func (f *listFilter) toggledTag(tag string) string {
	g := *f
	g.Tags = toggled(f.Tags, tag)
	return g.Query()
}

func toggled(list []string, v string) []string {
	i := slices.Index(list, v)
	if i >= 0 {
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	return append(slices.Clone(list), v)
}

// everything is the query string that filters nothing and looks the same.
func (f *listFilter) everything() string {
	g := listFilter{Group: f.Group, Select: f.Select, Sort: f.Sort, URLs: f.URLs}
	return g.Query()
}

// grouped is the query string with groups, or without.
func (f *listFilter) grouped(yes bool) string {
	g := *f
	g.Group = yes
	return g.Query()
}

// selecting is the query string with a box in each row, or without.
func (f *listFilter) selecting(yes bool) string {
	g := *f
	g.Select = yes
	return g.Query()
}

// onPage is the query string of another page of the same list.
func (f *listFilter) onPage(n int) string {
	if n == 1 {
		return f.Query()
	}
	return strings.Replace(f.Query()+"&", "?&", "?", 1) + "page=" + strconv.Itoa(n)
}

// Query is the filter as a query string, "?" when there is none. A new filter
// begins on the first page.
func (f *listFilter) Query() string {
	q := url.Values{}
	for _, t := range f.Tags {
		q.Add("tag", t)
	}
	if f.Search != "" {
		q.Set("search", f.Search)
	}
	for _, s := range f.States {
		q.Add("status", s)
	}
	if f.UnreachedOnly() {
		q.Set("told", nobody)
	}
	if f.Group {
		q.Set("group", "tag")
	}
	if f.Select {
		q.Set("select", "1")
	}
	if f.Sort != "" {
		q.Set("sort", f.Sort)
	}
	if f.URLs != "" {
		q.Set("urls", f.URLs)
	}
	return "?" + q.Encode()
}
