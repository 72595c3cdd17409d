package app

import (
	"context"
	"net/http"
	"time"
)

// Pauses of the heartbeat to the outside.
const (
	outsideEvery = time.Minute
	// how often trouble with it is logged
	outsideLog = time.Hour
)

// rounds are the signs that alerts are being sent: the watcher has looked for
// checks past their deadline, the dispatcher for deliveries.
type rounds struct{ looked, claimed chan struct{} }

func newRounds() rounds { return rounds{make(chan struct{}, 1), make(chan struct{}, 1)} }

// done notes that a round is done; it never waits.
func done(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// next waits until both have done a round that began after now, or nearly so.
func (r rounds) next(ctx context.Context) bool {
	for _, ch := range []chan struct{}{r.looked, r.claimed} {
		select {
		case <-ch:
			// of the time before
		default:
		}
	}
	for _, ch := range []chan struct{}{r.looked, r.claimed} {
		select {
		case <-ch:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// beatOutside asks for PUNCTUAL_HEARTBEAT_URL once a minute while rounds are
// done, until ctx ends: who watches that address notices when they are not.
func (a *App) beatOutside(ctx context.Context) error {
	var logged time.Time
	var failing bool
	for a.rounds.next(ctx) {
		err := a.outside.Call(ctx, http.MethodGet, a.cfg.HeartbeatURL, nil)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it did not get to answer: we are stopping
		}
		a.metrics.Heartbeat(err == nil)
		switch {
		case err != nil && time.Since(logged) >= outsideLog:
			a.log.Warn("PUNCTUAL_HEARTBEAT_URL does not answer as it should", "error", err)
			logged = time.Now()
			failing = true
		case err == nil && failing:
			a.log.Info("PUNCTUAL_HEARTBEAT_URL answers again")
			logged = time.Time{}
			failing = false
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(outsideEvery):
		}
	}
	return nil
}
