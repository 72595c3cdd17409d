package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// addNamed stores a check with defaults, changed by set.
func (s *testSite) addNamed(p *monitor.Project, name string, set ...func(*monitor.Check)) *monitor.Check {
	s.Helper()
	c := monitor.NewCheck(p.ID, s.clock.Now())
	c.Name, c.Slug = name, monitor.Slugify(name)
	for _, f := range set {
		f(&c)
	}
	if err := s.store.CreateCheck(s.Context(), &c, store.Channels{All: true}); err != nil {
		s.Fatal(err)
	}
	return &c
}

// ping records a ping now, as set says.
func (s *testSite) ping(c *monitor.Check, kind monitor.PingKind, set ...func(*monitor.Ping)) {
	s.Helper()
	a := &store.Arrival{
		Code:     c.Code,
		Ping:     monitor.Ping{CreatedAt: s.clock.Now(), Scheme: "https", Method: "POST", RemoteAddr: "198.51.100.7", UserAgent: "curl/8.5"},
		Classify: func(*monitor.Filter) monitor.PingKind { return kind },
	}
	for _, f := range set {
		f(&a.Ping)
	}
	if err := s.store.RecordPings(s.Context(), []*store.Arrival{a}); err != nil {
		s.Fatal(err)
	}
	if a.Err != nil {
		s.Fatal(a.Err)
	}
}

// reload is the check as it is stored now.
func (s *testSite) reload(c *monitor.Check) *monitor.Check {
	s.Helper()
	got, err := s.store.CheckByCode(s.Context(), c.Code)
	if err != nil {
		s.Fatal(err)
	}
	return got
}

// names are the names in the rows of the list that are not hidden.
func names(a *answer) []string {
	var out []string
	for _, row := range a.Find("#checks tbody tr").EachIter() {
		if _, hidden := row.Attr("hidden"); !hidden {
			out = append(out, row.Find(".nm a").Text())
		}
	}
	return out
}

// zoo fills the project with one check in each state and returns them by name.
func (s *testSite) zoo(p *monitor.Project) map[string]*monitor.Check {
	s.Helper()
	if _, err := s.store.DeleteCheck(s.Context(), s.firstCheck(p).Code); err != nil {
		s.Fatal(err)
	}
	hourly := func(tags string) func(*monitor.Check) {
		return func(c *monitor.Check) { c.Timeout, c.Grace, c.Tags = time.Hour, time.Hour, tags }
	}
	z := map[string]*monitor.Check{}
	for name, tags := range map[string]string{"late 1": "prod", "down 2": "prod db", "up 10": "prod", "up 9": "web", "run 3": "web", "paused 4": "", "new 5": "db"} {
		z[name] = s.addNamed(p, name, hourly(tags))
	}
	s.ping(z["late 1"], monitor.PingSuccess)
	s.clock.Advance(90 * time.Minute)
	s.ping(z["down 2"], monitor.PingFail)
	s.ping(z["up 9"], monitor.PingSuccess)
	s.clock.Advance(time.Minute)
	s.ping(z["up 10"], monitor.PingSuccess)
	s.ping(z["run 3"], monitor.PingStart)
	s.post("/checks/"+z["paused 4"].Code.String()+"/pause/", url.Values{}).is(http.StatusSeeOther)
	return z
}

func TestTheListFiltersByTagStateAndText(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		z := s.zoo(p)
		list := listURL(p.ID)
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
			a := s.get(list + "?sort=name&" + query).is(http.StatusOK)
			if diff := cmp.Diff(want, names(a)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", query, diff)
			}
		}
		a := s.get(list + "?tag=web")
		if got := a.text("#summary"); got != "7 checks · 1 down · next expected ping in 59 min" {
			t.Errorf("summary %q", got)
		}
		if got := a.text(".chips"); got != "Up 2Down 1Late 1Running 1Paused 1New 1" {
			t.Errorf("chips %q", got)
		}
		tag := a.Find(`a[data-tag=prod]`)
		if class, _ := tag.Attr("class"); !strings.Contains(class, "s-down") || tag.AttrOr("title", "") != "1 of 3 down" || tag.AttrOr("href", "") != "?tag=web&tag=prod" {
			t.Errorf("the tag prod: class %q, %q, %q", class, tag.AttrOr("title", ""), tag.AttrOr("href", ""))
		}
		if off := a.Find(`a[data-tag=web]`); off.AttrOr("href", "") != "?" || off.AttrOr("aria-current", "") != "true" {
			t.Errorf("the chosen tag leads to %q", off.AttrOr("href", ""))
		}
	})
}

