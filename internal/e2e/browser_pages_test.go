package e2e

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/go-chi/chi/v5"

	"punctual/internal/auth"
	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	chromium "punctual/internal/testkit/browser"
)

// noPages are the addresses of the route table that show no page of ours, and
// why. All others must be on a tour of TestEveryPage.
var noPages = map[string]string{
	"/status": "the same as /status/", "/status/ping/": "text", "/status/bare/": "nothing", "/livez": "text", "/readyz": "text",
	"/static/*": "files", "/favicon.ico": "a file", "/robots.txt": "a file",
	"/welcome/check/":                 "a part of the welcome page",
	"/mailbox/{id}/html/":             "what a mail says, in a frame",
	"/admin/emails/{id}/html/":        "what a mail says, in a frame",
	"/checks/{check}/pings/{n}/html/": "what a mail says, in a frame",
	"/checks/{check}/pings/{n}/body/": "a download",
	"/checks/{check}/last_ping/":      "shows /checks/{check}/pings/{n}/",
	"/checks/{check}/status/":         "data", "/checks/{check}/live/": "a stream",
	"/projects/status/": "data", "/projects/live/": "a stream",
	"/projects/{project}/checks/status/": "data", "/projects/{project}/checks/live/": "a stream",
	"/checks/validate_schedule/":     "data",
	"/cloaked/{key}/":                "leads to /checks/{check}/details/",
	"/admin/":                        "leads to /admin/users/",
	"/integrations/{provider}/done/": "leads to the form of a new integration",
	"/integrations/{provider}/done/{project}/{signed}/": "leads to /projects/{project}/integrations/",
}

