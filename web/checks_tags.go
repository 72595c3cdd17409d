package web

import (
	"fmt"
	"slices"
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/text"
)

// tagChip is a tag above the list, coloured by the worst of its checks.
type tagChip struct {
	Name  string
	State shown
	Tip   string // "2 of 5 down"
	On    bool
	Query string
}

// tagCount collects, tag by tag, how many checks have it and how they are.
type tagCount struct{ by map[string]*tagStates }

type tagStates struct{ total, down, late, up int }

func newTagCount() *tagCount { return &tagCount{by: map[string]*tagStates{}} }

func (t *tagCount) add(c *monitor.Check, state shown) {
	for tag := range strings.FieldsSeq(c.Tags) {
		n := t.by[tag]
		if n == nil {
			n = &tagStates{}
			t.by[tag] = n
		}
		n.add(state)
	}
}

func (n *tagStates) add(state shown) {
	n.total++
	switch state {
	case shownDown:
		n.down++
	case shownLate:
		n.late++
	case shownUp, shownStarted:
		n.up++
	}
}

// chips are the tags in natural order, with the filter's own even when no check
// has them any more.
func (t *tagCount) chips(f *listFilter) []tagChip {
	for _, tag := range f.Tags {
		if t.by[tag] == nil {
			t.by[tag] = &tagStates{}
		}
	}
	out := make([]tagChip, 0, len(t.by))
	for tag, n := range t.by {
		chip := tagChip{Name: tag, On: slices.Contains(f.Tags, tag), Query: f.toggledTag(tag)}
		chip.State, chip.Tip = n.worst()
		out = append(out, chip)
	}
	slices.SortFunc(out, func(a, b tagChip) int {
		if c := compareNatural(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

func (n *tagStates) worst() (shown, string) {
	of := func(k int, word string) string { return fmt.Sprintf("%d of %d %s", k, n.total, word) }
	switch {
	case n.down > 0:
		return shownDown, of(n.down, "down")
	case n.late > 0:
		return shownLate, of(n.late, "late")
	case n.up > 0:
		return shownUp, of(n.up, "up")
	default:
		return shownNew, text.Plural(n.total, "check", "checks")
	}
}
