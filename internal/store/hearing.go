package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Hearing tells of which pings the database knows.
type Hearing struct {
	Now time.Time
	// all that are remembered, those of a way beside each other
	Takers []monitor.Taker
	// intervals of all checks that go on, each of one way: for want of a taker, or because
	// one is silent that keeps pings (monitor.CauseHeld)
	Open []monitor.Blind
	// the interval that goes on since our public ping address does not answer, if any
	Road []monitor.Blind
	// how long is waited for pings that others than the takers that count may have; 0: as
	// long as by default
	limit time.Duration
}

const (
	selectTakers = `SELECT t.id, t.host, t.place, t.role, t.ways, t.began_at, t.mark_at, t.seen_at, t.counts, t.spool FROM takers t
		ORDER BY t.counts DESC, t.seen_at DESC LIMIT 100`
	selectOpen = `SELECT b.began_at, b.ways, b.cause, b.taker FROM blind_intervals b WHERE b.ended_at IS NULL AND b.check_id IS NULL`
)

// asker asks the database: see is called for each row, whose values are then in dest.
type asker func(ctx context.Context, query string, dest []any, see func(), args ...any) error

func (s *Store) hearing(ctx context.Context, ask asker, now time.Time) (Hearing, error) {
	h := Hearing{Now: now, limit: s.blindLimit}
	var t monitor.Taker
	err := ask(ctx, selectTakers, []any{db.UUID(&t.ID), &t.Host, &t.Place, &t.Role, &t.Ways, db.Time(&t.BeganAt), db.Time(&t.MarkAt),
		db.Time(&t.SeenAt), &t.Counts, db.UUID(&t.Spool)}, func() { h.Takers = append(h.Takers, t) })
	if err != nil {
		return h, fmt.Errorf("load takers: %w", err)
	}
	var b monitor.Blind
	err = ask(ctx, selectOpen, []any{db.Time(&b.From), &b.Ways, &b.Cause, db.UUID(&b.Taker)}, func() {
		if b.Cause == monitor.CauseUnreachable {
			h.Road = append(h.Road, b)
		} else {
			h.Open = append(h.Open, b)
		}
	})
	if err != nil {
		return h, fmt.Errorf("load open intervals: %w", err)
	}
	return h, nil
}

// Hearing loads of which pings the database knows.
func (s *Store) Hearing(ctx context.Context) (Hearing, error) {
	return s.hearing(ctx, s.askOutside, s.Now())
}

// askOutside asks outside of any transaction.
func (s *Store) askOutside(ctx context.Context, query string, dest []any, see func(), args ...any) error {
	return s.db.Each(ctx, dest, see, query, args...)
}

// Heard is until when all pings are known that came in the ways: the least mark of the
// takers that count for one of them, or the beginning of an interval that goes on. Where
// nobody has ever listened it is now.
func (h *Hearing) Heard(ways monitor.Ways) time.Time {
	heard := h.Now
	for i := range h.Takers {
		t := &h.Takers[i]
		if t.Counts && t.Ways.Meet(ways) && t.MarkAt.Before(heard) {
			heard = t.MarkAt
		}
	}
	for _, goOn := range [][]monitor.Blind{h.Open, h.Road} {
		for i := range goOn {
			b := &goOn[i]
			if b.Ways.Meet(ways) && b.From.Before(heard) && !h.forGood(b) {
				heard = b.From
			}
		}
	}
	return heard
}

// blindLimit is how long is waited, while pings are taken, for a way that nobody takes any
// more, for a silent taker that keeps what comes, and for a road that is cut.
const blindLimit = 15 * time.Minute

// SetBlindLimit changes how long is waited for pings that somebody else may have; it is 15
// minutes. It is to be called before the store is used.
func (s *Store) SetBlindLimit(d time.Duration) { s.blindLimit = d }

// Expired is when nobody waits for the end of an interval any more.
func (h *Hearing) Expired(b *monitor.Blind) (at time.Time, passed bool) {
	at = b.From.Add(cmp.Or(h.limit, blindLimit))
	return at, h.Now.After(at)
}

// forGood tells whether nobody waits any more for the end of an interval that goes on.
func (h *Hearing) forGood(b *monitor.Blind) bool {
	_, passed := h.Expired(b)
	return passed && slices.ContainsFunc(h.Takers, func(t monitor.Taker) bool { return t.Counts })
}

// givenUp are the intervals as they are for judging: those whose end nobody waits for end
// now, so that what they hide is unknown.
func (h *Hearing) givenUp(blinds []monitor.Blind) []monitor.Blind {
	out := slices.Clone(blinds)
	for i := range out {
		b := &out[i]
		if b.Until.IsZero() && h.forGood(b) {
			b.Until = h.Now
		}
	}
	return out
}

// Furthest is until when all pings are known of the way of which the most is.
func (h *Hearing) Furthest() time.Time {
	http := h.Heard(monitor.WayHTTP)
	mail := h.Heard(monitor.WayMail)
	if mail.After(http) && h.listens(monitor.WayMail) {
		return mail
	}
	return http
}

// listens tells whether there is, or was, anybody who takes pings that way.
func (h *Hearing) listens(way monitor.Ways) bool {
	for i := range h.Takers {
		if h.Takers[i].Ways.Meet(way) {
			return true
		}
	}
	for i := range h.Open {
		if h.Open[i].Ways.Meet(way) {
			return true
		}
	}
	return false
}

