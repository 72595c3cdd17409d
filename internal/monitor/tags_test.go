package monitor_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"punctual/internal/monitor"
)

func TestFirstTags(t *testing.T) {
	var first monitor.FirstTags
	if got := first.List(); len(got) != 0 {
		t.Errorf("of none: %q", got)
	}
	first.Add("web  db")
	first.Add("db")
	if got := first.List(); !slices.Equal(got, []string{"db", "web"}) {
		t.Errorf("%q", got)
	}
	first = monitor.FirstTags{}
	for _, n := range rand.Perm(5000) {
		first.Add(fmt.Sprintf("t%04d t%04d", n, (n+1)%5000))
	}
	got := first.List()
	if len(got) != monitor.MaxProjectTags || !slices.IsSorted(got) || got[0] != "t0000" || got[len(got)-1] != "t0999" {
		t.Errorf("%d tags, %q to %q", len(got), got[0], got[len(got)-1])
	}
}
