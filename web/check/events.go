package check

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/ui"
)

// eventQuery chooses events.
type eventQuery struct {
	MinN int64
	// how many are looked at, of all kinds
	Pings int
	// how many flips are looked at, how many alerts, and how many unknown runs
	Others int
	// nil = all
	Kinds map[string]bool
	// from inclusive, until exclusive; zero does not restrict
	From, Until time.Time
	// only pings it has found; nil = all
	Found *search
	// of the times in texts
	Zone *time.Location
	// the newest first
	Unknown []monitor.UnknownRun
	// the reader may say what became of unknown runs
	CanWrite bool
	// those of the project; nil: to be loaded
	Channels map[uuid.UUID]ui.Channel
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

// events merges pings, flips, alerts and unknown runs: newest first, at most as far back as the
// oldest ping that was loaded, which is oldest. A run that has ended is one event,
// that of its end, unless the query chooses one of its pings only, or something is
// searched for: then each ping is one.
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
	flips, untold, err := s.Store.FlipsAndUntold(ctx, c.ID, store.FlipFilter{From: since, Limit: q.Others})
	if err != nil {
		return nil, oldest, err
	}
	if q.Channels == nil {
		q.Channels, err = s.channelsOf(ctx, c.ProjectID)
		if err != nil {
			return nil, oldest, err
		}
	}
	alerts, err := s.alerts(ctx, c, q.Channels, store.DeliveryFilter{Since: since, Limit: q.Others}, q.Zone)
	if err != nil {
		return nil, oldest, err
	}
	var kept time.Time
	if len(pings) > 0 {
		kept = pings[len(pings)-1].CreatedAt
	}
	tellings, err := s.tellings(ctx, describer{c: c, now: s.Store.Now(), tz: q.Zone}, flips, alerts, told{untold, q.Channels, q.Others, kept})
	if err != nil {
		return nil, oldest, err
	}
	all := mergeEvents(pings, flips, alerts, s.shownUnknown(c, &q, since))
	for i := range all {
		if all[i].Flip != nil {
			all[i].Told = tellings[all[i].Flip.ID]
		}
	}
	if len(all) > 0 {
		oldest = all[len(all)-1].At
	}
	chosen := all[:0]
	for i := range all {
		if q.wants(&all[i]) {
			chosen = append(chosen, all[i])
		}
	}
	if q.Found != nil {
		return chosen, oldest, nil
	}
	return foldRuns(chosen), oldest, nil
}

// shownUnknown are the unknown runs of the query since a time.
func (s *Pages) shownUnknown(c *monitor.Check, q *eventQuery, since time.Time) []unknownRun {
	by := describer{c: c, now: s.Store.Now(), tz: q.Zone}
	var out []unknownRun
	for i := range q.Unknown {
		if len(out) == q.Others || q.Unknown[i].Deadline.Before(since) {
			break
		}
		out = append(out, unknownRun{q.Unknown[i], by, q.CanWrite})
	}
	return out
}

// mergeEvents puts alerts above the flip they tell of, and that above the ping
// that caused it, where they have the same time.
func mergeEvents(pings []store.PingRow, flips []monitor.Flip, alerts []alert, unknown []unknownRun) []logRow {
	starts := startsOf(pings)
	all := make([]logRow, 0, len(pings)+len(flips)+len(alerts)+len(unknown))
	for i := range alerts {
		all = append(all, logRow{At: alerts[i].CreatedAt, Alert: &alerts[i]})
	}
	for i := range flips {
		all = append(all, logRow{At: flips[i].CreatedAt, Flip: &flips[i]})
	}
	for i := range unknown {
		all = append(all, logRow{At: unknown[i].Deadline, Unknown: &unknown[i]})
	}
	for i := range pings {
		all = append(all, logRow{At: pings[i].CreatedAt, Ping: &pings[i], Start: starts[pings[i].N]})
	}
	slices.SortStableFunc(all, func(a, b logRow) int { return b.At.Compare(a.At) })
	return all
}

// startsOf finds the ping that began a run by the n of the one that ended it.
func startsOf(pings []store.PingRow) map[int64]*store.PingRow {
	rows := make(map[int64]*store.PingRow, len(pings))
	for i := range pings {
		rows[pings[i].N] = &pings[i]
	}
	each := func(yield func(*monitor.Ping) bool) {
		for i := range pings {
			if !yield(&pings[i].Ping) {
				return
			}
		}
	}
	starts := make(map[int64]*store.PingRow)
	for _, run := range monitor.Runs(each) {
		starts[run.End.N] = rows[run.Start.N]
	}
	return starts
}

// foldRuns leaves the starts out whose run has its end among the rows.
func foldRuns(rows []logRow) []logRow {
	ended := make(map[int64]bool)
	for i := range rows {
		if rows[i].Start != nil {
			ended[rows[i].Start.N] = true
		}
	}
	return slices.DeleteFunc(rows, func(e logRow) bool { return e.Ping != nil && ended[e.Ping.N] })
}
