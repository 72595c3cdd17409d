package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/spool"
)

// onDisk says that every directory is on a disk.
func onDisk(string) (string, error) { return "", nil }

var start = time.Date(2026, 3, 29, 1, 59, 58, 123456000, time.UTC)

func options() spool.Options {
	return spool.Options{FileSystem: onDisk, Now: func() time.Time { return start.Add(time.Hour) }}
}

func open(t testing.TB, dir string, opt spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s) })
	return s
}

func closed(t testing.TB, s *spool.Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func appended(t testing.TB, s *spool.Spool, entries ...spool.Entry) {
	t.Helper()
	if err := s.Append(entries); err != nil {
		t.Fatal(err)
	}
}

func deleted(t testing.TB, s *spool.Spool, upTo int64) {
	t.Helper()
	if err := s.Delete(upTo); err != nil {
		t.Fatal(err)
	}
}

// all are the entries that are there.
func all(t testing.TB, s *spool.Spool) []spool.Entry {
	t.Helper()
	var entries []spool.Entry
	after := int64(0)
	for {
		next, err := s.Next(after, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(next) == 0 {
			return entries
		}
		after = next[len(next)-1].Seq
		entries = append(entries, next...)
	}
}

// ping is the nth of a series.
func ping(n int) spool.Entry {
	return spool.Entry{
		Taker: uuid.UUID{1, 2, 3},
		Code:  uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)),
		Ping: monitor.Ping{
			CreatedAt: start.Add(time.Duration(n) * time.Millisecond),
			Kind:      monitor.PingSuccess, Scheme: "https", Method: "POST", UserAgent: "curl/8.5.0", RemoteAddr: "2001:db8::7",
			Body: bytes.Repeat(fmt.Appendf(nil, "line %d\n", n), lines(n)),
		},
	}
}

// lines is how long the body of the nth is: of every fifth it is long.
func lines(n int) int {
	if n%5 == 0 {
		return 150
	}
	return 1
}

func pings(from, to int) []spool.Entry {
	var entries []spool.Entry
	for n := from; n <= to; n++ {
		entries = append(entries, ping(n))
	}
	return entries
}

// numbers tells which of the series entries are.
func numbers(entries []spool.Entry) []int {
	out := []int{}
	for _, e := range entries {
		out = append(out, int(e.Ping.CreatedAt.Sub(start)/time.Millisecond))
	}
	return out
}

func wantNumbers(t testing.TB, s *spool.Spool, want ...int) {
	t.Helper()
	got := numbers(all(t, s))
	if !slices.Equal(got, want) {
		t.Fatalf("the spool holds %v, want %v", got, want)
	}
	if s.Depth() != len(want) {
		t.Fatalf("depth %d, want %d", s.Depth(), len(want))
	}
}

func series(from, to int) []int {
	var out []int
	for n := from; n <= to; n++ {
		out = append(out, n)
	}
	return out
}

