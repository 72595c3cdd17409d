package checks

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/monitor"
	"punctual/web/ui/checkstate"
)

func TestNaturalOrder(t *testing.T) {
	want := []string{"", "9", "10", "a", "a1", "a01b", "a2", "a10", "a10b", "b 2 x 3", "b 2 x 20", "ab"}
	slices.SortFunc(want[9:], compareNatural)
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortStableFunc(got, compareNatural)
	diff := cmp.Diff([]string{"", "9", "10", "a", "a1", "a01b", "a2", "a10", "a10b", "ab", "b 2 x 3", "b 2 x 20"}, got)
	if diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Of very many tags the page shows the most used and those of the filter, and says
// that there are more.
func TestChipsOfManyTagsAreTheMostUsed(t *testing.T) {
	filter := &listFilter{Tags: []string{"t4321", "zzz"}}
	many := newTagCount(filter.Tags)
	for i := range 6000 {
		many.add(&monitor.Check{Tags: fmt.Sprintf("prod t%04d", i)}, checkstate.Up)
	}
	many.add(&monitor.Check{Tags: "zzz"}, checkstate.Up)
	many.add(&monitor.Check{Tags: "t4000"}, checkstate.Down)
	chips, more := many.chips(filter)
	names := make(map[string]tagChip)
	for _, chip := range chips {
		names[chip.Name] = chip
	}
	if len(many.by) > maxCountedTags || len(chips) != maxTagChips+2 || !more {
		t.Errorf("%d chips of %d tags, more: %t", len(chips), len(many.by), more)
	}
	if names["t4000"].State != checkstate.Down || names["prod"].Name == "" {
		t.Errorf("the most used are missing: %v", chips)
	}
	if !names["t4321"].On || !names["zzz"].On || names["zzz"].State != checkstate.Up {
		t.Errorf("chips %v", chips)
	}
	few := newTagCount(nil)
	few.add(&monitor.Check{Tags: "a b"}, checkstate.Up)
	if chips, more := few.chips(&listFilter{}); len(chips) != 2 || more {
		t.Errorf("of two tags: %v, more: %t", chips, more)
	}
}
