package spool_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/spool"
)

// takerDir tells a child process of TestNothingIsLostWhenKilled where its files
// are, takerFrom which number is its first.
const (
	takerDir  = "SPOOL_TEST_TAKER_DIR"
	takerFrom = "SPOOL_TEST_TAKER_FROM"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(takerDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	from, err := strconv.Atoi(os.Getenv(takerFrom))
	if err == nil {
		err = taker(dir, from)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// taker appends pings, one number after the other, says each that is acknowledged,
// and replays them meanwhile. It ends when it is killed.
func taker(dir string, from int) error {
	s, err := spool.Open(filepath.Join(dir, "spool"), options())
	if err != nil {
		return err
	}
	recorded, err := openRecorded(dir)
	if err != nil {
		return err
	}
	failed := make(chan error)
	go func() {
		for {
			if err := replay(s, recorded); err != nil {
				failed <- err
				return
			}
		}
	}()
	go func() {
		for n := from; ; {
			to := n + n%3
			if err := s.Append(pings(n, to)); err != nil {
				failed <- err
				return
			}
			// one write: it is said as a whole, or not at all
			fmt.Printf("%d %d\n", n, to)
			n = to + 1
		}
	}()
	return <-failed
}

// openRecorded opens what stands for the database of the product.
func openRecorded(dir string) (*sql.DB, error) {
	path := filepath.Join(dir, "recorded.db")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	file.Close()
	d, err := db.OpenFile(path, "_pragma=journal_mode(WAL)", "_txlock=immediate")
	if err != nil {
		return nil, err
	}
	d.SetMaxOpenConns(1)
	_, err = d.Exec(`CREATE TABLE IF NOT EXISTS recorded (n INTEGER NOT NULL); CREATE TABLE IF NOT EXISTS replayed (upto INTEGER NOT NULL)`)
	return d, err
}

// replay records a few entries as a taker does: how far it has come moves in the
// same transaction.
func replay(s *spool.Spool, recorded *sql.DB) error {
	var upTo int64
	if err := recorded.QueryRow(`SELECT coalesce(max(upto), 0) FROM replayed`).Scan(&upTo); err != nil {
		return err
	}
	// what was committed before the last end
	if err := s.Delete(upTo); err != nil {
		return err
	}
	entries, err := s.Next(upTo, 5)
	if err != nil || len(entries) == 0 {
		return err
	}
	tx, err := recorded.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i, n := range numbers(entries) {
		if _, err := tx.Exec(`INSERT INTO recorded VALUES (?)`, n); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO replayed VALUES (?)`, entries[i].Seq); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return s.Delete(entries[len(entries)-1].Seq)
}

func TestNothingIsLostWhenKilled(t *testing.T) {
	dir := t.TempDir()
	rounds := 25
	if *every {
		rounds = 500
	}
	random := rand.New(rand.NewPCG(5, 6))
	acknowledged := map[int]bool{}
	next := 1
	for round := range rounds {
		// every third while it opens what the one before has left
		said, last := killed(t, dir, next, time.Duration(random.IntN(60_000))*time.Microsecond, round%3 == 2)
		for _, n := range said {
			acknowledged[n] = true
		}
		// What was not said may be there as well: those numbers are left out.
		next = last + 10
	}
	s := open(t, filepath.Join(dir, "spool"), options())
	recorded, err := openRecorded(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer recorded.Close()
	left := s.Depth()
	for {
		if err := replay(s, recorded); err != nil {
			t.Fatal(err)
		}
		if s.Depth() == 0 {
			break
		}
	}
	if d := s.Damages(); len(d) > 0 {
		t.Errorf("%+v", d)
	}
	rows, err := recorded.Query(`SELECT n FROM recorded ORDER BY rowid`)
	all, err := db.Collect(rows, err, func(r *sql.Rows, n *int) error { return r.Scan(n) })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(all) {
		t.Error("they were not replayed in their order")
	}
	unsaid := len(all)
	for i, n := range all {
		if i > 0 && n == all[i-1] {
			t.Errorf("%d is recorded twice", n)
		}
		if acknowledged[n] {
			unsaid--
		}
		delete(acknowledged, n)
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d that were acknowledged are lost: %v", len(acknowledged), acknowledged)
	}
	t.Logf("%d recorded, %d of them from the last spool, %d not acknowledged", len(all), left, unsaid)
	if len(all) < 2*rounds {
		t.Errorf("only %d were recorded", len(all))
	}
}

// killed lets a taker work for a while after its first word, or after its start,
// kills it, and returns what it has acknowledged, and the last number that it has
// said or begun with.
func killed(t *testing.T, dir string, from int, after time.Duration, atStart bool) (said []int, last int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), takerDir+"="+dir, takerFrom+"="+strconv.Itoa(from))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	last = from
	kill := sync.OnceFunc(func() { time.AfterFunc(after, func() { cmd.Process.Kill() }) })
	if atStart {
		kill()
	}
	for lines.Scan() {
		kill()
		first, end, ok := strings.Cut(lines.Text(), " ")
		a, err := strconv.Atoi(first)
		if !ok || err != nil {
			break
		}
		b, err := strconv.Atoi(end)
		if err != nil {
			break
		}
		for n := a; n <= b; n++ {
			said = append(said, n)
		}
		last = b
	}
	var ended *exec.ExitError
	err = cmd.Wait()
	if !errors.As(err, &ended) || ended.Exited() {
		t.Fatalf("the taker ended by itself: %v %s", err, stderr.String())
	}
	return said, last
}

func TestADirectoryIsFreeWhenItsProcessIsKilled(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), takerDir+"="+dir, takerFrom+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the other process did not begin")
	}

	_, err = spool.Open(filepath.Join(dir, "spool"), options())

	if !errors.Is(err, spool.ErrInUse) {
		t.Errorf("error %v", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	open(t, filepath.Join(dir, "spool"), options())
}
