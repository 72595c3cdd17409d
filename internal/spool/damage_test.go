package spool_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/spool"
)

// quickDir is a directory in memory where there is one, for tests that open
// thousands of spools: what they look at does not depend on flushes.
func quickDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// every makes the tests that damage files do so at every byte, which takes minutes.
var every = flag.Bool("every", false, "damage files at every byte, not only around the pages' ends and at every 61st byte")

// places are where to damage a file of that size: all places with -every, else
// some, and all that are near the ends of its pages. first is where they begin.
func places(size, first, page int) []int {
	var all []int
	for at := range size {
		near := (at-first+page+1)%page < 3
		if *every || near || at%61 == 0 || at < 100 || at >= size-2 {
			all = append(all, at)
		}
	}
	return all
}

// image is what is in the files of a spool, by their names.
type image map[string][]byte

// take reads the files as a process that is killed now would leave them.
func take(t testing.TB, dir string) image {
	t.Helper()
	out := image{}
	for _, name := range []string{"spool.db", "spool.db-wal", "spool.db-mark"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			out[name] = content
		}
	}
	return out
}

// put makes the files those of a directory, and removes all that is there.
func put(t testing.TB, dir string, content image) {
	t.Helper()
	for _, file := range files(t, dir) {
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range content {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// with is the image with one file changed.
func (i image) with(name string, content []byte) image {
	out := maps.Clone(i)
	out[name] = content
	return out
}

// made is the image of a spool of small pages with the first n of the series,
// closed if that is wanted, and the spool's id.
func made(t testing.TB, n int, closeIt bool) (image, uuid.UUID) {
	t.Helper()
	dir := quickDir(t)
	s := open(t, dir, spool.SmallPages(options()))
	for i := range n {
		appended(t, s, ping(i+1))
	}
	if closeIt {
		closed(t, s)
	}
	return take(t, dir), s.ID()
}

// outcome is what opening an image has come to.
type outcome struct {
	kept    []int
	entries []spool.Entry
	damages []spool.Damage
	id      uuid.UUID
}

// opened opens an image, and checks what holds whatever it is: the spool works, a
// damaged file is still there under another name, and what is lost and what is
// kept is known after a restart, too.
func opened(t testing.TB, dir string, files image) outcome {
	t.Helper()
	put(t, dir, files)
	opt := spool.SmallPages(options())
	s, err := spool.Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out := outcome{entries: all(t, s), damages: s.Damages(), id: s.ID()}
	out.kept = numbers(out.entries)
	for _, d := range out.damages {
		if d.Kept != len(out.kept) || d.Reason == "" || d.At.IsZero() || d.To.IsZero() {
			t.Fatalf("%d are kept, and the damage is %+v", len(out.kept), d)
		}
		for _, path := range d.SetAside {
			_, suffix, _ := strings.Cut(filepath.Base(path), ".damaged-")
			_, suffix, _ = strings.Cut(suffix, "Z")
			content, err := os.ReadFile(path)
			was := files["spool.db"+suffix]
			if err != nil || !bytes.Equal(content, was) && len(was) > 0 {
				t.Fatalf("%s holds %d bytes of %d, %v", path, len(content), len(was), err)
			}
		}
	}
	if len(out.entries) > 0 && !s.Oldest().Equal(out.entries[0].Ping.CreatedAt) || len(out.entries) == 0 && !s.Oldest().IsZero() {
		t.Fatalf("the oldest is of %v", s.Oldest())
	}
	// the oldest follows the index, so that is to be right
	left := len(out.entries)
	if left > 1 {
		deleted(t, s, out.entries[left-2].Seq)
		if !s.Oldest().Equal(out.entries[left-1].Ping.CreatedAt) {
			t.Fatalf("the oldest is of %v", s.Oldest())
		}
		left = 1
	}
	appended(t, s, ping(9999))
	after := all(t, s)
	if len(after) != left+1 || after[len(after)-1].Seq <= 0 {
		t.Fatalf("after an append %v", numbers(after))
	}
	return out
}

// lost is how many entries damages tell of.
func (o *outcome) lost() int {
	n := 0
	for _, d := range o.damages {
		n += d.Lost
	}
	return n
}

// wantHonest checks that of n entries those that are kept are as they were, and
// that the others are told.
func (o *outcome) wantHonest(t testing.TB, what string, n int) {
	t.Helper()
	if len(o.kept)+o.lost() != n || !slices.IsSorted(o.kept) || len(o.damages) > 1 {
		t.Fatalf("%s: of %d entries %v are kept and %d lost: %+v", what, n, o.kept, o.lost(), o.damages)
	}
	for _, e := range o.entries {
		want := ping(int(e.Seq))
		if !bytes.Equal(e.Ping.Body, want.Ping.Body) || e.Code != want.Code || e.Uncertain {
			t.Fatalf("%s: entry %d is %+v", what, e.Seq, e)
		}
	}
}

func TestASpoolCutAnywhereKeepsWhatCanBeReadAndTellsTheRest(t *testing.T) {
	const n = 12
	files, id := made(t, n, true)
	whole := files["spool.db"]
	dir := quickDir(t)
	most := 0
	for _, cut := range places(len(whole), 0, 512) {
		out := opened(t, dir, files.with("spool.db", whole[:cut]))
		out.wantHonest(t, fmt.Sprintf("cut at %d of %d", cut, len(whole)), n)
		if len(out.damages) != 1 || out.id != id {
			t.Fatalf("cut at %d: %+v, the id %v was %v", cut, out.damages, out.id, id)
		}
		most = max(most, len(out.kept))
	}
	if most == 0 {
		t.Error("nothing was ever kept")
	}
	out := opened(t, dir, files)
	out.wantHonest(t, "whole", n)
	if len(out.damages) != 0 {
		t.Errorf("whole: %+v", out.damages)
	}
}

func TestALogCutAnywhereKeepsAllThatWasWrittenBeforeTheCut(t *testing.T) {
	const n = 6
	dir := quickDir(t)
	s := open(t, dir, spool.SmallPages(options()))
	before := take(t, dir)
	ends := []int{len(before["spool.db-wal"])}
	marks := [][]byte{before["spool.db-mark"]}
	for i := range n {
		appended(t, s, ping(i+1))
		now := take(t, dir)
		ends = append(ends, len(now["spool.db-wal"]))
		marks = append(marks, now["spool.db-mark"])
	}
	files := take(t, dir)
	wal := files["spool.db-wal"]
	into := quickDir(t)
	// a head of 32 bytes, then one of 24 before each page
	for _, cut := range places(len(wal)+1, 32, 512+24) {
		whole := 0
		for whole < n && ends[whole+1] <= cut {
			whole++
		}
		what := fmt.Sprintf("cut at %d of %d", cut, len(wal))
		cutLog := files.with("spool.db-wal", wal[:cut])

		// the power has failed while one more was being written
		out := opened(t, into, cutLog.with("spool.db-mark", marks[whole]))
		if len(out.damages) != 0 {
			t.Fatalf("%s, unflushed: %+v", what, out.damages)
		}
		out.wantHonest(t, what, whole)

		// what had been flushed is gone
		out = opened(t, into, cutLog)
		out.wantHonest(t, what, n)
		if len(out.kept) != whole || whole < n && len(out.damages) != 1 {
			t.Fatalf("%s: %v are kept, %d were written before", what, out.kept, whole)
		}
	}
}

func TestASpoolWithOneByteChangedKeepsWhatCanBeReadAndTellsTheRest(t *testing.T) {
	const n = 12
	files, _ := made(t, n, true)
	whole := files["spool.db"]
	dir := quickDir(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, at := range places(len(whole), 0, 512) {
		// This one byte may make it a file of a newer version, or one whose log is not read.
		changed := bytes.Clone(whole)
		changed[at] ^= byte(1 + random.IntN(255))

		out := opened(t, dir, files.with("spool.db", changed))

		out.wantHonest(t, fmt.Sprintf("byte %d is %x, was %x", at, changed[at], whole[at]), n)
	}
}

func TestASpoolWithAPageOverwrittenKeepsTheRest(t *testing.T) {
	const n = 60
	files, _ := made(t, n, true)
	whole := files["spool.db"]
	dir := quickDir(t)
	most := 0
	for page := 0; page < len(whole); page += 512 {
		for _, with := range []byte{0, 0xff} {
			changed := bytes.Clone(whole)
			copy(changed[page:page+512], bytes.Repeat([]byte{with}, 512))

			out := opened(t, dir, files.with("spool.db", changed))

			out.wantHonest(t, fmt.Sprintf("page at %d", page), n)
			if page > 0 {
				most = max(most, out.lost())
			}
		}
	}
	if most == 0 {
		t.Error("nothing was ever lost")
	}
}

func TestALargeSpoolCutAtAnyPageKeepsWhatCanBeRead(t *testing.T) {
	const n = 300
	from := quickDir(t)
	s := open(t, from, options())
	appended(t, s, pings(1, n)...)
	closed(t, s)
	files := take(t, from)
	whole := files["spool.db"]
	dir := quickDir(t)
	var cuts []int
	for cut := 0; cut < len(whole); cut += 4096 {
		cuts = append(cuts, cut)
	}
	// and anywhere in the last pages
	for cut := len(whole) - 2*4096; cut < len(whole); cut++ {
		if *every || cut%311 == 0 {
			cuts = append(cuts, cut)
		}
	}
	kept := 0
	for _, cut := range cuts {
		out := opened(t, dir, files.with("spool.db", whole[:cut]))
		out.wantHonest(t, fmt.Sprintf("cut at %d of %d", cut, len(whole)), n)
		kept = max(kept, len(out.kept))
	}
	if kept < n*8/10 {
		t.Errorf("at best %d of %d were kept", kept, n)
	}
}

func TestAFileOfGarbageIsSetAside(t *testing.T) {
	dir := quickDir(t)
	for _, garbage := range [][]byte{[]byte("x"), []byte("SQLite format 3\x00"), bytes.Repeat([]byte("garbage "), 1000), make([]byte, 8192)} {
		out := opened(t, dir, image{"spool.db": garbage})

		if len(out.damages) != 1 || out.damages[0].Lost != -1 || !out.damages[0].From.IsZero() || len(out.damages[0].SetAside) != 1 {
			t.Errorf("of %d bytes: %+v", len(garbage), out.damages)
		}
	}
}

func TestWithoutItsIDWhatIsKeptIsUncertain(t *testing.T) {
	const n = 12
	files, id := made(t, n, true)
	whole := files["spool.db"]
	delete(files, "spool.db-mark")
	at := bytes.Index(whole, []byte(id.String()))
	changed := bytes.Clone(whole)
	changed[at] ^= 1

	out := opened(t, quickDir(t), files.with("spool.db", changed))

	if len(out.kept) != n || out.id == id {
		t.Errorf("%v are kept by %v", out.kept, out.id)
	}
	for _, e := range out.entries {
		if !e.Uncertain {
			t.Errorf("entry %d is certain", e.Seq)
		}
	}
}

func TestNumbersOfWhatIsLostAreNotUsedAgain(t *testing.T) {
	files, _ := made(t, 12, false)
	dir := quickDir(t)
	put(t, dir, files.with("spool.db-wal", files["spool.db-wal"][:len(files["spool.db-wal"])/2]))
	s := open(t, dir, spool.SmallPages(options()))
	appended(t, s, ping(13))

	entries := all(t, s)

	if last := entries[len(entries)-1]; last.Seq <= 12 {
		t.Errorf("number %d is used again", last.Seq)
	}
}

func TestNumbersOfWhatIsLostAreNotUsedAgainWhereTheMarkIsOld(t *testing.T) {
	const n = 12
	dir := quickDir(t)
	s := open(t, dir, spool.SmallPages(options()))
	appended(t, s, pings(1, 2)...)
	files := take(t, dir)
	// which is not on the disk when the power fails
	appended(t, s, pings(3, n)...)
	closed(t, s)
	// the head of the file
	files["spool.db"][18] = 7
	put(t, dir, files)
	s = open(t, dir, spool.SmallPages(options()))
	appended(t, s, ping(n+1))

	wantNumbers(t, s, 1, 2, n+1)

	if last := all(t, s)[2]; last.Seq <= n || len(s.Damages()) != 1 {
		t.Errorf("number %d may be used again: %+v", last.Seq, s.Damages())
	}
}

func TestALogThatWasCutBringsNothingBack(t *testing.T) {
	const n = 5
	for _, upTo := range []int64{3, n} {
		dir := quickDir(t)
		s := open(t, dir, spool.SmallPages(options()))
		var logs []int
		for i := range n {
			appended(t, s, ping(i+1))
			logs = append(logs, len(take(t, dir)["spool.db-wal"]))
		}
		files := take(t, dir)
		deleted(t, s, upTo)
		files["spool.db-mark"] = take(t, dir)["spool.db-mark"]
		closed(t, s)
		for _, whole := range []int{n, n - 1, 2} {
			put(t, dir, files.with("spool.db-wal", files["spool.db-wal"][:logs[whole-1]]))
			s := open(t, dir, spool.SmallPages(options()))
			wantNumbers(t, s, series(int(upTo)+1, whole)...)
			appended(t, s, ping(n+1))
			if entries := all(t, s); entries[len(entries)-1].Seq <= n {
				t.Errorf("%d deleted, %d left: number %d is used again", upTo, whole, entries[len(entries)-1].Seq)
			}
			closed(t, s)
		}
	}
}

func TestAnEntryThatIsGoneIsMissed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	appended(t, s, pings(1, 5)...)
	if err := s.Exec(`DELETE FROM entries WHERE seq = 3`); err != nil {
		t.Fatal(err)
	}
	closed(t, s)

	s = open(t, dir, options())

	wantNumbers(t, s, 1, 2, 4, 5)
	if d := s.Damages(); len(d) != 1 || d[0].Lost != 1 {
		t.Errorf("%+v", d)
	}
}

func TestAMissingSpoolIsTold(t *testing.T) {
	const n = 5
	files, id := made(t, n, false)
	for what, gone := range map[string][]string{
		"all but the mark": {"spool.db", "spool.db-wal"},
		"the log":          {"spool.db-wal"},
	} {
		left := maps.Clone(files)
		for _, name := range gone {
			delete(left, name)
		}

		out := opened(t, quickDir(t), left)

		out.wantHonest(t, what, n)
		if len(out.damages) != 1 || out.id != id || !out.damages[0].From.Equal(ping(1).Ping.CreatedAt) {
			t.Errorf("%s: %+v", what, out.damages)
		}
	}
	// all of it is in the log
	left := maps.Clone(files)
	delete(left, "spool.db")
	out := opened(t, quickDir(t), left)
	out.wantHonest(t, "the database", n)
}

func TestASpoolThatWasEmptyMayBeRemoved(t *testing.T) {
	dir := quickDir(t)
	s := open(t, dir, options())
	appended(t, s, pings(1, 3)...)
	deleted(t, s, 3)
	id := s.ID()
	closed(t, s)
	if err := os.Remove(filepath.Join(dir, "spool.db")); err != nil {
		t.Fatal(err)
	}

	s = open(t, dir, options())
	appended(t, s, ping(4))

	if len(s.Damages()) != 0 || s.ID() != id || all(t, s)[0].Seq <= 3 {
		t.Errorf("%+v, id %v was %v, number %d", s.Damages(), s.ID(), id, all(t, s)[0].Seq)
	}
}

func TestADamageIsToldUntilItIsCleared(t *testing.T) {
	files, _ := made(t, 5, true)
	dir := quickDir(t)
	put(t, dir, files.with("spool.db", files["spool.db"][:3000]))
	s := open(t, dir, options())
	first := s.Damages()
	closed(t, s)
	s = open(t, dir, options())
	appended(t, s, ping(6))
	if err := s.Exec(`UPDATE entries SET slug = 'x'`); err != nil {
		t.Fatal(err)
	}
	if len(all(t, s)) != 0 {
		t.Fatal("nothing should be left")
	}
	both := s.Damages()
	if len(first) != 1 || len(both) != 2 || both[0].Reason != first[0].Reason || both[1].ID == both[0].ID {
		t.Fatalf("first %+v, then %+v", first, both)
	}
	for _, path := range slices.Concat(both[0].SetAside, both[1].SetAside) {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}

	if err := s.ClearDamage(both[0].ID); err != nil {
		t.Fatal(err)
	}

	closed(t, s)
	s = open(t, dir, options())
	if left := s.Damages(); len(left) != 1 || left[0].ID != both[1].ID {
		t.Errorf("%+v", left)
	}
}

func TestDamageThatIsFoundWhileReadingIsRepaired(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, options())
	appended(t, s, pings(1, 5)...)
	if err := s.Exec(`UPDATE entries SET body = x'00' WHERE seq = 3`); err != nil {
		t.Fatal(err)
	}

	wantNumbers(t, s, 1, 2, 4, 5)

	d := s.Damages()
	if len(d) != 1 || d[0].Lost != 1 || d[0].Kept != 4 || !strings.Contains(d[0].Reason, "entry 3") {
		t.Errorf("%+v", d)
	}
	appended(t, s, ping(6))
	wantNumbers(t, s, 1, 2, 4, 5, 6)
}

func TestDamageThatIsFoundWhileWritingIsRepaired(t *testing.T) {
	s := open(t, t.TempDir(), options())
	appended(t, s, pings(1, 5)...)
	for _, change := range []string{
		`PRAGMA writable_schema = 1`,
		`UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'meta') WHERE name = 'entries_at'`,
		`PRAGMA schema_version = 777`,
	} {
		if err := s.Exec(change); err != nil {
			t.Fatal(err)
		}
	}

	appended(t, s, ping(6))

	wantNumbers(t, s, 1, 2, 3, 4, 5, 6)
	if len(s.Damages()) != 1 {
		t.Errorf("%+v", s.Damages())
	}
}

func TestADeletionThatWasBegunIsFinished(t *testing.T) {
	dir := quickDir(t)
	s := open(t, dir, options())
	appended(t, s, pings(1, 5)...)
	before := take(t, dir)
	deleted(t, s, 3)
	after := take(t, dir)
	closed(t, s)

	// killed after the mark was written, before the entries were gone
	put(t, dir, before.with("spool.db-mark", after["spool.db-mark"]))
	s = open(t, dir, options())

	wantNumbers(t, s, 4, 5)
	if len(s.Damages()) != 0 {
		t.Errorf("%+v", s.Damages())
	}
}

func TestAnInterruptedRepairGoesOn(t *testing.T) {
	const n = 12
	files, id := made(t, n, false)
	cut := files.with("spool.db-wal", files["spool.db-wal"][:len(files["spool.db-wal"])/2])
	dir := quickDir(t)
	done := opened(t, dir, cut)
	put(t, dir, cut)
	s := open(t, dir, spool.SmallPages(options()))
	setAside := s.Damages()[0].SetAside
	closed(t, s)
	ready, err := os.ReadFile(filepath.Join(dir, "spool.db"))
	if err != nil {
		t.Fatal(err)
	}
	moment, _, _ := strings.Cut(filepath.Base(setAside[0]), "Z")
	moment = strings.TrimPrefix(moment, "spool.db.damaged-") + "Z"
	readyName := "spool.db-ready-" + moment
	steps := map[string]image{
		"being made": cut.with("spool.db-new", ready[:len(ready)/2]).with("spool.db-new-journal", []byte("half")),
		"made":       cut.with("spool.db-new", ready),
		"ready":      cut.with(readyName, ready),
		"one file set aside": {
			"spool.db-wal": cut["spool.db-wal"], "spool.db-mark": cut["spool.db-mark"], readyName: ready,
			"spool.db.damaged-" + moment: cut["spool.db"],
		},
		"all set aside": {
			"spool.db-mark": cut["spool.db-mark"], readyName: ready,
			"spool.db.damaged-" + moment: cut["spool.db"], "spool.db.damaged-" + moment + "-wal": cut["spool.db-wal"],
		},
		"in place": {
			"spool.db-mark": cut["spool.db-mark"], "spool.db": ready,
			"spool.db.damaged-" + moment: cut["spool.db"], "spool.db.damaged-" + moment + "-wal": cut["spool.db-wal"],
		},
	}
	for step, files := range steps {
		put(t, dir, files)
		s := open(t, dir, spool.SmallPages(options()))
		kept := numbers(all(t, s))
		d := s.Damages()
		if !slices.Equal(kept, done.kept) || len(d) != 1 || d[0].Lost != n-len(kept) || s.ID() != id {
			t.Errorf("%s: %v are kept, not %v, and %+v", step, kept, done.kept, d)
		}
		for _, name := range []string{moment, moment + "-wal"} {
			if _, err := os.Stat(filepath.Join(dir, "spool.db.damaged-"+name)); err != nil {
				t.Errorf("%s: %v", step, err)
			}
		}
		closed(t, s)
	}
}

func FuzzOpen(f *testing.F) {
	files, _ := made(f, 4, false)
	f.Add(files["spool.db"], files["spool.db-wal"], files["spool.db-mark"])
	files, _ = made(f, 4, true)
	f.Add(files["spool.db"], []byte{}, files["spool.db-mark"])
	f.Add([]byte("SQLite format 3\x00"), []byte("7\x7f\x06\x82"), []byte("punctual spool 1"))
	f.Fuzz(opensAnything)
}

// opensAnything opens whatever is in the files.
func opensAnything(t *testing.T, database, wal, mark []byte) {
	dir := quickDir(t)
	put(t, dir, image{"spool.db": database, "spool.db-wal": wal, "spool.db-mark": mark})
	s, err := spool.Open(dir, spool.SmallPages(options()))
	if errors.Is(err, spool.ErrNewer) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before := len(all(t, s))
	appended(t, s, ping(1))
	entries := all(t, s)
	if len(entries) != before+1 || s.Depth() != len(entries) {
		t.Fatalf("%d entries, and after an append %d", before, len(entries))
	}
	if len(s.Damages()) > 0 && len(database) > 0 {
		aside, err := os.ReadFile(s.Damages()[len(s.Damages())-1].SetAside[0])
		if err != nil || !bytes.Equal(aside, database) {
			t.Fatalf("what was there is not set aside: %v", err)
		}
	}
}

func TestDamageInManyPlacesIsNoHindrance(t *testing.T) {
	files, _ := made(t, 40, false)
	closedFiles, _ := made(t, 40, true)
	random := rand.New(rand.NewPCG(3, 4))
	rounds := 100
	if *every {
		rounds = 10_000
	}
	for n := range rounds {
		in := files
		if n%2 == 0 {
			in = closedFiles
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			opensAnything(t, mangled(random, in["spool.db"]), mangled(random, in["spool.db-wal"]), mangled(random, in["spool.db-mark"]))
		})
	}
}

// mangled is a file with a few things done to it.
func mangled(random *rand.Rand, content []byte) []byte {
	out := bytes.Clone(content)
	for range random.IntN(4) {
		if len(out) == 0 {
			return out
		}
		at := random.IntN(len(out))
		end := min(len(out), at+random.IntN(1024))
		switch random.IntN(5) {
		case 0:
			out[at] ^= byte(1 + random.IntN(255))
		case 1:
			clear(out[at:end])
		case 2:
			copy(out[random.IntN(len(out)):], out[at:end])
		case 3:
			for i := at; i < end; i++ {
				out[i] = byte(random.IntN(256))
			}
		case 4:
			out = out[:at]
		}
	}
	return out
}
