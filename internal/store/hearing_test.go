package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestStatusesAreReadUpToWhatHasBeenHeard(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		sign := func(taker *monitor.Taker) {
			t.Helper()
			if err := s.SignTaker(t.Context(), taker, store.Sign{Mark: clock.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		heard := func(what string, want time.Time) {
			t.Helper()
			if err := s.RefreshHeard(t.Context()); err != nil {
				t.Fatal(err)
			}
			if at := s.Reading(); !at.Now.Equal(clock.Now()) || !at.Heard.Equal(want) {
				t.Errorf("%s: heard until %v, want %v", what, at.Heard, want)
			}
		}
		heard("nobody has ever listened", clock.Now())
		web := &monitor.Taker{ID: uuid.New(), Place: "a", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
		smtpd := &monitor.Taker{ID: uuid.New(), Place: "b", Role: "smtpd", Ways: monitor.WayMail, BeganAt: clock.Now()}
		sign(web)
		sign(smtpd)
		mark := clock.Now()
		heard("both have just signed", clock.Advance(5*time.Second))
		clock.Advance(6 * time.Second)
		sign(web)
		heard("one is silent", mark)
		sign(smtpd)
		heard("it is there again", clock.Now())
		stopped := clock.Now()
		if err := s.TakerStopped(t.Context(), web, store.Sign{Mark: stopped}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
		sign(smtpd)
		heard("nobody listens by HTTP", stopped)
		web.ID = uuid.New()
		web.BeganAt = clock.Now()
		sign(web)
		heard("another listens", clock.Now())
	})
}

func TestWhatIsHeardIsFollowed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		taker := &monitor.Taker{ID: uuid.New(), Place: "a", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
		sign := func() {
			t.Helper()
			if err := s.SignTaker(t.Context(), taker, store.Sign{Mark: clock.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		sign()
		mark := clock.Now()
		clock.Advance(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.FollowHeard(ctx)
		}()
		defer func() {
			cancel()
			<-ended
		}()
		follows := func(want time.Time) {
			t.Helper()
			deadline := time.Now().Add(10 * time.Second)
			for !s.Reading().Heard.Equal(want) {
				if time.Now().After(deadline) {
					t.Fatalf("heard until %v, want %v", s.Reading().Heard, want)
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
		follows(mark)
		sign()
		follows(clock.Now())
	})
}
