package alert

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"punctual/internal/incident"
	"punctual/internal/notify"
	"punctual/internal/store"
)

// Config is what the watcher and the dispatcher need. Store and Registry must
// be set.
type Config struct {
	Store    *store.Store
	Registry *notify.Registry
	// nil: slog.Default()
	Log *slog.Logger
	// who holds the leases, other than in every other process; zero: a new one
	Worker uuid.UUID
	Limits Limits
	// how long the end waits for what is in flight; 20 s
	Grace time.Duration
	// 0 to 1, for jitter; nil: math/rand
	Random  func() float64
	Observe Observe
	// asked before flips go out where many checks are silent at once
	Road Road

	// NotifyOwner passes a notice to the owner of a project, by mail. nil: nobody is told.
	NotifyOwner func(context.Context, Notice) error
	// NotifyOperators tells those who run this site, in a title and a text. nil: nobody
	// is told.
	NotifyOperators func(title, text string)
}

func (c Config) notifyOperators(title, text string) {
	if c.NotifyOperators != nil {
		c.NotifyOperators(title, text)
	}
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Worker == uuid.Nil {
		c.Worker = uuid.New()
	}
	if c.Grace == 0 {
		c.Grace = 20 * time.Second
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	c.Limits = c.Limits.withDefaults()
	return c
}

// Observe are hooks for metrics; any may be nil. They are called from many
// goroutines and must be quick.
type Observe struct {
	// deadline → flip stored
	Flipped func(late time.Duration)
	// each attempt
	Attempted func(kind string, verdict store.Verdict, took time.Duration)
	// flip stored → accepted by the other side
	Accepted func(kind string, sinceFlip time.Duration)
	// a message sent as plain text, because the other side had rejected it as it was
	Plain func(kind string)
	// each round of the watcher
	Round func(Round, time.Duration)
	// a delivery that needed no attempt
	Settled func(kind string, verdict store.Verdict)
	// the watcher has judged all deadlines that have passed
	Looked func()
	// the dispatcher has asked for deliveries, and been answered
	Claimed func()
}

func (o Observe) looked() {
	if o.Looked != nil {
		o.Looked()
	}
}

func (o Observe) claimed() {
	if o.Claimed != nil {
		o.Claimed()
	}
}

func (o Observe) flipped(late time.Duration) {
	if o.Flipped != nil {
		o.Flipped(late)
	}
}

func (o Observe) attempted(kind string, v store.Verdict, took time.Duration) {
	if o.Attempted != nil {
		o.Attempted(kind, v, took)
	}
}

func (o Observe) accepted(kind string, sinceFlip time.Duration) {
	if o.Accepted != nil {
		o.Accepted(kind, sinceFlip)
	}
}

func (o Observe) plain(kind string) {
	if o.Plain != nil {
		o.Plain(kind)
	}
}

func (o Observe) settled(kind string, v store.Verdict) {
	if o.Settled != nil {
		o.Settled(kind, v)
	}
}

func (o Observe) round(r Round, took time.Duration) {
	if o.Round != nil {
		o.Round(r, took)
	}
}

// Service is a watcher and a dispatcher beside each other.
type Service struct {
	Watcher    *Watcher
	Dispatcher *Dispatcher
}

// New makes a service. Nothing runs yet.
func New(cfg Config) *Service {
	cfg = cfg.withDefaults()
	return &Service{Watcher: NewWatcher(cfg), Dispatcher: NewDispatcher(cfg)}
}

// Run watches and delivers until ctx ends and what was in flight has finished,
// at most Config.Grace and a few seconds later. It is called once. The error is
// that of a panic, which ends both.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	runs := []func(context.Context){s.Watcher.Run, s.Dispatcher.Run}
	failures := make([]error, len(runs))
	var both sync.WaitGroup
	for i, run := range runs {
		both.Go(func() {
			defer cancel()
			failures[i] = incident.Catch("worker", func() error { run(ctx); return nil })
		})
	}
	both.Wait()
	return errors.Join(failures...)
}