func TestAnEntryComesBackAsItWas(t *testing.T) {
	exit := -1073741819
	long := spool.Entry{
		Taker: uuid.New(), PingKey: "abcdefghijklmnopqrstuv", Slug: "nightly", Create: true, Uncertain: true,
		Ping: monitor.Ping{
			CreatedAt: start, Kind: monitor.PingFail, Scheme: "http", Method: "HEAD", UserAgent: "b\xffd\x00agent", RemoteAddr: "192.0.2.1",
			RID: uuid.NullUUID{UUID: uuid.New(), Valid: true}, ExitStatus: &exit, Body: bytes.Repeat([]byte{0, 1, 255}, 50_000),
		},
	}
	mail := spool.Entry{
		Taker: uuid.New(), Code: uuid.New(), Ping: monitor.Ping{CreatedAt: start, Scheme: "email", Body: []byte("Subject: x\r\n\r\ndone")},
		Mail: &monitor.MailText{Subject: "Backup f\xe4iled", Text: "", HTML: "text"},
	}
	zero := 0
	bare := spool.Entry{Code: uuid.New(), Ping: monitor.Ping{CreatedAt: start, ExitStatus: &zero}}
	want := []spool.Entry{long, mail, bare}
	dir := t.TempDir()
	s := open(t, dir, options())

	appended(t, s, want...)
	closed(t, s)
	got := all(t, open(t, dir, options()))

	for i := range want {
		want[i].Seq = int64(i + 1)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTimesAreCutToMicroseconds(t *testing.T) {
	s := open(t, t.TempDir(), options())
	e := ping(1)
	e.Ping.CreatedAt = start.Add(999 * time.Nanosecond).In(time.FixedZone("", 3600))

	appended(t, s, e)

	if got := all(t, s)[0].Ping.CreatedAt; got != start {
		t.Errorf("arrived at %v, want %v", got, start)
	}
}

func TestWhatFiltersReadIsKept(t *testing.T) {
	s := open(t, t.TempDir(), options())
	byBody := ping(1)
	byBody.Ping.Body = []byte("2 errors")
	mail := ping(2)
	mail.Mail = &monitor.MailText{Subject: "Backup", Text: "all fine"}
	appended(t, s, byBody, mail)

	entries := all(t, s)

	filter := &monitor.Filter{HTTPBody: true, Body: true, FailureKW: "errors", SuccessKW: "fine"}
	for i, want := range []monitor.PingKind{monitor.PingFail, monitor.PingSuccess} {
		if got := entries[i].Classify(filter); got != want {
			t.Errorf("entry %d is %s, want %s", i, got, want)
		}
	}
}

func TestNumbersRiseAndAreNeverUsedAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	appended(t, s, pings(1, 3)...)
	deleted(t, s, 3)
	closed(t, s)
	s = open(t, dir, options())

	appended(t, s, ping(4))

	if got := all(t, s)[0].Seq; got != 4 {
		t.Errorf("number %d, want 4", got)
	}
}

func TestNextGoesOnFromANumber(t *testing.T) {
	s := open(t, t.TempDir(), options())
	appended(t, s, pings(1, 10)...)

	first, err := s.Next(0, 4)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := s.Next(first[3].Seq, 100)
	if err != nil {
		t.Fatal(err)
	}

	if !slices.Equal(numbers(first), series(1, 4)) || !slices.Equal(numbers(rest), series(5, 10)) {
		t.Errorf("read %v, then %v", numbers(first), numbers(rest))
	}
}

func TestNextReturnsFewOfLongBodies(t *testing.T) {
	s := open(t, t.TempDir(), options())
	for n := range 3 {
		e := ping(n)
		e.Ping.Body = make([]byte, 9<<20)
		appended(t, s, e)
	}

	got, err := s.Next(0, 100)

	if err != nil || len(got) != 1 {
		t.Errorf("%d entries and %v, want one", len(got), err)
	}
	wantNumbers(t, s, 0, 1, 2)
}

func TestFiguresFollow(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	empty := s.Bytes()
	if s.Depth() != 0 || !s.Oldest().IsZero() {
		t.Fatalf("a new spool has %d entries, the oldest of %v", s.Depth(), s.Oldest())
	}
	// one that is written after others may have arrived before them
	appended(t, s, ping(5), ping(2), ping(7))
	if s.Depth() != 3 || !s.Oldest().Equal(ping(2).Ping.CreatedAt) {
		t.Errorf("%d entries, the oldest of %v", s.Depth(), s.Oldest())
	}
	deleted(t, s, 1)
	if s.Depth() != 2 || !s.Oldest().Equal(ping(2).Ping.CreatedAt) {
		t.Errorf("%d entries, the oldest of %v", s.Depth(), s.Oldest())
	}
	deleted(t, s, 2)
	if s.Depth() != 1 || !s.Oldest().Equal(ping(7).Ping.CreatedAt) {
		t.Errorf("%d entries, the oldest of %v", s.Depth(), s.Oldest())
	}
	closed(t, s)
	s = open(t, dir, options())
	if s.Depth() != 1 || !s.Oldest().Equal(ping(7).Ping.CreatedAt) {
		t.Errorf("after a restart %d entries, the oldest of %v", s.Depth(), s.Oldest())
	}
	// more than there are
	deleted(t, s, 1000)
	if s.Depth() != 0 || !s.Oldest().IsZero() || s.Bytes() != empty {
		t.Errorf("an empty spool has %d entries, the oldest of %v, and %d bytes, not %d", s.Depth(), s.Oldest(), s.Bytes(), empty)
	}
	appended(t, s, ping(8))
	wantNumbers(t, s, 8)
}

func TestAFullSpoolTakesNothingUntilThereIsRoom(t *testing.T) {
	for name, limits := range map[string]spool.Limits{"entries": {Entries: 50}, "bytes": {Bytes: 400_000}} {
		t.Run(name, func(t *testing.T) {
			opt := options()
			opt.Limits = limits
			s := open(t, t.TempDir(), opt)
			taken := 0
			var err error
			for err == nil && taken < 1000 {
				e := ping(taken + 1)
				e.Ping.Body = make([]byte, 10_000)
				err = s.Append([]spool.Entry{e})
				if err == nil {
					taken++
				}
			}
			if !errors.Is(err, spool.ErrFull) || taken < 30 || taken > 50 {
				t.Fatalf("%v after %d entries", err, taken)
			}
			wantNumbers(t, s, series(1, taken)...)
			deleted(t, s, 10)

			appended(t, s, ping(taken+1))

			wantNumbers(t, s, series(11, taken+1)...)
		})
	}
}

func TestAFullDiskLeavesNothingOfACall(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	appended(t, s, pings(1, 3)...)
	pages, err := s.Pages()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.LimitPages(int(pages)); err != nil {
		t.Fatal(err)
	}

	err = s.Append(pings(4, 400))

	if !errors.Is(err, spool.ErrUnwritable) || errors.Is(err, spool.ErrFull) || !strings.Contains(err.Error(), "full") {
		t.Errorf("error %v", err)
	}
	wantNumbers(t, s, 1, 2, 3)
	if err := s.LimitPages(1000); err != nil {
		t.Fatal(err)
	}
	appended(t, s, ping(4))
	wantNumbers(t, s, 1, 2, 3, 4)
	closed(t, s)
	wantNumbers(t, open(t, dir, options()), 1, 2, 3, 4)
}

func TestEachAppendIsFlushed(t *testing.T) {
	s := open(t, t.TempDir(), options())

	level, err := s.Synchronous()

	if err != nil || level != 2 {
		t.Errorf("synchronous is %d, %v", level, err)
	}
}

func TestASpoolThatWasRemovedTakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, dir, options())
	appended(t, s, ping(1))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}

	err := s.Append([]spool.Entry{ping(2)})

	if !errors.Is(err, spool.ErrUnwritable) {
		t.Errorf("error %v", err)
	}
}

