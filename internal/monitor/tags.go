package monitor

import (
	"slices"
	"strings"
)

// MaxProjectTags is how many distinct tags of a project have a badge in lists and a
// metric of their own. Nobody looks at more, and ten thousand checks may have half
// a million.
const MaxProjectTags = 1000

// FirstTags collects the first MaxProjectTags of distinct tags in the order of
// their bytes. It never holds more than twice as many. The zero value is empty.
type FirstTags struct {
	seen map[string]bool
	// tags from here on are not among the first, "" = not known yet
	end string
}

// Add adds the tags of a check, which are separated by blanks.
func (f *FirstTags) Add(tags string) {
	for tag := range strings.FieldsSeq(tags) {
		if f.seen[tag] || f.end != "" && tag >= f.end {
			continue
		}
		if f.seen == nil {
			f.seen = make(map[string]bool)
		}
		f.seen[strings.Clone(tag)] = true
		if len(f.seen) == 2*MaxProjectTags {
			f.cut()
		}
	}
}

// cut leaves the first.
func (f *FirstTags) cut() {
	sorted := f.sorted()
	f.end = sorted[MaxProjectTags]
	for _, tag := range sorted[MaxProjectTags:] {
		delete(f.seen, tag)
	}
}

func (f *FirstTags) sorted() []string {
	tags := make([]string, 0, len(f.seen))
	for tag := range f.seen {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	return tags
}

// List returns the tags, sorted.
func (f *FirstTags) List() []string {
	sorted := f.sorted()
	return sorted[:min(len(sorted), MaxProjectTags)]
}
