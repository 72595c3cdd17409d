package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"punctual/internal/auth"
	"punctual/internal/db"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	projects "punctual/internal/project"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/internal/testkit/kindtest"
	"punctual/web"
	"punctual/web/api"
	"punctual/web/badge"
	"punctual/web/project"
	"punctual/web/projectmetrics"
	webstatus "punctual/web/status"
	"punctual/web/webtest"
)

// everything is a site that offers all there is, with something behind every
// address, and two people who have just logged in.
type everything struct {
	// of the superuser
	*webtest.Site

	// owns the project
	jane    *webtest.Site
	user    *monitor.User
	project *monitor.Project
	check   *monitor.Check
	channel monitor.Channel
	wall    *store.Wall
	email   int64
	apiKey  string
	token   string
	api     http.Handler
}

// address is a line of the route table.
type address struct{ method, route string }

func newEverything(t *testing.T, engine db.Engine) *everything {
	t.Helper()
	e := &everything{}
	runner := status.NewRunner(nil, nil)
	var registry *notify.Registry
	e.Site = webtest.New(t, engine, func(d *web.Deps) {
		d.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.api.ServeHTTP(w, r) })
		d.BadgeLinks = badge.Links{SecretKey: webtest.Secret, SiteURL: d.Site.Root.String()}
		d.Badges = badge.New(badge.Deps{Store: d.Store, Links: d.BadgeLinks, Label: "Punctual", Log: d.Log})
		d.ProjectMetrics = projectmetrics.New(projectmetrics.Deps{Store: d.Store,
			HashKey: func(_ context.Context, k string) (string, error) { return k, nil }})
		d.Status = &webstatus.Deps{
			Checks: func() *status.Runner { return runner }, SiteName: "Punctual", URL: d.Site.URL("/status/"), ErrorCode: 500,
			TokenName: "watchman-token", Redact: strings.TrimSpace, Log: d.Log,
		}
		hook := notify.NewClient(notify.ClientConfig{})
		settings := map[string]string{"pushover-subscription-url": "https://pushover.net/subscribe/x"}
		registry = kindtest.Registry(notify.Env{Client: hook, SiteRoot: d.Site.Root.String(), Now: d.Store.Now}, settings)
		d.Notifiers = registry
		d.Tester = noTester{}
	})
	e.jane = e.OtherBrowser()
	e.user, e.project = e.jane.Login("jane@example.org")
	deps := api.Deps{
		Store: e.Store, HashKey: e.Auth.StoredKey, SiteURL: e.URL, PingEndpoint: e.URL + "/ping/", MetricsKey: "metrics", Auth: e.Auth,
		BadgeURL:    badge.Links{SecretKey: webtest.Secret, SiteURL: e.URL}.Tag,
		ReturnPaths: mail.NewReturnPaths(webtest.Secret, "example.org"), Notifiers: registry, SendTest: noTester{}.SendTest,
		Channels: e.Channels, Log: slog.New(slog.DiscardHandler),
	}
	e.api = api.New(deps)
	e.fill(t)
	root := webtest.Superuser(e.Site)
	e.Site = root
	return e
}

// noTester refuses to send tests.
type noTester struct{}

func (noTester) SendTest(context.Context, *monitor.Channel) (notify.Result, error) {
	return notify.Result{}, &notify.Error{Message: "not sent"}
}