func TestAClosedSpoolTakesNothing(t *testing.T) {
	s := open(t, t.TempDir(), options())
	closed(t, s)

	err := s.Append([]spool.Entry{ping(1)})

	if !errors.Is(err, spool.ErrUnwritable) {
		t.Errorf("error %v", err)
	}
}

func TestManyAppendAtOnce(t *testing.T) {
	opt := options()
	opt.Limits.Entries = 150
	s := open(t, t.TempDir(), opt)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var taken []int
	for n := range 200 {
		wg.Go(func() {
			err := s.Append([]spool.Entry{ping(n)})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				taken = append(taken, n)
			case !errors.Is(err, spool.ErrFull):
				t.Error(err)
			}
		})
	}
	wg.Wait()

	got := numbers(all(t, s))

	slices.Sort(got)
	slices.Sort(taken)
	if len(got) != 150 || !slices.Equal(got, taken) {
		t.Errorf("%d were taken, %d are there", len(taken), len(got))
	}
}

func TestSpaceIsGivenBackAfterADrain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	for n := range 20 {
		e := ping(n)
		e.Ping.Body = bytes.Repeat([]byte("secret words "), 80_000)
		appended(t, s, e)
	}
	if used(t, dir) < 20<<20 {
		t.Fatalf("only %d bytes are used", used(t, dir))
	}

	deleted(t, s, 20)

	if used(t, dir) > 100_000 {
		t.Errorf("%d bytes are used after the drain", used(t, dir))
	}
	for _, file := range files(t, dir) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("secret words")) {
			t.Errorf("%s still holds bodies", file)
		}
	}
}

// files are those of a directory.
func files(t testing.TB, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func used(t testing.TB, dir string) (bytes int64) {
	t.Helper()
	for _, file := range files(t, dir) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		bytes += info.Size()
	}
	return bytes
}

func TestOnlyTheOwnerReadsASpool(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "spool")
	s := open(t, dir, options())
	appended(t, s, ping(1))

	for _, path := range append(files(t, dir), dir) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
	}
}

func TestAnOpenDirectoryIsClosedToOthers(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	closed(t, s)
	for _, path := range append(files(t, dir), dir) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}

	open(t, dir, options())

	for _, path := range append(files(t, dir), dir) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(path, ".db") && info.Mode().Perm()&0o077 != 0 || path == dir && info.Mode().Perm() != 0o700 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
	}
}

func TestOneProcessHasADirectory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())

	_, err := spool.Open(dir, options())

	if !errors.Is(err, spool.ErrInUse) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "PUNCTUAL_SPOOL_DIR") {
		t.Errorf("error %v", err)
	}
	closed(t, s)
	open(t, dir, options())
}

func TestFileSystemsThatDoNotLastAreRefused(t *testing.T) {
	for _, name := range []string{"tmpfs", "ramfs", "overlay"} {
		opt := options()
		opt.FileSystem = func(string) (string, error) { return name, nil }
		dir := t.TempDir()

		_, err := spool.Open(dir, opt)

		if !errors.Is(err, spool.ErrVolatile) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), dir) {
			t.Errorf("on %s: %v", name, err)
		}
	}
}

func TestTmpfsIsRecognized(t *testing.T) {
	_, err := os.Stat("/dev/shm")
	if err != nil {
		t.Skip("there is no /dev/shm")
	}
	name, err := spool.FileSystemOf("/dev/shm")
	if err != nil || name != "tmpfs" {
		t.Errorf("/dev/shm is on %q, %v", name, err)
	}
	name, err = spool.FileSystemOf("/proc")
	if err != nil || name != "" {
		t.Errorf("/proc is on %q, %v", name, err)
	}
}

func TestASpoolOfANewerVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	appended(t, s, ping(1))
	for _, change := range []string{`PRAGMA user_version = 2`, `UPDATE meta SET value = '2' WHERE name = 'format'`} {
		if err := s.Exec(change); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, s)
	before := files(t, dir)

	_, err := spool.Open(dir, options())

	if !errors.Is(err, spool.ErrNewer) || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("error %v", err)
	}
	if after := files(t, dir); !slices.Equal(after, before) {
		t.Errorf("the files are %v, and were %v", after, before)
	}
}

func TestTheIDStays(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	id := s.ID()
	closed(t, s)

	if again := open(t, dir, options()).ID(); again != id || id == uuid.Nil {
		t.Errorf("the id was %v and is %v", id, again)
	}
	if other := open(t, t.TempDir(), options()).ID(); other == id {
		t.Error("two spools have one id")
	}
}
