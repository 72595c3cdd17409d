package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/demo"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
)

// gallery is a demo that somebody looks at.
type gallery struct {
	*tab
	// name → path of the project
	projects map[string]string
	checks   map[string]monitor.Check
	// path of one
	wall string
}

// openDemo starts a demo, as `punctual up --demo` does, and logs in.
func openDemo(t *testing.T) *gallery {
	t.Helper()
	e := newEnv(t, db.SQLite)
	b := openTab(t, e, e.start(t, "up", "--demo"))
	b.open(b.loginLink())
	b.click("form .btn.primary")
	b.until(`!location.pathname.includes("/accounts/")`)
	g := &gallery{tab: b}
	g.look()
	return g
}

// look reads what there is from the database.
func (g *gallery) look() {
	g.Helper()
	ctx := g.Context()
	s := g.store(g.T)
	user, err := s.UserByEmail(ctx, demo.Address)
	must(g.T, err)
	projects, err := s.ProjectsOf(ctx, user.ID)
	must(g.T, err)
	g.projects = map[string]string{}
	g.checks = map[string]monitor.Check{}
	for _, p := range projects {
		g.projects[p.Name] = "/projects/" + p.ID.String()
		checks, err := testdb.ChecksOf(ctx, s, p.ID)
		must(g.T, err)
		for _, c := range checks {
			g.checks[c.Name] = c
		}
	}
}

func (g *gallery) pings() (n int64) {
	g.look()
	for _, c := range g.checks {
		n += c.NPings
	}
	return n
}

// The demo starts, its link logs in, the lists show every status, and it goes on
// living.
func TestDemo(t *testing.T) {
	t.Parallel()
	g := openDemo(t)
	before := g.pings()
	seen := map[string]bool{}
	for _, project := range g.projects {
		g.open(project + "/checks/")
		g.see("#checks")
		for _, state := range strings.Fields(g.value(
			`[...document.querySelectorAll("li:not([hidden]) > [data-state]")].map(e => e.dataset.state).join(" ")`)) {
			seen[state] = true
		}
	}
	got := strings.Join(slices.Sorted(maps.Keys(seen)), " ")
	want := "down grace new paused started up"
	if got != want {
		t.Errorf("the lists show the states %s, want %s", got, want)
	}
	eventually(t, "a check is pinged", func() bool { return g.pings() > before })
}

