package limit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"punctual/internal/limit"
)

// enter asks for a turn in the background; the channel gives how it ended.
func enter(ctx context.Context, s *limit.Shared[string], key string) <-chan entered {
	out := make(chan entered, 1)
	go func() {
		leave, err := s.Enter(ctx, key)
		out <- entered{leave, err}
	}()
	return out
}

type entered struct {
	leave func()
	err   error
}

// in returns how to leave to those whose turn it is by now, nil for others.
func in(c <-chan entered) func() {
	synctest.Wait()
	select {
	case e := <-c:
		return e.leave
	default:
		return nil
	}
}

func TestAKeyAndAllTogetherHaveTheirShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit.NewShared[string](2, 3, time.Minute)
		first := in(enter(t.Context(), s, "a"))
		second := in(enter(t.Context(), s, "a"))
		third := enter(t.Context(), s, "a")
		if first == nil || second == nil || in(third) != nil {
			t.Fatal("of one key two run, and a third waits")
		}
		other := in(enter(t.Context(), s, "b"))
		waiting := enter(t.Context(), s, "c")
		if other == nil || in(waiting) != nil {
			t.Fatal("of all keys three run, and a fourth waits")
		}
		first()
		if in(third) != nil {
			t.Error("a key with one running went before one with none")
		}
		leave := in(waiting)
		if leave == nil {
			t.Fatal("the turn went to nobody")
		}
		leave()
		leave = in(third)
		if leave == nil {
			t.Fatal("the last in line got no turn")
		}
		leave()
		second()
		other()
	})
}

// Who has just come waits for one turn of each other key, not for all who were
// there before.
func TestKeysTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit.NewShared[string](1, 1, time.Minute)
		leave := in(enter(t.Context(), s, "a"))
		var many []<-chan entered
		for range 10 {
			many = append(many, enter(t.Context(), s, "a"))
			synctest.Wait()
		}
		only := enter(t.Context(), s, "b")
		synctest.Wait()
		leave()
		leave = in(only)
		if leave == nil {
			t.Fatal("the only one of a key waits for the many of another")
		}
		for _, one := range many {
			leave()
			leave = in(one)
			if leave == nil {
				t.Fatal("those of one key do not come in their order")
			}
		}
		leave()
	})
}

func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit.NewShared[string](1, 1, 3*time.Second)
		leave := in(enter(t.Context(), s, "a"))
		began := time.Now()
		_, err := s.Enter(t.Context(), "b")
		if !errors.Is(err, limit.ErrBusy) || time.Since(began) != 3*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Enter(ctx, "b"); !errors.Is(err, limit.ErrBusy) {
			t.Errorf("whoever has gone: %v", err)
		}
		leave()
		if in(enter(t.Context(), s, "c")) == nil {
			t.Error("those who gave up still hold a place")
		}
	})
}

func TestBytesAreTakenAndReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limit.NewBytes(100, time.Second)
		if err := b.Take(t.Context(), 80); err != nil {
			t.Fatal(err)
		}
		if err := b.Take(t.Context(), 30); !errors.Is(err, limit.ErrBusy) {
			t.Errorf("80 and 30 of 100: %v", err)
		}
		waited := make(chan error, 1)
		go func() { waited <- b.Take(t.Context(), 60) }()
		synctest.Wait()
		b.Return(40)
		if err := <-waited; err != nil {
			t.Errorf("40 and 60 of 100: %v", err)
		}
		if err := b.Take(t.Context(), 1); !errors.Is(err, limit.ErrBusy) {
			t.Errorf("more than there is: %v", err)
		}
	})
}
