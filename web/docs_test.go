package web

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
)

// Every link of the documentation leads somewhere, and to a place that is there.
func TestLinksOfTheDocumentation(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, db.SQLite, withReference())
	pages := map[string]*answer{}
	page := func(path string) *answer {
		if pages[path] == nil {
			pages[path] = s.get(path).is(http.StatusOK)
		}
		return pages[path]
	}
	all := page("/docs/introduction/").Find("#docs-nav a[href^='/docs/']")
	if all.Length() < 40 {
		t.Fatalf("the list has %d pages", all.Length())
	}
	for _, link := range all.EachIter() {
		{
			base, err := url.Parse(s.url + link.AttrOr("href", ""))
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
	if got := pages["/docs/api/"].Find(".steps a[rel=next]").AttrOr("href", ""); got != "/docs/api-reference/" {
		t.Errorf("behind the page about the API comes %s", got)
	}
	if got := pages["/docs/api-reference/"].Find(`#docs-nav a[aria-current=page]`).Text(); got != "API reference" {
		t.Errorf("the list marks %q", got)
	}
}

func TestSearchingTheDocumentation(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, db.SQLite, withReference())
	for query, want := range map[string]string{
		"systemd":             "/docs/systemd/",
		"run ids":             "/docs/run-times/",
		"Runs that overlap":   "/docs/run-times/#runs-that-overlap",
		"exit status":         "/docs/signalling/#my-exit-status",
		"--retry-connrefused": "/docs/crontab/",
		"make a check":        "/docs/api/#make-a-check",
		"KUBERNETES":          "/docs/kubernetes/",
	} {
		page := s.get("/docs/search/?q=" + url.QueryEscape(query)).is(http.StatusOK)
		var found []string
		page.Find(".hits a").Each(func(_ int, a *goquery.Selection) { found = append(found, a.AttrOr("href", "")) })
		if len(found) == 0 || !strings.Contains(strings.Join(found[:min(3, len(found))], " ")+" ", want+" ") {
			t.Errorf("%q finds %q, want %s among the first three", query, found, want)
		}
		if page.Find(".hits mark").Length() == 0 {
			t.Errorf("%q: nothing is marked", query)
		}
	}
	s.get("/docs/search/?q=zzzz").is(http.StatusOK).has("No page has all of these words")
	s.get("/docs/search/").is(http.StatusOK).has("Type a word or two")
	s.get("/docs/search/?q=%ff%00" + strings.Repeat("a+", 500)).is(http.StatusOK)
	if page := s.get("/docs/search/?q=%3Cscript%3Ealert(1)"); strings.Contains(page.body, "<script>alert") {
		t.Error("what was searched for is not escaped")
	}
}

func FuzzSearchOfTheDocumentation(f *testing.F) {
	sections := []docSection{{Heading: "Überschrift <b>", Text: "A job & its ping: “each” day, straße 12 ÄÖÜ ping"}, {Anchor: "x", Heading: "ping", Text: ""}}
	groups := []docGroup{{"g", []doc{{Name: "page", Title: "Ping & go", Lead: "lead", Sections: sections}}}}
	for _, seed := range []string{"ping", "ä", "ping pin pi", "\xff", "straße ẞ", "day,", "12"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, hit := range searchDocs(groups, query) {
			if all := string(hit.Heading + hit.Snippet); strings.Contains(all, "<b>") || strings.Count(all, "<mark>") != strings.Count(all, "</mark>") {
				t.Errorf("%q: %s", query, all)
			}
		}
	})
}

// The reader's own check stands in the commands, for the reader only.
func TestAnExampleOfTheReader(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.get("/docs/crontab/").is(http.StatusOK).has("your-uuid-here").hasNot("Put in one of my checks")
		if a := s.get("/docs/example/"); a.status != http.StatusSeeOther {
			t.Errorf("somebody unknown gets %d", a.status)
		}
		_, p := s.login("jane@example.org")
		check := s.addNamed(p, "Shop & backup", func(c *monitor.Check) { c.Slug = "shop-backup" })
		p.PingKey = "key123"
		if err := testdb.PutProject(t.Context(), s.store, p); err != nil {
			t.Fatal(err)
		}
		other := s.otherBrowser()
		_, theirs := other.login("other@example.org")
		foreign := other.firstCheck(theirs)

		s.get("/docs/example/?search=SHOP&back=slugs").is(http.StatusOK).has("Shop & backup")
		s.get("/docs/example/?search=nothing%00").is(http.StatusOK).has("None of your checks")
		s.post("/docs/example/", url.Values{"check": {check.Code.String()}, "back": {"slugs"}}).leadsTo("/docs/slugs/")
		s.get("/docs/slugs/").has("The commands are those of Shop & backup", "/key123/shop-backup").hasNot("your-ping-key/")
		s.get("/docs/crontab/").has(check.Code.String()).hasNot("your-uuid-here")
		other.get("/docs/crontab/").hasNot(check.Code.String())
		other.post("/docs/example/", url.Values{"check": {check.Code.String()}}).is(http.StatusNotFound)
		other.get("/docs/crontab/").has("your-uuid-here")

		for _, back := range []string{"//evil.example.org", "../", "UPPER", ""} {
			s.post("/docs/example/", url.Values{"check": {check.Code.String()}, "back": {back}}).leadsTo("/docs/")
		}
		s.post("/docs/example/", url.Values{"check": {foreign.Code.String()}}).is(http.StatusNotFound)
		s.post("/docs/example/", url.Values{"check": {""}, "back": {"crontab"}}).leadsTo("/docs/crontab/")
		s.get("/docs/crontab/").has("your-uuid-here")
	})
}

func TestTryingAnExpressionInTheDocumentation(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, db.SQLite)
	try := func(page, expr, tz string) *answer {
		return s.get("/docs/" + page + "/?" + url.Values{"schedule": {expr}, "tz": {tz}}.Encode()).is(http.StatusOK)
	}
	try("cron", "30 8 * * MON-FRI", "Europe/Riga").has("At 08:30", "Mon, 2 Mar 2026, 08:30")
	try("cron", "61 * * * *", "UTC").has("within 0-59")
	try("oncalendar", "Mon..Fri 08:30\r\n12:00", "UTC").has("Mon, 2 Mar 2026, 12:00")
	try("oncalendar", "<b>", "Mars/Phobos").has("<b>")
	if s.get("/docs/cron/").Find(".preview").Length() != 0 {
		t.Error("nothing was typed, and it is explained")
	}
}

// What the cheat-sheets call an expression is one.
func TestExpressionsOfTheCheatSheets(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("(?m)^\\| ((?:`[^`]+`(?:, )?)+) \\| ((?:at|each|every|on|once|twice)[^|]*) \\|$")
	for file, kind := range map[string]schedule.Kind{"cron": schedule.Cron, "oncalendar": schedule.OnCalendar} {
		text, err := os.ReadFile("../templates/docs/" + file + ".md")
		if err != nil {
			t.Fatal(err)
		}
		examples, _, _ := strings.Cut(string(text), "## Signs")
		n := 0
		for _, m := range row.FindAllStringSubmatch(examples, -1) {
			for _, expr := range strings.Split(m[1], ", ") {
				n++
				if _, err := schedule.Parse(kind, strings.Trim(expr, "`"), "UTC"); err != nil {
					t.Errorf("%s: %s (%s): %v", file, expr, m[2], err)
				}
			}
		}
		if n < 10 {
			t.Errorf("%s: only %d expressions were found", file, n)
		}
	}
}
