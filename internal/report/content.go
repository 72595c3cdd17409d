package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/text"
)

const (
	// quiet is for how long without any ping reports still come.
	quiet = 180 * 24 * time.Hour
	// maxChecks bounds the checks that a mail lists: at about 100 KB mail programs
	// begin to cut.
	maxChecks = 120
	// maxFlips are looked at of each check: one that flaps all the time is known
	// for less long.
	maxFlips = 10_000
)

// record is a check with how it did in the two spans of a report.
type record struct {
	*store.ReportCheck
	// now
	status monitor.Status
	done   [2]monitor.Tally
}

// recordOf counts what the flips since the beginning of the earlier span, the
// newest first, tell of the spans.
func recordOf(c *store.ReportCheck, flips []monitor.Flip, spans [2]Span, at monitor.Reading) record {
	r := record{ReportCheck: c, status: c.StatusAt(at)}
	spells := monitor.Spells(flips, len(flips) < maxFlips, c.Status, c.CreatedAt, at.Now)
	for i, s := range spans {
		r.done[i] = monitor.TallyOf(spells, s.From, s.Until)
	}
	return r
}

// lively tells whether any of the checks was pinged lately enough for a report.
func lively(checks []store.ReportCheck, now time.Time) bool {
	since := now.Add(-quiet)
	return slices.ContainsFunc(checks, func(c store.ReportCheck) bool { return c.LastPing.After(since) || c.LastStart.After(since) })
}

// content fills in what a report says: its sentence, and by project the checks that
// are down or late or were down, those with the longest downtime in the later span
// first. The others are a number.
func content(m *mail.Report, records []record, spans [2]Span, root string) {
	var checks, downtimes, down int
	for i := range records {
		n := records[i].done[0].Downtimes
		if n > 0 {
			checks = checks + 1
			downtimes = downtimes + n
		}
		if records[i].status == monitor.StatusDown {
			down++
		}
	}
	before := "no downtime"
	past := "there was no downtime"
	if checks > 0 {
		before = text.Plural(checks, "check", "checks") + " had " + text.Plural(downtimes, "downtime event", "downtime events")
		past = before
	}
	now := "nothing is down now"
	if down > 0 {
		now = isDown(down, len(records))
	}
	m.Short = now + " · " + before
	m.Sentence = text.UpperFirst(now) + ". " + spans[0].In + ", " + past + "."
	m.Down = down > 0
	m.Columns = [2]string{spans[0].Name, spans[1].Name}
	worth, others := sorted(records)
	m.Others = othersOf(len(worth), others)
	m.Projects, m.More = listed(worth, root,
		func(r *record) *store.ReportCheck { return r.ReportCheck },
		func(r *record) bool { return r.status == monitor.StatusDown },
		func(r *record) mail.ReportCheck {
			return mail.ReportCheck{Status: word(r.status), Down: r.status == monitor.StatusDown, Cells: r.cells(spans)}
		})
}

// sorted divides the records into those that a report lists, in its order, and the others.
func sorted(records []record) (worth, others []record) {
	for i := range records {
		if records[i].worthReporting() {
			worth = append(worth, records[i])
		} else {
			others = append(others, records[i])
		}
	}
	slices.SortFunc(worth, byDowntime)
	return worth, others
}

// worthReporting tells whether a report lists the check.
func (r *record) worthReporting() bool {
	return r.status == monitor.StatusDown || r.status == monitor.StatusGrace || r.done[0].Downtimes > 0
}

// othersOf says what is to be said of the checks that are not listed beside those that
// are; where none is listed, the sentence of the report says all.
func othersOf(listed int, others []record) string {
	if listed == 0 || len(others) == 0 {
		return ""
	}
	unwatched := 0
	for i := range others {
		if others[i].done[0].Watched == 0 {
			unwatched++
		}
	}
	words := text.Plural(len(others), "other", "others") + " had no downtime"
	switch {
	case unwatched == 0:
		return words
	case unwatched == len(others):
		return text.Plural(unwatched, "other was", "others were") + " not watched"
	default:
		return fmt.Sprintf("%s, %d of them not watched", words, unwatched)
	}
}

