package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/config"
	"punctual/internal/spool"
)

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// spoolOf makes a directory for a process that serves, with the address of a check.
func spoolOf(t *testing.T, code uuid.UUID) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "punctual-ahead-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s, err := spool.Open(dir+"/serve", spool.Options{})
	if err != nil {
		t.Skipf("no disk to keep pings on: %v", err)
	}
	all := func(yield func(spool.Address, error) bool) { yield(spool.Address{Code: code}, nil) }
	if err := s.Addresses().Replace(all, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func startWithoutDatabase(ctx context.Context, t *testing.T, dir, listen, pings string) <-chan error {
	t.Helper()
	cfg, err := config.Load(map[string]string{
		"PUNCTUAL_DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "PUNCTUAL_SECRET_KEY": strings.Repeat("k", 32),
		"PUNCTUAL_SITE_ROOT": "http://" + listen, "PUNCTUAL_LISTEN": listen, "PUNCTUAL_PING_LISTEN": pings, "PUNCTUAL_SPOOL_DIR": dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := Start(ctx, Serve, Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test"})
		failed <- err
	}()
	return failed
}

// A start that is given up while it waits for its database ends what it has begun: a ping
// under way is answered, and the directory and the addresses are free.
func TestAStartThatIsGivenUpFreesWhatItHas(t *testing.T) {
	code := uuid.New()
	dir := spoolOf(t, code)
	listen := freeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := startWithoutDatabase(ctx, t, dir, listen, "")
	deadline := time.Now().Add(20 * time.Second)
	for {
		res, err := http.Get("http://" + listen + "/ping/" + code.String())
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Fatalf("a ping is answered with %s", res.Status)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	// it arrives in parts, and the end comes between them
	conn, err := net.Dial("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	head := "POST /ping/" + code.String() + " HTTP/1.1\r\nHost: " + listen + "\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
	if _, err := conn.Write([]byte(head)); err != nil {
		t.Fatal(err)
	}
	// it is being read
	goOn := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(conn, goOn); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := conn.Write([]byte("body")); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		t.Errorf("the ping under way is answered with %q, %v", answer, err)
	}
	if err := <-failed; err == nil {
		t.Fatal("it has started without a database")
	}
	s, err := spool.Open(dir+"/serve", spool.Options{})
	if err != nil {
		t.Fatalf("the directory: %v", err)
	}
	defer s.Close()
	if s.Depth() != 2 {
		t.Errorf("%d pings are kept, want both that were answered", s.Depth())
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		t.Fatalf("the address: %v", err)
	}
	l.Close()
}

// Where one of two addresses is taken, the other is free for the App that comes.
func TestTakingPingsAheadFreesTheFirstAddress(t *testing.T) {
	dir := spoolOf(t, uuid.New())
	listen := freeAddress(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg, err := config.Load(map[string]string{
		"PUNCTUAL_DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "PUNCTUAL_SECRET_KEY": strings.Repeat("k", 32),
		"PUNCTUAL_SITE_ROOT": "http://" + listen, "PUNCTUAL_LISTEN": listen, "PUNCTUAL_PING_LISTEN": taken.Addr().String(),
		"PUNCTUAL_SPOOL_DIR": dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	a := &App{role: Serve, cfg: cfg, log: slog.New(slog.DiscardHandler)}
	if a.takeAhead(t.Context()) != nil {
		t.Fatal("pings are taken at an address of somebody else")
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
