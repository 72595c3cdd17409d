package monitor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// pingsFrom reads pings, oldest first, as "kind minute [run id letter]".
func pingsFrom(t *testing.T, text string) []*monitor.Ping {
	t.Helper()
	base := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var out []*monitor.Ping
	for i, word := range strings.Split(text, ", ") {
		f := strings.Fields(word)
		at, err := time.ParseDuration(f[1])
		if err != nil {
			t.Fatal(err)
		}
		p := &monitor.Ping{N: int64(i + 1), Kind: monitor.PingKind(f[0]), CreatedAt: base.Add(at)}
		if len(f) > 2 {
			p.RID = uuid.NullUUID{UUID: uuid.NewSHA1(uuid.Nil, []byte(f[2])), Valid: true}
		}
		out = append(out, p)
	}
	return out
}

func TestRunsArePairedByTheirRunID(t *testing.T) {
	min := time.Minute
	for _, tc := range []struct {
		name, pings string
		want        map[int64]time.Duration
	}{
		{"start and success", "start 0m, success 5m", map[int64]time.Duration{2: 5 * min}},
		{"a failure ends a run too", "start 0m, fail 5m", map[int64]time.Duration{2: 5 * min}},
		{"no start", "success 0m, success 5m", nil},
		{"a run still under way", "success 0m, start 5m", nil},
		{"the second end finds no start", "start 0m, success 5m, success 6m", map[int64]time.Duration{2: 5 * min}},
		{"the latest start counts", "start 0m, start 3m, success 5m", map[int64]time.Duration{3: 2 * min}},
		{"log and ignored pings are no ends", "start 0m, log 1m, ign 2m, success 5m", map[int64]time.Duration{4: 5 * min}},
		{"overlapping runs", "start 0m a, start 1m b, success 5m a, fail 9m b", map[int64]time.Duration{3: 5 * min, 4: 8 * min}},
		{"none is a run id of its own", "start 0m a, success 5m, success 6m a", map[int64]time.Duration{3: 6 * min}},
		{"just within three days", "start 0m, success 71h59m", map[int64]time.Duration{2: 72*time.Hour - min}},
		{"three days are too long", "start 0m, success 72h", nil},
		{"nothing took no time", "start 1m, success 1m", map[int64]time.Duration{2: 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pings := pingsFrom(t, tc.pings)
			slices.Reverse(pings)
			got := monitor.RunDurations(slices.Values(pings))
			if tc.want == nil {
				tc.want = map[int64]time.Duration{}
			}
			diff := cmp.Diff(tc.want, got)
			if diff != "" {
				t.Errorf("durations (-want +got):\n%s", diff)
			}
		})
	}
}
