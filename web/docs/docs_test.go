package docs_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/testkit/testdb"
	"punctual/web/webtest"
)

// Every link of the documentation leads somewhere, and to a place that is there.
func TestLinksOfTheDocumentation(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite, webtest.WithReference())
	pages := map[string]*webtest.Answer{}
	page := func(path string) *webtest.Answer {
		if pages[path] == nil {
			pages[path] = s.Get(path).Is(http.StatusOK)
		}
		return pages[path]
	}
	all := page("/docs/introduction/").Find("#docs-nav a[href^='/docs/']")
	if all.Length() < 40 {
		t.Fatalf("the list has %d pages", all.Length())
	}
	for _, link := range all.EachIter() {
		{
			base, err := url.Parse(s.URL + link.AttrOr("href", ""))
			if err != nil {
				t.Fatal(err)
			}
			page(base.Path).Find("article a[href]").Each(func(_ int, a *goquery.Selection) {
				to, err := base.Parse(a.AttrOr("href", ""))
				if err != nil || to.Host != base.Host || !strings.HasPrefix(to.Path, "/docs/") || to.Path == "/docs/example/" {
					return
				}
				if to.Fragment != "" && page(to.Path).Find(`[id="`+to.Fragment+`"]`).Length() != 1 {
					t.Errorf("%s: nothing is called #%s on %s", base.Path, to.Fragment, to.Path)
				}
			})
		}
	}
	got := pages["/docs/api/"].Find(".steps a[rel=next]").AttrOr("href", "")
	if got != "/docs/api-reference/" {
		t.Errorf("behind the page about the API comes %s", got)
	}
	if got := pages["/docs/api-reference/"].Find(`#docs-nav a[aria-current=page]`).Text(); got != "API reference" {
		t.Errorf("the list marks %q", got)
	}
}

func TestSearchingTheDocumentation(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite, webtest.WithReference())
	for query, want := range map[string]string{
		"systemd":             "/docs/systemd/",
		"run ids":             "/docs/run-times/",
		"Runs that overlap":   "/docs/run-times/#runs-that-overlap",
		"exit status":         "/docs/signalling/#my-exit-status",
		"--retry-connrefused": "/docs/crontab/",
		"make a check":        "/docs/api/#make-a-check",
		"KUBERNETES":          "/docs/kubernetes/",
	} {
		page := s.Get("/docs/search/?q=" + url.QueryEscape(query)).Is(http.StatusOK)
		var found []string
		page.Find(".hits a").Each(func(_ int, a *goquery.Selection) { found = append(found, a.AttrOr("href", "")) })
		if len(found) == 0 || !strings.Contains(strings.Join(found[:min(3, len(found))], " ")+" ", want+" ") {
			t.Errorf("%q finds %q, want %s among the first three", query, found, want)
		}
		if page.Find(".hits mark").Length() == 0 {
			t.Errorf("%q: nothing is marked", query)
		}
	}
	s.Get("/docs/search/?q=zzzz").Is(http.StatusOK).Has("No page has all of these words")
	s.Get("/docs/search/").Is(http.StatusOK).Has("Type a word or two")
	s.Get("/docs/search/?q=%ff%00" + strings.Repeat("a+", 500)).Is(http.StatusOK)
	page := s.Get("/docs/search/?q=%3Cscript%3Ealert(1)")
	if strings.Contains(page.Body, "<script>alert") {
		t.Error("what was searched for is not escaped")
	}
}

// What people call a thing elsewhere finds it, too.
func TestTheSearchKnowsOtherWords(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite, webtest.WithReference())
	for query, want := range map[string]string{
		"alert":             "/docs/notifications/",
		"alerts on-call":    "/docs/notifications/",
		"webhook":           "/docs/webhooks/",
		"callback":          "/docs/webhooks/",
		"dead man's switch": "/docs/introduction/",
		"Dead man’s switch": "/docs/introduction/",
		"deadman":           "/docs/introduction/",
		"heartbeat":         "/docs/introduction/",
		"crontab":           "/docs/crontab/",
		"cronjobs":          "/docs/crontab/",
		"late":              "/docs/reliability/",
		"silence":           "/docs/lists/",
		"mute a check":      "/docs/lists/",
		"key":               "/docs/teams/#keys",
		"token":             "/docs/api-extensions/#account-tokens",
		"2FA":               "/docs/signing-in/#two-factor-sign-in",
		"timezone":          "/docs/time-zones/",
		"k8s":               "/docs/kubernetes/",
		"install":           "/docs/self-hosting/",
	} {
		var found []string
		page := s.Get("/docs/search/?q=" + url.QueryEscape(query)).Is(http.StatusOK)
		page.Find(".hits a").Each(func(_ int, a *goquery.Selection) { found = append(found, a.AttrOr("href", "")) })
		if len(found) == 0 || !strings.Contains(strings.Join(found[:min(3, len(found))], " ")+" ", want+" ") {
			t.Errorf("%q finds %q, want %s among the first three", query, found, want)
		}
	}
}

