package road

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"punctual/internal/logs"
	"punctual/internal/store"
)

// Config is what a Prober needs. Store and Endpoint must be set.
type Config struct {
	Store *store.Store
	// what ping addresses begin with, as clients know it
	Endpoint string
	// sent as User-Agent
	Version string
	// the address of a second Punctual that asks from outside, and what it knows us by;
	// "" = there is none
	PeerURL, PeerSecret string
	// how often is asked; 30 s
	Every time.Duration
	// how often is asked while an interval is open; 5 s
	Soon time.Duration
	// between the beginnings of two tries; 3.3 s
	Between time.Duration
	// nil: slog.Default()
	Log *slog.Logger
	// a source was asked; for metrics. nil: nobody counts
	Asked func(store.RoadSource, Outcome)
	// tells those who run this site, in a title and a text. nil: nobody is told
	NotifyOperators func(title, text string)
}

const (
	tries = 3
	// tryTime bounds one try: three of them, and the pauses, take less than ten seconds.
	tryTime = 3 * time.Second
	// patience bounds a question to the database.
	patience = 10 * time.Second
	// look is how often is looked whether it is time to ask.
	look = time.Second
)

func (c Config) withDefaults() Config {
	if c.Every == 0 {
		c.Every = 30 * time.Second
	}
	if c.Soon == 0 {
		c.Soon = 5 * time.Second
	}
	if c.Between == 0 {
		c.Between = 3300 * time.Millisecond
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Outcome is what became of asking, in all its tries.
type Outcome string

// The outcomes.
const (
	// our ping has arrived
	Good Outcome = "good"
	// it has not, in any try
	Failed Outcome = "failed"
	// nobody can say: the database did not answer, nobody takes pings, the peer is away
	Untold Outcome = "untold"
)

// asker asks our public ping address once. It returns an error that says why nothing may
// have arrived, in words for operators; errUntold in it says that this proves nothing.
type asker interface {
	ask(ctx context.Context, code, rid uuid.UUID) error
	// address is what is asked
	address() string
}

// errUntold says that a try has shown nothing about the way to us.
var errUntold = errors.New("nobody can say")

// Prober asks our public ping address.
type Prober struct {
	cfg     Config
	sources []*source

	// held while what is known is loaded and told
	refreshing sync.Mutex

	// guards what follows, and the sources
	mu   sync.Mutex
	code uuid.UUID
}

// source is one who asks.
type source struct {
	name store.RoadSource
	asker
	// as last seen in the database
	state store.RoadState
	// closed when the asking under way has ended; nil = none is
	asking chan struct{}
	// operators were told, by us or others, that it fails; held by refreshing
	notified bool
	// we know whether they were; held by refreshing
	looked bool
}

// cut tells whether the address does not answer that did within the hour.
func (s *source) cut(now time.Time) bool { return !s.state.FailingAt.IsZero() && s.state.Known(now) }

// New makes a prober. Nothing runs yet.
func New(cfg Config) *Prober {
	cfg = cfg.withDefaults()
	client := NewClient(tryTime)
	here := &own{endpoint: cfg.Endpoint, version: cfg.Version, client: client}
	p := &Prober{cfg: cfg, sources: []*source{{name: store.RoadOwn, asker: here}}}
	if cfg.PeerURL != "" {
		p.sources = append(p.sources, &source{name: store.RoadPeer, asker: newPeer(cfg, client)})
	}
	return p
}

// Run asks every 30 seconds, unless another process does, until ctx ends. It is called
// once.
func (p *Prober) Run(ctx context.Context) {
	trouble := logs.Outage{Log: p.cfg.Log, Doing: "asking our own public ping address", Level: slog.LevelWarn}
	var next time.Time
	for {
		if now := time.Now(); !now.Before(next) {
			err := p.round(ctx)
			if ctx.Err() != nil {
				return
			}
			trouble.Note(err, now)
			next = now.Add(p.pause(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(look, p.cfg.Soon)):
		}
	}
}

// pause is how long nothing is to be asked after a round.
func (p *Prober) pause(err error) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Store.Now()
	for _, s := range p.sources {
		if err != nil || s.cut(now) || s.state.AskedAt.IsZero() {
			return p.cfg.Soon
		}
	}
	return p.cfg.Every
}

// round asks those sources that it is time for, and that nobody else is asking.
func (p *Prober) round(ctx context.Context) error {
	if err := p.refresh(ctx); err != nil {
		return err
	}
	var all sync.WaitGroup
	errs := make([]error, len(p.sources))
	for i, s := range p.sources {
		all.Go(func() { errs[i] = p.askInTurn(ctx, s) })
	}
	all.Wait()
	return errors.Join(append(errs, p.refresh(ctx))...)
}

// askInTurn asks a source, unless it was asked lately.
func (p *Prober) askInTurn(ctx context.Context, s *source) error {
	ended, first := p.enter(s)
	if !first {
		return nil
	}
	defer p.leave(s, ended)
	every := p.cfg.Every
	p.mu.Lock()
	if s.cut(p.cfg.Store.Now()) {
		every = p.cfg.Soon
	}
	p.mu.Unlock()
	claimed, err := p.claim(ctx, s, every-p.cfg.Soon/2)
	if err != nil || !claimed {
		return err
	}
	p.ask(ctx, s)
	return nil
}

// Known tells whether a failure would say something: our address has been seen to work
// within the hour, from here or from outside. It asks nobody.
func (p *Prober) Known() bool { return len(p.known()) > 0 }

// known are the sources whose failure would say something.
func (p *Prober) known() (list []*source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Store.Now()
	for _, s := range p.sources {
		if s.state.Known(now) {
			list = append(list, s)
		}
	}
	return list
}

// Ask asks now, by all whose failure would say something, in up to three tries within ten
// seconds, and stores what came of it. Who is asking already is waited for.
func (p *Prober) Ask(ctx context.Context) {
	var all sync.WaitGroup
	for _, s := range p.known() {
		all.Go(func() {
			ended, first := p.enter(s)
			if !first {
				select {
				case <-ended:
				case <-ctx.Done():
				}
				return
			}
			defer p.leave(s, ended)
			// others may ask beside us
			if _, err := p.claim(ctx, s, 0); err == nil {
				p.ask(ctx, s)
			}
		})
	}
	all.Wait()
	// what it has shown is stored; the next round looks again
	_ = p.refresh(ctx)
}

// enter begins to ask; first is false where that is under way, until ended is closed.
func (p *Prober) enter(s *source) (ended chan struct{}, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.asking != nil {
		return s.asking, false
	}
	s.asking = make(chan struct{})
	return s.asking, true
}

func (p *Prober) leave(s *source, ended chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.asking = nil
	close(ended)
}

func (p *Prober) claim(ctx context.Context, s *source, every time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p.cfg.Store.ClaimRoad(ctx, s.name, s.address(), every)
}

// refresh loads what is known of the sources, and tells operators of what has changed.
func (p *Prober) refresh(ctx context.Context) error {
	p.refreshing.Lock()
	defer p.refreshing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.prepare(ctx); err != nil {
		return err
	}
	states, err := p.cfg.Store.RoadStates(ctx)
	if err != nil {
		return err
	}
	for _, s := range p.sources {
		now := store.RoadState{}
		for _, state := range states {
			if state.Source == s.name && state.Address == s.address() {
				now = state
			}
		}
		p.mu.Lock()
		s.state = now
		p.mu.Unlock()
		if err := p.notify(ctx, s, now); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes, the first time, what is needed to ask, and forgets a peer that is not
// named any more.
func (p *Prober) prepare(ctx context.Context) error {
	if p.checkCode() != uuid.Nil {
		return nil
	}
	code, err := p.cfg.Store.ProbeCode(ctx)
	if err == nil && p.cfg.PeerURL == "" {
		err = p.cfg.Store.DropRoad(ctx, store.RoadPeer)
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.code = code
	return nil
}

// checkCode is the code of the check that is pinged; zero until prepare has found it.
func (p *Prober) checkCode() uuid.UUID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.code
}

// ask asks one source and stores what came of it.
func (p *Prober) ask(ctx context.Context, s *source) {
	outcome := p.try(ctx, s)
	if ctx.Err() == nil && p.cfg.Asked != nil {
		p.cfg.Asked(s.name, outcome)
	}
}

// try asks one source until one of its tries is good, and stores what came of it.
func (p *Prober) try(ctx context.Context, s *source) Outcome {
	since := p.cfg.Store.Now()
	began := time.Now()
	untold := false
	why := ""
	for n := range tries {
		if !sleep(ctx, time.Until(began.Add(time.Duration(n)*p.cfg.Between))) {
			return Untold
		}
		rid := uuid.New()
		failure := p.tryOnce(ctx, s, rid)
		arrived, err := p.arrived(ctx, rid)
		switch {
		case ctx.Err() != nil:
			return Untold
		case err != nil:
			untold = true
			p.cfg.Log.Debug("whether our own ping has arrived is not known", "error", err)
			continue
		case !arrived.IsZero():
			return p.works(ctx, s, arrived)
		case failure == nil:
			failure = errors.New("the answer came from somebody else: our ping has not arrived")
		}
		untold = untold || errors.Is(failure, errUntold)
		why = strings.TrimPrefix(failure.Error(), errUntold.Error()+": ")
	}
	if untold && why == "" {
		return Untold
	}
	if untold {
		p.cfg.Log.Debug("asking our public ping address has shown nothing", "by", string(s.name), "error", why)
		return p.untold(ctx, s, why)
	}
	return p.fails(ctx, s, since, why)
}

func (p *Prober) tryOnce(ctx context.Context, s *source, rid uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return s.asker.ask(ctx, p.checkCode(), rid)
}

func (p *Prober) arrived(ctx context.Context, rid uuid.UUID) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return p.cfg.Store.ProbeArrived(ctx, rid)
}

func (p *Prober) works(ctx context.Context, s *source, at time.Time) Outcome {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.cfg.Store.RoadWorks(ctx, s.name, at); err != nil {
		return Untold
	}
	// another source may take its time
	p.mu.Lock()
	defer p.mu.Unlock()
	s.state.GoodAt = at
	return Good
}

func (p *Prober) untold(ctx context.Context, s *source, why string) Outcome {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.cfg.Store.RoadUntold(ctx, s.name, why); err != nil {
		p.cfg.Log.Debug("why our public ping address was not asked", "error", err)
	}
	return Untold
}

func (p *Prober) fails(ctx context.Context, s *source, since time.Time, why string) Outcome {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stored, err := p.cfg.Store.RoadFailed(ctx, s.name, since, why)
	if err != nil || !stored {
		return Untold
	}
	return Failed
}

// notify tells operators, once, that the address fails that has worked, and that it works
// again.
func (p *Prober) notify(ctx context.Context, s *source, r store.RoadState) error {
	name := "public address " + string(s.name)
	switch {
	case !r.FailingAt.IsZero() && !r.GoodAt.IsZero() && !s.notified:
		first, err := p.cfg.Store.ClaimAbsence(ctx, name)
		if err != nil {
			return err
		}
		s.notified = true
		s.looked = true
		if first {
			p.cfg.Log.Error("our own public ping address does not answer", "by", string(s.name), "since", r.GoodAt, "error", r.Error)
			p.tell("The public ping address does not answer", failing(&r))
		}
	case r.FailingAt.IsZero() && !r.GoodAt.IsZero() && (s.notified || !s.looked):
		_, ended, err := p.cfg.Store.EndAbsence(ctx, name)
		if err != nil {
			return err
		}
		s.notified = false
		s.looked = true
		if ended {
			p.cfg.Log.Info("our own public ping address answers again", "by", string(s.name))
			p.tell("The public ping address answers again", fmt.Sprintf("A ping of our own by way of %s arrived at %s. Runs whose pings may have "+
				"been lost meanwhile are shown as unknown.", r.Address, moment(r.GoodAt)))
		}
	}
	return nil
}

// failing says what operators have to know of an address that does not answer.
func failing(r *store.RoadState) string {
	who := "this instance has asked it itself"
	if r.Source == store.RoadPeer {
		who = "a second Punctual has asked for us"
	}
	return fmt.Sprintf("No ping of our own has arrived since %s by way of %s, although processes that take pings run; %s. The error: %s\n\n"+
		"Jobs may not reach Punctual either. Runs whose pings may be lost are shown as unknown instead of down, for at most an hour; after that "+
		"checks that are silent go down.\n\nSee whether the name, the certificate, the proxy before Punctual and its port work.",
		moment(r.GoodAt), r.Address, who, r.Error)
}

func (p *Prober) tell(title, text string) {
	if p.cfg.NotifyOperators != nil {
		p.cfg.NotifyOperators(title, text)
	}
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// sleep waits for d and returns false when ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// NewClient makes a client that asks as jobs do: each request by a connection of its own,
// so that name and certificate are looked at anew, by the proxies of the environment, if
// any, and to any address. It follows no redirects, as curl does not.
func NewClient(timeout time.Duration) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	return &http.Client{
		Timeout: timeout, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
