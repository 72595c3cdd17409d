// Package conformance holds Punctual to the HTTP contract of the field, line by
// line, over a real server on both engines. It has tests only.
//
// TestCases has the cases of docs/conformance.md: "§9.6" is the sixth case of its
// section 9. TestContract has the 47 items of docs/contract.md §7. Each line is a
// test of its own:
//
//	go test ./internal/conformance -run 'Cases/§9.6_' -v
//
// Where the two differ, the cases count. Where Healthchecks itself fails by
// accident, the better answer is expected (docs/contract.md §9).
package conformance

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) {
	// the judge of answers leaves much garbage: a quarter of the time goes otherwise
	debug.SetGCPercent(400)
	testdb.Main(m)
}

// section is a section of docs/conformance.md.
type section struct {
	number int
	// lines it has in the document
	rows  int
	lines []line
}

// line is a line of a section, or an item of the checklist.
type line struct {
	number int
	name   string
	on     kind
	run    func(c *client)
}

func sections() []section {
	return []section{
		{1, 11, routing()},
		{2, 13, authentication()},
		{3, 9, checkObject()},
		{4, 37, creation()},
		{5, 8, reading()},
		{6, 7, updates()},
		{7, 7, lifecycle()},
		{8, 9, history()},
		{9, 22, pingsByUUID()},
		{10, 9, pingsBySlug()},
		{11, 9, passingTime()},
		{12, 14, machines()},
	}
}

// checklistItems is how many items docs/contract.md §7 has.
const checklistItems = 47

// TestCases is docs/conformance.md.
func TestCases(t *testing.T) {
	all := newSites(t)
	for _, s := range sections() {
		for _, l := range s.lines {
			t.Run(fmt.Sprintf("§%d.%d %s", s.number, l.number, l.name), func(t *testing.T) { all.run(t, l) })
		}
	}
}

// TestContract is the checklist of docs/contract.md §7.
func TestContract(t *testing.T) {
	all := newSites(t)
	for _, l := range checklist() {
		t.Run(fmt.Sprintf("%02d %s", l.number, l.name), func(t *testing.T) { all.run(t, l) })
	}
}

// Each line of the two documents is there, once and in order.
func TestNoLineIsMissing(t *testing.T) {
	for _, s := range sections() {
		inOrder(t, fmt.Sprintf("§%d.", s.number), s.rows, s.lines)
	}
	inOrder(t, "item ", checklistItems, checklist())
}

func inOrder(t *testing.T, prefix string, rows int, lines []line) {
	t.Helper()
	for i, l := range lines {
		if l.number != i+1 {
			t.Fatalf("%s%d %q stands where %s%d should", prefix, l.number, l.name, prefix, i+1)
		}
	}
	if len(lines) != rows {
		t.Errorf("%s1 to %d are there, the document goes on to %d", prefix, len(lines), rows)
	}
}

// Who reads the number of a failed test finds it in docs/conformance.md, with the
// name that the test has, and an item in docs/contract.md.
func TestEveryCaseIsInTheDocument(t *testing.T) {
	cases := document(t, "conformance.md")
	for _, s := range sections() {
		for _, l := range s.lines {
			row := fmt.Sprintf("\n| %d.%d | %s | ", s.number, l.number, l.name)
			if !strings.Contains(cases, row) {
				t.Errorf("docs/conformance.md has no row %s", strings.TrimSpace(row))
			}
		}
	}
	items := document(t, "contract.md")
	for _, l := range checklist() {
		if !strings.Contains(items, fmt.Sprintf("\n| %d | ", l.number)) {
			t.Errorf("docs/contract.md has no item %d", l.number)
		}
	}
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What other settings change.
func TestOtherSettings(t *testing.T) {
	newSites(t).run(t, line{run: otherSite, on: other})
}

// The aliases of cron are taken, which Healthchecks refuses: stored and echoed
// as they were sent, and computed as the five fields they stand for.
func TestScheduleAliases(t *testing.T) {
	newSites(t).run(t, line{on: once, run: func(c *client) {
		for _, word := range []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"} {
			k := c.make(`{"schedule":"` + word + `","tz":"Europe/Riga"}`)
			k.shows("schedule", word, "tz", "Europe/Riga", "timeout", absent)
			k.ping("")
			k.shows("status", "up", "schedule", word)
			c.get("/ping/{PK}/made-" + word[1:] + "?create=1&schedule=" + word).is("201 Created")
			c.called("made-"+word[1:]).shows("schedule", word)
		}
		c.make(`{"schedule":"daily\n\nweekly"}`).shows("schedule", "daily\n\nweekly")
	}})
}
