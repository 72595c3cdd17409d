package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"punctual/internal/monitor"
)

// LastBlinds are the intervals of all checks that are over, at most limit of them, the one
// that ended last first.
func (s *Store) LastBlinds(ctx context.Context, limit int) ([]monitor.Blind, error) {
	var out []monitor.Blind
	var b monitor.Blind
	err := s.db.Each(ctx, blindDest(&b), func() { out = append(out, b) }, `SELECT `+blindColumns+` FROM blind_intervals b
		WHERE b.check_id IS NULL AND b.ended_at IS NOT NULL ORDER BY b.ended_at DESC, b.id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("load the last blind intervals: %w", err)
	}
	return out, nil
}

// BlindTime is for how long pings of all checks may have been lost.
type BlindTime struct {
	// intervals that overlap count once
	Total time.Duration
	// only causes that there were; by themselves, so that together they may be longer
	// than Total
	ByCause map[monitor.Cause]time.Duration
}

// BlindSince is for how long pings of all checks may have been lost since then, in any way.
func (s *Store) BlindSince(ctx context.Context, since time.Time) (BlindTime, error) {
	now := s.Now()
	blinds, err := blindsBetween(ctx, s.askOutside, s.db.Engine, nil, since, now)
	if err != nil {
		return BlindTime{}, err
	}
	byCause := make(map[monitor.Cause][]monitor.Blind)
	for _, b := range blinds {
		byCause[b.Cause] = append(byCause[b.Cause], b)
	}
	sum := BlindTime{Total: covered(blinds, since, now), ByCause: make(map[monitor.Cause]time.Duration)}
	for cause, list := range byCause {
		sum.ByCause[cause] = covered(list, since, now)
	}
	return sum, nil
}

// covered is how much of the time from since until now lies in one of the intervals. It
// sorts them.
func covered(blinds []monitor.Blind, since, now time.Time) (sum time.Duration) {
	slices.SortFunc(blinds, func(a, b monitor.Blind) int { return a.From.Compare(b.From) })
	// all until then has been counted
	counted := since
	for _, b := range blinds {
		until := b.Until
		if until.IsZero() || until.After(now) {
			until = now
		}
		from := b.From
		if from.Before(counted) {
			from = counted
		}
		if until.After(from) {
			sum += until.Sub(from)
			counted = until
		}
	}
	return sum
}

// manyUnknown is how far UnknownSince counts: it is asked for again and again.
const manyUnknown = 100_000

// UnknownSince is how many runs were found since then to be unknown, of the last 100,000.
func (s *Store) UnknownSince(ctx context.Context, since time.Time) (n int, err error) {
	err = s.db.QueryRow(ctx, `SELECT count(*) FROM (SELECT r.decided_at FROM unknown_runs r ORDER BY r.id DESC LIMIT $2) r
		WHERE r.decided_at >= $1`, since, manyUnknown).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count unknown runs: %w", err)
	}
	return n, nil
}
