package app

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// Every process that shows or sends statuses looks until when all pings are known.
func TestProcessesFollowWhatIsHeard(t *testing.T) {
	cfg := everything(t, "sqlite:"+t.TempDir()+"/p.db")
	// the first one makes the database
	for _, role := range []Role{Up, Serve, SendAlerts, SendReports} {
		a, err := Start(t.Context(), role, Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test"})
		if err != nil {
			t.Fatal(role, err)
		}
		elsewhere := &monitor.Taker{ID: uuid.New(), Place: "elsewhere", Role: "serve", Ways: monitor.WayHTTP, BeganAt: a.store.Now()}
		mark := a.store.Now().Add(-time.Hour).Truncate(time.Microsecond)
		if err := a.store.SignTaker(t.Context(), elsewhere, store.Sign{Mark: mark}); err != nil {
			t.Fatal(role, err)
		}
		deadline := time.Now().Add(10 * time.Second)
		for !a.store.Reading().Heard.Equal(mark) {
			if time.Now().After(deadline) {
				t.Errorf("%s reads statuses of %v, heard is %v", role, a.store.Reading().Heard, mark)
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if err := a.store.TakerStopped(t.Context(), elsewhere, store.Sign{Mark: a.store.Now()}); err != nil {
			t.Fatal(role, err)
		}
		if err := a.stop(t.Context()); err != nil {
			t.Fatal(role, err)
		}
	}
}
