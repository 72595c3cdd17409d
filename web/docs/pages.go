package docs

import (
	"bytes"
	"cmp"
	"fmt"
	stdhtml "html"
	"html/template"
	"io/fs"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"punctual/internal/errs"
	"punctual/internal/notify"
	"punctual/internal/schedule"
	"punctual/web/apidoc"
	"punctual/web/ui"
	"punctual/web/ui/highlight"
)

// doc is a page of documentation: templates/docs/<Name>.md.
type doc struct {
	Name string
	// its first line
	Title string
	// what it is about, for the list
	Lead string
	// its text, "" = docs/<Name>.md
	file     string
	HTML     template.HTML
	Sections []docSection
	// the page has a form to try expressions of this kind; "" = none
	Tester schedule.Kind
}

// docGroup is a part of the list, in the order in which one would read it.
type docGroup struct {
	Title string
	Docs  []doc
}

// docs is the whole documentation, as this instance shows it.
type docs struct {
	groups []docGroup
	// nil = no page about the API
	reference *apidoc.Reference
}

// Fillable tells whether the page has commands that a check's own addresses fit in.
func (d *doc) Fillable() bool {
	return strings.Contains(string(d.HTML), sampleUUID) || strings.Contains(string(d.HTML), sampleKey)
}

// docList names the pages, and says what each is about.
func docList() []docGroup {
	return []docGroup{
		{"Start", []doc{
			{Name: "introduction", Lead: "What a check is, its states, and the two times to set."},
			{Name: "signalling", Lead: "Success, start, failure, exit status, log; words in the output."},
			{Name: "run-times", Lead: "How long each run took, runs that hang, and run ids for runs that overlap."},
			{Name: "slugs", Lead: "Ping URLs by name, and checks created by their first ping."},
			{Name: "reliability", Lead: "Pings that arrive and alerts to trust: retries, grace times, and what we promise."},
		}},
		{"Ping from", []doc{
			{Name: "crontab", Lead: "The line to add to a job, with exit status and output."},
			{Name: "systemd", Lead: "Timers and services: a ping when one starts, ends or fails."},
			{Name: "docker", Lead: "Containers that do one thing and stop; Compose."},
			{Name: "kubernetes", Lead: "CronJobs, with the address in a secret."},
			{Name: "bash", Lead: "Shell scripts: a trap that reports every exit."},
			{Name: "python", Lead: "With the standard library and with requests."},
			{Name: "go", Lead: "With net/http, with retries."},
			{Name: "node", Lead: "fetch, in Node, Deno and Bun."},
			{Name: "php", Lead: "With curl, and without."},
			{Name: "ruby", Lead: "With net/http."},
			{Name: "csharp", Lead: "With HttpClient."},
			{Name: "powershell", Lead: "Scripts and scheduled tasks of Windows."},
			{Name: "java", Lead: "With the HttpClient of the JDK."},
			{Name: "email-pings", Lead: "The address of each check, and keywords that tell failure from success."},
			{Name: "clients", Lead: "Backup tools, Terraform, Ansible, Home Assistant, libraries: how to set them up."},
		}},
		{"Schedules", []doc{
			{Name: "schedules", Lead: "Periods, cron expressions and OnCalendar: which one to use."},
			{Name: "cron", Lead: "Every part of a cron expression, with examples, and a field to try yours.", Tester: schedule.Cron},
			{Name: "oncalendar", Lead: "systemd's calendar events, with examples, and a field to try yours.", Tester: schedule.OnCalendar},
			{Name: "time-zones", Lead: "Which clock counts, and what happens when clocks change."},
		}},
		{"Alerts and reports", []doc{
			{Name: "notifications", Lead: "E-mail, webhooks, Pushover; what is sent when."},
			{Name: "reports", Lead: "A mail each day, week or month, and reminders while something is down."},
			{Name: "webhooks", Lead: "Call any address: words to put in, recipes, answers that count."},
			{Name: "wall", Lead: "A screen in the room that shows what is down."},
			{Name: "badges", Lead: "Pictures of a status for a README or a wiki, and the same as JSON."},
			{Name: "prometheus", Lead: "Scrape the checks of a project; its metrics, and rules to begin with."},
			{Name: "teams", Lead: "Projects, who may do what in them, and their keys."},
			{Name: "signing-in", Lead: "Mailed links, passwords, and two-factor sign-in: keys, authenticator apps, recovery codes."},
		}},
		{"This site", []doc{
			{Name: "lists", Lead: "Find some of many checks, and pause, tag or remove them together."},
			{Name: "keyboard", Lead: "Shortcuts on every page."},
		}},
		{"For programs", []doc{
			{Name: "pinging", Lead: "The pinging API: every address, parameter and answer."},
			{Name: "api", Lead: "Create, change and read checks from programs: keys, addresses, errors."},
			{Name: "api-v3", Lead: "The version to use."},
			{Name: "api-v2", Lead: "What differs in version 2."},
			{Name: "api-v1", Lead: "What differs in version 1."},
			{Name: "api-extensions", Lead: "Beyond the usual API: channels and projects by API, filters and pages, a schedule in the first ping."},
		}},
		{"Self-hosting", []doc{
			{Name: "self-hosting", Lead: "The commands and settings of an instance of your own."},
		}},
	}
}

