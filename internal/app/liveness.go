package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"punctual/internal/logs"
	"punctual/internal/store"
)

// worker is a kind of process that has to be there. Whoever serves the site
// looks for it and tells the operators when none has been alive for
// store.NodeTimeout, and when one is back.
type worker struct {
	// of the notice in the database
	name string
	// of the processes that do the work
	roles []string
	// false: only once one has been seen
	expected bool
	// title of what the operators are told
	gone string
	// what that means, and what to do
	text string
	back string

	presence presence
	// the absence was told, by us or another process
	notified bool
	// at what others have told
	looked bool
}

// workers are the processes that the site does not work without.
func workers() []*worker {
	return []*worker{{
		name: "sendalerts", roles: []string{"sendalerts", "up"}, expected: true,
		gone: "No alerts are being sent",
		text: "No process that sends alerts (punctual sendalerts) has been alive since %s. Nobody is told when a check goes down until one " +
			"runs.\n\nStart it, and see its log for why it ended.",
		back: "Alerts are being sent again",
	}, {
		name: "sendreports", roles: []string{"sendreports", "up"},
		gone: "No reports are being sent",
		text: "No process that sends reports and reminders (punctual sendreports) has been alive since %s.\n\nStart it, and see its log for " +
			"why it ended.",
		back: "Reports are being sent again",
	}}
}

// presence decides whether a kind of process is missing, from when it was last
// seen. It forgives restarts, our own beginning, and times in which nobody could
// be seen.
type presence struct {
	// when one was last seen
	last time.Time
	// when we began to look without a gap
	since time.Time
	// when we last did
	looked time.Time
}

// gap is how long may pass between two looks: more means that this process was
// asleep, and perhaps the others were too.
const gap = 4 * heartbeatInterval

// look takes when a process of the kind was last seen, zero for never, and tells
// whether it is missing. ok is false when that could not be found out.
func (p *presence) look(now, seen time.Time, ok bool) (missing bool) {
	if !ok || p.looked.IsZero() || now.Sub(p.looked) > gap {
		p.since = now
	}
	p.looked = now
	if !ok {
		return false
	}
	if seen.After(p.last) {
		p.last = seen
	}
	// not since we look: it may be about to start
	if p.last.Before(p.since) {
		return now.Sub(p.since) > 2*store.NodeTimeout
	}
	return now.Sub(p.last) > store.NodeTimeout
}

// watchWorkers looks for the workers until ctx ends.
func (a *App) watchWorkers(ctx context.Context) error {
	all := workers()
	trouble := logs.Outage{Log: a.log, Doing: "looking for workers", Level: slog.LevelWarn}
	tick := time.NewTicker(heartbeatInterval)
	defer tick.Stop()
	for {
		var failed error
		for _, w := range all {
			if err := a.watchWorker(ctx, w); err != nil {
				failed = err
			}
		}
		if ctx.Err() == nil {
			trouble.Note(failed, time.Now())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (a *App) watchWorker(ctx context.Context, w *worker) error {
	ctx, cancel := context.WithTimeout(ctx, heartbeatInterval)
	defer cancel()
	seen, err := a.store.LastSeen(ctx, w.roles...)
	missing := w.presence.look(a.store.Now(), seen, err == nil)
	switch {
	case err != nil:
		return err
	case missing && !w.notified && (w.expected || !w.presence.last.IsZero()):
		return a.notifyMissing(ctx, w)
	case !missing && w.presence.last.After(w.presence.since) && (w.notified || !w.looked):
		return a.notifyBack(ctx, w)
	}
	return nil
}

// notifyMissing tells the operators, unless another process has done it.
func (a *App) notifyMissing(ctx context.Context, w *worker) error {
	first, err := a.store.ClaimAbsence(ctx, w.name)
	if err != nil {
		return err
	}
	w.notified = true
	if !first {
		return nil
	}
	since := "the start of this site"
	if !w.presence.last.IsZero() {
		since = w.presence.last.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	a.log.Warn("no process of a kind is alive, the operators are told", "role", w.name, "since", since)
	a.incidents.Notify(w.gone, fmt.Sprintf(w.text, since))
	return nil
}

// notifyBack tells those who were told that the process is missing, once.
func (a *App) notifyBack(ctx context.Context, w *worker) error {
	notified, ended, err := a.store.EndAbsence(ctx, w.name)
	if err != nil {
		return err
	}
	w.notified = false
	w.looked = true
	if !ended {
		return nil
	}
	a.log.Info("a process of a kind is back, the operators are told", "role", w.name)
	a.incidents.Notify(w.back, fmt.Sprintf("punctual %s is back. It was told missing at %s.", w.name,
		notified.UTC().Format("2006-01-02 15:04:05 UTC")))
	return nil
}
