package store

import (
	"testing"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

func TestKnownChecksAreBoundedAndForgetTheOldest(t *testing.T) {
	var k knownChecks
	first := &monitor.Check{Code: uuid.New()}
	k.put(knownCheck{check: first})
	for range 5 * knownGeneration {
		k.put(knownCheck{check: &monitor.Check{Code: uuid.New()}})
		if len(k.young)+len(k.old) > 2*knownGeneration {
			t.Fatalf("%d are known, the bound is %d", len(k.young)+len(k.old), 2*knownGeneration)
		}
		_, ok := k.get(first.Code)
		if !ok {
			t.Fatal("one that is asked for all the time was forgotten")
		}
	}
	last := &monitor.Check{Code: uuid.New()}
	k.put(knownCheck{check: last, version: 7})
	k.put(knownCheck{check: last, version: 8})
	c, _ := k.get(last.Code)
	if c.version != 8 {
		t.Errorf("version %d, want the one put last", c.version)
	}
	k.forget(last.Code)
	_, ok := k.get(last.Code)
	if ok {
		t.Error("what was forgotten is known")
	}
	k.forgetAll()
	if _, ok := k.get(first.Code); ok {
		t.Error("something is known after all was forgotten")
	}
}

func TestWhatIsOftenOutOfDateIsNotTrustedForAWhile(t *testing.T) {
	var k knownChecks
	for _, step := range []struct{ batch, stale int }{{32, 0}, {32, 8}} {
		if k.learn(step.batch, step.stale); !k.trusted() {
			t.Fatalf("%d of %d stale: not trusted", step.stale, step.batch)
		}
	}
	k.learn(32, 9)
	for i := range distrustBatches {
		if k.trusted() {
			t.Fatalf("trusted again after %d batches", i)
		}
	}
	for range 2 {
		if !k.trusted() {
			t.Error("not trusted again")
		}
	}
}
