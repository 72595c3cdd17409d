package check

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui/checkstate"
)

// maxLogPings bounds the log page.
const maxLogPings = 1000

// logRow is an event in the log of a check: exactly one of Ping, Flip and Delivery.
type logRow struct {
	At       time.Time
	Ping     *store.PingRow
	Flip     *monitor.Flip
	Delivery *store.DeliveryRow
	// of a ping that ended a run
	Took time.Duration
	// Took is known
	Timed bool
	// where its body holds what is searched for
	Hit *hit
}

// eventKinds are the filters of the log, in their order.
func eventKinds() []string {
	return []string{"success", "fail", "start", "log", "ign", "flip", "alert"}
}

// Kind is the filter that shows the event.
func (e *logRow) Kind() string {
	switch {
	case e.Ping != nil:
		return string(e.Ping.Kind)
	case e.Flip != nil:
		return "flip"
	default:
		return "alert"
	}
}

// kindWord names a filter for people.
func kindWord(kind string) string {
	switch kind {
	case "success":
		return "Success"
	case "fail":
		return "Failure"
	case "start":
		return "Started"
	case "log":
		return "Log"
	case "ign":
		return "Ignored"
	case "flip":
		return "Status change"
	default:
		return "Alert"
	}
}

// What names the event: "Success", "Exit status 3", "Went down", "Alert sent".
func (e *logRow) What() string {
	switch {
	case e.Ping != nil:
		return pingWord(&e.Ping.Ping)
	case e.Flip != nil:
		return flipWord(e.Flip)
	case e.Delivery.Status == monitor.DeliverySent:
		return "Alert sent"
	case e.Delivery.Status == monitor.DeliveryFailed:
		return "Alert failed"
	default:
		return "Alert waits"
	}
}

// Class is the colour of the event.
func (e *logRow) Class() checkstate.State {
	switch e.Kind() {
	case "success":
		return checkstate.Up
	case "fail":
		return checkstate.Down
	case "start":
		return checkstate.Started
	case "flip":
		return checkstate.State(e.Flip.New)
	case "alert":
		if e.Delivery.Status == monitor.DeliveryFailed {
			return checkstate.Down
		}
		return checkstate.Paused
	default:
		return checkstate.New
	}
}

// Source is where a ping came from: "POST https 198.51.100.7".
func (e *logRow) Source() string { return pingSource(&e.Ping.Ping) }

// Excerpt is the beginning of a ping's body in one line; a body that is no text
// is only named.
func (e *logRow) Excerpt() string {
	if e.Ping.BodySize == 0 {
		return ""
	}
	body := e.Ping.Body
	// it may be cut within a character
	if int64(len(body)) < e.Ping.BodySize {
		for range utf8.UTFMax - 1 {
			r, n := utf8.DecodeLastRune(body)
			if r != utf8.RuneError || n != 1 {
				break
			}
			body = body[:len(body)-1]
		}
	}
	if !isText(body) {
		return "(" + text.Plural(int(e.Ping.BodySize), "byte", "bytes") + ", not text)"
	}
	return strings.Join(strings.Fields(string(body)), " ")
}

// Via names the channel of an alert.
func (e *logRow) Via() string {
	if e.Delivery.ChannelName != "" {
		return e.Delivery.ChannelName
	}
	return e.Delivery.ChannelKind
}

func pingWord(p *monitor.Ping) string {
	if p.ExitStatus != nil && p.Kind != monitor.PingIgn {
		return "Exit status " + monitor.ExitStatusText(*p.ExitStatus)
	}
	return kindWord(string(p.Kind))
}

func pingSource(p *monitor.Ping) string {
	return strings.Join(strings.Fields(p.Method+" "+p.Scheme+" "+p.RemoteAddr), " ")
}