// fill makes what the addresses are about.
func (e *everything) fill(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	e.check = e.jane.FirstCheck(e.project)
	e.channel = monitor.Channel{ProjectID: e.project.ID, Kind: "webhook", Config: `{"url_down":"https://hooks.example.org/"}`}
	if err := e.Store.CreateChannel(ctx, &e.channel); err != nil {
		t.Fatal(err)
	}
	_, err := e.Store.ChangeProject(ctx, e.project.ID, func(p *monitor.Project) (err error) {
		e.apiKey, err = e.Projects.MakeKey(p, projects.KeyAPI)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, e.token, err = e.Auth.CreateToken(ctx, e.user, "all", false, "")
	if err != nil {
		t.Fatal(err)
	}
	e.wall = &store.Wall{UserID: e.user.ID, Name: "Wall", Projects: []store.WallProject{{ID: e.project.ID}}}
	if err := e.Store.CreateWall(ctx, e.wall); err != nil {
		t.Fatal(err)
	}
	if err := e.Store.EnqueueEmail(ctx, &monitor.Email{MessageID: "1@example.org", Kind: "login", To: "jane@example.org", Subject: "Hello",
		Text: "Hello.", CreatedAt: e.Store.Now()}); err != nil {
		t.Fatal(err)
	}
	e.email = 1
}

// addresses is the whole table, in an order that leaves to the end what takes
// away what others need.
func (e *everything) addresses() []address {
	var all []address
	walk := func(prefix string, routes http.Handler) {
		err := chi.Walk(routes.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			a := (address{method, prefix + route})
			if !slices.Contains(all, a) && !strings.Contains(route, "/live/") && (method == http.MethodGet || method == http.MethodPost) {
				all = append(all, a)
			}
			return nil
		})
		if err != nil {
			e.Fatal(err)
		}
	}
	walk("", e.Server.Handler)
	walk("/api", e.api)
	late := regexp.MustCompile("remove|close|logout|leave|transfer|two_factor|set_password|/login/|keys")
	slices.SortStableFunc(all, func(a, b address) int {
		la := late.MatchString(a.route)
		lb := late.MatchString(b.route)
		switch {
		case la == lb:
			return 0
		case lb:
			return -1
		default:
			return 1
		}
	})
	return all
}

var routeParam = regexp.MustCompile(`\{(\w+)(:(?:[^{}]|\{[^{}]*\})*)?\}`)

// path fills an address with what is there, and bad in the place of one
// parameter, "" = of none.
func (e *everything) path(route, param, bad string) string {
	values := map[string]string{
		"project": e.project.ID.String(), "check": e.check.Code.String(), "code": e.check.Code.String(), "channel": e.channel.ID.String(),
		"user": e.user.ID.String(), "wall": e.wall.ID.String(), "signature": e.Server.Signer.Sign(project.PurposeWall, e.wall.ID.String()),
		"key": monitor.UniqueKey(e.check.Code), "unique": monitor.UniqueKey(e.check.Code), "n": "1", "id": fmt.Sprint(e.email), "kind": "webhook",
		"page": "notifications", "run": "1", "verdict": "success",
		"version": "v3", "provider": "pushover", "token": "token", "change": e.user.ID.String(), "side": "old",
		"signed": e.Server.Signer.Sign(auth.PurposeUnsubscribe, e.channel.ID.String()),
	}
	return routeParam.ReplaceAllStringFunc(strings.TrimSuffix(route, "*"), func(m string) string {
		name := routeParam.FindStringSubmatch(m)[1]
		if name == param {
			return url.PathEscape(bad)
		}
		return values[name]
	})
}

// params are the names of the parameters in a route.
func params(route string) (names []string) {
	for _, m := range routeParam.FindAllStringSubmatch(route, -1) {
		names = append(names, m[1])
	}
	return names
}

var fieldInSource = regexp.MustCompile(
	`(?:\bField\(r, |PostedField\(r, |\.Value\(|\.Get\(|\.Has\(|\.On\(|Values\[|query\[|Query\(\)\[)"([a-z_]+)"`)

// fields are the names of all fields and parameters that the site ever looks at,
// read from its source.
func fields(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{"headers_down": true, "url_down": true, "body_down": true}
	for _, pattern := range []string{"*.go", "*/*.go", "ui/*/*.go", "../internal/notify/*.go", "../internal/notify/kinds/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range fieldInSource.FindAllStringSubmatch(string(source), -1) {
				names[m[1]] = true
			}
		}
	}
	if len(names) < 60 {
		t.Fatalf("only %d names of fields were found", len(names))
	}
	return slices.Sorted(maps.Keys(names))
}

// browsers are who ask for a path: the owner of the project, and whom else it is
// for.
func (e *everything) browsers(path string) map[string]*webtest.Site {
	who := map[string]*webtest.Site{"owner": e.jane}
	switch {
	case strings.HasPrefix(path, "/admin/"):
		who["superuser"] = e.Site
	case !strings.HasPrefix(path, "/projects/") && !strings.HasPrefix(path, "/checks/"):
		who["stranger"] = e.OtherBrowser()
	}
	return who
}
