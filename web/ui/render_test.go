package ui_test

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
	"testing"

	"punctual/internal/db"
	"punctual/templates"
	"punctual/web/webtest"
)

// Pages are parsed when they are asked for first; a rare one must not fail then.
func TestEveryPageIsParsed(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite, webtest.WithReference())
	files, err := fs.Glob(templates.FS, "pages/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if err := s.Server.Parse(name); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	s.Get("/docs/").Is(http.StatusOK) // parses all of it
	if err := s.Server.Parse("none"); err == nil {
		t.Error("a page that does not exist is no error")
	}
}