// loadDocs renders the documentation once, with the addresses of this instance
// in the place of the words PING_URL, PING_ENDPOINT (with a slash at its end), PING_BASE
// (without), SITE_ROOT and MAIL_PINGS_AT (the domain of pings by e-mail). The
// copyIcon is drawn on the button of each block of code.
// The page about the API is made of apiDocument, unless that is nil.
func loadDocs(fsys fs.FS, site *ui.Instance, kinds []*notify.Kind, copyIcon template.HTML, apiDocument []byte) (*docs, error) {
	groups, err := loadGroups(fsys, site, kinds, copyIcon)
	if err != nil {
		return nil, fmt.Errorf("documentation: %w", err)
	}
	if apiDocument == nil {
		return &docs{groups: groups}, nil
	}
	ref, err := apidoc.Read(apiDocument, site.PingEndpoint)
	if err != nil {
		return nil, fmt.Errorf("the page of the API: %w", err)
	}
	return &docs{groups: withAPIDoc(groups, ref), reference: ref}, nil
}

func loadGroups(fsys fs.FS, site *ui.Instance, kinds []*notify.Kind, copyIcon template.HTML) ([]docGroup, error) {
	fill := strings.NewReplacer(
		"PING_URL", site.PingEndpoint+sampleUUID, "PING_ENDPOINT", site.PingEndpoint, "PING_BASE", strings.TrimSuffix(site.PingEndpoint, "/"),
		"SITE_ROOT", site.Root.String(), "SITE_NAME", site.Name, "MAIL_PINGS_AT", cmp.Or(site.PingEmailDomain, "the-domain-of-its-mail"),
		"INTEGRATIONS_TABLE", integrationsTable(kinds),
	)
	md := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	dress := newDocDress(copyIcon)
	groups := withIntegrations(docList(), kinds)
	for g := range groups {
		for i := range groups[g].Docs {
			d := &groups[g].Docs[i]
			file := cmp.Or(d.file, "docs/"+d.Name+".md")
			raw, err := fs.ReadFile(fsys, file)
			if err != nil {
				return nil, err
			}
			title, body, ok := strings.Cut(fill.Replace(string(raw)), "\n\n")
			if !ok || !strings.HasPrefix(title, "# ") {
				return nil, fmt.Errorf("%s does not begin with a title and an empty line", file)
			}
			d.Title = strings.TrimPrefix(title, "# ")
			tree := md.Parser().Parse(text.NewReader([]byte(body)))
			d.Sections = sectionsOf(d.Title, tree, []byte(body))
			var html bytes.Buffer
			if err := md.Renderer().Render(&html, []byte(body), tree); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			d.HTML = template.HTML(dress(html.String())) //nolint:gosec // our own text
		}
	}
	return groups, nil
}

