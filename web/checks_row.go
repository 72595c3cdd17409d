package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/text"
)

// shown is a state as pages colour it: the class s-<shown> and the filter
// ?status=<shown>. It is the status, except that a run under way shows as
// started unless the check is down.
type shown string

// The shown states, in the order of the chips above the list.
const (
	shownUp      shown = "up"
	shownDown    shown = "down"
	shownLate    shown = "grace"
	shownStarted shown = "started"
	shownPaused  shown = "paused"
	shownNew     shown = "new"
)

func allShown() []shown {
	return []shown{shownUp, shownDown, shownLate, shownStarted, shownPaused, shownNew}
}

// Word names the state for people.
func (s shown) Word() string {
	switch s {
	case shownUp:
		return "Up"
	case shownDown:
		return "Down"
	case shownLate:
		return "Late"
	case shownStarted:
		return "Running"
	case shownPaused:
		return "Paused"
	default:
		return "New"
	}
}

func shownAt(c *monitor.Check, now time.Time) shown {
	switch status := c.StatusAt(now); {
	case status == monitor.StatusDown:
		return shownDown
	case c.Started():
		return shownStarted
	default:
		return shown(status)
	}
}

// checkRow is a check in the list.
type checkRow struct {
	*monitor.Check
	State shown
	page  *checksPage
	on    []uuid.UUID // the channels that watch it
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
const rowSize = 700

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
	code, title := r.Code.String(), escaped(r.Title())
	add(`<tr class=s-`, string(r.State))
	if slug := r.hiddenSlug(); slug != "" {
		add(` data-slug="`, escaped(slug), `"`)
	}
	add(`><td class=st>`)
	if r.page.Selecting() {
		add(`<input type=checkbox name=check form=bulk value=`, code, ` aria-label="Select `, title, `">`)
	}
	add(`<span class=dot role=img title=`, r.State.Word(), `></span>`,
		`<td class=nm><a href=`, r.page.detailsPrefix, code, `/details/>`, title, `</a>`)
	tagged := false
	for tag := range strings.FieldsSeq(r.Tags) {
		if !tagged {
			add(` <span class=tagrow>`)
			tagged = true
		}
		add(`<span class=tag>`, escaped(tag), `</span>`)
	}
	if tagged {
		add(`</span>`)
	}
	add(`<code>`)
	b = r.appendURL(b, code)
	add(`</code><td class=sc>`)
	if expr := r.expression(); expr != "" {
		add(`<code class=cron>`, escaped(expr), `</code>`)
	} else {
		add(duration(r.Timeout))
	}
	add(`<span class=mut>grace `, duration(r.Grace), `</span><td class=hi>`)
	b = appendBars(b, r.RecentRuns, "")
	add(`<span class="mut num">`, share(r.RecentRuns), `</span><td class=lp>`)
	b = r.appendLast(b)
	add(`<span class=mut>`, r.took(), `</span>`)
	b = r.page.appendIcons(b, r.on)
	add(`<td class=ac><button class="btn ghost square" aria-label=Actions><svg class=icon><use href=#dots /></svg></button>`, "\n")
	return b
}

func escaped(s string) string { return template.HTMLEscapeString(s) }

// coarse drops the seconds of what took ten minutes and more.
func coarse(d time.Duration) time.Duration {
	if d >= 10*time.Minute {
		return d.Truncate(time.Minute)
	}
	return d
}

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
	case !p.CanWrite: // the key opens all checks (features §10)
		return add(p.PingBase, "…/", r.Slug)
	case p.PingKey == "":
		return add("the project has no ping key yet")
	case p.slugs[r.Slug] > 1: // a ping there means nobody (contract §1.1)
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

// appendLast writes the age of the last ping. The exact time is written so that
// people and static/js/app.js can both read it.
func (r *checkRow) appendLast(b []byte) []byte {
	if r.LastPing.IsZero() {
		return append(b, "never"...)
	}
	b = append(b, `<span data-ago title="`...)
	b = r.LastPing.In(r.page.TZ).AppendFormat(b, "2006-01-02 15:04:05 -07:00")
	b = append(append(b, `">`...), ago(r.page.Now, r.LastPing)...)
	return append(b, `</span>`...)
}

