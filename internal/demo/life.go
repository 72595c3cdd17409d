package demo

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/store"
)

// Life is what the jobs of a demo do from its beginning on.
type Life struct {
	scripts []living
}

type living struct {
	code uuid.UUID
	*script
}

func (l *Life) add(code uuid.UUID, s *script) {
	l.scripts = append(l.scripts, living{code, s})
}

// stale is how old a ping may be to be sent nevertheless: a machine that has
// slept does not send the pings of the night.
const stale = 2 * time.Minute

// Next returns the next ping that is to be sent and when. It is nil when all
// jobs are silent for ever. Each ping is returned once.
func (l *Life) Next() (*store.Arrival, time.Time) {
	var first *living
	for i := range l.scripts {
		s := &l.scripts[i]
		p := s.peek()
		if p != nil && (first == nil || p.CreatedAt.Before(first.peek().CreatedAt)) {
			first = s
		}
	}
	if first == nil {
		return nil, time.Time{}
	}
	p := first.peek()
	first.take()
	return &store.Arrival{Code: first.code, Ping: *p}, p.CreatedAt
}

// Run sends pings with record until ctx ends. A check that somebody has removed
// is no error; other errors are logged, and the ping is lost.
func (l *Life) Run(ctx context.Context, now func() time.Time, record func(*store.Arrival) error, log *slog.Logger) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		ping, at := l.Next()
		if ping == nil {
			<-ctx.Done()
			return
		}
		timer.Reset(at.Sub(now()))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		arrived := now()
		if arrived.Sub(at) > stale {
			continue
		}
		ping.Ping.CreatedAt = arrived
		if err := record(ping); err != nil && errs.KindOf(err) != errs.NotFound && ctx.Err() == nil {
			log.Warn("ping of the demo", "error", err)
		}
	}
}