// newDocDress adds to rendered Markdown what its pages have: a link at each
// heading to the place itself, and at each block of code colours and a button to
// copy. What is too wide for a phone scrolls, by keyboard too.
func newDocDress(copyIcon template.HTML) func(string) string {
	heading := regexp.MustCompile(`<h([23]) id="([^"]+)">(.*?)</h[23]>`)
	code := regexp.MustCompile(`(?s)<pre><code(?: class="language-(\w+)")?>(.*?)\n?</code></pre>`)
	table := strings.NewReplacer("<table>", `<div class="scroll" tabindex="0"><table>`, "</table>", "</table></div>")
	return func(html string) string {
		html = heading.ReplaceAllString(html,
			`<h$1 id="$2">$3 <a class="anchor" href="#$2" aria-label="Link to this place"><span aria-hidden="true">#</span></a></h$1>`)
		html = code.ReplaceAllStringFunc(html, func(block string) string {
			m := code.FindStringSubmatch(block)
			sample := string(highlight.Code(m[1], stdhtml.UnescapeString(m[2])))
			class := "code"
			if highlight.Many(sample) {
				class = "code many"
			}
			return `<div class="` + class + `"><pre tabindex="0"><code>` + sample +
				`</code></pre><button type="button" class="btn ghost square" data-copy aria-label="Copy" hidden>` + string(copyIcon) + `</button></div>`
		})
		return table.Replace(html)
	}
}

// docsFrame is what stands around each page of documentation.
type docsFrame struct {
	ui.BasePage
	Groups []docGroup
	// nil: the list, a search
	Doc        *doc
	Prev, Next *doc
	// what was searched for
	Query string
}

func (s *Pages) docsFrame(title string) (docsFrame, error) {
	d, err := s.docs()
	if err != nil {
		return docsFrame{}, err
	}
	return docsFrame{BasePage: ui.BasePage{Title: title, Nav: "docs"}, Groups: d.groups}, nil
}

// at puts the frame around the page called name and tells whether there is one.
func (f *docsFrame) at(name string) bool {
	var before *doc
	for g := range f.Groups {
		for i := range f.Groups[g].Docs {
			d := &f.Groups[g].Docs[i]
			if f.Doc != nil {
				f.Next = d
				return true
			}
			if d.Name == name {
				f.Doc = d
				f.Prev = before
			}
			before = d
		}
	}
	return f.Doc != nil
}

type docsPage struct {
	docsFrame
	// of the page, with the check of the reader's choice
	HTML template.HTML
	// the name of that check, "" = none
	Example string
	// nil: the page has none
	Tester *testerView
}

// Index answers GET /docs/.
func (s *Pages) Index(w http.ResponseWriter, r *http.Request) error {
	frame, err := s.docsFrame("Documentation")
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "docs/page", &docsPage{docsFrame: frame})
}

// Page answers GET /docs/{page}/.
func (s *Pages) Page(w http.ResponseWriter, r *http.Request) error {
	frame, err := s.docsFrame("")
	if err != nil {
		return err
	}
	m := &docsPage{docsFrame: frame}
	if !m.at(chi.URLParam(r, "page")) {
		return errs.NotFoundf("There is no such page in the documentation. The list of all pages is at %s.", s.Site.URL("/docs/"))
	}
	m.Title = m.Doc.Title
	m.HTML = m.Doc.HTML
	if m.Doc.Fillable() {
		ex, err := s.exampleOf(r)
		if err != nil {
			return err
		}
		if ex != nil {
			m.HTML = ex.fill(m.HTML)
			m.Example = ex.check.Title()
		}
	}
	if m.Doc.Tester != "" {
		m.Tester = s.newTester(r, m.Doc.Tester)
	}
	return s.Render(w, r, http.StatusOK, "docs/page", m)
}
