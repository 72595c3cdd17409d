package alert_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/alert"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
)

// gate keeps attempts waiting until they are let through, and counts them.
type gate struct {
	// each value lets one through, the end all
	through chan struct{}

	mu sync.Mutex
	// by kind, as "webhook", and by destination, as "webhook slow"
	waiting map[string]int
	// that ever waited at once
	most   map[string]int
	passed int
}

func newGate() *gate {
	return &gate{through: make(chan struct{}), waiting: make(map[string]int), most: make(map[string]int)}
}

// answer is that of a sink whose destinations all wait at the gate but those
// called "well …".
func (g *gate) answer(ctx context.Context, ev notify.Event) error {
	to := readConfig(ev.Channel.Config).To
	if strings.HasPrefix(to, "well") {
		return nil
	}
	names := []string{ev.Channel.Kind, ev.Channel.Kind + " " + to}
	g.arrive(names)
	defer g.leave(names)
	select {
	case <-g.through:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) arrive(names []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range names {
		g.waiting[name]++
		g.most[name] = max(g.most[name], g.waiting[name])
	}
}

func (g *gate) leave(names []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range names {
		g.waiting[name]--
	}
	g.passed++
}

// count is how many of name wait now, the most that ever did, and how many have
// left the gate.
func (g *gate) count(name string) (waiting, most, passed int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting[name], g.most[name], g.passed
}

// While the first ones wait, others go on beside them; then they are let through
// one by one, and each time another takes the place.
func TestNoMoreAreInFlightThanTheLimits(t *testing.T) {
	const checks = 12
	for name, test := range map[string]struct {
		limits alert.Limits
		// destinations of webhooks that wait
		slow []string
		// of those that do not
		otherKind string
		// what is counted
		limited string
		// of it in flight, at the beginning and at most
		first, limit int
	}{
		"of a destination": {
			alert.Limits{PerDestination: 3, MaxPerDestination: 3}, []string{"slow"}, "webhook", "webhook slow", 3, 3,
		},
		"of a destination that proves well": {
			alert.Limits{PerDestination: 2, MaxPerDestination: 5}, []string{"slow"}, "webhook", "webhook slow", 2, 5,
		},
		"of a kind": {
			alert.Limits{PerKind: map[string]int{"webhook": 5}, PerDestination: 5}, []string{"slow", "as slow", "slow too"}, "po", "webhook", 5, 5,
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, f *fixture) {
				g := newGate()
				po := &sink{kind: "po"}
				f.sink.answer = g.answer
				codes := f.checks(checks, f.Now().AddDate(0, 1, 0))
				for _, to := range test.slow {
					f.channel(sinkConfig{To: to})
				}
				f.channelOf(test.otherKind, sinkConfig{To: "well"})
				f.ping(monitor.PingFail, codes...)
				cfg := f.config()
				cfg.Limits = test.limits
				cfg.Registry = registry(f.sink, po)
				f.dispatch(cfg)

				total := checks * len(test.slow)
				f.until("the others to be sent", func() bool { return f.backlog() == total })
				for passed := range total {
					want := min(test.first+passed, test.limit, total-passed)
					f.until(strconv.Itoa(want)+" to be in flight", func() bool {
						waiting, _, left := g.count(test.limited)
						return left == passed && waiting == want
					})
					g.through <- struct{}{}
				}
				f.until("all to be sent", func() bool { return f.backlog() == 0 })
				_, most, _ := g.count(test.limited)
				if most != test.limit {
					t.Errorf("up to %d in flight, want %d", most, test.limit)
				}
				for _, code := range codes {
					if !f.with(code, len(test.slow)+1, monitor.DeliverySent) {
						t.Errorf("not all of check %s is sent: %+v", code, f.deliveries(code))
					}
				}
				n := f.sink.count() + po.count()
				if n != total+checks {
					t.Errorf("%d attempts, want %d", n, total+checks)
				}
			})
		})
	}
}

// Those that hang come first, take all they can get and have many more waiting.
func TestHangingDestinationsDelayNobody(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const hanging, atOnce, limit = 60, 4, 100
		g := newGate()
		defer close(g.through)
		f.sink.answer = g.answer
		unlucky := f.checks(50, f.Now().AddDate(0, 1, 0))
		for i := range hanging {
			f.channel(sinkConfig{To: "hanging " + strconv.Itoa(i)})
		}
		f.ping(monitor.PingFail, unlucky...)
		cfg := f.config()
		cfg.Grace = time.Millisecond
		f.dispatch(cfg)
		// those that hang for long make room
		for _, want := range []int{limit, hanging * atOnce} {
			f.until("all to hang that may", func() bool { waiting, _, _ := g.count("webhook"); return waiting == want })
			f.clock.Advance(2 * time.Second)
		}
		// what waits behind them is given back
		f.clock.Advance(2 * time.Second)

		others := f.checks(50, f.Now().AddDate(0, 1, 0))
		for i := range 5 {
			f.channel(sinkConfig{To: "well " + strconv.Itoa(i)})
		}
		for i, code := range others {
			if err := f.onlyThrough(code, "well "+strconv.Itoa(i%5)); err != nil {
				t.Fatal(err)
			}
		}
		f.ping(monitor.PingFail, others...)
		f.until("the others to be sent", func() bool {
			return !slices.ContainsFunc(others, func(c uuid.UUID) bool { return !f.with(c, 1, monitor.DeliverySent) })
		})
		waiting, most, left := g.count("webhook")
		if waiting != hanging*atOnce || most != waiting || left != 0 {
			t.Errorf("%d hang, up to %d did, %d have ended meanwhile", waiting, most, left)
		}
	})
}

// onlyThrough assigns the check the one channel that leads to the destination.
func (f *fixture) onlyThrough(code uuid.UUID, to string) error {
	channels, err := f.ChannelsOf(f.Context(), f.account.Project.ID)
	if err != nil {
		return err
	}
	_, err = f.UpdateCheck(f.Context(), code, func(c *store.CheckChange) error {
		for _, h := range channels {
			if readConfig(h.Config).To == to {
				c.Channels = &store.Channels{IDs: []uuid.UUID{h.ID}}
			}
		}
		return nil
	})
	return err
}