// carriedOn is how old a mark may be while everything works: takers write every five
// seconds, and a moment before each deadline.
const carriedOn = 10 * time.Second

// found is what RefreshHeard has found.
type found struct {
	// until when all pings are known; zero: until now
	heard time.Time
	// when that was, by the clock of the database, and by that of this process
	now time.Time
	at  time.Time
}

// ClockMayBeSet tells whether a leap of the time says that a clock was set; one that is
// injected is moved on purpose.
func (s *Store) ClockMayBeSet() bool { return !s.db.Injected() }

// RefreshHeard looks of which pings the database knows, for Heard.
func (s *Store) RefreshHeard(ctx context.Context) error {
	h, err := s.Hearing(ctx)
	if err != nil {
		return err
	}
	f := &found{now: h.Now, at: time.Now()}
	heard := h.Heard(monitor.WayBoth)
	if h.Now.Sub(heard) > carriedOn {
		f.heard = heard
	}
	s.heard.Store(f)
	return nil
}

// FollowHeard calls RefreshHeard once a second until ctx ends.
func (s *Store) FollowHeard(ctx context.Context) {
	for {
		// while it fails Heard stands still
		asked, cancel := context.WithTimeout(ctx, carriedOn)
		_ = s.RefreshHeard(asked)
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// Heard is until when pages and the API count a deadline as passed at time now: now,
// unless RefreshHeard has found that pings of the time before may not be known yet, or
// has found nothing for a while.
func (s *Store) Heard(now time.Time) time.Time {
	f := s.heard.Load()
	if f == nil {
		return now
	}
	heard := f.heard
	if heard.IsZero() && time.Since(f.at) > carriedOn {
		heard = f.now
	}
	if heard.IsZero() || now.Before(heard) {
		return now
	}
	return heard
}

// Reading is the present moment, for those who read statuses.
func (s *Store) Reading() monitor.Reading {
	now := s.Now()
	return monitor.Reading{Now: now, Heard: s.Heard(now)}
}

const blindColumns = `b.began_at, b.ended_at, b.ways, coalesce(b.check_id, 0), b.cause`

func blindDest(b *monitor.Blind) []any {
	return []any{db.Time(&b.From), db.Time(&b.Until), &b.Ways, &b.CheckID, &b.Cause}
}

// blindsBetween are the intervals of all checks, and those of some, a part of which lies
// between from and until.
func blindsBetween(ctx context.Context, ask asker, e db.Engine, checks []int64, from, until time.Time) (out []monitor.Blind, err error) {
	var b monitor.Blind
	see := func() { out = append(out, b) }
	err = ask(ctx, `SELECT `+blindColumns+` FROM blind_intervals b
		WHERE b.check_id IS NULL AND b.began_at <= $2 AND (b.ended_at IS NULL OR b.ended_at >= $1)`, blindDest(&b), see, from, until)
	if err == nil {
		err = ask(ctx, `SELECT `+blindColumns+` FROM blind_intervals b
			WHERE `+inSet(e, "b.check_id", 3, idSet)+` AND b.began_at <= $2 AND b.ended_at >= $1`, blindDest(&b), see, from, until,
			setOfIDs(e, checks))
	}
	if err != nil {
		return nil, fmt.Errorf("load blind intervals: %w", err)
	}
	return out, nil
}

// wayMemory is how long a check counts as one that is pinged in a way.
const wayMemory = 30 * 24 * time.Hour

// waysOf are the ways in which the checks are pinged: those of the last 30 days and that
// of the last ping; both where there is none.
func waysOf(ctx context.Context, ask asker, e db.Engine, checks []int64, now time.Time) (map[int64]monitor.Ways, error) {
	out := make(map[int64]monitor.Ways, len(checks))
	var check int64
	var mail, http time.Time
	err := ask(ctx, `SELECT g.check_id, max(CASE WHEN g.scheme = 'email' THEN g.created_at END), max(CASE WHEN g.scheme <> 'email' THEN g.created_at END)
		FROM pings g WHERE `+inSet(e, "g.check_id", 1, idSet)+` GROUP BY g.check_id`,
		[]any{&check, db.Time(&mail), db.Time(&http)}, func() {
			var ways []string
			since := now.Add(-wayMemory)
			if !http.IsZero() && (http.After(mail) || http.After(since)) {
				ways = append(ways, string(monitor.WayHTTP))
			}
			if !mail.IsZero() && (mail.After(http) || mail.After(since)) {
				ways = append(ways, string(monitor.WayMail))
			}
			out[check] = monitor.Ways(strings.Join(ways, " "))
		}, setOfIDs(e, checks))
	if err != nil {
		return nil, fmt.Errorf("look how checks are pinged: %w", err)
	}
	for _, id := range checks {
		if out[id] == "" {
			out[id] = monitor.WayBoth
		}
	}
	return out, nil
}

// OpenSince is when the interval began in which no ping can come that way; zero where
// there is none.
func (h *Hearing) OpenSince(way monitor.Ways) time.Time {
	for i := range h.Open {
		b := &h.Open[i]
		if b.Ways.Meet(way) && b.Cause != monitor.CauseHeld {
			return b.From
		}
	}
	return time.Time{}
}