// Every page of the route table, wide and on a phone, light and dark: nothing
// that axe objects to, nothing on the console, no violation of the content
// security policy, nothing wider than the window, nothing that moves for those
// who want no motion. `make pages` keeps what they look like.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	const user, operator = "jane.roe@acme.example", "root@acme.example"
	e := newEnv(t, db.SQLite).with(env{
		"PUNCTUAL_PING_ENDPOINT":             "https://ping.acme.example/",
		"PUNCTUAL_PUSHOVER_API_TOKEN":        "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
		"PUNCTUAL_PUSHOVER_SUBSCRIPTION_URL": "https://pushover.example.org/subscribe/Acme-1234",
	})
	server := e.start(t, "up")
	g := newGuide(t)
	s := e.store(t)
	var project, empty, wall, mail, verify, unsubscribe, noReports, agree, invitation, verdict string
	var check *monitor.Check
	var channels []monitor.Channel
	var session []*network.Cookie
	t.Run("begin", func(t *testing.T) {
		var err error
		b := openTab(t, e, server)
		b.signUp(user)
		check = seedDemo(t, s, user)
		project = "/projects/" + check.ProjectID.String()
		channels, err = s.ChannelsOf(t.Context(), check.ProjectID)
		must(t, err)

		b.open(project + "/checks/")
		b.open("/")
		b.click("[popovertarget=add-project]")
		b.fill("#add-project #name", "Home")
		b.click("#add-project .btn.primary")
		b.at("/checks/")
		empty = b.value("location.pathname")
		b.ping(b.site("/ping/"+checkNamed(b, user, "Rotate application logs")+"/fail"), "logrotate: disk full")

		// Pages that only mails lead to.
		b.open(project + "/add_email/")
		b.fill("#value", "ops@acme.example")
		b.click("main form .btn.primary")
		b.shows(".flash.ok", "Added")
		verify = b.linkIn(waitMail(t, s, "(?i)confirm").Text, "/verify/")
		unsubscribe = b.linkIn(waitMail(t, s, "DOWN").Text, "/unsub/")
		jane, err := s.UserByEmail(t.Context(), user)
		must(t, err)
		noReports = auth.NewSigner(e["PUNCTUAL_SECRET_KEY"]).UnsubscribeReportsPath(jane.ID, s.Now())
		verdict = auth.NewSigner(e["PUNCTUAL_SECRET_KEY"]).VerdictPath(addUnknownRun(t, s, check), "success", user, s.Now())
		b.open("/accounts/change_email/")
		b.fill("#email", "jane.doe@acme.example")
		b.click("main form .btn.primary")
		b.see(".flash.ok")
		agree = b.linkIn(waitMail(t, s, "(?i)change.*address|address.*change|new address").Text, "/change_email/")
		b.open(project + "/settings/")
		b.fill("#email", "guest@acme.example")
		b.click(`form[action$="/members/#team"] .btn.primary`)
		b.shows(".flash.ok", "is invited")
		invitation = b.linkIn(waitMail(t, s, "(?i)invite").Text, "/invitations/")
		b.open("/walls/")
		b.fill("main form #name", "Ops room")
		b.do(chromedp.Evaluate(`document.querySelector("[name=project]").checked = true`, nil))
		b.click("main form .btn.primary")
		b.see("main a.btn[href*='/wall/']")
		wall = b.value(`new URL(document.querySelector("main a.btn[href*='/wall/']").href).pathname`)

		b.open(b.server.mailbox())
		b.until(`document.querySelector("tbody a")`)
		mail = b.value(`document.querySelector("tbody a").pathname`)
		session = b.cookies()
	})
	if session == nil {
		t.FailNow()
	}
	details := "/checks/" + check.Code.String()
	signedIn := func(t *testing.T) *tab {
		b := openTab(t, e, server)
		b.use(session)
		return b
	}
	// Somebody else in every state that the list of users shows.
	other := &monitor.User{Email: "former@acme.example", TZ: "UTC"}
	must(t, s.CreateAccount(t.Context(), store.Account{User: other}))
	_, err := s.AddSecurityKey(t.Context(), &store.SecurityKey{UserID: other.ID, Name: "Key", KeyID: []byte("former"), Data: []byte("{}")},
		nil, nil)
	must(t, err)
	code, _, stderr := e.run(t, "createsuperuser", "--email", operator, "--password", "correct horse battery")
	if code != 0 {
		t.Fatalf("createsuperuser: %s", stderr)
	}

	t.Run("visitor", func(t *testing.T) {
		t.Parallel()
		v := openTab(t, e, server)
		v.open("/accounts/login/")
		v.fill("#identity", "visitor@acme.example")
		v.click("form .btn.primary")
		v.at("/accounts/login_link_sent/")
		link := v.linkIn(
			v.server.waitFor(
				`(http[^\s"\\]+/accounts/check_token/[^\s"\\]+)[^\n]*visitor@|visitor@[^\n]*(http[^\s"\\]+/accounts/check_token/[^\s"\\]+)`)[0], "/check_token/")
		g.tour(v, map[string]string{"link-sent": "/accounts/login_link_sent/"})
		v = openTab(t, e, server)
		g.tour(v, map[string]string{
			"welcome": "/", "login": "/accounts/login/", "token": link, "status-visitor": "/status/",
			"verify": verify, "unsubscribe": unsubscribe, "unsubscribe-reports": noReports, "agree-email": agree, "invitation": invitation,
			"verdict": verdict,
		})
		v.console.Allow("status of 4")
		g.tour(v, map[string]string{"404": "/no/such/page/",
			"token-old": link[:strings.LastIndex(strings.TrimSuffix(link, "/"), "/")] + "/nonsense/"})
		g.tour(v, map[string]string{"wall": wall, "tv": "/tv/"})
		v.open(agree)
		v.click("main form .btn")
		v.until(`document.querySelector("main h1")?.innerText === "Thank you" && document.readyState === "complete"`)
		v.page = "email-done"
		v.fromAllSides()
	})
	t.Run("user", func(t *testing.T) {
		t.Parallel()
		b := signedIn(t)
		g.tour(b, map[string]string{
			"projects": "/", "checks": project + "/checks/", "checks-empty": empty, "checks-select": project + "/checks/?select=1",
			"check-add": project + "/checks/add/",
			"details":   details + "/details/", "log": details + "/log/", "ping": details + "/pings/23/",
			"check-runs": details + "/runs/", "check-name": details + "/name/",
			"check-schedule": details + "/timeout/", "check-filtering": details + "/filtering_rules/",
			"check-remove": details + "/remove/",
		})
	})
	t.Run("team", func(t *testing.T) {
		t.Parallel()
		b := signedIn(t)
		g.tour(b, map[string]string{
			"integrations": project + "/integrations/", "add-email": project + "/add_email/", "add-webhook": project + "/add_webhook/",
			"add-pushover":   project + "/add_po/",
			"channel-checks": "/integrations/" + channels[0].ID.String() + "/checks/",
			"channel-edit":   "/integrations/" + channels[1].ID.String() + "/edit/",
			"settings":       project + "/settings/", "badges": project + "/badges/", "project-remove": project + "/remove/", "walls": "/walls/",
		})
	})
	t.Run("account", func(t *testing.T) {
		t.Parallel()
		b := signedIn(t)
		g.tour(b, map[string]string{
			"profile": "/accounts/profile/", "reports": "/accounts/profile/notifications/", "appearance": "/accounts/profile/appearance/",
			"prove":    "/accounts/confirm/",
			"password": "/accounts/set_password/", "change-email": "/accounts/change_email/", "close": "/accounts/close/", "mailbox": "/mailbox/",
			"mail": mail,
		})
	})
	t.Run("two factors", func(t *testing.T) {
		t.Parallel()
		g.twoFactorTour(t, openTab(t, e, server), s)
	})
	t.Run("operator", func(t *testing.T) {
		t.Parallel()
		b := openTab(t, e, server)
		b.open("/accounts/login/")
		b.click("details summary")
		b.fill("#email", operator)
		b.fill("#password", "correct horse battery")
		b.click("details .btn")
		b.until(`!location.pathname.includes("/accounts/")`)
		tour := map[string]string{"status": "/status/"}
		for _, page := range []string{"users", "projects", "checks", "emails", "deliveries"} {
			tour["admin-"+page] = "/admin/" + page + "/"
		}
		g.tour(b, tour)
		b.open("/admin/emails/")
		b.click("tbody a")
		b.until(`location.pathname.match(/emails.\d/)`)
		g.tour(b, map[string]string{"admin-email": b.value("location.pathname")})
	})
	t.Run("docs", func(t *testing.T) {
		t.Parallel()
		b := signedIn(t)
		g.tour(b, map[string]string{
			"docs": "/docs/", "docs-page": "/docs/signalling/", "docs-search": "/docs/search/?q=cron", "docs-example": "/docs/example/",
		})
		// thousands of elements: one look by axe takes seconds
		g.visit(b, "docs-api", "/docs/api-reference/")
		b.look(1280, false)
		b.looksRight()
		b.shoot("page-docs-api-390-dark", 390, 844, true)
		for _, name := range docPages(t) {
			g.visit(b, "docs-"+name, "/docs/"+name+"/")
			b.look(390, false)
			b.looksRight(ofTexts...)
		}
	})
}