// The reader's own check stands in the commands, for the reader only.
func TestAnExampleOfTheReader(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Get("/docs/crontab/").Is(http.StatusOK).Has("your-uuid-here").HasNot("Put in one of my checks")
		a := s.Get("/docs/example/")
		if a.Status != http.StatusSeeOther {
			t.Errorf("somebody unknown gets %d", a.Status)
		}
		_, p := s.Login("jane@example.org")
		check := s.AddNamed(p, "Shop & backup", func(c *monitor.Check) { c.Slug = "shop-backup" })
		p.PingKey = "key123"
		if err := testdb.PutProject(t.Context(), s.Store, p); err != nil {
			t.Fatal(err)
		}
		other := s.OtherBrowser()
		_, theirs := other.Login("other@example.org")
		foreign := other.FirstCheck(theirs)

		s.Get("/docs/example/?search=SHOP&back=slugs").Is(http.StatusOK).Has("Shop & backup")
		s.Get("/docs/example/?search=nothing%00").Is(http.StatusOK).Has("None of your checks")
		s.Post("/docs/example/", url.Values{"check": {check.Code.String()}, "back": {"slugs"}}).LeadsTo("/docs/slugs/")
		s.Get("/docs/slugs/").Has("The commands are those of Shop & backup", "/key123/shop-backup").HasNot("your-ping-key/")
		s.Get("/docs/crontab/").Has(check.Code.String()).HasNot("your-uuid-here")
		other.Get("/docs/crontab/").HasNot(check.Code.String())
		other.Post("/docs/example/", url.Values{"check": {check.Code.String()}}).Is(http.StatusNotFound)
		other.Get("/docs/crontab/").Has("your-uuid-here")

		for _, back := range []string{"//evil.example.org", "../", "UPPER", ""} {
			s.Post("/docs/example/", url.Values{"check": {check.Code.String()}, "back": {back}}).LeadsTo("/docs/")
		}
		s.Post("/docs/example/", url.Values{"check": {foreign.Code.String()}}).Is(http.StatusNotFound)
		s.Post("/docs/example/", url.Values{"check": {""}, "back": {"crontab"}}).LeadsTo("/docs/crontab/")
		s.Get("/docs/crontab/").Has("your-uuid-here")
	})
}

func TestTryingAnExpressionInTheDocumentation(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	try := func(page, expr, tz string) *webtest.Answer {
		return s.Get("/docs/" + page + "/?" + url.Values{"schedule": {expr}, "tz": {tz}}.Encode()).Is(http.StatusOK)
	}
	try("cron", "30 8 * * MON-FRI", "Europe/Riga").Has("At 08:30", "Mon, 2 Mar 2026, 08:30")
	try("cron", "61 * * * *", "UTC").Has("within 0-59")
	try("oncalendar", "Mon..Fri 08:30\r\n12:00", "UTC").Has("Mon, 2 Mar 2026, 12:00")
	try("oncalendar", "<b>", "Mars/Phobos").Has("<b>")
	if s.Get("/docs/cron/").Find(".preview").Length() != 0 {
		t.Error("nothing was typed, and it is explained")
	}
}

// What the cheat-sheets call an expression is one.
func TestExpressionsOfTheCheatSheets(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("(?m)^\\| ((?:`[^`]+`(?:, )?)+) \\| ((?:at|each|every|on|once|twice)[^|]*) \\|$")
	for file, kind := range map[string]schedule.Kind{"cron": schedule.Cron, "oncalendar": schedule.OnCalendar} {
		text, err := os.ReadFile("../../templates/docs/" + file + ".md")
		if err != nil {
			t.Fatal(err)
		}
		examples, _, _ := strings.Cut(string(text), "## Signs")
		n := 0
		for _, m := range row.FindAllStringSubmatch(examples, -1) {
			for _, expr := range strings.Split(m[1], ", ") {
				n++
				_, err := schedule.Parse(kind, strings.Trim(expr, "`"), "UTC")
				if err != nil {
					t.Errorf("%s: %s (%s): %v", file, expr, m[2], err)
				}
			}
		}
		if n < 10 {
			t.Errorf("%s: only %d expressions were found", file, n)
		}
	}
}
