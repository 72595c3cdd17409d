package alert_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/alert"
	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// sink is a kind that keeps what it is asked to send. The config of its channels is
// {"to": destination, "up": bool, "down": bool}.
type sink struct {
	kind string
	// nil: accepts everything
	answer func(context.Context, notify.Event) error
	// one message may tell of several events
	digests bool

	mu sync.Mutex
	// the latest event of every attempt, in order
	sent []notify.Event
	// all events of every attempt
	messages [][]notify.Event
}

// sinkConfig is where a channel leads; OnlyUp = it does not want to hear of down.
type sinkConfig struct {
	To     string
	OnlyUp bool
}

// sunk is a sinkConfig as it is stored.
type sunk struct {
	To       string
	Up, Down bool
}

func readConfig(config string) (c sinkConfig) {
	var s sunk
	_ = json.Unmarshal([]byte(config), &s)
	return sinkConfig{To: s.To, OnlyUp: !s.Down}
}

// atOnce are the limits of the kinds that a sink stands for.
var atOnce = map[string]int{"email": 10, "webhook": 100, "po": 5}

// registry has the sinks for kinds.
func registry(sinks ...*sink) *notify.Registry {
	var kinds []*notify.Kind
	for _, s := range sinks {
		kinds = append(kinds, s.declare())
	}
	return kindtest.Registry(notify.Env{}, nil, kinds...)
}

func (s *sink) declare() *notify.Kind {
	to := func(c *sunk) string { return c.To }
	return notify.Declare(notify.Declaration[sunk]{
		Name: s.kind, Label: s.kind, Group: notify.Programs, Blurb: "For tests.", Lacking: sunk{Up: true, Down: true},
		Fields: func(c *sunk) []notify.Field {
			return append([]notify.Field{{Key: "to", Value: notify.String(&c.To), Label: "To"}}, notify.Switches(&c.Up, &c.Down)...)
		},
		Destination: to, Summary: to, AtOnce: atOnce[s.kind],
		Digest: func(*sunk) bool { return s.digests },
		Send: func(ctx context.Context, d *notify.Delivery[sunk]) (notify.Result, error) {
			return s.send(ctx, d.Events)
		},
	})
}

func (s *sink) send(ctx context.Context, events []notify.Event) (notify.Result, error) {
	s.mu.Lock()
	s.sent = append(s.sent, events[0])
	s.messages = append(s.messages, events)
	s.mu.Unlock()
	if s.answer == nil {
		return notify.Result{StatusCode: 200}, nil
	}
	return notify.Result{}, s.answer(ctx, events[0])
}

// digested are the events of every attempt.
func (s *sink) digested() [][]notify.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]notify.Event(nil), s.messages...)
}

func (s *sink) attempts() []notify.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]notify.Event(nil), s.sent...)
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

// fixture is a store with an account, and a sink that its channels lead to.
type fixture struct {
	testing.TB
	*store.Store
	clock   *testdb.Clock
	account store.Account
	sink    *sink
	notices chan alert.Notice
}

// each runs the test on both engines. The check of the account has no channel.
func each(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		test(t, newFixture(t, s, clock))
	})
}

func newFixture(tb testing.TB, s *store.Store, clock *testdb.Clock) *fixture {
	f := &fixture{TB: tb, Store: s, clock: clock, account: testdb.Account(tb, s), sink: &sink{kind: "webhook"},
		notices: make(chan alert.Notice, 100)}
	if err := s.DeleteChannel(tb.Context(), f.account.Channel.ID); err != nil {
		tb.Fatal(err)
	}
	return f
}

func (f *fixture) config() alert.Config {
	return alert.Config{
		Store: f.Store, Registry: registry(f.sink), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Random:      func() float64 { return 0.5 },
		Grace:       5 * time.Second,
		NotifyOwner: func(_ context.Context, n alert.Notice) error { f.notices <- n; return nil },
	}
}

// dispatch runs a dispatcher until the test ends or stop is called, which waits
// for its orderly end.
func (f *fixture) dispatch(cfg alert.Config) (stop func()) {
	ctx, cancel := context.WithCancel(f.Context())
	ended := make(chan struct{})
	d := alert.NewDispatcher(cfg)
	go func() { defer close(ended); d.Run(ctx) }()
	stop = func() { cancel(); <-ended }
	f.Cleanup(stop)
	return stop
}

