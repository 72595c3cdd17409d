package assets_test

import (
	"io/fs"
	"strings"
	"testing"

	"punctual/templates"
)

// htmx is a third of what a page weighs: those that use it fetch it, and no others.
func TestPagesFetchHtmxWhenTheyUseIt(t *testing.T) {
	pages, err := fs.Glob(templates.FS, "*/*.html")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, name := range append(pages, "layout.html") {
		if strings.HasPrefix(name, "partials/") || strings.HasPrefix(name, "email/") {
			continue
		}
		text, err := fs.ReadFile(templates.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		uses := strings.Contains(string(text), " hx-")
		fetches := strings.Contains(string(text), `{{template "htmx" .}}`)
		if uses != fetches {
			t.Errorf("%s: uses htmx %v, fetches it %v", name, uses, fetches)
		}
	}
}
