package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestProjects(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, project := s.login("jane@example.org")
		added := s.post("/projects/add/", url.Values{"name": {" Day  shift "}}).is(http.StatusSeeOther)
		s.get(added.location).is(http.StatusOK)
		s.get("/").is(http.StatusOK).has("Day shift", "My project", "No checks yet")
		s.post("/projects/add/", url.Values{"name": {strings.Repeat("x", 61)}}).is(http.StatusBadRequest).has("at most 60 characters")

		check := s.firstCheck(project)
		if _, err := s.store.UpdateCheck(t.Context(), check.Code, func(c *store.CheckChange) error {
			c.Status = monitor.StatusDown
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		page := s.get("/").has("1 down")
		if first := page.Find(".projects h2").First().Text(); !strings.Contains(first, "My project") {
			t.Errorf("the failing project is not first: %s", first)
		}
		channels, err := s.store.ChannelsOf(t.Context(), projectOf(s, user, "Day shift").ID)
		if err != nil || len(channels) != 1 || !channels[0].Ready() {
			t.Errorf("channels of a new project: %+v, %v", channels, err)
		}
	})
}

func projectOf(s *testSite, user *monitor.User, name string) *monitor.Project {
	s.Helper()
	p, err := s.store.ProjectByOwnerAndName(s.Context(), user.ID, name)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func TestRenamingAProject(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, project := s.login("jane@example.org")
		path := settingsPath(project)
		s.post(path, url.Values{"name": {"Night <b>shift</b>"}}).leadsTo(path)
		page := s.get(path).is(http.StatusOK).has("The project is called Night <b>shift</b> now.")
		if v, _ := page.Find("#name").Attr("value"); v != "Night <b>shift</b>" {
			t.Errorf("name %q", v)
		}
		again := s.post(path, url.Values{"name": {"  "}}).is(http.StatusBadRequest)
		if again.text("#name-error") == "" {
			t.Error("no message beside the field")
		}
	})
}

func TestKeysAreShownOnce(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, project := s.login("jane@example.org")
		path := settingsPath(project)
		for _, name := range []string{"api_key", "api_key_readonly"} {
			made := s.post(path, url.Values{"create_key": {name}}).is(http.StatusOK).has("not shown again")
			key := made.text("#" + name + " code")
			found, readonly, err := s.store.ProjectByAPIKey(t.Context(), s.auth.KeyHash(key))
			if err != nil || found.ID != project.ID || readonly != (name == "api_key_readonly") {
				t.Fatalf("%s %q: %v, %t, %v", name, key, found, readonly, err)
			}
			later := s.get(path).has(key[:8] + "…")
			if strings.Contains(later.body, key) {
				t.Errorf("%s is shown again", name)
			}
			s.post(path, url.Values{"create_key": {name}}).is(http.StatusConflict)
			s.post(path, url.Values{"revoke_key": {name}}).leadsTo(path)
			if _, _, err := s.store.ProjectByAPIKey(t.Context(), s.auth.KeyHash(key)); err == nil {
				t.Errorf("%s still opens", name)
			}
		}
		made := s.post(path, url.Values{"create_key": {"ping_key"}}).is(http.StatusOK)
		key := made.text("#ping_key code")
		if len(key) != 22 || s.get(path).text("#ping_key code") != key {
			t.Errorf("ping key %q, later %q", key, s.get(path).text("#ping_key code"))
		}
		s.post(path, url.Values{"create_key": {"owner_id"}}).is(http.StatusNotFound)
		s.post(path, url.Values{"revoke_key": {"owner_id"}}).is(http.StatusNotFound)
	})
}

func TestRemovingAProject(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, project := s.login("jane@example.org")
		path := "/projects/" + project.ID.String() + "/remove/"
		s.get(path).is(http.StatusOK).has("1 check goes with it", "Type My project to confirm")
		wrong := s.post(path, url.Values{"confirmation": {"Mine"}}).is(http.StatusBadRequest).has("not the name of the project")
		if v, _ := wrong.Find("#confirmation").Attr("value"); v != "Mine" {
			t.Errorf("the field has %q", v)
		}
		s.post(path, nil).is(http.StatusBadRequest)
		s.post(path, url.Values{"confirmation": {" My project"}}).leadsTo("/")
		s.get("/").is(http.StatusOK).has("is removed", "No projects")
		s.get(settingsPath(project)).is(http.StatusNotFound)
	})
}

func TestTheStyleOfPingURLs(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, project := s.login("jane@example.org")
		path := settingsPath(project)
		for _, on := range []bool{true, false} {
			form := url.Values{"name": {project.Name}}
			if on {
				form.Set("show_slugs", "1")
			}
			s.post(path, form).leadsTo(path)
			if ticked := s.get(path).has("Saved.").Find("input[name=show_slugs][checked]").Length() == 1; ticked != on {
				t.Errorf("ticked %t, want %t", ticked, on)
			}
			if p, err := s.store.ProjectByID(t.Context(), project.ID); err != nil || p.ShowSlugs != on || p.BadgeKey != project.BadgeKey {
				t.Errorf("%+v, %v", p, err)
			}
		}
	})
}

