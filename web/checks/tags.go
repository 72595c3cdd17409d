package checks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/text"
	"punctual/web/ui/checkstate"
)

const (
	// maxTagChips is how many tags stand above the list: the most used.
	maxTagChips = 100

	// maxCountedTags is among how many tags the most used are looked for.
	maxCountedTags = 5000
)

// tagChip is a tag above the list, coloured by the worst of its checks.
type tagChip struct {
	Name  string
	State checkstate.State
	// "2 of 5 down"
	Tip   string
	On    bool
	Query string
}

// tagCount collects, tag by tag, how many checks have it and how they are.
type tagCount struct {
	by map[string]*tagStates
	// there are tags that were not counted
	more bool
}

type tagStates struct{ total, down, late, up int }

// newTagCount counts the chosen tags in any case.
func newTagCount(chosen []string) *tagCount {
	t := &tagCount{by: make(map[string]*tagStates)}
	for _, tag := range chosen {
		t.by[tag] = &tagStates{}
	}
	return t
}

func (t *tagCount) add(c *monitor.Check, state checkstate.State) {
	for tag := range strings.FieldsSeq(c.Tags) {
		n := t.by[tag]
		if n == nil && len(t.by) >= maxCountedTags {
			t.more = true
			continue
		}
		if n == nil {
			n = &tagStates{}
			t.by[tag] = n
		}
		n.add(state)
	}
}

func (n *tagStates) add(state checkstate.State) {
	n.total++
	switch state {
	case checkstate.Down:
		n.down++
	case checkstate.Late:
		n.late++
	case checkstate.Up, checkstate.Started:
		n.up++
	}
}

// chips are the tags in natural order, the most used where there are too many,
// with the filter's own even when no check has them any more. more tells that some
// are left out.
func (t *tagCount) chips(f *listFilter) (chips []tagChip, more bool) {
	names := t.mostUsed(f.Tags)
	out := make([]tagChip, 0, len(names))
	for _, tag := range names {
		chip := tagChip{Name: tag, On: slices.Contains(f.Tags, tag), Query: f.toggledTag(tag)}
		chip.State, chip.Tip = t.by[tag].worst()
		out = append(out, chip)
	}
	slices.SortFunc(out, func(a, b tagChip) int {
		c := compareNatural(strings.ToLower(a.Name), strings.ToLower(b.Name))
		if c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, t.more || len(out) < len(t.by)
}

// mostUsed are at most maxTagChips tags and the chosen ones.
func (t *tagCount) mostUsed(chosen []string) []string {
	names := slices.Collect(maps.Keys(t.by))
	if len(names) <= maxTagChips {
		return names
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(t.by[b].total, t.by[a].total), strings.Compare(a, b))
	})
	top := slices.Clone(names[:maxTagChips])
	for _, tag := range chosen {
		if !slices.Contains(top, tag) {
			top = append(top, tag)
		}
	}
	return top
}

func (n *tagStates) worst() (checkstate.State, string) {
	of := func(k int, word string) string { return fmt.Sprintf("%d of %d %s", k, n.total, word) }
	switch {
	case n.down > 0:
		return checkstate.Down, of(n.down, "down")
	case n.late > 0:
		return checkstate.Late, of(n.late, "late")
	case n.up > 0:
		return checkstate.Up, of(n.up, "up")
	default:
		return checkstate.New, text.Plural(n.total, "check", "checks")
	}
}