// reminder fills in what a nag says: the checks that are down by project, those
// that have been down longest first.
func reminder(m *mail.Nag, down []store.ReportCheck, now time.Time, root string) {
	m.Down = len(down)
	slices.SortFunc(down, func(a, b store.ReportCheck) int { return cmp.Or(a.DownSince.Compare(b.DownSince), byName(&a, &b)) })
	m.Projects, m.More = listed(down, root,
		func(c *store.ReportCheck) *store.ReportCheck { return c },
		func(*store.ReportCheck) bool { return true },
		func(c *store.ReportCheck) mail.ReportCheck {
			line := mail.ReportCheck{Down: true, Since: "down for " + lasting(now.Sub(c.DownSince)), LastPing: "never pinged"}
			if !c.LastPing.IsZero() {
				line.LastPing = "last ping " + lasting(now.Sub(c.LastPing)) + " ago"
			}
			return line
		})
}

// listed turns sorted checks into the lines of a mail, by project in the order of
// their names. Where there are more than maxChecks, those that are urgent come
// first, and of the others the first ones; more tells how many are in projects of
// which no check is listed.
func listed[T any](all []T, root string, check func(*T) *store.ReportCheck, urgent func(*T) bool,
	line func(*T) mail.ReportCheck) (projects []mail.ReportProject, more mail.ReportMore) {
	chosen := make([]bool, len(all))
	room := maxChecks
	for _, first := range []bool{true, false} {
		for i := range all {
			if room > 0 && !chosen[i] && (!first || urgent(&all[i])) {
				chosen[i] = true
				room--
			}
		}
	}
	index := map[uuid.UUID]int{}
	left := map[uuid.UUID]int{}
	for i := range all {
		c := check(&all[i])
		if !chosen[i] {
			left[c.ProjectID]++
			continue
		}
		at, known := index[c.ProjectID]
		if !known {
			at = len(projects)
			index[c.ProjectID] = at
			projects = append(projects, mail.ReportProject{Name: monitor.ProjectTitle(c.Project),
				Link: root + "/projects/" + c.ProjectID.String() + "/checks/"})
		}
		l := line(&all[i])
		l.Name = c.Title()
		l.Link = notify.CloakedURL(root, &c.Check)
		projects[at].Checks = append(projects[at].Checks, l)
	}
	for id, n := range left {
		at, shown := index[id]
		if shown {
			projects[at].More = n
		} else {
			more.Checks = more.Checks + n
			more.Projects = more.Projects + 1
		}
	}
	slices.SortStableFunc(projects, func(a, b mail.ReportProject) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return projects, more
}

// byDowntime is the order of a report: who was down for longest, then most often,
// in the period it is about, then in the one before.
func byDowntime(a, b record) int {
	return cmp.Or(
		cmp.Compare(b.done[0].Down, a.done[0].Down), cmp.Compare(b.done[0].Downtimes, a.done[0].Downtimes),
		cmp.Compare(b.done[1].Down, a.done[1].Down), cmp.Compare(b.done[1].Downtimes, a.done[1].Downtimes),
		byName(a.ReportCheck, b.ReportCheck),
	)
}

func byName(a, b *store.ReportCheck) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.Title()), strings.ToLower(b.Title())), cmp.Compare(a.ID, b.ID))
}

// cells tell how the check did in the spans.
func (r *record) cells(spans [2]Span) (cells [2]mail.ReportCell) {
	for i, s := range spans {
		cells[i] = cellOf(r.done[i], r.CreatedAt.Before(s.Until))
	}
	return cells
}

// cellOf tells how a check did in a span; existed is whether there was the check
// before its end.
func cellOf(t monitor.Tally, existed bool) mail.ReportCell {
	switch {
	case !existed:
		return mail.ReportCell{}
	case t.Downtimes > 0:
		return mail.ReportCell{Text: text.Plural(t.Downtimes, "downtime", "downtimes"), Sub: lasting(t.Down)}
	case t.Watched == 0:
		return mail.ReportCell{Text: "Not watched"}
	default:
		return mail.ReportCell{Text: "No downtime"}
	}
}

// isDown says how many of the checks are down at present: "1 check is down now",
// "all 12 checks are down now".
func isDown(down, checks int) string {
	switch down {
	case 1:
		return "1 check is down now"
	case checks:
		return fmt.Sprintf("all %d checks are down now", down)
	default:
		return fmt.Sprintf("%d checks are down now", down)
	}
}

// word is the status of a check in a list; grace is called late there.
func word(s monitor.Status) string {
	if s == monitor.StatusGrace {
		return "late"
	}
	return string(s)
}

// lasting is a length of time in words, from a minute on without seconds.
func lasting(d time.Duration) string {
	if d >= time.Minute {
		d = d.Truncate(time.Minute)
	}
	return text.Duration(max(d, time.Second))
}
