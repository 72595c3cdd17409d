package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"

	"punctual/internal/errs"
)

// doc is a page of documentation: templates/docs/<Name>.md.
type doc struct {
	Name  string
	Title string // its first line
	Lead  string // its first paragraph, for the list
	HTML  template.HTML
}

type docsPage struct {
	BasePage
	Docs []doc
	Doc  *doc // nil: the list
}

// docNames are the pages in the order in which one would read them.
func docNames() []string {
	return []string{"introduction", "crontab", "signalling", "schedules", "notifications", "self-hosting"}
}

// loadDocs renders the documentation once, with the addresses of this instance
// in the place of the words PING_ENDPOINT, PING_URL and SITE_ROOT.
func loadDocs(fsys fs.FS, site *Site) ([]doc, error) {
	fill := strings.NewReplacer(
		"PING_URL", site.PingEndpoint+"your-uuid-here", "PING_ENDPOINT", site.PingEndpoint, "SITE_ROOT", site.Root.String(), "SITE_NAME", site.Name,
	)
	md := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	var docs []doc
	for _, name := range docNames() {
		raw, err := fs.ReadFile(fsys, "docs/"+name+".md")
		if err != nil {
			return nil, err
		}
		title, text, ok := strings.Cut(fill.Replace(string(raw)), "\n\n")
		if !ok || !strings.HasPrefix(title, "# ") {
			return nil, fmt.Errorf("docs/%s.md does not begin with a title and an empty line", name)
		}
		lead, _, _ := strings.Cut(text, "\n\n")
		var html bytes.Buffer
		if err := md.Convert([]byte(text), &html); err != nil {
			return nil, fmt.Errorf("docs/%s.md: %w", name, err)
		}
		docs = append(docs, doc{
			Name: name, Title: strings.TrimPrefix(title, "# "), Lead: strings.ReplaceAll(lead, "\n", " "),
			HTML: template.HTML(html.String()), //nolint:gosec // our own text
		})
	}
	return docs, nil
}

func (s *Server) docsIndex(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, "docs", &docsPage{BasePage: BasePage{Title: "Documentation", Nav: "docs"}, Docs: s.docs})
}

func (s *Server) docsPage(w http.ResponseWriter, r *http.Request) error {
	for i := range s.docs {
		if d := &s.docs[i]; d.Name == chi.URLParam(r, "page") {
			return s.render(w, r, http.StatusOK, "docs", &docsPage{BasePage: BasePage{Title: d.Title, Nav: "docs"}, Docs: s.docs, Doc: d})
		}
	}
	return errs.NotFoundf("There is no such page.")
}
