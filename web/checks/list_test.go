package checks_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/web/checks"
	"punctual/web/ui"
	"punctual/web/ui/checkstate"
	"punctual/web/webtest"
)

// names are the names in the rows of the list that are not hidden.
func names(a *webtest.Answer) []string {
	var out []string
	for _, row := range a.Find("#checks tbody tr").EachIter() {
		_, hidden := row.Attr("hidden")
		if !hidden {
			out = append(out, row.Find(".nm a").Text())
		}
	}
	return out
}

func TestTheListFiltersByTagStateAndText(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		z := s.Zoo(p)
		list := ui.ListURL(p.ID)
		for query, want := range map[string][]string{
			"":                                   {"down 2", "late 1", "new 5", "paused 4", "run 3", "up 9", "up 10"},
			"tag=prod":                           {"down 2", "late 1", "up 10"},
			"tag=prod&tag=db":                    {"down 2"},
			"status=down":                        {"down 2"},
			"status=grace&status=new":            {"late 1", "new 5"},
			"status=started":                     {"run 3"},
			"status=paused":                      {"paused 4"},
			"status=up":                          {"up 9", "up 10"},
			"search=UP":                          {"up 9", "up 10"},
			"search=web":                         {"run 3", "up 9"},
			"search=up-9":                        {"up 9"},
			"tag=web&status=up":                  {"up 9"},
			"search=nosuch":                      nil,
			"status=nosuch":                      {"down 2", "late 1", "new 5", "paused 4", "run 3", "up 9", "up 10"},
			"tag=nosuch":                         nil,
			"search=" + z["up 10"].Code.String(): {"up 10"},
		} {
			a := s.Get(list + "?sort=name&" + query).Is(http.StatusOK)
			diff := cmp.Diff(want, names(a))
			if diff != "" {
				t.Errorf("%q (-want +got):\n%s", query, diff)
			}
		}
		a := s.Get(list + "?tag=web")
		got := a.Text("#summary")
		if got != "7 checks · 1 down · next expected ping in 59 min" {
			t.Errorf("summary %q", got)
		}
		if got := a.Text(".chips li:has([data-state])"); got != "Up 2Down 1Late 1Running 1Paused 1New 1" {
			t.Errorf("chips %q", got)
		}
		tag := a.Find(`a[data-tag=prod]`)
		class, _ := tag.Attr("class")
		if !strings.Contains(class, "s-down") || tag.AttrOr("title", "") != "1 of 3 down" || tag.AttrOr("href", "") != "?tag=web&tag=prod" {
			t.Errorf("the tag prod: class %q, %q, %q", class, tag.AttrOr("title", ""), tag.AttrOr("href", ""))
		}
		off := a.Find(`a[data-tag=web]`)
		if off.AttrOr("href", "") != "?" || off.AttrOr("aria-current", "") != "true" {
			t.Errorf("the chosen tag leads to %q", off.AttrOr("href", ""))
		}
	})
}

func TestTheChosenOrderIsKept(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, p := s.Login("me@example.org")
		s.Zoo(p)
		list := ui.ListURL(p.ID)
		// below what is down and late
		rest := func(a *webtest.Answer) []string { return names(a)[2:] }
		for order, want := range map[string][]string{
			"name":       {"new 5", "paused 4", "run 3", "up 9", "up 10"},
			"-name":      {"up 10", "up 9", "run 3", "paused 4", "new 5"},
			"-last_ping": {"up 10", "up 9"},
			"last_ping":  {"up 9", "up 10"},
		} {
			s.Post(list+"view/", url.Values{"sort": {order}, "back": {"?tag=x"}}).LeadsTo(list + "?tag=x")
			diff := cmp.Diff(want, rest(s.Get(list))[:len(want)])
			if diff != "" {
				t.Errorf("%s (-want +got):\n%s", order, diff)
			}
		}
		s.Post(list+"view/", url.Values{"sort": {"-name"}}).LeadsTo(list)
		got := rest(s.Get(list + "?sort=name"))
		if got[0] != "new 5" {
			t.Errorf("an address with an order shows %v", got)
		}
		if got := rest(s.Get(list)); got[0] != "up 10" {
			t.Errorf("the next visit shows %v", got)
		}
		s.Get(list + "?sort=nosuch").Is(http.StatusOK)
		s.Post(list+"view/", url.Values{"sort": {"nosuch"}}).LeadsTo(list)
		u, _ := s.Store.UserByID(s.Context(), user.ID)
		if u.Sort != "-name" {
			t.Errorf("stored order %q", u.Sort)
		}
	})
}