// took is how long the last run took, or for how long the present one is going
// on; and a hint that the last ping asks for something.
func (r *checkRow) took() string {
	text := ""
	switch {
	case r.Started():
		text = fmt.Sprintf(`running <span data-since="%d">%s</span>`, r.LastStart.Unix(), duration(r.page.Now.Sub(r.LastStart).Truncate(time.Second)))
	case r.LastDuration > 0:
		text = duration(coarse(r.LastDuration))
	}
	if r.HasConfirmation {
		text += ` <b title="The last ping asks to confirm something: look at its body.">confirm</b>`
	}
	return text
}

// Share is the part of the last runs that came, in time or late: "96.7%". It is
// "" before the first.
func (r *checkRow) Share() string { return share(r.RecentRuns) }

func share(runs string) string {
	if runs == "" {
		return ""
	}
	good := strings.Count(runs, string(monitor.RunSuccess)) + strings.Count(runs, string(monitor.RunLate))
	return strings.TrimSuffix(strconv.FormatFloat(100*float64(good)/float64(len(runs)), 'f', 1, 64), ".0") + "%"
}

// describedBars is bars with a description for those who cannot see them.
func describedBars(runs string) template.HTML {
	var count [256]int
	for i := range len(runs) {
		count[runs[i]]++
	}
	return template.HTML(appendBars(nil, runs, describeRuns(len(runs), count[monitor.RunSuccess], count[monitor.RunLate], count[monitor.RunFail], count[monitor.RunMissed]))) //nolint:gosec // numbers and our own words
}

// appendBars draws the outcomes of RecentRuns, oldest first. Without a label it is
// decoration beside the share.
//
// A band of colour is a horizontal line as thick as the bars are tall; dashes
// make the bars of it (static/css/75-checks.css). So equal neighbours are one
// segment, and a picture has a few dozen bytes where thirty shapes would have
// two thousand.
func appendBars(b []byte, runs, label string) []byte {
	b = append(b, `<svg class=hist viewBox="0 0 150 24" preserveAspectRatio=none`...)
	if label != "" {
		b = append(b, ` role=img aria-label="`...)
		b = append(append(b, label...), '"')
	}
	b = append(b, '>')
	padded := runs + noRuns[min(len(runs), len(noRuns)):]
	for _, band := range [...]struct{ class, height, outcomes string }{
		{"h-u", "12", "u"}, {"h-l", "14.5", "l"}, {"h-d", "12", "dm"}, {"h-n", "20", " "},
	} {
		b = appendBand(b, band.class, band.height, band.outcomes, padded)
	}
	return append(b, "</svg>"...)
}

// noRuns stands for the runs that have not been yet.
var noRuns = strings.Repeat(" ", monitor.MaxRecentRuns)

// barWidth is how much of the picture's width a bar takes with its gap.
const barWidth = 5

// appendBand draws the line through the bars of the outcomes, middle is its
// height: "M0 12h40m5 0h105".
func appendBand(b []byte, class, middle, outcomes, runs string) []byte {
	end := -1 // of the segment before
	for i := 0; i < len(runs); i++ {
		if strings.IndexByte(outcomes, runs[i]) < 0 {
			continue
		}
		from := i
		for i+1 < len(runs) && strings.IndexByte(outcomes, runs[i+1]) >= 0 {
			i++
		}
		if end < 0 {
			b = append(append(b, `<path class=`...), class...)
			b = append(b, ` d="M`...)
			b = strconv.AppendInt(b, int64(from*barWidth), 10)
			b = append(append(b, ' '), middle...)
		} else {
			b = append(b, 'm')
			b = strconv.AppendInt(b, int64((from-end)*barWidth), 10)
			b = append(b, " 0"...)
		}
		end = i + 1
		b = append(b, 'h')
		b = strconv.AppendInt(b, int64((end-from)*barWidth), 10)
	}
	if end >= 0 {
		b = append(b, `"/>`...)
	}
	return b
}

// describeRuns says what the bars show; what did not happen is left out.
func describeRuns(n, onTime, late, failed, missed int) string {
	if n == 0 {
		return "No runs yet"
	}
	said := "Last " + text.Plural(n, "run", "runs") + ":"
	sep := " "
	add := func(n int, what string) {
		if n > 0 {
			said += sep + strconv.Itoa(n) + " " + what
			sep = ", "
		}
	}
	add(onTime, "on time")
	add(late, "late")
	add(failed, "failed")
	add(missed, "missed")
	return said
}
