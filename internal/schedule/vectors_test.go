package schedule

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"
)

// vector is one row of testdata, made by running the libraries that Healthchecks uses
// (cronsim, oncalendar). Starts for which they answer with an earlier time are left out.
type vector struct {
	Expr, TZ string
	Start    time.Time
	Next     []time.Time
	Error    string
}

func TestCronVectors(t *testing.T) {
	testVectors(t, "cron.jsonl", func(expr string, loc *time.Location) (Schedule, error) {
		return parseCron(expr, loc)
	})
}

func TestOnCalendarVectors(t *testing.T) {
	testVectors(t, "oncalendar.jsonl", func(expr string, loc *time.Location) (Schedule, error) {
		return parseOnCalendar(expr, loc)
	})
}

func testVectors(t *testing.T, name string, parse func(string, *time.Location) (Schedule, error)) {
	for _, v := range readVectors(t, name) {
		loc, err := LoadZone(v.TZ)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parse(v.Expr, loc)
		if (err != nil) != (v.Error != "") {
			t.Errorf("%q: error %v, want error %q", v.Expr, err, v.Error)
			continue
		}
		if err != nil {
			continue
		}
		got := upcoming(s, v.Start, 5)
		if !slices.Equal(got, v.Next) {
			t.Errorf("%q in %s after %s:\n got %v\nwant %v", v.Expr, v.TZ, v.Start, got, v.Next)
		}
	}
}

func readVectors(t *testing.T, name string) (rows []vector) {
	packed, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	lines, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	for scan := bufio.NewScanner(lines); scan.Scan(); {
		var v vector
		if err := json.Unmarshal(scan.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, v)
	}
	if len(rows) < 1000 {
		t.Fatalf("%s holds only %d rows", name, len(rows))
	}
	return rows
}

// upcoming is the next n occurrences, fewer when the schedule ends.
func upcoming(s Schedule, after time.Time, n int) (all []time.Time) {
	for range n {
		next, ok := s.Next(after)
		if !ok {
			break
		}
		all = append(all, next)
		after = next
	}
	return all
}