func flipWord(f *monitor.Flip) string {
	switch f.New {
	case monitor.StatusDown:
		switch f.Reason {
		case monitor.ReasonFail:
			return "Went down: failure signal"
		case monitor.ReasonTimeout:
			return "Went down: no ping in time"
		default:
			return "Went down"
		}
	case monitor.StatusUp:
		if f.Old == monitor.StatusDown {
			return "Came back up"
		}
		return "Went up"
	case monitor.StatusPaused:
		return "Paused"
	default:
		if f.Old == monitor.StatusPaused {
			return "Resumed"
		}
		return "Became new"
	}
}

// eventQuery chooses events.
type eventQuery struct {
	MinN int64
	// how many are looked at, of all kinds
	Pings int
	// nil = all but alerts
	Kinds  map[string]bool
	Alerts bool
	// from inclusive, until exclusive; zero does not restrict
	From, Until time.Time
	// only pings it has found; nil = all
	Found *search
}

// wants tells whether the query chooses the event, and notes in it where its body
// holds what is searched for.
func (q *eventQuery) wants(e *logRow) bool {
	if q.Kinds != nil && !q.Kinds[e.Kind()] || !q.From.IsZero() && e.At.Before(q.From) || !q.Until.IsZero() && !e.At.Before(q.Until) {
		return false
	}
	if q.Found == nil {
		return true
	}
	if e.Ping == nil {
		return false
	}
	h, ok := q.Found.Hits[e.Ping.N]
	e.Hit = &h
	return ok
}

// events merges pings, flips and, where asked for, alerts: newest first, at most
// as far back as the oldest ping that was loaded, which is oldest. Durations are
// measured before the query chooses.
func (s *Pages) events(ctx context.Context, c *monitor.Check, q eventQuery) (rows []logRow, oldest time.Time, err error) {
	pings, err := s.Store.Pings(ctx, c.ID, store.PingFilter{MinN: q.MinN, Limit: q.Pings})
	if err != nil {
		return nil, oldest, err
	}
	// when there may be older pings, older flips would stand alone
	var since time.Time
	if len(pings) == q.Pings {
		since = pings[len(pings)-1].CreatedAt
	}
	flips, err := s.Store.Flips(ctx, c.ID, store.FlipFilter{From: since, Limit: maxLogPings})
	if err != nil {
		return nil, oldest, err
	}
	var alerts []store.DeliveryRow
	if q.Alerts {
		alerts, err = s.Store.DeliveriesOf(ctx, c.ID, store.DeliveryFilter{Since: since, Limit: maxLogPings})
		if err != nil {
			return nil, oldest, err
		}
	}
	all := mergeEvents(pings, flips, alerts)
	if len(all) > 0 {
		oldest = all[len(all)-1].At
	}
	chosen := all[:0]
	for i := range all {
		if q.wants(&all[i]) {
			chosen = append(chosen, all[i])
		}
	}
	return chosen, oldest, nil
}

// mergeEvents puts alerts above the flip they tell of, and that above the ping
// that caused it, where they have the same time.
func mergeEvents(pings []store.PingRow, flips []monitor.Flip, alerts []store.DeliveryRow) []logRow {
	took := monitor.RunDurations(pingsOf(pings))
	all := make([]logRow, 0, len(pings)+len(flips)+len(alerts))
	for i := range alerts {
		all = append(all, logRow{At: alerts[i].CreatedAt, Delivery: &alerts[i]})
	}
	for i := range flips {
		all = append(all, logRow{At: flips[i].CreatedAt, Flip: &flips[i]})
	}
	for i := range pings {
		d, timed := took[pings[i].N]
		all = append(all, logRow{At: pings[i].CreatedAt, Ping: &pings[i], Took: d, Timed: timed})
	}
	slices.SortStableFunc(all, func(a, b logRow) int { return b.At.Compare(a.At) })
	return all
}

func pingsOf(rows []store.PingRow) iter.Seq[*monitor.Ping] {
	return func(yield func(*monitor.Ping) bool) {
		for i := range rows {
			if !yield(&rows[i].Ping) {
				return
			}
		}
	}
}
