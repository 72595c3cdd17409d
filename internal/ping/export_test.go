package ping

import (
	"context"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// ParseTargetForTest lets the fuzz target reach the parser of ping URLs.
func ParseTargetForTest(path string) bool {
	_, ok := parseTarget(path)
	return ok
}

// ApplySettings lets the fuzz target reach the settings of a check to be made.
func ApplySettings(rawQuery string, c *monitor.Check) error { return parseSettings(rawQuery).apply(c) }

// Remembers is how many checks the gate knows.
func (r *Recorder) Remembers() int {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	return len(r.gate.checks.young) + len(r.gate.checks.old)
}

// HoldGate keeps everybody away from the gate until free is called.
func (r *Recorder) HoldGate() (free func()) {
	r.gate.mu.Lock()
	return r.gate.mu.Unlock
}

// Locating tells whether checks are being looked up.
func (r *Recorder) Locating() bool {
	r.located.Lock()
	defer r.located.Unlock()
	return r.locating
}

// Settle waits until nobody is to be counted.
func (b *Bodies) Settle() {
	for {
		b.mu.Lock()
		var q *question
		for _, q = range b.asked {
			break
		}
		b.mu.Unlock()
		if q == nil {
			return
		}
		<-q.done
	}
}

// Keep lets a benchmark ask whether a body has room.
func (b *Bodies) Keep(project uuid.UUID, size int) bool { return b.keep(project, size) }

// Sign writes the mark now.
func (t *Taker) Sign(ctx context.Context) error { return t.write(ctx, time.Time{}) }
