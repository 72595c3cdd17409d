package check

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/web/ui"
)

// logPageSize is how many events a page of the log shows.
const logPageSize = 100

// logPage is the event log of a check.
type logPage struct {
	ui.BasePage
	Check  *monitor.Check
	Zones  zones
	Events []logRow
	Kinds  []kindFilter
	// how many pings are kept
	Limit int
	// from, until, q
	Form  *ui.Form
	Found *search
	// of all events that were chosen
	Count int
	Pages ui.PageLinks
	// nil: there is nothing to choose from
	Range   *logRange
	Version string
	// new events belong to what is shown
	Live bool
}

// kindFilter is a filter of the log.
type kindFilter struct {
	Kind  string
	Label string
	On    bool
}

// logRange is what the slider of the log spans, in seconds since 1970.
type logRange struct{ Min, Max, From, Until int64 }

// Chosen tells whether something is left out of the log.
func (p *logPage) Chosen() bool {
	return p.Form.Value("from") != "" || p.Form.Value("until") != "" || p.Form.Value("q") != "" ||
		slices.ContainsFunc(p.Kinds, func(k kindFilter) bool { return !k.On })
}

// Wrong names the fields that are not as they should be.
func (p *logPage) Wrong() []string { return slices.Sorted(maps.Keys(p.Form.Errors)) }

// EventLog shows the log, newest first: ?kind=, any number of them, chooses what,
// ?from= and ?until= (YYYY-MM-DDTHH:MM in the zone of the page, the minute of the
// end included) when, ?q= a text in the bodies of pings; ?p= is the page.
func (s *Pages) EventLog(w http.ResponseWriter, r *http.Request) error {
	c, project, role, err := s.CheckFor(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	page := &logPage{BasePage: ui.ChecksBase(project, "Log of "+c.Title()), Check: c, Zones: zonesFor(r, c), Form: ui.NewForm(query)}
	page.TZ = page.Zones.Now.zone
	v, err := s.versionOf(r.Context(), c)
	if err != nil {
		return err
	}
	page.Version = v.text
	first, limit, err := s.FirstKept(r.Context(), c, project)
	if err != nil {
		return err
	}
	page.Limit = limit
	q := eventQuery{MinN: first, Pings: min(limit, maxLogPings), Others: maxLogPings, Zone: page.TZ, CanWrite: role.CanWrite()}
	q.Kinds, page.Kinds = chosenKinds(query["kind"])
	if err := page.Form.Note(q.between(query, page.TZ)); err != nil {
		return err
	}
	q.Unknown, err = s.unknownRuns(r.Context(), c, time.Time{})
	if err != nil {
		return err
	}
	text := strings.TrimSpace(query.Get("q"))
	if text != "" {
		page.Found, err = s.searchBodies(r.Context(), c, text, q.MinN, q.Pings)
		if err := page.Form.Note(err); err != nil {
			return err
		}
		q.Found = page.Found
	}
	if !page.Form.OK() {
		return s.Render(w, r, http.StatusBadRequest, "check/log", page)
	}
	all, oldest, err := s.events(r.Context(), c, q)
	if err != nil {
		return err
	}
	page.Range = rangeOf(oldest, s.Store.Now(), &q)
	s.turnTo(page, all, r.URL)
	return s.Render(w, r, http.StatusOK, "check/log", page)
}

// chosenKinds are the kinds that were asked for; all of them when none was.
func chosenKinds(asked []string) (map[string]bool, []kindFilter) {
	kinds := make(map[string]bool)
	var filters []kindFilter
	for _, kind := range eventKinds() {
		on := len(asked) == 0 || slices.Contains(asked, kind)
		kinds[kind] = on
		filters = append(filters, kindFilter{kind, kindLabel(kind), on})
	}
	return kinds, filters
}

// between reads the bounds of time from what was asked.
func (q *eventQuery) between(asked url.Values, zone *time.Location) error {
	read := func(field string) (t time.Time, step time.Duration, err error) {
		text := asked.Get(field)
		if text == "" {
			return t, 0, nil
		}
		for layout, step := range map[string]time.Duration{"2006-01-02T15:04": time.Minute, "2006-01-02T15:04:05": time.Second} {
			t, err := time.ParseInLocation(layout, text, zone)
			if err == nil {
				return t, step, nil
			}
		}
		return t, 0, errs.Invalidf(field, "Write a time as 2026-03-01T14:00; %.40q is none.", text)
	}
	from, _, err := read("from")
	if err != nil {
		return err
	}
	until, step, err := read("until")
	if err != nil {
		return err
	}
	if !until.IsZero() {
		until = until.Add(step)
		if !until.After(from) {
			return errs.Invalidf("until", "The end is before the beginning.")
		}
	}
	q.From = from
	q.Until = until
	return nil
}

func rangeOf(oldest, now time.Time, q *eventQuery) *logRange {
	if oldest.IsZero() {
		return nil
	}
	minute := func(t time.Time) int64 { return t.Unix() / 60 * 60 }
	l := &logRange{Min: minute(oldest), Max: minute(now) + 60}
	l.From = l.Min
	l.Until = l.Max
	if !q.From.IsZero() {
		l.From = min(max(minute(q.From), l.Min), l.Max)
	}
	if !q.Until.IsZero() {
		l.Until = min(max(minute(q.Until.Add(-time.Minute)), l.Min), l.Max)
	}
	return l
}

// turnTo shows the page of the events that the address asks for.
func (s *Pages) turnTo(page *logPage, all []logRow, at *url.URL) {
	page.Count = len(all)
	number, err := strconv.Atoi(at.Query().Get("p"))
	if err != nil || number < 1 || (number-1)*logPageSize >= len(all) {
		number = 1
	}
	from := (number - 1) * logPageSize
	until := min(from+logPageSize, len(all))
	page.Events = all[from:until]
	page.Live = number == 1 && page.Form.Value("until") == ""
	link := func(n int) string {
		query := at.Query()
		query.Set("p", strconv.Itoa(n))
		return s.Site.Path(at.Path) + "?" + query.Encode()
	}
	if number > 1 {
		page.Pages.Previous = link(number - 1)
	}
	if until < len(all) {
		page.Pages.Next = link(number + 1)
	}
	page.Pages.Text = strconv.Itoa(from+1) + "–" + strconv.Itoa(until) + " of " + strconv.Itoa(len(all))
}