func TestAnEmptyProjectTeaches(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		if _, err := s.Store.DeleteCheck(s.Context(), s.FirstCheck(p).Code); err != nil {
			t.Fatal(err)
		}
		// a project of before there was a ping key from the start
		s.Post(webtest.SettingsPath(p), url.Values{"revoke_key": {"ping_key"}}).LeadsTo(webtest.SettingsPath(p))
		s.Get(ui.ListURL(p.ID)).Is(http.StatusOK).Has("No checks yet", "Add the first check", "Make a ping key",
			"/api/v3/checks/").HasNot("create=1", "PING_KEY")

		// What makes the key leads back to the list, which has the command with it.
		form := url.Values{"create_key": {"ping_key"}, "back": {"checks"}}
		s.Post(webtest.SettingsPath(p), form).LeadsTo(ui.ListURL(p.ID))
		made, err := s.Store.ProjectByID(t.Context(), p.ID)
		if err != nil || len(made.PingKey) != 22 {
			t.Fatalf("%+v, %v", made, err)
		}
		s.Get(ui.ListURL(p.ID)).Has("curl -fsS", "/ping/"+made.PingKey+"/nightly-backup?create=1").HasNot("Make a ping key")
		// a second click
		s.Post(webtest.SettingsPath(p), form).LeadsTo(ui.ListURL(p.ID))
		if again, err := s.Store.ProjectByID(t.Context(), p.ID); err != nil || again.PingKey != made.PingKey {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

// poll asks what has changed in the list.
func poll(s *webtest.Site, p *monitor.Project, version string, since int64) checks.ListUpdate {
	s.Helper()
	return pollQuery(s, p, version, since, "")
}

// pollQuery is poll of a list that the server filters.
func pollQuery(s *webtest.Site, p *monitor.Project, version string, since int64, query string) checks.ListUpdate {
	s.Helper()
	a := s.Get(fmt.Sprintf("%sstatus/?v=%s&since=%d%s", ui.ListURL(p.ID), version, since, query)).Is(http.StatusOK)
	var u checks.ListUpdate
	if err := json.Unmarshal([]byte(a.Body), &u); err != nil {
		s.Fatal(err)
	}
	return u
}

func TestPollingReturnsWhatHasChanged(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		other := s.AddNamed(p, "other", func(c *monitor.Check) { c.Tags = "web" })
		s.Ping(c, monitor.PingSuccess)
		s.Ping(other, monitor.PingSuccess)
		s.Clock.Advance(time.Minute)
		u := poll(s, p, "", 0)
		if !u.All || len(u.Rows) != 2 {
			t.Fatalf("first look: %+v", u)
		}
		s.Clock.Advance(time.Minute)
		u = poll(s, p, u.Version, u.Now)
		if u.All || len(u.Rows) != 0 {
			t.Errorf("nothing has happened: %+v", u)
		}
		s.Clock.Advance(time.Minute)
		s.Ping(other, monitor.PingFail)
		s.Clock.Advance(time.Second)
		u = poll(s, p, u.Version, u.Now)
		if u.All || len(u.Rows) != 1 || !strings.Contains(u.Rows[0], `/checks/`+other.Code.String()+`/details/`) || u.Down != 1 ||
			u.Counts[checkstate.Down] != 1 {
			t.Errorf("after a ping: %+v", u)
		}
		tag := u.Tags["web"]
		if tag[0] != "down" || tag[1] != "1 of 1 down" {
			t.Errorf("tag %v", tag)
		}
		s.Clock.Advance(time.Minute)
		u = poll(s, p, u.Version, u.Now)
		s.Clock.Set(s.Reload(c).DueAt)
		u = poll(s, p, u.Version, u.Now)
		if u.All || len(u.Rows) != 1 || u.Counts[checkstate.Late] != 1 {
			t.Errorf("when one becomes late: %+v", u)
		}
		s.Post("/checks/"+other.Code.String()+"/name/", url.Values{"name": {"renamed"}}).Is(http.StatusSeeOther)
		u = poll(s, p, u.Version, u.Now)
		if !u.All || len(u.Rows) != 2 {
			t.Errorf("after an edit: %+v", u)
		}
	})
}

