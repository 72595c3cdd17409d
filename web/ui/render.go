package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"sync"
	"text/template/parse"

	"punctual/internal/errs"
	"punctual/internal/incident"
)

// engine parses templates: each file below pages/ becomes a set of that file,
// layout.html and what they use of partials/. All of partials/ in each set
// would make every process 20 MB larger. A page is parsed when it is asked for
// first, so that a process starts at once and holds what it shows; a test
// parses them all.
type engine struct {
	fsys  fs.FS
	funcs template.FuncMap
	// parse at each request anew
	dev bool

	mu sync.Mutex
	// layout.html and partials/
	shared *template.Template
	pages  map[string]*template.Template
}

func newEngine(fsys fs.FS, dev bool, funcs template.FuncMap) *engine {
	return &engine{fsys: fsys, funcs: funcs, dev: dev, pages: map[string]*template.Template{}}
}

// page returns the set of pages/<name>.html.
func (e *engine) page(name string) (*template.Template, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.pages[name]; t != nil && !e.dev {
		return t, nil
	}
	t, err := e.parse(name)
	if err != nil {
		return nil, err
	}
	e.pages[name] = t
	return t, nil
}

func (e *engine) parse(name string) (*template.Template, error) {
	if e.shared == nil || e.dev {
		shared, err := template.New("").Funcs(e.funcs).ParseFS(e.fsys, "layout.html", "partials/*.html")
		if err != nil {
			return nil, err
		}
		e.shared = shared
	}
	t, err := template.New("").Funcs(e.funcs).ParseFS(e.fsys, "pages/"+name+".html")
	if err != nil {
		return nil, err
	}
	for _, defined := range t.Templates() {
		// the file itself, outside of its definitions
		if defined.Tree == nil {
			continue
		}
		if err := addUsed(t, e.shared, defined.Tree.Root); err != nil {
			return nil, err
		}
	}
	return t, addTemplate(t, e.shared, "layout")
}

// addTemplate adds to t the template of base with the name, and all it uses,
// unless t has one of that name.
func addTemplate(t, base *template.Template, name string) error {
	if t.Lookup(name) != nil {
		return nil
	}
	found := base.Lookup(name)
	if found == nil {
		// the first to render it is told
		return nil
	}
	// A copy: html/template writes into a tree what its place needs.
	_, err := t.AddParseTree(name, found.Tree.Copy())
	if err != nil {
		return err
	}
	return addUsed(t, base, found.Tree.Root)
}

// addUsed adds to t the templates of base that the node uses.
func addUsed(t, base *template.Template, n parse.Node) error {
	branch := func(lists ...*parse.ListNode) (err error) {
		for _, list := range lists {
			if list != nil && err == nil {
				err = addUsed(t, base, list)
			}
		}
		return err
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, child := range n.Nodes {
			if err := addUsed(t, base, child); err != nil {
				return err
			}
		}
	case *parse.IfNode:
		return branch(n.List, n.ElseList)
	case *parse.RangeNode:
		return branch(n.List, n.ElseList)
	case *parse.WithNode:
		return branch(n.List, n.ElseList)
	case *parse.TemplateNode:
		return addTemplate(t, base, n.Name)
	}
	return nil
}

// Model is a page's view model: it embeds BasePage.
type Model interface{ base() *BasePage }

// Render answers with the page name (pages/<name>.html in the layout).
func (s *Site) Render(w http.ResponseWriter, r *http.Request, status int, name string, m Model) error {
	b := m.base()
	if err := s.FillBase(r, b); err != nil {
		return err
	}
	// fragments leave them for the next page
	b.Flashes = append(b.Flashes, VisitorOf(r).takeFlashes()...)
	return s.Execute(w, status, name, "layout", m)
}

// Fragment answers with one named template of the page's set, for scripts that
// replace a part of the page.
func (s *Site) Fragment(w http.ResponseWriter, r *http.Request, name, part string, m Model) error {
	if err := s.FillBase(r, m.base()); err != nil {
		return err
	}
	return s.Execute(w, http.StatusOK, name, part, m)
}

// Execute answers with one named template of the page's set and a model that is
// complete.
func (s *Site) Execute(w http.ResponseWriter, status int, name, part string, m any) error {
	t, err := s.pages.page(name)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, part, m); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, err = buf.WriteTo(w)
	if err != nil {
		// the reader has gone
		s.Log.Debug("send page", "error", err)
	}
	return nil
}

// Handler is an http.HandlerFunc that may fail; wrap turns the error into a page.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Wrap makes a handler of one that may fail: the page of the error is its answer.
func (s *Site) Wrap(h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, incident.From(h, err))
		}
	}
}

// ErrLogin sends a visitor to the login form and back.
var ErrLogin = errors.New("login needed")

// statusOf maps the kinds of error to HTTP.
func statusOf(err error) int {
	switch errs.KindOf(err) {
	case errs.Invalid:
		return http.StatusBadRequest
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Forbidden:
		return http.StatusForbidden
	case errs.Unauthorized:
		return http.StatusUnauthorized
	case errs.Conflict:
		return http.StatusConflict
	case errs.TooMany:
		return http.StatusTooManyRequests
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// Redirect sends the browser to an absolute path of ours after a post. A script
// that posts from a dialog is told where to go: it cannot see a redirect, and
// following it would use the flash up.
func (s *Site) Redirect(w http.ResponseWriter, r *http.Request, path string) error {
	if r.Header.Get("X-Dialog") != "" {
		w.Header().Set("X-Location", s.Path(path))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r, s.Path(path), http.StatusSeeOther)
	return nil
}

// Part is one named template of a page as text, for answers that hold several.
func (s *Site) Part(page, name string, m any) (string, error) {
	t, err := s.pages.page(page)
	if err != nil {
		return "", err
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, name, m); err != nil {
		return "", fmt.Errorf("render %s of %s: %w", name, page, err)
	}
	return buf.String(), nil
}

// WriteJSON answers a script of ours.
func WriteJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// the reader may have gone
	_, _ = w.Write(body)
	return nil
}
