package ui

import (
	"fmt"

	"punctual/internal/store"
)

// removal is a project on a page that warns of its removal.
type removal struct {
	Content *store.ProjectContent
	// the page: "close" or "remove"
	Back string
	// a member is asked to take it over
	Offered bool
}

// newRemoval takes a store.ProjectContent or a pointer to one: ranges of templates
// have values.
func newRemoval(content any, back string) (removal, error) {
	r := removal{Back: back}
	switch c := content.(type) {
	case *store.ProjectContent:
		r.Content = c
	case store.ProjectContent:
		r.Content = &c
	default:
		return r, fmt.Errorf("removal: a project's content is needed, not %T", content)
	}
	for i := range r.Content.Members {
		r.Offered = r.Offered || !r.Content.Members[i].Offered.IsZero()
	}
	return r, nil
}