func TestForeignProjectsAreNotThere(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, project := s.login("jane@example.org")
		thief := s.otherBrowser()
		for _, path := range []string{settingsPath(project), "/projects/not-a-uuid/settings/"} {
			if at := thief.get(path).is(http.StatusSeeOther).location; !strings.HasPrefix(at, "/accounts/login/") {
				t.Errorf("a visitor is led to %s", at)
			}
		}
		thief.login("thief@example.org")
		thief.get(settingsPath(project)).is(http.StatusNotFound)
		thief.get("/projects/not-a-uuid/settings/").is(http.StatusNotFound)
		thief.post(settingsPath(project), url.Values{"name": {"mine"}}).is(http.StatusNotFound)
		thief.post("/projects/"+project.ID.String()+"/remove/", nil).is(http.StatusNotFound)
	})
}

func TestTheWelcomePage(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.header.Set("User-Agent", "Mozilla/5.0 Firefox/140.0")
		s.get("/").is(http.StatusOK).has("Know when your cron jobs stop", "Try it now").hasNot("Waiting for the first ping")
		s.post("/welcome/check/", url.Values{}).leadsTo("/")
		page := s.get("/").is(http.StatusOK).has("Know when your cron jobs stop", "Waiting for the first ping")
		curl := page.text("main .try .code code")
		if !strings.HasPrefix(curl, "curl "+s.url+"/ping/") {
			t.Fatalf("to copy: %q", curl)
		}
		s.post("/welcome/check/", url.Values{}).leadsTo("/")
		if again := s.get("/").text("main .try .code code"); again != curl {
			t.Errorf("another check on the next visit: %s", again)
		}
		code := curl[strings.LastIndex(curl, "/")+1:]
		check, err := s.store.CheckByCode(t.Context(), uuid.MustParse(code))
		if err != nil {
			t.Fatal(err)
		}
		s.ping(check, monitor.PingSuccess)
		if part := s.get("/welcome/check/").is(http.StatusOK); part.Find(".s-up").Length() == 0 || !strings.Contains(part.body, "1 ping") {
			t.Errorf("after a ping:\n%s", part.body)
		}

		user, project := s.login("jane@example.org")
		if check := s.firstCheck(project); check.Code.String() != code || check.NPings != 1 {
			t.Errorf("%s has not become the first check of %s: %+v", code, user.Email, check)
		}
		s.get("/welcome/check/").is(http.StatusNoContent)
	})
}

func TestALookMakesNoCheck(t *testing.T) {
	for _, engine := range testdb.Engines {
		s := newTestSite(t, engine)
		for _, agent := range []string{"Mozilla/5.0 (compatible; Googlebot/2.1)", "Mozilla/5.0 Firefox/140.0", ""} {
			s.header.Set("User-Agent", agent)
			s.get("/").is(http.StatusOK).hasNot("Waiting for the first ping")
		}
		s.header.Set("User-Agent", "Mozilla/5.0 Firefox/140.0")
		s.do(http.MethodHead, "/", nil).is(http.StatusOK)
		if checks, err := s.store.Checks(t.Context(), "", 10, 0); err != nil || len(checks) != 0 {
			t.Errorf("checks %v, %v", checks, err)
		}
		if cookieOf(s) != "" {
			t.Error("a session was made")
		}
	}
}

func TestAPrunedDemoCheckIsReplaced(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.header.Set("User-Agent", "Mozilla/5.0 Firefox/140.0")
		s.post("/welcome/check/", url.Values{}).leadsTo("/")
		first := s.get("/").text("main .try .code code")
		checks, err := s.store.Checks(t.Context(), "", 10, 0)
		if err != nil || len(checks) != 1 {
			t.Fatalf("%v, %v", checks, err)
		}
		s.clock.Advance(3 * time.Hour)
		if _, err := s.store.DeleteCheck(t.Context(), checks[0].Code); err != nil {
			t.Fatal(err)
		}
		s.get("/welcome/check/").is(http.StatusNoContent)
		s.post("/welcome/check/", url.Values{}).leadsTo("/")
		if second := s.get("/").text("main .try .code code"); second == "" || second == first {
			t.Errorf("%q, then %q", first, second)
		}
	})
}

func TestDocumentation(t *testing.T) {
	s := newTestSite(t, testdb.Engines[0])
	index := s.get("/docs/").is(http.StatusOK)
	links := index.Find("main .grid a")
	if links.Length() < 5 {
		t.Errorf("%d pages", links.Length())
	}
	for _, a := range links.EachIter() {
		href, _ := a.Attr("href")
		page := s.get(href).is(http.StatusOK)
		for _, word := range []string{"PING_URL", "PING_ENDPOINT", "PING_BASE", "SITE_ROOT", "SITE_NAME"} {
			if strings.Contains(page.body, word) {
				t.Errorf("%s: %s is not filled in", href, word)
			}
		}
		for _, l := range page.Find("article a").EachIter() {
			if to, _ := l.Attr("href"); strings.HasPrefix(to, "..") {
				s.get("/docs/" + strings.TrimPrefix(to, "../")).is(http.StatusOK)
			}
		}
	}
	s.get("/docs/crontab/").has(s.url + "/ping/")
	s.get("/docs/nothing/").is(http.StatusNotFound)
}