// A demo does not share a database with anything else.
func TestDemoRefusesADatabaseInUse(t *testing.T) {
	t.Parallel()
	e := newEnv(t, db.SQLite)
	for _, command := range [][]string{{"migrate"}, {"project", "create", "--owner", "owner@example.org", "--name", "Mine"}} {
		code, _, stderr := e.run(t, command...)
		if code != 0 {
			t.Fatalf("%s: %s", command[0], stderr)
		}
	}
	code, _, stderr := e.run(t, "up", "--demo")
	if code != 1 || !strings.Contains(stderr, "--demo: the demo wants a database of its own") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// exhibit is a page of the gallery.
type exhibit struct {
	name, title string
	path        string
	// what must be there before the picture is taken, "" = main
	see string
	// as somebody sees it who has not logged in
	visitor bool
}

// exhibits are the main pages, in the order of the gallery.
func (g *gallery) exhibits() []exhibit {
	operations := g.projects["Acme operations"]
	data := g.projects["Data platform"]
	check := func(name string) string { return "/checks/" + g.checks[name].Code.String() }
	backup := "Nightly Postgres backup"
	erp := "Sync invoices to ERP"
	nas := "NAS snapshot report"
	newest := func(name string) string { return fmt.Sprintf("%s/pings/%d/", check(name), g.checks[name].NPings) }
	return []exhibit{
		{name: "checks", title: "The checks of a project, down first", path: operations + "/checks/", see: "#checks"},
		{name: "checks-by-tag", title: "Grouped by tag", path: data + "/checks/?group=tag", see: "#checks"},
		{name: "projects", title: "Projects", path: "/"},
		{name: "check", title: "A check", path: check(backup) + "/details/"},
		{name: "check-down", title: "A check that is down", path: check(erp) + "/details/"},
		{name: "log", title: "Its log", path: check(erp) + "/log/"},
		{name: "ping", title: "Output of a failed run", path: newest(erp)},
		{name: "ping-mail", title: "A ping by e-mail", path: newest(nas)},
		{name: "schedule", title: "A schedule, explained", path: check(backup) + "/timeout/"},
		{name: "add", title: "A new check", path: operations + "/checks/add/"},
		{name: "integrations", title: "Integrations and how they are", path: operations + "/integrations/"},
		{name: "webhook", title: "A webhook", path: operations + "/add_webhook/"},
		{name: "settings", title: "Project settings, keys and team", path: operations + "/settings/"},
		{name: "badges", title: "Badges", path: operations + "/badges/"},
		{name: "profile", title: "Account", path: "/accounts/profile/"},
		{name: "reports", title: "Reports and reminders", path: "/accounts/profile/notifications/"},
		{name: "wall", title: "A wall: projects on a screen", path: g.wall, visitor: true, see: "body"},
		{name: "walls", title: "Walls", path: "/walls/"},
		{name: "docs", title: "Documentation with one's own URLs", path: "/docs/crontab/"},
		{name: "mailbox", title: "Mail that is kept where no server is set", path: "/mailbox/"},
		{name: "welcome", title: "The welcome page", path: "/", visitor: true},
		{name: "login", title: "Log in", path: "/accounts/login/", visitor: true},
	}
}

// TestGallery takes the pictures of `make screenshots` into the directory
// $PUNCTUAL_GALLERY, and writes their page beside it.
func TestGallery(t *testing.T) {
	dir := os.Getenv("PUNCTUAL_GALLERY")
	if dir == "" {
		t.Skip("PUNCTUAL_GALLERY is not set: make screenshots sets it")
	}
	must(t, os.MkdirAll(dir, 0o755))
	g := openDemo(t)
	g.open(g.server.mailbox())
	g.open("/walls/")
	g.wall = g.value(`document.querySelector("main a.btn[href*='/wall/']").pathname`)
	// all that is needed of it from here on
	session := g.cookies()
	var index strings.Builder
	index.WriteString(
		"# Gallery\n\nThe main pages, wide and on a phone, light and dark, with the data of `punctual up --demo`. `make screenshots` takes " +
			"them anew.\n")
	for _, e := range g.exhibits() {
		if e.see == "" {
			e.see = "main"
		}
		fmt.Fprintf(&index, "\n## %s\n\n", e.title)
		for _, width := range []int64{1280, 390} {
			for _, scheme := range []string{"light", "dark"} {
				fmt.Fprintf(&index, `<img src="img/gallery/%s" width="%d" alt="%s, %d px wide, %s">`+"\n", fileOf(e, width, scheme), width*3/8, e.title,
					width, scheme)
			}
		}
		t.Run(e.name, func(t *testing.T) {
			b := openTab(t, g.env, g.server)
			if !e.visitor {
				b.use(session)
			}
			for _, width := range []int64{1280, 390} {
				for _, scheme := range []string{"light", "dark"} {
					must(t, os.WriteFile(filepath.Join(dir, fileOf(e, width, scheme)), b.picture(e, width, scheme), 0o600))
				}
			}
		})
	}
	must(t, os.WriteFile(filepath.Join(dir, "..", "..", "gallery.md"), []byte(index.String()), 0o600))
}

func fileOf(e exhibit, width int64, scheme string) string {
	return fmt.Sprintf("%s-%d-%s.webp", e.name, width, scheme)
}

// tallest is how much of a long page is in its picture.
const tallest = 1000

// picture is the upper part of a page as WebP.
func (b *tab) picture(e exhibit, width int64, scheme string) (webp []byte) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, 800), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}))
	b.open(e.path)
	b.see(e.see)
	b.until(`document.readyState === "complete" && document.fonts.status === "loaded" && [...document.images].every(i => i.complete)`)
	b.do(chromedp.Evaluate(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))`, nil,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	b.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		_, _, _, _, _, size, err := page.GetLayoutMetrics().Do(ctx)
		if err != nil {
			return err
		}
		webp, err = page.CaptureScreenshot().WithFormat(page.CaptureScreenshotFormatWebp).WithQuality(60).WithCaptureBeyondViewport(true).
			WithClip(&page.Viewport{Width: float64(width), Height: min(max(size.Height, 500), tallest), Scale: 1}).Do(ctx)
		return err
	}))
	return webp
}