func TestTheListSwitchesTheStyleOfURLs(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		got := s.Get(ui.ListURL(p.ID)).Text(".nm code")
		if got != s.URL+"/ping/"+c.Code.String() {
			t.Errorf("by code: %q", got)
		}
		p.ShowSlugs = true
		p.PingKey = "k3v9q0m2x7b1n8c4z6l5ad"
		if err := testdb.PutProject(s.Context(), s.Store, p); err != nil {
			t.Fatal(err)
		}
		if got := s.Get(ui.ListURL(p.ID)).Text(".nm code"); got != s.URL+"/ping/"+p.PingKey+"/"+c.Slug {
			t.Errorf("by slug: %q", got)
		}
		s.Get("/checks/" + c.Code.String() + "/details/").Has(s.URL + "/ping/k3v9q0m2x7b1n8c4z6l5ad/" + c.Slug)
	})
}

func TestOnlyThoseWithAccessSeeChecks(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		s.Ping(c, monitor.PingSuccess, func(p *monitor.Ping) { p.Body = []byte("hello") })
		member := s.OtherBrowser()
		reader, _ := member.Login("reader@example.org")
		_, err := s.Store.DB().Exec(s.Context(), `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, 'r', $3)`,
			reader.ID, p.ID, s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		stranger := s.OtherBrowser()
		stranger.Login("stranger@example.org")
		nobody := s.OtherBrowser()
		check := "/checks/" + c.Code.String() + "/"
		for _, path := range []string{ui.ListURL(p.ID), ui.ListURL(p.ID) + "status/", check + "details/", check + "status/", check + "log/",
			check + "pings/1/", check + "pings/1/body/", check + "last_ping/", "/cloaked/" + monitor.UniqueKey(c.Code) + "/"} {
			want := http.StatusOK
			if strings.HasPrefix(path, "/cloaked") {
				want = http.StatusSeeOther
			}
			s.Get(path).Is(want)
			member.Get(path).Is(want)
			stranger.Get(path).Is(http.StatusNotFound)
			a := nobody.Get(path)
			if a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Location, "/accounts/login/") {
				t.Errorf("%s for nobody: %d %s", path, a.Status, a.Location)
			}
		}
		for _, path := range []string{ui.ListURL(p.ID) + "add/", check + "name/", check + "timeout/", check + "filtering_rules/",
			check + "remove/"} {
			member.Get(path).Is(http.StatusForbidden)
			stranger.Get(path).Is(http.StatusNotFound)
		}
		channels, _ := s.Store.ChannelsOf(s.Context(), p.ID)
		for _, path := range []string{ui.ListURL(p.ID) + "add/", check + "name/", check + "timeout/", check + "filtering_rules/",
			check + "remove/", check + "pause/", check + "resume/", check + "copy/", check + "clear_events/",
			check + "channels/" + channels[0].ID.String() + "/enabled"} {
			member.Post(path, url.Values{}).Is(http.StatusForbidden)
			stranger.Post(path, url.Values{}).Is(http.StatusNotFound)
			nobody.Post(path, url.Values{}).Is(http.StatusSeeOther)
		}
		p.PingKey = "k3v9q0m2x7b1n8c4z6l5ad"
		p.ShowSlugs = true
		if err := testdb.PutProject(s.Context(), s.Store, p); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{ui.ListURL(p.ID), check + "details/"} {
			if strings.Contains(member.Get(path).Body, p.PingKey) || !strings.Contains(s.Get(path).Body, p.PingKey) {
				t.Errorf("%s: the ping key is for those who may write", path)
			}
		}
		member.Get(ui.ListURL(p.ID)).HasNot("New check", "Remove")
		member.Get(check+"details/").HasNot("Clear events", "Edit")
	})
}

func TestASuperuserOpensEveryCheck(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		root := s.OtherBrowser()
		user, _ := root.Login("root@example.org")
		user.IsSuperuser = true
		if err := testdb.PutUser(s.Context(), s.Store, user); err != nil {
			t.Fatal(err)
		}
		root.Get(ui.ListURL(p.ID)).Is(http.StatusOK).Has("New check")
		root.Get("/cloaked/" + monitor.UniqueKey(c.Code) + "/").LeadsTo("/checks/" + c.Code.String() + "/details/")
		root.Post("/checks/"+c.Code.String()+"/pause/", url.Values{}).Is(http.StatusSeeOther)
	})
}

