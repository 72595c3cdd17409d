package docs

import (
	"html/template"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui"
)

// What stands in the documentation for a check of the reader.
const (
	sampleUUID = "your-uuid-here"
	sampleKey  = "your-ping-key"
	sampleSlug = "nightly-backup"
)

// sessionExample is the code of the check that the reader wants to see in the
// commands of the documentation.
const sessionExample = "example"

// maxExamples is how many checks are offered at once.
const maxExamples = 50

// docsExample is a check whose addresses stand in the commands.
type docsExample struct {
	check *monitor.Check
	// the ping key of its project, "" = none, or not for this reader
	key string
}

// exampleOf is the check of the reader's choice, nil when there is none (any
// more) or it is not theirs to see.
func (s *Pages) exampleOf(r *http.Request) (*docsExample, error) {
	v := ui.VisitorOf(r)
	code, err := uuid.Parse(exampleCode(v))
	if err != nil || v.User == nil {
		return nil, nil //nolint:nilerr // none is chosen
	}
	c, err := s.Store.CheckByCode(r.Context(), code)
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	p, role, err := s.ProjectByID(r, c.ProjectID.String())
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	ex := &docsExample{check: c}
	// the key opens all checks of the project
	if role.CanWrite() {
		ex.key = p.PingKey
	}
	return ex, nil
}

func ignoreNotFound(err error) error {
	if errs.KindOf(err) == errs.NotFound {
		return nil
	}
	return err
}

// fill puts the addresses of the check into a page.
func (ex *docsExample) fill(page template.HTML) template.HTML {
	pairs := []string{sampleUUID, ex.check.Code.String()}
	if ex.key != "" {
		slug := ex.check.Slug
		if slug != "" {
			pairs = append(pairs, sampleKey+"/"+sampleSlug, ex.key+"/"+slug, sampleKey+"+"+sampleSlug, ex.key+"+"+slug)
		}
		pairs = append(pairs, sampleKey, ex.key)
	}
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = template.HTMLEscapeString(pairs[i])
	}
	return template.HTML(strings.NewReplacer(pairs...).Replace(string(page))) //nolint:gosec // escaped above
}

// example is the code in the session, "" = none.
func exampleCode(v *ui.Visitor) string {
	code, _ := v.Session.Values[sessionExample].(string)
	return code
}

// docsExamplePage is where the reader chooses a check.
type docsExamplePage struct {
	docsFrame
	Search string
	// the page to go back to, "" = the list
	Back   string
	Checks []store.CheckRow
	// there are more than those shown
	More   bool
	Chosen string
}

// ExampleForm answers GET /docs/example/?search=&back=.
func (s *Pages) ExampleForm(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	if v.User == nil {
		return ui.ErrLogin
	}
	frame, err := s.docsFrame("Choose a check")
	if err != nil {
		return err
	}
	m := &docsExamplePage{docsFrame: frame, Back: docsBack(r), Chosen: exampleCode(v)}
	m.Search = text.Clip(strings.TrimSpace(ui.Field(r, "search")), monitor.MaxNameLength)
	m.Checks, err = s.Store.ChecksSeenBy(r.Context(), v.User.ID, m.Search, maxExamples+1)
	if err != nil {
		return err
	}
	m.More = len(m.Checks) > maxExamples
	if m.More {
		m.Checks = m.Checks[:maxExamples]
	}
	return s.Render(w, r, http.StatusOK, "docs/example", m)
}

// ChooseExample answers POST /docs/example/ with the code of a check; an empty one
// brings the placeholders back.
func (s *Pages) ChooseExample(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	if v.User == nil {
		return ui.ErrLogin
	}
	code := ui.PostedField(r, "check")
	if code == "" {
		delete(v.Session.Values, sessionExample)
	} else {
		v.Session.Values[sessionExample] = code
		switch ex, err := s.exampleOf(r); {
		case err != nil:
			return err
		case ex == nil:
			delete(v.Session.Values, sessionExample)
			return errs.NotFoundf("There is no such check.")
		}
	}
	back := docsBack(r)
	if back != "" {
		return s.Redirect(w, r, "/docs/"+back+"/")
	}
	return s.Redirect(w, r, "/docs/")
}

// docsBack is the page of documentation named in the request, "" for the list.
func docsBack(r *http.Request) string {
	name := ui.Field(r, "back")
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return ""
	}
	return name
}
