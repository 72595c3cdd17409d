package webtest

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"punctual/internal/logs"
)

// LogTo is a log that tests read; levels are those of PUNCTUAL_LOG_LEVEL.
func LogTo(t *testing.T, out *bytes.Buffer, levels string) *slog.Logger {
	t.Helper()
	l, err := logs.ParseLevels(levels)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.New(&sharedBuffer{out: out}, l, "json")
	if err != nil {
		t.Fatal(err)
	}
	return logs.In(log, logs.HTTP)
}

// sharedBuffer is a buffer for many goroutines.
type sharedBuffer struct {
	mu  sync.Mutex
	out *bytes.Buffer
}

// Write adds to the buffer.
func (s *sharedBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(b)
}