func TestBarsShowTheLastRuns(t *testing.T) {
	for runs, want := range map[string]struct{ label, share string }{
		"":                            {"No runs yet", ""},
		"u":                           {"Last 1 run: 1 on time", "100%"},
		"uuul":                        {"Last 4 runs: 3 on time, 1 late", "100%"},
		"udm":                         {"Last 3 runs: 1 on time, 1 failed, 1 missed", "33.3%"},
		"uu?m":                        {"Last 4 runs: 2 on time, 1 missed, 1 unknown", "66.7%"},
		"??":                          {"Last 2 runs: 2 unknown", ""},
		strings.Repeat("u", 29) + "m": {"Last 30 runs: 29 on time, 1 missed", "96.7%"},
	} {
		svg := string(checkstate.Bars(runs))
		if !strings.Contains(svg, `aria-label="`+want.label+`"`) || checkstate.Share(runs) != want.share {
			t.Errorf("%q: %s, %s", runs, svg, checkstate.Share(runs))
		}
	}
	svg := string(checkstate.Bars("ul"))
	if !strings.Contains(svg, `<path class=h-l d="M5 14.5h5"/>`) {
		t.Errorf("a late run is the second, shorter bar: %s", svg)
	}
	svg = string(checkstate.Bars("u?"))
	if strings.Count(svg, `<path class=h-q d="M5 `) != 4 {
		t.Errorf("an unknown run is no hatched bar: %s", svg)
	}
}

func TestShownStates(t *testing.T) {
	now := testdb.NewClock().Now()
	c := monitor.NewCheck(uuid.New(), now)
	c.Timeout = time.Hour
	c.Grace = time.Hour
	steps := []struct {
		what string
		kind monitor.PingKind
		wait time.Duration
		want checkstate.State
	}{
		{"nothing yet", "", 0, checkstate.New},
		{"a first start", monitor.PingStart, time.Minute, checkstate.Started},
		{"its end", monitor.PingSuccess, time.Minute, checkstate.Up},
		{"late", "", time.Hour, checkstate.Late},
		{"started late", monitor.PingStart, 0, checkstate.Started},
		{"the deadline passes meanwhile", "", time.Hour, checkstate.Down},
		{"back", monitor.PingSuccess, 0, checkstate.Up},
		{"failed", monitor.PingFail, 0, checkstate.Down},
		{"a start while down", monitor.PingStart, 0, checkstate.Down},
	}
	for _, step := range steps {
		now = now.Add(step.wait)
		if step.kind != "" {
			monitor.Apply(&c, &monitor.Ping{Kind: step.kind, CreatedAt: now})
		}
		got := checkstate.At(&c, monitor.AllHeard(now))
		if got != step.want {
			t.Errorf("%s: %s, want %s", step.what, got, step.want)
		}
	}
}

// What an address says of the order counts for all that the page leads to, and
// for what the page asks for later; choosing another order ends that.
func TestTheOrderOfAnAddressStays(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		for _, name := range []string{"b", "a", "c"} {
			s.AddNamed(p, name, func(c *monitor.Check) { c.Slug = "slug-" + c.Name; c.Tags = "t" })
		}
		p.PingKey = "key123"
		if err := testdb.PutProject(s.Context(), s.Store, p); err != nil {
			s.Fatal(err)
		}
		names := func(a *webtest.Answer) string {
			return strings.Join(a.Find("#checks .nm a").Map(func(_ int, link *goquery.Selection) string { return link.Text() }), " ")
		}
		list := ui.ListURL(p.ID)
		page := s.Get(list + "?sort=-name&urls=slug").Is(http.StatusOK)
		got := names(page)
		if got != "My First Check c b a" {
			t.Errorf("the list is %q", got)
		}
		code := page.Text("#checks .nm code")
		if !strings.Contains(code, "slug-c") {
			t.Errorf("the ping URLs are %q", code)
		}
		for _, link := range []string{page.Find("a[data-tag]").AttrOr("href", ""), page.Find("a[data-state]").AttrOr("href", ""),
			page.Find("#select").AttrOr("href", "")} {
			if !strings.Contains(link, "sort=-name") || !strings.Contains(link, "urls=slug") {
				t.Errorf("%s forgets the order or the style of URLs", link)
			}
		}
		rows := s.Get(list + "status/?sort=-name&v=x").Is(http.StatusOK).Body
		if strings.Index(rows, `slug-c`) > strings.Index(rows, `slug-b`) {
			t.Errorf("an update has another order: %s", rows)
		}
		s.Post(list+"view/", url.Values{"sort": {"name"}, "back": {"?sort=-name&tag=t"}}).LeadsTo(list + "?tag=t")
		if got := names(s.Get(list)); got != "a b c My First Check" {
			t.Errorf("the chosen order is %q", got)
		}
	})
}
