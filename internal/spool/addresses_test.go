package spool_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/spool"
)

const pingKey = "abcdefghijklmnopqrstuv"

// each yields addresses, and err after them unless it is nil.
func each(addresses []spool.Address, err error) iter.Seq2[spool.Address, error] {
	return func(yield func(spool.Address, error) bool) {
		for _, a := range addresses {
			if !yield(a, nil) {
				return
			}
		}
		if err != nil {
			yield(spool.Address{}, err)
		}
	}
}

func replaced(t testing.TB, a *spool.Addresses, cursor string, at time.Time, addresses ...spool.Address) {
	t.Helper()
	if err := a.Replace(each(addresses, nil), cursor, at); err != nil {
		t.Fatal(err)
	}
}

func wantKnown(t testing.TB, a *spool.Addresses, code uuid.UUID, want bool) {
	t.Helper()
	known, err := a.Known(code)
	if err != nil || known != want {
		t.Errorf("%v is known: %v, %v, want %v", code, known, err, want)
	}
}

func wantCodes(t testing.TB, a *spool.Addresses, key, slug string, want ...uuid.UUID) {
	t.Helper()
	codes, err := a.BySlug(key, slug)
	if err != nil || len(codes) != len(want) {
		t.Errorf("%s/%s is %v, %v, want %v", key, slug, codes, err, want)
		return
	}
	for _, code := range want {
		if !slices.Contains(codes, code) {
			t.Errorf("%s/%s is %v, want %v", key, slug, codes, want)
		}
	}
}

func TestASnapshotFindsWhatItWasTold(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	bySlug := spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "nightly"}
	first := spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "shared"}
	second := spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "shared"}
	third := spool.Address{Code: uuid.New(), PingKey: "other", Slug: "nightly"}
	bare := spool.Address{Code: uuid.New(), PingKey: pingKey}

	replaced(t, s.Addresses(), "7", start, bySlug, first, second, third, bare)

	check := func(a *spool.Addresses) {
		t.Helper()
		for _, address := range []spool.Address{bySlug, first, second, third, bare} {
			wantKnown(t, a, address.Code, true)
		}
		wantKnown(t, a, uuid.New(), false)
		wantCodes(t, a, pingKey, "nightly", bySlug.Code)
		wantCodes(t, a, "other", "nightly", third.Code)
		wantCodes(t, a, pingKey, "shared", first.Code, second.Code)
		wantCodes(t, a, pingKey, "")
		wantCodes(t, a, pingKey+"n", "ightly")
		if !a.CompleteAt().Equal(start) || a.Cursor() != "7" {
			t.Errorf("complete at %v, cursor %q", a.CompleteAt(), a.Cursor())
		}
	}
	check(s.Addresses())
	closed(t, s)
	check(open(t, dir, options()).Addresses())
}

func TestThreeChecksWithASlugAreTwo(t *testing.T) {
	a := open(t, t.TempDir(), options()).Addresses()
	var shared []spool.Address
	for range 3 {
		shared = append(shared, spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "shared"})
	}
	replaced(t, a, "", start, shared...)

	codes, err := a.BySlug(pingKey, "shared")

	if err != nil || len(codes) != 2 {
		t.Errorf("%v, %v", codes, err)
	}
}

func TestChangesAreTakenUp(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	stays := spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "stays"}
	moves := spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "old"}
	goes := spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "goes"}
	comes := spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "comes"}
	replaced(t, s.Addresses(), "1", start, stays, moves, goes)
	later := start.Add(10 * time.Second)

	err := s.Addresses().Apply([]spool.Address{comes, {Code: moves.Code, PingKey: "rotated", Slug: "new"}}, []uuid.UUID{goes.Code, uuid.New()},
		"2", later)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)

	a := open(t, dir, options()).Addresses()
	wantCodes(t, a, pingKey, "stays", stays.Code)
	wantCodes(t, a, pingKey, "comes", comes.Code)
	wantCodes(t, a, pingKey, "old")
	wantCodes(t, a, "rotated", "new", moves.Code)
	wantKnown(t, a, goes.Code, false)
	wantCodes(t, a, pingKey, "goes")
	if !a.CompleteAt().Equal(later) || a.Cursor() != "2" {
		t.Errorf("complete at %v, cursor %q", a.CompleteAt(), a.Cursor())
	}
}

func TestASnapshotThatWasNeverCompleteIsNone(t *testing.T) {
	a := open(t, t.TempDir(), options()).Addresses()
	broken := errors.New("the database went away")

	err := a.Replace(each([]spool.Address{{Code: uuid.New()}}, broken), "1", start)

	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	_, err = a.Known(uuid.New())
	if !errors.Is(err, spool.ErrNoSnapshot) || !a.CompleteAt().IsZero() {
		t.Errorf("%v, complete at %v", err, a.CompleteAt())
	}
	_, err = a.BySlug(pingKey, "x")
	if !errors.Is(err, spool.ErrNoSnapshot) {
		t.Error(err)
	}
	err = a.Apply(nil, nil, "2", start)
	if !errors.Is(err, spool.ErrNoSnapshot) {
		t.Error(err)
	}
}

func TestASnapshotStaysUntilTheNextIsComplete(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	old := spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "old"}
	replaced(t, s.Addresses(), "1", start, old)
	err := s.Addresses().Replace(func(yield func(spool.Address, error) bool) {
		wantCodes(t, s.Addresses(), pingKey, "old", old.Code)
		yield(spool.Address{}, errors.New("away"))
	}, "2", start.Add(time.Hour))
	if err == nil {
		t.Fatal("it did not fail")
	}

	wantCodes(t, s.Addresses(), pingKey, "old", old.Code)
	if s.Addresses().Cursor() != "1" {
		t.Errorf("cursor %q", s.Addresses().Cursor())
	}
	replaced(t, s.Addresses(), "2", start.Add(time.Hour))
	wantCodes(t, s.Addresses(), pingKey, "old")
	if slices.Contains(files(t, dir), filepath.Join(dir, "addresses.db-new")) {
		t.Error("the file that was made is left")
	}
}

