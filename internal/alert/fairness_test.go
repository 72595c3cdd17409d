package alert_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/alert"
	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/testdb"
)

// The fixture's account is the one that is in the way; the other one's alerts
// are measured.
type neighbours struct {
	*fixture
	other *fixture
}

// withNeighbours runs the test on both engines, beside one and beside two
// dispatchers, with the real clock.
func withNeighbours(t *testing.T, test func(t *testing.T, n neighbours, dispatchers int)) {
	for _, engine := range testdb.Engines {
		for dispatchers := 1; dispatchers <= 2; dispatchers++ {
			t.Run(fmt.Sprintf("%s, %d sendalerts", engine, dispatchers), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, testdb.Open(t, engine, nil), nil)
				other := &fixture{TB: t, Store: f.Store, account: testdb.Account(t, f.Store, "other@example.org"), sink: f.sink, notices: f.notices}
				if err := f.DeleteChannel(t.Context(), other.account.Channel.ID); err != nil {
					t.Fatal(err)
				}
				test(t, neighbours{f, other}, dispatchers)
			})
		}
	}
}

// manyChannels adds n channels to the check, in one transaction, without other checks.
func (f *fixture) manyChannels(n int, check uuid.UUID, kind string, config func(i int) string) {
	f.Helper()
	err := f.DB().InTx(f.Context(), func(tx *db.Tx) error {
		var id int64
		if err := tx.QueryRow(f.Context(), `SELECT id FROM checks WHERE code = $1`, check).Scan(&id); err != nil {
			return err
		}
		for first := 0; first < n; first += 100 {
			var channels, links testdb.Rows
			for i := first; i < min(first+100, n); i++ {
				channel := uuid.New()
				channels.Add(channel, f.account.Project.ID, kind, config(i), true, false, f.Now())
				links.Add(id, channel)
			}
			_, err := tx.Exec(f.Context(),
				`INSERT INTO channels (id, project_id, kind, config, verified, disabled, created_at) VALUES `+channels.List(), channels.Values...)
			if err != nil {
				return err
			}
			_, err = tx.Exec(f.Context(), `INSERT INTO check_channels (check_id, channel_id) VALUES `+links.List(), links.Values...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
}

// silence is a server on all loopback addresses that takes connections and never
// answers. It returns its port.
func silence(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range open {
			conn.Close()
		}
	})
	return l.Addr().(*net.TCPAddr).Port
}

// bell is a quick receiver of webhooks that notes when each path was called first.
type bell struct {
	address string
	mu      sync.Mutex
	rung    map[string]time.Time
}

func newBell(t *testing.T) *bell {
	b := &bell{rung: make(map[string]time.Time)}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		code := strings.TrimPrefix(r.URL.Path, "/")
		if b.rung[code].IsZero() {
			b.rung[code] = time.Now()
		}
	}))
	t.Cleanup(s.Close)
	b.address = s.URL
	return b
}

func (b *bell) at(code uuid.UUID) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rung[code.String()]
}

// most is how long another owner's alert may take beside those who hang. It takes
// less than a second where the machine has nothing else to do, which
// TestBesideAThousandThatHangAnAlertTakesUnderASecond holds in simulated time, eight
// on a machine that is busy with much else under the race detector, and half a minute
// without fair shares.
const most = 20 * time.Second

func TestAThousandHangingDestinationsOfOneOwnerDelayNobodyElse(t *testing.T) {
	withNeighbours(t, func(t *testing.T, n neighbours, dispatchers int) {
		const hanging, probes = 1000, 40
		port := silence(t)
		b := newBell(t)
		n.manyChannels(hanging, n.account.Check.Code, "webhook", func(i int) string {
			return fmt.Sprintf(`{"method_down":"POST","url_down":"http://127.1.%d.%d:%d/"}`, i/250, i%250+1, port)
		})
		codes := n.other.checks(probes, n.Now().Add(time.Hour))
		config, err := json.Marshal(map[string]string{"method_down": "POST", "url_down": b.address + "/$CODE"})
		if err != nil {
			t.Fatal(err)
		}
		h := &monitor.Channel{ProjectID: n.other.account.Project.ID, Kind: "webhook", Config: string(config), Verified: true}
		if err := n.CreateChannel(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		client := notify.NewClient(notify.ClientConfig{AllowPrivate: true})
		cfg := n.config()
		cfg.Registry = kindtest.Registry(notify.Env{Client: client, Now: n.Now}, nil)
		n.delays(codes, dispatchers, cfg, b.at)
	})
}

// delays lets the checks of the other account fail one after the other, some of them
// before all that hangs is due, and looks how long each alert takes.
func (n neighbours) delays(codes []uuid.UUID, dispatchers int, cfg alert.Config, at func(uuid.UUID) time.Time) {
	n.Helper()
	cfg.Grace = time.Millisecond
	for range dispatchers {
		n.dispatch(cfg)
	}
	few := len(codes) / 4
	alone := n.slowest(codes[:few], at)
	n.ping(monitor.PingFail, n.account.Check.Code)
	beside := n.slowest(codes[few:], at)
	n.Logf("the slowest alert took %v alone and %v beside those that hang", alone.Round(time.Millisecond), beside.Round(time.Millisecond))
	if beside > most {
		n.Errorf("an alert of another owner took %v, want at most %v", beside, most)
	}
}

// slowest lets the checks fail one after the other, spread over a few seconds in
// which others hang.
func (n neighbours) slowest(codes []uuid.UUID, at func(uuid.UUID) time.Time) (worst time.Duration) {
	n.Helper()
	for _, code := range codes {
		began := time.Now()
		n.ping(monitor.PingFail, code)
		n.until("the alert of the other owner", func() bool { return !at(code).IsZero() })
		took := at(code).Sub(began)
		worst = max(worst, took)
		<-time.After(100*time.Millisecond - took)
	}
	return worst
}

// Mail and Pushover have few slots, and one destination for everybody.
func TestAFloodOfOneOwnerLeavesRoomInEachKind(t *testing.T) {
	for _, kind := range []string{"email", "po", "webhook"} {
		t.Run(kind, func(t *testing.T) {
			withNeighbours(t, func(t *testing.T, n neighbours, dispatchers int) {
				const flood, probes = 1000, 20
				n.sink.kind = kind
				var mu sync.Mutex
				rung := make(map[uuid.UUID]time.Time)
				n.sink.answer = func(ctx context.Context, ev notify.Event) error {
					if ev.Project.ID == n.other.account.Project.ID {
						mu.Lock()
						rung[ev.Check.Code] = time.Now()
						mu.Unlock()
						return nil
					}
					<-ctx.Done()
					return ctx.Err()
				}
				config, _ := json.Marshal(sinkConfig{To: "the one for all"})
				n.manyChannels(flood, n.account.Check.Code, kind, func(int) string { return string(config) })
				codes := n.other.checks(probes, n.Now().Add(time.Hour))
				n.other.channel(sinkConfig{To: "the one for all"})
				n.delays(codes, dispatchers, n.config(), func(c uuid.UUID) time.Time { mu.Lock(); defer mu.Unlock(); return rung[c] })
			})
		})
	}
}