func TestTheChosenOrderIsKept(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, p := s.login("me@example.org")
		s.zoo(p)
		list := listURL(p.ID)
		rest := func(a *answer) []string { return names(a)[2:] } // below what is down and late
		for order, want := range map[string][]string{
			"name":       {"new 5", "paused 4", "run 3", "up 9", "up 10"},
			"-name":      {"up 10", "up 9", "run 3", "paused 4", "new 5"},
			"-last_ping": {"up 10", "up 9"},
			"last_ping":  {"up 9", "up 10"},
		} {
			s.post(list+"view/", url.Values{"sort": {order}, "back": {"?tag=x"}}).leadsTo(list + "?tag=x")
			if diff := cmp.Diff(want, rest(s.get(list))[:len(want)]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", order, diff)
			}
		}
		s.post(list+"view/", url.Values{"sort": {"-name"}}).leadsTo(list)
		if got := rest(s.get(list + "?sort=name")); got[0] != "new 5" {
			t.Errorf("an address with an order shows %v", got)
		}
		if got := rest(s.get(list)); got[0] != "up 10" {
			t.Errorf("the next visit shows %v", got)
		}
		s.get(list + "?sort=nosuch").is(http.StatusOK)
		s.post(list+"view/", url.Values{"sort": {"nosuch"}}).leadsTo(list)
		if u, _ := s.store.UserByID(s.Context(), user.ID); u.Sort != "-name" {
			t.Errorf("stored order %q", u.Sort)
		}
	})
}

func TestAnEmptyProjectTeaches(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		if _, err := s.store.DeleteCheck(s.Context(), s.firstCheck(p).Code); err != nil {
			t.Fatal(err)
		}
		s.get(listURL(p.ID)).is(http.StatusOK).has("No checks yet", "Add the first check", "Make a ping key", "/api/v3/checks/").hasNot("create=1", "PING_KEY")

		// What makes the key leads back to the list, which has the command with it.
		form := url.Values{"create_key": {"ping_key"}, "back": {"checks"}}
		s.post(settingsPath(p), form).leadsTo(listURL(p.ID))
		made, err := s.store.ProjectByID(t.Context(), p.ID)
		if err != nil || len(made.PingKey) != 22 {
			t.Fatalf("%+v, %v", made, err)
		}
		s.get(listURL(p.ID)).has("curl -fsS", "/ping/"+made.PingKey+"/nightly-backup?create=1").hasNot("Make a ping key")
		s.post(settingsPath(p), form).leadsTo(listURL(p.ID)) // a second click
		if again, err := s.store.ProjectByID(t.Context(), p.ID); err != nil || again.PingKey != made.PingKey {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

// poll asks what has changed in the list.
func (s *testSite) poll(p *monitor.Project, version string, since int64) listUpdate {
	s.Helper()
	return s.pollQuery(p, version, since, "")
}

// pollQuery is poll of a list that the server filters.
func (s *testSite) pollQuery(p *monitor.Project, version string, since int64, query string) listUpdate {
	s.Helper()
	a := s.get(fmt.Sprintf("%sstatus/?v=%s&since=%d%s", listURL(p.ID), version, since, query)).is(http.StatusOK)
	var u listUpdate
	if err := json.Unmarshal([]byte(a.body), &u); err != nil {
		s.Fatal(err)
	}
	return u
}

func TestPollingTellsWhatHasChanged(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		other := s.addNamed(p, "other", func(c *monitor.Check) { c.Tags = "web" })
		s.ping(c, monitor.PingSuccess)
		s.ping(other, monitor.PingSuccess)
		s.clock.Advance(time.Minute)
		u := s.poll(p, "", 0)
		if !u.All || len(u.Rows) != 2 {
			t.Fatalf("first look: %+v", u)
		}
		s.clock.Advance(time.Minute)
		if u = s.poll(p, u.Version, u.Now); u.All || len(u.Rows) != 0 {
			t.Errorf("nothing has happened: %+v", u)
		}
		s.clock.Advance(time.Minute)
		s.ping(other, monitor.PingFail)
		s.clock.Advance(time.Second)
		if u = s.poll(p, u.Version, u.Now); u.All || len(u.Rows) != 1 || !strings.Contains(u.Rows[0], `/checks/`+other.Code.String()+`/details/`) || u.Down != 1 || u.Counts[shownDown] != 1 {
			t.Errorf("after a ping: %+v", u)
		}
		if tag := u.Tags["web"]; tag[0] != "down" || tag[1] != "1 of 1 down" {
			t.Errorf("tag %v", tag)
		}
		s.clock.Advance(time.Minute)
		u = s.poll(p, u.Version, u.Now)
		s.clock.Set(s.reload(c).DueAt)
		if u = s.poll(p, u.Version, u.Now); u.All || len(u.Rows) != 1 || u.Counts[shownLate] != 1 {
			t.Errorf("when one becomes late: %+v", u)
		}
		s.post("/checks/"+other.Code.String()+"/name/", url.Values{"name": {"renamed"}}).is(http.StatusSeeOther)
		if u = s.poll(p, u.Version, u.Now); !u.All || len(u.Rows) != 2 {
			t.Errorf("after an edit: %+v", u)
		}
	})
}

