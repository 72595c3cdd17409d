package checks

import (
	"html/template"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/web/ui/channelstate"
	"punctual/web/ui/checkstate"
	"punctual/web/ui/human"
)

// checkRow is a check in the list.
type checkRow struct {
	*monitor.Check
	State checkstate.State
	page  *checksPage
	// the channels that watch it
	on    []uuid.UUID
	reach channelstate.Reach
}

// HTML is the rows of the group.
func (g *rowGroup) HTML() template.HTML {
	b := make([]byte, 0, len(g.Rows)*rowSize)
	for i := range g.Rows {
		b = g.Rows[i].appendHTML(b)
	}
	return template.HTML(b) //nolint:gosec // escaped below
}

// rowSize is about the size of a row, in bytes.
const rowSize = 800

// appendHTML writes the row. It is written by hand since a page may have a
// thousand: html/template takes 60 µs for one, this takes 3. It leaves out what
// HTML lets be left out (quotes, closing tags), since a compressed row pays anew
// for each 258 bytes, however often they have been seen.
func (r *checkRow) appendHTML(b []byte) []byte {
	add := func(parts ...string) {
		for _, p := range parts {
			b = append(b, p...)
		}
	}
	code := r.Code.String()
	title := escaped(r.Title())
	add(`<tr class=s-`, string(r.State))
	slug := r.hiddenSlug()
	if slug != "" {
		add(` data-slug="`, escaped(slug), `"`)
	}
	add(`><td class=st>`)
	if r.page.Selecting() {
		add(`<input type=checkbox name=check form=bulk value=`, code, ` aria-label="Select `, title, `">`)
	}
	add(`<span class=dot role=img title=`, r.State.Word(), `></span>`,
		`<td class=nm><a href=`, r.page.detailsPrefix, code, `/details/>`, title, `</a>`)
	for tag := range strings.FieldsSeq(r.Tags) {
		add(` <span class=tag>`, escaped(tag), `</span>`)
	}
	if r.reach != channelstate.Reached {
		add(` <span class=untold>`, r.reach.Text(), `</span>`)
	}
	add(`<code>`)
	b = r.appendURL(b, code)
	add(`</code><td class=sc>`)
	expr := r.expression()
	if expr != "" {
		add(`<code class=cron>`, escaped(expr), `</code>`)
	} else {
		add(human.Duration(r.Timeout))
	}
	add(`<span class=mut>grace `, human.Duration(r.Grace), `</span><td class=hi>`)
	// scripts draw the bars of rows in sight, see static/js/checks.js
	add(`<svg class=hist data-runs=`, r.RecentRuns, `></svg><span class="mut num">`, checkstate.Share(r.RecentRuns), `</span><td class=lp>`)
	b = r.appendLast(b)
	add(`<span class=mut>`, r.took(), `</span>`)
	b = r.appendNext(b)
	b = r.page.appendIcons(b, r.on)
	// scripts put the button of its menu there
	add("<td class=ac>\n")
	return b
}

func escaped(s string) string { return template.HTMLEscapeString(s) }

// appendURL writes the ping URL, whole: people without scripts copy it as it
// stands. A narrow row cuts it off on the screen only.
func (r *checkRow) appendURL(b []byte, code string) []byte {
	add := func(parts ...string) []byte {
		for _, p := range parts {
			b = append(b, escaped(p)...)
		}
		return b
	}
	switch p := r.page; {
	case !p.Slugs:
		return add(p.PingBase, code)
	case r.Slug == "":
		return add("no slug yet")
	case !p.CanWrite:
		// the key opens all checks
		return add(p.PingBase, "…/", r.Slug)
	case p.PingKey == "":
		return add("the project has no ping key yet")
	case p.slugs[r.Slug] > 1:
		// a ping there means nobody (docs/contract.md §1.1)
		return add("…/", r.Slug, " is not unique")
	default:
		return add(p.PingBase, p.PingKey, "/", r.Slug)
	}
}

// hiddenSlug is the slug where the row does not show it and it does not follow
// from the name: then the search has to be told.
func (r *checkRow) hiddenSlug() string {
	if r.page.Slugs || r.Slug == "" || r.Slug == monitor.Slugify(r.Name) {
		return ""
	}
	return r.Slug
}

// expression is the cron or OnCalendar text, "" for a period. Of several lines
// it is the first.
func (r *checkRow) expression() string {
	if r.Kind == schedule.Simple {
		return ""
	}
	first, rest, more := strings.Cut(strings.TrimSpace(r.Schedule), "\n")
	if more && strings.TrimSpace(rest) != "" {
		return strings.TrimSpace(first) + " …"
	}
	return first
}

// appendLast writes the age of the last ping.
func (r *checkRow) appendLast(b []byte) []byte {
	if r.LastPing.IsZero() {
		return append(b, "never"...)
	}
	return r.appendDistance(b, r.LastPing)
}

// took is how long the last run took, and a hint that the last ping asks for
// something.
func (r *checkRow) took() string {
	text := ""
	if r.LastDuration > 0 {
		text = human.Duration(human.Coarse(r.LastDuration))
	}
	if r.HasConfirmation {
		text += ` <b title="The last ping asks to confirm something: look at its body.">confirm</b>`
	}
	return text
}

// Share is the part of the last runs that came, in time or late: "96.7%". It is
// "" before the first.
func (r *checkRow) Share() string { return checkstate.Share(r.RecentRuns) }
