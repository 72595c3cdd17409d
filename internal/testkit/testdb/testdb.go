// Package testdb gives tests a migrated database of their own, on each engine.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { testdb.Main(m) }
package testdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/tempdir"
	"punctual/migrations"
)

// Main runs the tests of a package and cleans up after them.
func Main(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		Engines = []db.Engine{db.SQLite}
	}
	pgtest.Main(m)
}

// Engines are the engines every test of the store runs on: with -short only SQLite.
var Engines = []db.Engine{db.SQLite, db.Postgres}

// Each runs the test once on each engine, each time with an empty, migrated
// database and a clock that stands still until it is moved.
func Each(t *testing.T, test func(t *testing.T, s *store.Store, clock *Clock)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			clock := NewClock()
			test(t, Open(t, engine, clock), clock)
		})
	}
}

// Open opens an empty, migrated database, closed when the test ends. A nil
// clock means the real one.
func Open(tb testing.TB, engine db.Engine, clock *Clock) *store.Store {
	tb.Helper()
	opt := db.Options{}
	if clock != nil {
		opt.Now = clock.Now
	}
	d, err := db.Open(tb.Context(), URL(tb, engine), opt)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { d.Close() })
	return store.New(d, kinds.Address)
}

// URL makes an empty, migrated database and returns its address.
func URL(tb testing.TB, engine db.Engine) string {
	tb.Helper()
	if engine == db.Postgres {
		return pgtest.Template(tb, "schema", migrate)
	}
	path := filepath.Join(tempdir.New(tb), "punctual.db")
	data, err := sqliteTemplate()
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		tb.Fatalf("make the SQLite database: %v", err)
	}
	return "sqlite:" + path
}

// sqliteTemplate is a migrated, empty SQLite file: copying it is much faster
// than migrating anew.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "punctual-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(url string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, url, db.Options{})
	if err != nil {
		return err
	}
	if _, err := d.Migrate(ctx, migrations.FS); err != nil {
		d.Close()
		return err
	}
	return d.Close()
}

// Clock is a clock that stands still until it is moved. It starts at a full
// second of a quiet day: 2026-03-01 12:00 UTC.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// NewClock returns a standing clock.
func NewClock() *Clock { return &Clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

// Now is the time the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

// Advance moves the clock on by d and returns the new time.
func (c *Clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
	return c.t
}

// Set moves the clock to t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// pingKey is a ping key of the usual form that differs by address.
func pingKey(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:11])
}

// Account makes a user ("owner@example.org" unless an address is given) with a
// project, one check watched through one verified e-mail channel.
func Account(tb testing.TB, s *store.Store, email ...string) store.Account {
	tb.Helper()
	address := "owner@example.org"
	if len(email) > 0 {
		address = email[0]
	}
	now := s.Now()
	check := monitor.NewCheck([16]byte{}, now)
	check.Name = "Nightly dump"
	check.Slug = "nightly-dump"
	a := store.Account{
		User:    &monitor.User{Email: address, IsActive: true, TZ: "UTC", CheckLimit: 500, PingLogLimit: 100},
		Project: &monitor.Project{Name: "Operations", PingKey: pingKey(address)},
		Check:   &check,
		Channel: &monitor.Channel{Kind: "email", Config: `{"address":"` + address + `","up":true,"down":true}`, Verified: true},
	}
	if err := s.CreateAccount(tb.Context(), a); err != nil {
		tb.Fatalf("make an account: %v", err)
	}
	return a
}

// PutUser stores everything of u that may change, whatever is stored by now.
func PutUser(ctx context.Context, s *store.Store, u *monitor.User) error {
	_, err := s.ChangeUser(ctx, u.ID, func(now *monitor.User) error {
		*now = *u
		return nil
	})
	return err
}

// PutProject stores everything of p that may change, whatever is stored by now.
func PutProject(ctx context.Context, s *store.Store, p *monitor.Project) error {
	_, err := s.ChangeProject(ctx, p.ID, func(now *monitor.Project) error {
		*now = *p
		return nil
	})
	return err
}

// PutChannel stores everything of ch that may change, whatever is stored by now.
func PutChannel(ctx context.Context, s *store.Store, ch *monitor.Channel) error {
	_, err := s.ChangeChannel(ctx, ch.ID, func(now *monitor.Channel) error {
		*now = *ch
		return nil
	})
	return err
}
