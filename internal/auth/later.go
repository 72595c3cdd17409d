package auth

import (
	"context"
	"sync"
	"time"

	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/logs"
)

// How much is done after the answer, at once and in all, and how long one such
// piece of work may take.
const (
	laterAtOnce = 4
	laterInAll  = 1000
	laterTime   = 30 * time.Second
)

// backlog is work that goes on when the request it belongs to has its answer, so
// that the time of the answer does not tell what work there was.
type backlog struct {
	running sync.WaitGroup
	all     chan struct{}
	slots   chan struct{}
	// ends when nobody waits for the work any more
	kept context.Context
	drop context.CancelFunc
}

func newBacklog() *backlog {
	kept, drop := context.WithCancel(context.Background())
	return &backlog{all: make(chan struct{}, laterInAll), slots: make(chan struct{}, laterAtOnce), kept: kept, drop: drop}
}

// later does the work in the background and logs what goes wrong. It fails with
// errs.Unavailable when too much waits already.
func (s *Service) later(ctx context.Context, what string, work func(ctx context.Context) error) error {
	select {
	case s.backlog.all <- struct{}{}:
	default:
		return errs.Unavailablef(laterTime, "Too much is going on right now. Please try again in a minute.")
	}
	// The log names the request, which the work outlasts.
	e := logs.EventOf(ctx)
	background := logs.WithEvent(s.backlog.kept, &logs.Event{ID: e.ID, Superuser: e.Superuser})
	s.backlog.running.Go(func() {
		defer func() { <-s.backlog.all }()
		select {
		case s.backlog.slots <- struct{}{}:
		case <-background.Done():
			return
		}
		defer func() { <-s.backlog.slots }()
		ctx, cancel := context.WithTimeout(background, laterTime)
		defer cancel()
		err := incident.Catch("worker", func() error { return work(ctx) })
		if err != nil {
			s.Log.ErrorContext(ctx, what, "error", err)
		}
	})
	return nil
}

// Wait returns when all that goes on in the background is done: before the
// database is closed. When ctx ends before that, what is left is dropped, and Wait
// returns how many pieces of work that is.
func (s *Service) Wait(ctx context.Context) (dropped int) {
	done := make(chan struct{})
	go func() {
		s.backlog.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return 0
	case <-ctx.Done():
		dropped = len(s.backlog.all)
		s.backlog.drop()
		return dropped
	}
}