// ofTexts are the rules of axe that what people write can break. The pages of the
// documentation have the rest in common with the ones that are looked at in whole.
var ofTexts = []string{
	"empty-heading", "heading-order", "page-has-heading-one", "link-name", "identical-links-same-purpose", "link-in-text-block", "image-alt",
	"list", "listitem", "definition-list", "dlitem", "empty-table-header", "scope-attr-valid", "td-headers-attr", "th-has-data-cells",
	"table-duplicate-name",
	"scrollable-region-focusable", "label", "button-name", "duplicate-id-aria", "region",
}

// linkIn is the path of the address in a mail that has the text in it.
func (b *tab) linkIn(text, part string) string {
	b.Helper()
	address, err := url.Parse(find(b.T, `(https?://[^\s"<>\\]*`+part+`[^\s"<>\\]*)`, text))
	must(b.T, err)
	return address.RequestURI()
}

// docPages are the names of the pages in the documentation.
func docPages(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../../templates/docs/*.md")
	must(t, err)
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".md"))
	}
	for _, k := range kinds.All() {
		names = append(names, "integration-"+k.Name)
	}
	return names
}

// guide leads tours through the pages and knows in the end where nobody was.
type guide struct {
	mu     sync.Mutex
	routes chi.Router
	// by pattern
	missed map[string]bool
}

// newGuide reads the route table. When the test ends, it fails it for the pages
// that were not visited.
func newGuide(t *testing.T) *guide {
	t.Helper()
	g := &guide{routes: chi.NewRouter(), missed: map[string]bool{}}
	for _, pattern := range routesToGet(t, "../../web/routes.go") {
		g.routes.Get(pattern, http.NotFound)
		if noPages[pattern] == "" {
			g.missed[pattern] = true
		}
	}
	for pattern := range noPages {
		if !g.routes.Match(chi.NewRouteContext(), http.MethodGet, strings.TrimSuffix(pattern, "*")) {
			t.Errorf("noPages has %s, the route table has not", pattern)
		}
	}
	t.Cleanup(func() {
		missed := slices.Sorted(maps.Keys(g.missed))
		if len(missed) > 0 && !t.Failed() {
			t.Errorf("nobody looked at %s: add them to a tour, or to noPages", strings.Join(missed, ", "))
		}
	})
	return g
}

// addUnknownRun adds a run of the check that was hidden a while ago, and returns its id.
func addUnknownRun(t *testing.T, s *store.Store, c *monitor.Check) (id int64) {
	t.Helper()
	at := func(minutes int) time.Time { return s.Now().Add(time.Duration(minutes) * time.Minute) }
	must(t, s.DB().InTx(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), `INSERT INTO unknown_runs (check_id, due_at, deadline_at, blind_from, blind_until, cause, decided_at)
			VALUES ($1, $2, $3, $4, $5, $6, $3) RETURNING id`, c.ID, at(-60), at(-50), at(-70), at(-40), monitor.CauseStopped).Scan(&id)
	}))
	return id
}

// routesToGet are the patterns of get(…) and r.Get(…) in a file.
func routesToGet(t *testing.T, file string) (patterns []string) {
	t.Helper()
	source, err := os.ReadFile(file)
	must(t, err)
	tree, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
	must(t, err)
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		var name string
		switch f := call.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		if path, ok := call.Args[0].(*ast.BasicLit); ok && strings.EqualFold(name, "get") {
			pattern, err := strconv.Unquote(path.Value)
			must(t, err)
			patterns = append(patterns, pattern)
		}
		return true
	})
	if len(patterns) < 50 {
		t.Fatalf("found only the routes %q", patterns)
	}
	return patterns
}

// visit opens a page and notes that somebody did.
func (g *guide) visit(b *tab, name, path string) {
	b.Helper()
	b.open(path)
	b.until(`document.readyState === "complete" && document.fonts.status === "loaded"`)
	b.page = name
	at, err := url.Parse(path)
	must(b.T, err)
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.missed, g.routes.Find(chi.NewRouteContext(), http.MethodGet, at.Path))
}

// tour looks at pages by name.
func (g *guide) tour(b *tab, pages map[string]string) {
	b.Helper()
	for name, path := range pages {
		g.visit(b, name, path)
		title := b.value("document.title")
		if !strings.Contains(title, "Punctual") || strings.HasPrefix(title, " ·") {
			b.Errorf("%s has the title %q", name, title)
		}
		n := b.value(`document.querySelectorAll("h1").length`)
		if n != "1" {
			b.Errorf("%s has %s main headings", name, n)
		}
		b.fromAllSides()
	}
}

// fromAllSides looks at the page that is open, wide and narrow, light and dark:
// for the most part wide in the light and narrow in the dark, for colours are all
// that differs between these two.
func (b *tab) fromAllSides() {
	b.Helper()
	for _, width := range []int{1280, 390} {
		for _, dark := range []bool{false, true} {
			scheme := map[bool]string{false: "light", true: "dark"}[dark]
			b.shoot(fmt.Sprintf("page-%s-%d-%s", b.page, width, scheme), width, 0, dark)
			narrow := width == 390
			if dark == narrow {
				b.looksRight()
			} else {
				b.fits()
			}
		}
	}
}

// look sets the size of the window and the colours.
func (b *tab) look(width int, dark bool) {
	b.Helper()
	if err := chromium.Look(b.ctx, width, 0, dark); err != nil {
		b.Fatal(err)
	}
}

// looksRight reports what is wrong with the page as it is shown now; with rules,
// axe looks at those only.
func (b *tab) looksRight(rules ...string) {
	b.Helper()
	as := b.page + " " + b.value(`innerWidth + (matchMedia("(prefers-color-scheme: dark)").matches ? " dark" : " light")`)
	objections, err := chromium.Accessibility(b.ctx, rules...)
	if err != nil {
		b.Fatal(err)
	}
	for _, objection := range objections {
		b.Errorf("%s: %s", as, objection)
	}
	b.fits()
	restless := b.value(restless)
	if restless != "" {
		b.Errorf("%s: moves although motion is not wanted: %s", as, restless)
	}
}

// fits reports what does not fit into the window.
func (b *tab) fits() {
	b.Helper()
	wide := b.value(tooWide)
	if wide != "" {
		b.Errorf("%s: wider than the window of %s: %s", b.page, b.value("innerWidth"), wide)
	}
}

func checkNamed(b *tab, user, name string) string {
	b.Helper()
	for _, c := range b.checks(b.store(b.T), user) {
		if c.Name == name {
			return c.Code.String()
		}
	}
	b.Fatalf("no check %q", name)
	return ""
}

// tooWide names what makes the page wider than its window, and cards that cut off what is in them.
const tooWide = `document.scrollingElement.scrollWidth <= innerWidth ? [...document.querySelectorAll(".card")].filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "hidden").map(e => "cut off: " + e.className + " " + e.scrollWidth).join(" ") : document.scrollingElement.scrollWidth + " " +
	[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 6).map(e => e.tagName + "." + e.className).join(" ")`

// restless names what is animated for longer than anybody sees.
const restless = `[...document.querySelectorAll("body *")].filter(e => { const s = getComputedStyle(e);
	return [s.transitionDuration, s.animationDuration].some(d => d.split(",").some(d => parseFloat(d) > .01)) }).slice(0, 6).map(e => e.tagName + "." + e.className).join(" ")`
