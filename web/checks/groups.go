package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"punctual/internal/monitor"
	"punctual/web/ui"
	"punctual/web/ui/checkstate"
)

// rowGroup is a part of the list under a heading of its own.
type rowGroup struct {
	// "" = checks without a tag, or all of them when there are no groups
	Tag string
	// the worst
	State checkstate.State
	// "2 of 5 down", of the whole group whatever the page shows
	Tip  string
	Rows []checkRow
}

// Title is the heading of the group.
func (g *rowGroup) Title() string { return cmp.Or(g.Tag, "No tag") }

// cutPage leaves the rows of the filter's page and puts them into groups. A
// page after the last one is the last.
func (p *checksPage) cutPage() {
	groups := []rowGroup{{Rows: p.Rows}}
	if p.Filter.Group {
		groups = groupRows(p.Rows)
		p.Rows = slices.Concat(rowsOf(groups)...)
	}
	from := 0
	to := len(p.Rows)
	if p.Total > wholeList {
		last := max(1, (len(p.Rows)+pageRows-1)/pageRows)
		n := min(max(p.Filter.Page, 1), last)
		from = (n - 1) * pageRows
		to = min(n*pageRows, len(p.Rows))
		p.Pages = p.pagesAround(n, last, from, to)
	}
	p.Rows = p.Rows[from:to]
	// of the group, in the whole list
	start := 0
	for _, g := range groups {
		first := max(start, from)
		end := min(start+len(g.Rows), to)
		start += len(g.Rows)
		if first < end {
			g.Rows = p.Rows[first-from : end-from]
			p.Groups = append(p.Groups, g)
		}
	}
}

func (p *checksPage) pagesAround(n, last, from, to int) ui.PageLinks {
	out := ui.PageLinks{Text: fmt.Sprintf("%d–%d of %d", from+1, to, len(p.Rows))}
	if n > 1 {
		out.Previous = p.Filter.onPage(n - 1)
	}
	if n < last {
		out.Next = p.Filter.onPage(n + 1)
	}
	return out
}

// groupRows puts each row below each of its tags. Groups with a check that is down
// come first, then those with one that is late, then the others by name; what
// has no tag comes last. Within a group rows keep their order.
func groupRows(rows []checkRow) []rowGroup {
	at := map[string]int{}
	var groups []rowGroup
	var states []tagStates
	for i := range rows {
		for _, tag := range groupsOf(rows[i].Check) {
			n, known := at[tag]
			if !known {
				n = len(groups)
				at[tag] = n
				groups = append(groups, rowGroup{Tag: tag})
				states = append(states, tagStates{})
			}
			groups[n].Rows = append(groups[n].Rows, rows[i])
			states[n].add(rows[i].State)
		}
	}
	for i := range groups {
		groups[i].State, groups[i].Tip = states[i].worst()
	}
	slices.SortStableFunc(groups, func(a, b rowGroup) int {
		return cmp.Or(cmp.Compare(urgency(a.State), urgency(b.State)), cmp.Compare(btoi(a.Tag == ""), btoi(b.Tag == "")),
			compareNatural(strings.ToLower(a.Tag), strings.ToLower(b.Tag)), strings.Compare(a.Tag, b.Tag))
	})
	return groups
}

// groupsOf are the tags the check stands below, each once; "" is the group of those
// without a tag.
func groupsOf(c *monitor.Check) []string {
	var out []string
	for _, tag := range c.TagList() {
		if !slices.Contains(out, tag) {
			out = append(out, tag)
		}
	}
	if len(out) == 0 {
		return []string{""}
	}
	return out
}

func rowsOf(groups []rowGroup) [][]checkRow {
	out := make([][]checkRow, len(groups))
	for i := range groups {
		out[i] = groups[i].Rows
	}
	return out
}
