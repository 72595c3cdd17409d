package web

import (
	"bytes"
	"cmp"
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
	Lead  string // what it is about, for the list
	HTML  template.HTML
}

type docsPage struct {
	BasePage
	Docs []doc
	Doc  *doc // nil: the list
}

// docList names the pages, and says what each is about, in the order in which
// one would read them.
func docList() []doc {
	return []doc{
		{Name: "introduction", Lead: "What a check is, its states, and the two times to set."},
		{Name: "crontab", Lead: "The line to add to a job, with exit status and output."},
		{Name: "signalling", Lead: "Start, success, failure, log; run ids; ping keys."},
		{Name: "pinging", Lead: "The pinging API: every address, parameter and answer."},
		{Name: "email-pings", Lead: "The address of each check, and keywords that tell failure from success."},
		{Name: "schedules", Lead: "Periods, cron expressions and OnCalendar, with examples."},
		{Name: "clients", Lead: "Backup tools, Terraform, Ansible, Home Assistant, libraries: what to tell them."},
		{Name: "notifications", Lead: "E-mail, webhooks, Pushover; what is sent when."},
		{Name: "badges", Lead: "Pictures of a status for a README or a wiki, and the same as JSON."},
		{Name: "prometheus", Lead: "Scrape the checks of a project; its metrics, and rules to begin with."},
		{Name: "api", Lead: "Make, change and read checks from programs: keys, addresses, refusals."},
		{Name: "api-v3", Lead: "The version to use."},
		{Name: "api-v2", Lead: "What differs in version 2."},
		{Name: "api-v1", Lead: "What differs in version 1."},
		{Name: "api-extensions", Lead: "Beyond the usual API: channels and projects by API, filters and pages, a schedule in the first ping."},
		{Name: "self-hosting", Lead: "The commands and settings of an instance of your own."},
	}
}

// loadDocs renders the documentation once, with the addresses of this instance
// in the place of the words PING_URL, PING_ENDPOINT (with a slash at its end), PING_BASE
// (without), SITE_ROOT and MAIL_PINGS_AT (the domain of pings by e-mail).
func loadDocs(fsys fs.FS, site *Site) ([]doc, error) {
	fill := strings.NewReplacer(
		"PING_URL", site.PingEndpoint+"your-uuid-here", "PING_ENDPOINT", site.PingEndpoint, "PING_BASE", strings.TrimSuffix(site.PingEndpoint, "/"),
		"SITE_ROOT", site.Root.String(), "SITE_NAME", site.Name, "MAIL_PINGS_AT", cmp.Or(site.PingEmailDomain, "the-domain-of-its-mail"),
	)
	md := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	docs := docList()
	for i := range docs {
		d := &docs[i]
		raw, err := fs.ReadFile(fsys, "docs/"+d.Name+".md")
		if err != nil {
			return nil, err
		}
		title, text, ok := strings.Cut(fill.Replace(string(raw)), "\n\n")
		if !ok || !strings.HasPrefix(title, "# ") {
			return nil, fmt.Errorf("docs/%s.md does not begin with a title and an empty line", d.Name)
		}
		var html bytes.Buffer
		if err := md.Convert([]byte(text), &html); err != nil {
			return nil, fmt.Errorf("docs/%s.md: %w", d.Name, err)
		}
		d.Title, d.HTML = strings.TrimPrefix(title, "# "), template.HTML(html.String()) //nolint:gosec // our own text
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
