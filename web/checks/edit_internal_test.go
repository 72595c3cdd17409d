package checks

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

func TestLongNamesAreCopiedShortened(t *testing.T) {
	c := monitor.NewCheck(uuid.New(), time.Now())
	c.Name = strings.Repeat("é", 100)
	c.Slug = strings.Repeat("x", 97)
	twin := copyOf(&c, monitor.NewCheck(c.ProjectID, time.Now()))
	if twin.Name != strings.Repeat("é", 93)+" (copy)" || twin.Slug != strings.Repeat("x", 95)+"-copy" {
		t.Errorf("%q, %q", twin.Name, twin.Slug)
	}
	c.Name = ""
	c.Slug = ""
	twin = copyOf(&c, c)
	if twin.Name != "" || twin.Slug != "" {
		t.Errorf("nameless: %q, %q", twin.Name, twin.Slug)
	}
}
