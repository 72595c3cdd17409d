package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"punctual/internal/auth"
	"punctual/internal/db"
	"punctual/internal/incident"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
)

// A process that stops must not hang on work that hangs.
func TestWaitingForTheBackgroundEndsWithItsContext(t *testing.T) {
	clock := testdb.NewClock()
	b := newBench(t, testdb.Open(t, db.SQLite, clock), clock)
	testdb.Account(t, b.Store, "jane@example.org")
	const links = 6
	began := make(chan struct{}, links)
	ended := make(chan error, links)
	b.SendLogin = func(ctx context.Context, _ *monitor.User, _ string) error {
		began <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	for range links {
		_, err := b.RequestLogin(t.Context(), auth.LoginRequest{Identity: "jane@example.org", Origin: auth.Origin{IP: "192.0.2.1"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	// what is dropped earlier sends nothing
	<-began
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	dropped := b.Wait(gone)
	if dropped != links {
		t.Errorf("%d pieces of work were dropped, not %d", dropped, links)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("what was dropped ended with %v", err)
	}
	if dropped := b.Wait(t.Context()); dropped != 0 {
		t.Errorf("%d pieces of work go on", dropped)
	}
}

// A panic in the background is reported like any other: with where it was, and
// counted.
func TestAPanicInTheBackgroundIsReported(t *testing.T) {
	clock := testdb.NewClock()
	caught := make(chan string, 1)
	var log bytes.Buffer
	out := slog.NewTextHandler(&log, nil)
	reporter := incident.NewReporter(incident.Config{Panicked: func(where string) { caught <- where }, Now: clock.Now, Log: slog.New(out)})
	t.Cleanup(reporter.Close)
	b := newBench(t, testdb.Open(t, db.SQLite, clock), clock, func(c *auth.Config) { c.Log = slog.New(reporter.Handler(out)) })
	b.SendLogin = func(context.Context, *monitor.User, string) error { panic("broken") }
	b.ask("jane@example.org")
	select {
	case where := <-caught:
		if where != "worker" {
			t.Errorf("caught in %q", where)
		}
	default:
		t.Error("the panic is not counted")
	}
	if !strings.Contains(log.String(), "broken") || !strings.Contains(log.String(), "later_test.go") {
		t.Errorf("the log does not say where it was:\n%s", log.String())
	}
}
