package ui_test

import (
	"io/fs"
	"net/http"
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
	parsed := 0
	err := fs.WalkDir(templates.FS, "pages", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		parsed++
		name := strings.TrimSuffix(strings.TrimPrefix(file, "pages/"), ".html")
		if err := s.Server.Parse(name); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		return nil
	})
	if err != nil || parsed < 50 {
		t.Fatalf("%d pages, %v", parsed, err)
	}
	// parses all of it
	s.Get("/docs/").Is(http.StatusOK)
	if err := s.Server.Parse("none"); err == nil {
		t.Error("a page that does not exist is no error")
	}
}