func TestTheListSwitchesTheStyleOfURLs(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		if got := s.get(listURL(p.ID)).text(".nm code"); got != s.url+"/ping/"+c.Code.String() {
			t.Errorf("by code: %q", got)
		}
		p.ShowSlugs, p.PingKey = true, "k3v9q0m2x7b1n8c4z6l5ad"
		if err := testdb.PutProject(s.Context(), s.store, p); err != nil {
			t.Fatal(err)
		}
		if got := s.get(listURL(p.ID)).text(".nm code"); got != s.url+"/ping/"+p.PingKey+"/"+c.Slug {
			t.Errorf("by slug: %q", got)
		}
		s.get("/checks/" + c.Code.String() + "/details/").has(s.url + "/ping/k3v9q0m2x7b1n8c4z6l5ad/" + c.Slug)
	})
}

func TestOnlyThoseWithAccessSeeChecks(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		s.ping(c, monitor.PingSuccess, func(p *monitor.Ping) { p.Body = []byte("hello") })
		member := s.otherBrowser()
		reader, _ := member.login("reader@example.org")
		_, err := s.store.DB().Exec(s.Context(), `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, 'r', $3)`, reader.ID, p.ID, s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		stranger := s.otherBrowser()
		stranger.login("stranger@example.org")
		nobody := s.otherBrowser()
		check := "/checks/" + c.Code.String() + "/"
		for _, path := range []string{listURL(p.ID), listURL(p.ID) + "status/", check + "details/", check + "status/", check + "log/", check + "pings/1/", check + "pings/1/body/", check + "last_ping/", "/cloaked/" + monitor.UniqueKey(c.Code) + "/"} {
			want := http.StatusOK
			if strings.HasPrefix(path, "/cloaked") {
				want = http.StatusSeeOther
			}
			s.get(path).is(want)
			member.get(path).is(want)
			stranger.get(path).is(http.StatusNotFound)
			if a := nobody.get(path); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/accounts/login/") {
				t.Errorf("%s for nobody: %d %s", path, a.status, a.location)
			}
		}
		for _, path := range []string{listURL(p.ID) + "add/", check + "name/", check + "timeout/", check + "filtering_rules/", check + "remove/"} {
			member.get(path).is(http.StatusForbidden)
			stranger.get(path).is(http.StatusNotFound)
		}
		channels, _ := s.store.ChannelsOf(s.Context(), p.ID)
		for _, path := range []string{listURL(p.ID) + "add/", check + "name/", check + "timeout/", check + "filtering_rules/", check + "remove/", check + "pause/", check + "resume/", check + "copy/", check + "clear_events/", check + "channels/" + channels[0].ID.String() + "/enabled"} {
			member.post(path, url.Values{}).is(http.StatusForbidden)
			stranger.post(path, url.Values{}).is(http.StatusNotFound)
			nobody.post(path, url.Values{}).is(http.StatusSeeOther)
		}
		p.PingKey, p.ShowSlugs = "k3v9q0m2x7b1n8c4z6l5ad", true
		if err := testdb.PutProject(s.Context(), s.store, p); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{listURL(p.ID), check + "details/"} {
			if strings.Contains(member.get(path).body, p.PingKey) || !strings.Contains(s.get(path).body, p.PingKey) {
				t.Errorf("%s: the ping key is for those who may write", path)
			}
		}
		member.get(listURL(p.ID)).hasNot("New check", "Remove")
		member.get(check+"details/").hasNot("Clear events", "Edit")
	})
}