func TestAHalfMadeSnapshotIsNone(t *testing.T) {
	dir := quickDir(t)
	s := open(t, dir, options())
	var many []spool.Address
	for n := range 2000 {
		many = append(many, spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: fmt.Sprint(n)})
	}
	replaced(t, s.Addresses(), "1", start, many...)
	closed(t, s)
	path := filepath.Join(dir, "addresses.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(whole); cut += 4096 + 7 {
		for _, name := range []string{"addresses.db", "addresses.db-new"} {
			put(t, dir, image{name: whole[:cut]})
			s := open(t, dir, options())
			wantNone(t, s.Addresses(), fmt.Sprintf("%s cut at %d", name, cut), many)
			// and it is made anew
			replaced(t, s.Addresses(), "2", start, many[0])
			wantCodes(t, s.Addresses(), pingKey, "0", many[0].Code)
			closed(t, s)
		}
	}
}

// wantNone looks a snapshot up that must not be taken for complete: each answer is
// an error, and no address is said to be unknown.
func wantNone(t *testing.T, a *spool.Addresses, what string, there []spool.Address) {
	t.Helper()
	for _, address := range there {
		known, err := a.Known(address.Code)
		if err == nil && !known {
			t.Fatalf("%s: %v is said to be unknown", what, address.Code)
		}
		if err != nil {
			if !a.CompleteAt().IsZero() {
				t.Fatalf("%s: complete at %v, and %v", what, a.CompleteAt(), err)
			}
			return
		}
	}
}

func TestASnapshotOfGarbageIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, image{"addresses.db": bytes.Repeat([]byte("garbage "), 1000), "addresses.db-wal": []byte("more")})

	s := open(t, dir, options())

	if !s.Addresses().CompleteAt().IsZero() {
		t.Error("it is taken for complete")
	}
	replaced(t, s.Addresses(), "1", start, spool.Address{Code: uuid.Max})
	wantKnown(t, s.Addresses(), uuid.Max, true)
}

func TestASnapshotHoldsNoKeysAndSlugs(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	replaced(t, s.Addresses(), "1", start, spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "salaries-of-the-board"})
	for _, file := range files(t, dir) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(pingKey)) || bytes.Contains(content, []byte("salaries")) {
			t.Errorf("%s holds them", file)
		}
	}
}

func TestLookupsGoOnWhileASnapshotIsChanged(t *testing.T) {
	s := open(t, t.TempDir(), options())
	stays := spool.Address{Code: uuid.New(), PingKey: pingKey, Slug: "stays"}
	replaced(t, s.Addresses(), "1", start, stays)
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				known, err := s.Addresses().Known(stays.Code)
				if err != nil || !known {
					t.Errorf("known: %v, %v", known, err)
					return
				}
			}
		})
	}
	for n := range 20 {
		if err := s.Addresses().Apply([]spool.Address{{Code: uuid.New()}}, nil, fmt.Sprint(n), start); err != nil {
			t.Error(err)
		}
		replaced(t, s.Addresses(), "1", start, stays)
	}
	close(done)
	wg.Wait()
}

// million yields a million addresses in no order, twenty of a project.
func million(yield func(spool.Address, error) bool) {
	for n := range 1_000_000 {
		if !yield(nth(n), nil) {
			return
		}
	}
}

func nth(n int) spool.Address {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	a := spool.Address{PingKey: fmt.Sprintf("key-of-a-project%06d", n/20), Slug: fmt.Sprintf("backup-of-host-%d", n%20)}
	binary.BigEndian.PutUint64(a.Code[:8], random.Uint64())
	binary.BigEndian.PutUint64(a.Code[8:], random.Uint64())
	return a
}

func BenchmarkAddresses(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir, options())
	b.Run("replace a million", func(b *testing.B) {
		for b.Loop() {
			if err := s.Addresses().Replace(million, "1", start); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(used(b, dir))/1e6, "MB")
	})
	if s.Addresses().CompleteAt().IsZero() {
		if err := s.Addresses().Replace(million, "1", start); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("known", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = (n + 7919) % 1_000_000
			wantKnown(b, s.Addresses(), nth(n).Code, true)
		}
	})
	b.Run("unknown", func(b *testing.B) {
		for b.Loop() {
			wantKnown(b, s.Addresses(), uuid.New(), false)
		}
	})
	b.Run("known, from 64 at once", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			n := rand.IntN(1_000_000)
			for pb.Next() {
				n = (n + 7919) % 1_000_000
				wantKnown(b, s.Addresses(), nth(n).Code, true)
			}
		})
	})
	b.Run("by slug", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = (n + 7919) % 1_000_000
			a := nth(n)
			wantCodes(b, s.Addresses(), a.PingKey, a.Slug, a.Code)
		}
	})
	b.Run("apply 100 changes", func(b *testing.B) {
		n := 0
		for b.Loop() {
			var changed []spool.Address
			for range 100 {
				n = (n + 7919) % 1_000_000
				a := nth(n)
				a.Slug = "moved"
				changed = append(changed, a)
			}
			if err := s.Addresses().Apply(changed, nil, "2", start); err != nil {
				b.Fatal(err)
			}
		}
	})
}
