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

// checkRow is a check in the list. Its methods are what the template shows.
type checkRow struct {
	*monitor.Check
	State shown
	page  *checksPage
	on    map[uuid.UUID]bool // the channels that watch it
}

// Tags are the tags one by one.
func (r *checkRow) Tags() []string { return r.TagList() }

// URL is the end of the ping URL, as far as it fits into the row: scripts put
// the rest before it when it is copied.
func (r *checkRow) URL() string {
	if r.page.Slugs {
		if r.Slug == "" {
			return "no slug yet"
		}
		return "/ping/…/" + r.Slug
	}
	return "/ping/" + r.Code.String()
}

// HiddenSlug is the slug where the row does not show it and it does not follow
// from the name: then the search has to be told.
func (r *checkRow) HiddenSlug() string {
	if r.page.Slugs || r.Slug == monitor.Slugify(r.Name) {
		return ""
	}
	return r.Slug
}

// Expression is the cron or OnCalendar text, "" for a period. Of several lines
// it is the first.
func (r *checkRow) Expression() string {
	if r.Kind == schedule.Simple {
		return ""
	}
	first, rest, more := strings.Cut(strings.TrimSpace(r.Schedule), "\n")
	if more && strings.TrimSpace(rest) != "" {
		return strings.TrimSpace(first) + " …"
	}
	return first
}

// Href is the address of the check's page.
func (r *checkRow) Href() string { return r.page.DetailsPrefix() + r.Code.String() + "/details/" }

// Dots are drawn once for all rows.
func (r *checkRow) Dots() template.HTML { return r.page.Icon.Dots }

// Period is the period in words.
func (r *checkRow) Period() string { return duration(r.Timeout) }

// GraceText is the grace time in words.
func (r *checkRow) GraceText() string { return duration(r.Grace) }

// Last is the age of the last ping.
func (r *checkRow) Last() template.HTML { return timeTag(r.page, r.LastPing) }

// Took is how long the last run took, or for how long the present one is going on.
func (r *checkRow) Took() template.HTML {
	switch {
	case r.Started():
		return template.HTML(fmt.Sprintf(`running <span data-since="%d">%s</span>`, r.LastStart.Unix(), duration(r.page.Now.Sub(r.LastStart).Truncate(time.Second)))) //nolint:gosec // a number and our own words
	case r.LastDuration > 0:
		return template.HTML(duration(r.LastDuration)) //nolint:gosec // our own words
	default:
		return ""
	}
}

// Icons are the project's channels, on or off for this check.
func (r *checkRow) Icons() []rowIcon {
	if len(r.page.Icons) == 0 {
		return nil
	}
	out := make([]rowIcon, len(r.page.Icons))
	for i, icon := range r.page.Icons {
		out[i] = rowIcon{channelIcon: icon, On: r.on[icon.ID]}
	}
	return out
}

// rowIcon is a channel in a row.
type rowIcon struct {
	channelIcon
	On bool
}

// Watchers counts channels where there are too many for icons: "3 of 14".
func (r *checkRow) Watchers() string {
	if n := r.page.ChannelCount; n > maxRowIcons {
		return fmt.Sprintf("%d of %d", len(r.on), n)
	}
	return ""
}

// Bars are the last runs as a picture.
func (r *checkRow) Bars() template.HTML { return bars(r.RecentRuns) }

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

// Each bar is a thin rectangle drawn with a stroke of 2.4 around it, which
// rounds its corners. The bars of one colour are one path, so that a list of a
// thousand checks stays small and quick.
const (
	barTall   = "h1.2v21.6h-1.2z"
	barShort  = "h1.2v16.6h-1.2z"
	barStub   = "h1.2v5.6h-1.2z"
	barStep   = 5
	barsLead  = `<svg class="hist" role="img" aria-label="`
	barsFrame = `" viewBox="0 0 150 24" preserveAspectRatio="none">`
)

// bars draws the outcomes of RecentRuns, oldest first, as a picture with a
// description for those who cannot see it. It is nothing before the first run.
func bars(runs string) template.HTML {
	var onTime, late, failed, missed int
	for i := range len(runs) {
		switch runs[i] {
		case monitor.RunSuccess:
			onTime++
		case monitor.RunLate:
			late++
		case monitor.RunMissed:
			missed++
		default:
			failed++
		}
	}
	var b strings.Builder
	b.Grow(1024)
	b.WriteString(barsLead)
	b.WriteString(describeRuns(len(runs), onTime, late, failed, missed))
	b.WriteString(barsFrame)
	is := func(outcomes string) func(i int) bool {
		return func(i int) bool { return i < len(runs) && strings.IndexByte(outcomes, runs[i]) >= 0 }
	}
	drawBars(&b, "h-u", "1.2", barTall, is("u"))
	drawBars(&b, "h-l", "6.2", barShort, is("l"))
	drawBars(&b, "h-d", "1.2", barTall, is("dm"))
	drawBars(&b, "h-n", "17.2", barStub, func(i int) bool { return i >= len(runs) })
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // numbers and our own words
}

// describeRuns says what the bars show; what did not happen is left out.
func describeRuns(n, onTime, late, failed, missed int) string {
	if n == 0 {
		return "No runs yet"
	}
	text := "Last " + plural(n, "run", "runs") + ":"
	sep := " "
	add := func(n int, what string) {
		if n > 0 {
			text += sep + strconv.Itoa(n) + " " + what
			sep = ", "
		}
	}
	add(onTime, "on time")
	add(late, "late")
	add(failed, "failed")
	add(missed, "missed")
	return text
}

func drawBars(b *strings.Builder, class, top, bar string, has func(i int) bool) {
	at := -1
	for i := range monitor.MaxRecentRuns {
		if !has(i) {
			continue
		}
		if at < 0 {
			b.WriteString(`<path class="` + class + `" d="M`)
			if i > 0 {
				b.WriteString(strconv.Itoa(i*barStep + 1))
			} else {
				b.WriteByte('1')
			}
			b.WriteString(".2 " + top + bar)
		} else {
			b.WriteString("m" + strconv.Itoa((i-at)*barStep) + " 0" + bar)
		}
		at = i
	}
	if at >= 0 {
		b.WriteString(`"/>`)
	}
}