func TestASuperuserOpensEveryCheck(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		root := s.otherBrowser()
		user, _ := root.login("root@example.org")
		user.IsSuperuser = true
		if err := testdb.PutUser(s.Context(), s.store, user); err != nil {
			t.Fatal(err)
		}
		root.get(listURL(p.ID)).is(http.StatusOK).has("New check")
		root.get("/cloaked/" + monitor.UniqueKey(c.Code) + "/").leadsTo("/checks/" + c.Code.String() + "/details/")
		root.post("/checks/"+c.Code.String()+"/pause/", url.Values{}).is(http.StatusSeeOther)
	})
}

func TestNaturalOrder(t *testing.T) {
	want := []string{"", "9", "10", "a", "a1", "a01b", "a2", "a10", "a10b", "b 2 x 3", "b 2 x 20", "ab"}
	slices.SortFunc(want[9:], compareNatural)
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortStableFunc(got, compareNatural)
	if diff := cmp.Diff([]string{"", "9", "10", "a", "a1", "a01b", "a2", "a10", "a10b", "ab", "b 2 x 3", "b 2 x 20"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBarsShowTheLastRuns(t *testing.T) {
	for runs, want := range map[string]struct{ label, share string }{
		"":                            {"No runs yet", ""},
		"u":                           {"Last 1 run: 1 on time", "100%"},
		"uuul":                        {"Last 4 runs: 3 on time, 1 late", "100%"},
		"udm":                         {"Last 3 runs: 1 on time, 1 failed, 1 missed", "33.3%"},
		strings.Repeat("u", 29) + "m": {"Last 30 runs: 29 on time, 1 missed", "96.7%"},
	} {
		svg := string(describedBars(runs))
		if !strings.Contains(svg, `aria-label="`+want.label+`"`) || share(runs) != want.share {
			t.Errorf("%q: %s, %s", runs, svg, share(runs))
		}
	}
	if svg := string(appendBars(nil, "ul", "")); !strings.Contains(svg, `<path class=h-l d="M5 14.5h5"/>`) {
		t.Errorf("a late run is the second, shorter bar: %s", svg)
	}
}

func TestShownStates(t *testing.T) {
	now := testdb.NewClock().Now()
	c := monitor.NewCheck(uuid.New(), now)
	c.Timeout, c.Grace = time.Hour, time.Hour
	steps := []struct {
		what string
		kind monitor.PingKind
		wait time.Duration
		want shown
	}{
		{"nothing yet", "", 0, shownNew},
		{"a first start", monitor.PingStart, time.Minute, shownStarted},
		{"its end", monitor.PingSuccess, time.Minute, shownUp},
		{"late", "", time.Hour, shownLate},
		{"started late", monitor.PingStart, 0, shownStarted},
		{"the deadline passes meanwhile", "", time.Hour, shownDown},
		{"back", monitor.PingSuccess, 0, shownUp},
		{"failed", monitor.PingFail, 0, shownDown},
		{"a start while down", monitor.PingStart, 0, shownDown},
	}
	for _, step := range steps {
		now = now.Add(step.wait)
		if step.kind != "" {
			monitor.Apply(&c, &monitor.Ping{Kind: step.kind, CreatedAt: now})
		}
		if got := shownAt(&c, now); got != step.want {
			t.Errorf("%s: %s, want %s", step.what, got, step.want)
		}
	}
}

// What an address says of the order counts for all that the page leads to, and
// for what the page asks for later; choosing another order ends that.
func TestTheOrderOfAnAddressStays(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		for _, name := range []string{"b", "a", "c"} {
			s.addNamed(p, name, func(c *monitor.Check) { c.Slug = "slug-" + c.Name; c.Tags = "t" })
		}
		p.PingKey = "key123"
		if err := testdb.PutProject(s.Context(), s.store, p); err != nil {
			s.Fatal(err)
		}
		names := func(a *answer) string {
			return strings.Join(a.Find("#checks .nm a").Map(func(_ int, link *goquery.Selection) string { return link.Text() }), " ")
		}
		list := listURL(p.ID)
		page := s.get(list + "?sort=-name&urls=slug").is(http.StatusOK)
		if got := names(page); got != "My First Check c b a" {
			t.Errorf("the list is %q", got)
		}
		if code := page.text("#checks .nm code"); !strings.Contains(code, "slug-c") {
			t.Errorf("the ping URLs are %q", code)
		}
		for _, link := range []string{page.Find("a[data-tag]").AttrOr("href", ""), page.Find("a[data-state]").AttrOr("href", ""), page.Find("#select").AttrOr("href", "")} {
			if !strings.Contains(link, "sort=-name") || !strings.Contains(link, "urls=slug") {
				t.Errorf("%s forgets the order or the style of URLs", link)
			}
		}
		rows := s.get(list + "status/?sort=-name&v=x").is(http.StatusOK).body
		if strings.Index(rows, `slug-c`) > strings.Index(rows, `slug-b`) {
			t.Errorf("an update has another order: %s", rows)
		}
		s.post(list+"view/", url.Values{"sort": {"name"}, "back": {"?sort=-name&tag=t"}}).leadsTo(list + "?tag=t")
		if got := names(s.get(list)); got != "a b c My First Check" {
			t.Errorf("the chosen order is %q", got)
		}
	})
}

// Of very many tags the page shows the most used and those of the filter, and says
// that there are more.
func TestChipsOfManyTagsAreTheMostUsed(t *testing.T) {
	filter := &listFilter{Tags: []string{"t4321", "zzz"}}
	many := newTagCount(filter.Tags)
	for i := range 6000 {
		many.add(&monitor.Check{Tags: fmt.Sprintf("prod t%04d", i)}, shownUp)
	}
	many.add(&monitor.Check{Tags: "zzz"}, shownUp)
	many.add(&monitor.Check{Tags: "t4000"}, shownDown)
	chips, more := many.chips(filter)
	names := make(map[string]tagChip)
	for _, chip := range chips {
		names[chip.Name] = chip
	}
	if len(many.by) > maxCountedTags || len(chips) != maxTagChips+2 || !more {
		t.Errorf("%d chips of %d tags, more: %t", len(chips), len(many.by), more)
	}
	if names["t4000"].State != shownDown || names["prod"].Name == "" {
		t.Errorf("the most used are missing: %v", chips)
	}
	if !names["t4321"].On || !names["zzz"].On || names["zzz"].State != shownUp {
		t.Errorf("chips %v", chips)
	}
	few := newTagCount(nil)
	few.add(&monitor.Check{Tags: "a b"}, shownUp)
	if chips, more := few.chips(&listFilter{}); len(chips) != 2 || more {
		t.Errorf("of two tags: %v, more: %t", chips, more)
	}
}
