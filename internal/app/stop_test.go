package app

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"punctual/internal/auth"
	"punctual/internal/monitor"
)

// A database that is away holds up the mails that were left for after an answer.
// The pings that wait are recorded all the same, and the process ends in time.
func TestAMailThatHangsDoesNotHoldUpTheEnd(t *testing.T) {
	log := &logText{}
	cfg := everything(t, "sqlite:"+t.TempDir()+"/p.db")
	a, err := Start(t.Context(), Up, Options{Config: cfg, Log: slog.New(slog.NewTextHandler(log, nil)), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	hangs := make(chan struct{})
	a.parts.auth.SendLogin = func(ctx context.Context, _ *monitor.User, _ string) error {
		close(hangs)
		<-ctx.Done()
		return ctx.Err()
	}
	_, err = a.parts.auth.RequestLogin(t.Context(), auth.LoginRequest{Identity: "jane@example.org", Origin: auth.Origin{IP: "192.0.2.1"}})
	if err != nil {
		t.Fatal(err)
	}
	<-hangs
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_ = a.stop(over)
	if !strings.Contains(log.String(), "links=1") {
		t.Errorf("the log does not say that a link was dropped:\n%s", log.String())
	}
}

// logText collects what several goroutines log.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// What is only tried at the start does not end the process where it is broken.
func TestAPanicInWhatRunsOnceEndsNothing(t *testing.T) {
	var log bytes.Buffer
	a := &App{log: slog.New(slog.NewTextHandler(&log, nil)), failed: make(chan error, 1)}
	// Without a sender it cannot but panic.
	a.once(t.Context(), "try the mail server", a.tryMailServer)
	a.loops.Wait()
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "try the mail server") || len(a.failed) > 0 {
		t.Errorf("%d failures; the log:\n%s", len(a.failed), log.String())
	}
}