// channel adds a channel that leads to the sink, to all checks there are.
func (f *fixture) channel(c sinkConfig) *monitor.Channel {
	f.Helper()
	return f.channelOf(f.sink.kind, c)
}

// channelOf adds a channel of the kind, to all checks there are.
func (f *fixture) channelOf(kind string, c sinkConfig) *monitor.Channel {
	f.Helper()
	config, _ := json.Marshal(map[string]any{"to": c.To, "up": true, "down": !c.OnlyUp})
	h := &monitor.Channel{ProjectID: f.account.Project.ID, Kind: kind, Config: string(config), Verified: true}
	if err := f.CreateChannel(f.Context(), h); err != nil {
		f.Fatal(err)
	}
	return h
}

// checks adds n checks, up and due at due, in one transaction, without channels.
func (f *fixture) checks(n int, due time.Time) []uuid.UUID {
	f.Helper()
	codes := make([]uuid.UUID, n)
	err := f.DB().InTx(f.Context(), func(tx *db.Tx) error {
		for i := range codes {
			codes[i] = uuid.New()
			_, err := tx.Exec(f.Context(),
				`INSERT INTO checks (code, project_id, badge_key, created_at, status, timeout_seconds, grace_seconds, last_ping_at, due_at, alert_at, watch_at)
				VALUES ($1, $2, $3, $4, 'up', 60, 60, $5, $6, $7, $7)`,
				codes[i], f.account.Project.ID, uuid.New(), f.Now(), due.Add(-time.Minute), due, due.Add(time.Minute))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return codes
}

// ping records one ping for each of the checks.
func (f *fixture) ping(kind monitor.PingKind, codes ...uuid.UUID) {
	f.Helper()
	var batch []*store.Arrival
	for _, code := range codes {
		batch = append(batch, &store.Arrival{
			Code:     code,
			Ping:     monitor.Ping{CreatedAt: f.Now(), Scheme: "http", Method: "GET"},
			Classify: func(*monitor.Filter) monitor.PingKind { return kind },
		})
	}
	if err := f.RecordPings(f.Context(), batch); err != nil {
		f.Fatal(err)
	}
}

// later moves the clock and lets the dispatchers look again.
func (f *fixture) later(d time.Duration) {
	f.clock.Advance(d)
	f.DB().WakeLocal(db.TopicDeliveries)
}

// until waits for something to become true.
func (f *fixture) until(what string, ok func() bool) {
	f.Helper()
	deadline := time.After(5 * time.Minute)
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-deadline:
			f.Fatalf("waited too long for %s", what)
		}
	}
}

// deliveries lists those of a check, newest first.
func (f *fixture) deliveries(code uuid.UUID) []store.DeliveryRow {
	f.Helper()
	c, err := f.CheckByCode(f.Context(), code)
	if err != nil {
		f.Fatal(err)
	}
	rows, err := f.DeliveriesOf(f.Context(), c.ID, store.DeliveryFilter{})
	if err != nil {
		f.Fatal(err)
	}
	return rows
}

// with tells whether all deliveries of the check have the status, and there are n.
func (f *fixture) with(code uuid.UUID, n int, status monitor.DeliveryStatus) bool {
	f.Helper()
	rows := f.deliveries(code)
	for _, r := range rows {
		if r.Status != status {
			return false
		}
	}
	return len(rows) == n
}

func (f *fixture) backlog() int {
	f.Helper()
	n, err := testdb.PendingDeliveries(f.Context(), f.Store)
	if err != nil {
		f.Fatal(err)
	}
	return n
}

// taker is a process that begins to take pings at a place.
func (f *fixture) taker(place string) *monitor.Taker {
	f.Helper()
	t := &monitor.Taker{ID: uuid.New(), Place: place, Role: "serve", Ways: monitor.WayHTTP, BeganAt: f.Now()}
	f.sign(t)
	return t
}

// sign tells that all pings are known that have arrived at a taker.
func (f *fixture) sign(t *monitor.Taker) {
	f.Helper()
	if err := f.SignTaker(f.Context(), t, store.Sign{Mark: f.Now()}); err != nil {
		f.Fatal(err)
	}
}
