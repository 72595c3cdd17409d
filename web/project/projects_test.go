package project_test

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
	"punctual/web/webtest"
)

func TestProjects(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, project := s.Login("jane@example.org")
		added := s.Post("/projects/add/", url.Values{"name": {" Day  shift "}}).Is(http.StatusSeeOther)
		s.Get(added.Location).Is(http.StatusOK)
		s.Get("/").Is(http.StatusOK).Has("Day shift", "My project", "No checks yet")
		s.Post("/projects/add/", url.Values{"name": {strings.Repeat("x", 61)}}).Is(http.StatusBadRequest).Has("at most 60 characters")

		check := s.FirstCheck(project)
		if _, err := s.Store.UpdateCheck(t.Context(), check.Code, func(c *store.CheckChange) error {
			c.Status = monitor.StatusDown
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		s.AddNamed(project, "Never pinged")
		s.Ping(s.AddNamed(project, "Nightly"), monitor.PingSuccess)
		page := s.Get("/").Has("1 down", "1 up", "1 never pinged")
		first := page.Find(".projects h2").First().Text()
		if !strings.Contains(first, "My project") {
			t.Errorf("the failing project is not first: %s", first)
		}
		channels, err := s.Store.ChannelsOf(t.Context(), projectOf(s, user, "Day shift").ID)
		if err != nil || len(channels) != 1 || !channels[0].Ready() {
			t.Errorf("channels of a new project: %+v, %v", channels, err)
		}
	})
}

func projectOf(s *webtest.Site, user *monitor.User, name string) *monitor.Project {
	s.Helper()
	p, err := s.Store.ProjectByOwnerAndName(s.Context(), user.ID, name)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func TestRenamingAProject(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, project := s.Login("jane@example.org")
		path := webtest.SettingsPath(project)
		s.Post(path, url.Values{"name": {"Night <b>shift</b>"}}).LeadsTo(path)
		page := s.Get(path).Is(http.StatusOK).Has("The project is called Night <b>shift</b> now.")
		v, _ := page.Find("#name").Attr("value")
		if v != "Night <b>shift</b>" {
			t.Errorf("name %q", v)
		}
		again := s.Post(path, url.Values{"name": {"  "}}).Is(http.StatusBadRequest)
		if again.Text("#name-error") == "" {
			t.Error("no message beside the field")
		}
	})
}

func TestKeysAreShownOnce(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, project := s.Login("jane@example.org")
		path := webtest.SettingsPath(project)
		for _, name := range []string{"api_key", "api_key_readonly"} {
			made := s.Post(path, url.Values{"create_key": {name}}).Is(http.StatusOK).Has("not shown again")
			key := made.Text("#" + name + " code")
			found, readonly, err := s.Store.ProjectByAPIKey(t.Context(), s.Auth.KeyHash(key))
			if err != nil || found.ID != project.ID || readonly != (name == "api_key_readonly") {
				t.Fatalf("%s %q: %v, %t, %v", name, key, found, readonly, err)
			}
			later := s.Get(path).Has(key[:8] + "…")
			if strings.Contains(later.Body, key) {
				t.Errorf("%s is shown again", name)
			}
			s.Post(path, url.Values{"create_key": {name}}).Is(http.StatusConflict)
			s.Post(path, url.Values{"revoke_key": {name}}).LeadsTo(path)
			if _, _, err := s.Store.ProjectByAPIKey(t.Context(), s.Auth.KeyHash(key)); err == nil {
				t.Errorf("%s still opens", name)
			}
		}
		s.Post(path, url.Values{"revoke_key": {"ping_key"}}).LeadsTo(path)
		made := s.Post(path, url.Values{"create_key": {"ping_key"}}).Is(http.StatusOK)
		key := made.Text("#ping_key code")
		if len(key) != 22 || s.Get(path).Text("#ping_key code") != key {
			t.Errorf("ping key %q, later %q", key, s.Get(path).Text("#ping_key code"))
		}
		s.Post(path, url.Values{"create_key": {"owner_id"}}).Is(http.StatusNotFound)
		s.Post(path, url.Values{"revoke_key": {"owner_id"}}).Is(http.StatusNotFound)
	})
}

func TestANewProjectHasAPingKey(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, first := s.Login("jane@example.org")
		s.Post("/projects/add/", url.Values{"name": {"Night shift"}}).Is(http.StatusSeeOther)
		second, err := s.Store.ProjectByOwnerAndName(t.Context(), user.ID, "Night shift")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*monitor.Project{first, second} {
			key := s.Get(webtest.SettingsPath(p)).Is(http.StatusOK).Text("#ping_key code")
			if len(key) != 22 {
				t.Errorf("%s has the ping key %q", p.Name, key)
			}
		}
	})
}

func TestRemovingAProject(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, project := s.Login("jane@example.org")
		path := "/projects/" + project.ID.String() + "/remove/"
		s.Get(path).Is(http.StatusOK).Has("1 check goes with it", "Type My project to confirm")
		wrong := s.Post(path, url.Values{"confirmation": {"Mine"}}).Is(http.StatusBadRequest).Has("not the name of the project")
		v, _ := wrong.Find("#confirmation").Attr("value")
		if v != "Mine" {
			t.Errorf("the field has %q", v)
		}
		s.Post(path, nil).Is(http.StatusBadRequest)
		s.Post(path, url.Values{"confirmation": {" My project"}}).LeadsTo("/")
		s.Get("/").Is(http.StatusOK).Has("is removed", "No projects")
		s.Get(webtest.SettingsPath(project)).Is(http.StatusNotFound)
	})
}

func TestTheStyleOfPingURLs(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, project := s.Login("jane@example.org")
		path := webtest.SettingsPath(project)
		for _, on := range []bool{true, false} {
			form := url.Values{"name": {project.Name}}
			if on {
				form.Set("show_slugs", "1")
			}
			s.Post(path, form).LeadsTo(path)
			ticked := s.Get(path).Has("Saved.").Find("input[name=show_slugs][checked]").Length() == 1
			if ticked != on {
				t.Errorf("ticked %t, want %t", ticked, on)
			}
			p, err := s.Store.ProjectByID(t.Context(), project.ID)
			if err != nil || p.ShowSlugs != on || p.BadgeKey != project.BadgeKey {
				t.Errorf("%+v, %v", p, err)
			}
		}
	})
}

func TestForeignProjectsAreNotThere(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, project := s.Login("jane@example.org")
		thief := s.OtherBrowser()
		for _, path := range []string{webtest.SettingsPath(project), "/projects/not-a-uuid/settings/"} {
			at := thief.Get(path).Is(http.StatusSeeOther).Location
			if !strings.HasPrefix(at, "/accounts/login/") {
				t.Errorf("a visitor is led to %s", at)
			}
		}
		thief.Login("thief@example.org")
		thief.Get(webtest.SettingsPath(project)).Is(http.StatusNotFound)
		thief.Get("/projects/not-a-uuid/settings/").Is(http.StatusNotFound)
		thief.Post(webtest.SettingsPath(project), url.Values{"name": {"mine"}}).Is(http.StatusNotFound)
		thief.Post("/projects/"+project.ID.String()+"/remove/", nil).Is(http.StatusNotFound)
	})
}

func TestTheWelcomePage(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Header.Set("User-Agent", "Mozilla/5.0 Firefox/140.0")
		s.Get("/").Is(http.StatusOK).Has("Know when your cron jobs stop", "Try it now").HasNot("Waiting for the first ping")
		s.Post("/welcome/check/", url.Values{}).LeadsTo("/")
		page := s.Get("/").Is(http.StatusOK).Has("Know when your cron jobs stop", "Waiting for the first ping")
		curl := page.Text("main .try .code code")
		if !strings.HasPrefix(curl, "curl "+s.URL+"/ping/") {
			t.Fatalf("to copy: %q", curl)
		}
		s.Post("/welcome/check/", url.Values{}).LeadsTo("/")
		again := s.Get("/").Text("main .try .code code")
		if again != curl {
			t.Errorf("another check on the next visit: %s", again)
		}
		code := curl[strings.LastIndex(curl, "/")+1:]
		check, err := s.Store.CheckByCode(t.Context(), uuid.MustParse(code))
		if err != nil {
			t.Fatal(err)
		}
		s.Ping(check, monitor.PingSuccess)
		part := s.Get("/welcome/check/").Is(http.StatusOK)
		if part.Find(".s-up").Length() == 0 || !strings.Contains(part.Body, "1 ping") {
			t.Errorf("after a ping:\n%s", part.Body)
		}

		user, project := s.Login("jane@example.org")
		if check := s.FirstCheck(project); check.Code.String() != code || check.NPings != 1 {
			t.Errorf("%s has not become the first check of %s: %+v", code, user.Email, check)
		}
		s.Get("/welcome/check/").Is(http.StatusNoContent)
	})
}

func TestALookMakesNoCheck(t *testing.T) {
	for _, engine := range testdb.Engines {
		s := webtest.New(t, engine)
		for _, agent := range []string{"Mozilla/5.0 (compatible; Googlebot/2.1)", "Mozilla/5.0 Firefox/140.0", ""} {
			s.Header.Set("User-Agent", agent)
			s.Get("/").Is(http.StatusOK).HasNot("Waiting for the first ping")
		}
		s.Header.Set("User-Agent", "Mozilla/5.0 Firefox/140.0")
		s.Do(http.MethodHead, "/", nil).Is(http.StatusOK)
		checks, err := s.Store.Checks(t.Context(), "", 10, 0)
		if err != nil || len(checks) != 0 {
			t.Errorf("checks %v, %v", checks, err)
		}
		if webtest.CookieOf(s) != "" {
			t.Error("a session was made")
		}
	}
}

func TestAPrunedDemoCheckIsReplaced(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Header.Set("User-Agent", "Mozilla/5.0 Firefox/140.0")
		s.Post("/welcome/check/", url.Values{}).LeadsTo("/")
		first := s.Get("/").Text("main .try .code code")
		checks, err := s.Store.Checks(t.Context(), "", 10, 0)
		if err != nil || len(checks) != 1 {
			t.Fatalf("%v, %v", checks, err)
		}
		s.Clock.Advance(3 * time.Hour)
		if _, err := s.Store.DeleteCheck(t.Context(), checks[0].Code); err != nil {
			t.Fatal(err)
		}
		s.Get("/welcome/check/").Is(http.StatusNoContent)
		s.Post("/welcome/check/", url.Values{}).LeadsTo("/")
		second := s.Get("/").Text("main .try .code code")
		if second == "" || second == first {
			t.Errorf("%q, then %q", first, second)
		}
	})
}

func TestDocumentation(t *testing.T) {
	s := webtest.New(t, testdb.Engines[0])
	index := s.Get("/docs/").Is(http.StatusOK)
	links := index.Find("main .grid a")
	if links.Length() < 5 {
		t.Errorf("%d pages", links.Length())
	}
	for _, a := range links.EachIter() {
		href, _ := a.Attr("href")
		page := s.Get(href).Is(http.StatusOK)
		for _, word := range []string{"PING_URL", "PING_ENDPOINT", "PING_BASE", "SITE_ROOT", "SITE_NAME"} {
			if strings.Contains(page.Body, word) {
				t.Errorf("%s: %s is not filled in", href, word)
			}
		}
		for _, l := range page.Find("article a").EachIter() {
			to, _ := l.Attr("href")
			if strings.HasPrefix(to, "..") {
				s.Get("/docs/" + strings.TrimPrefix(to, "../")).Is(http.StatusOK)
			}
		}
	}
	s.Get("/docs/crontab/").Has(s.URL + "/ping/")
	s.Get("/docs/nothing/").Is(http.StatusNotFound)
}

// The list beside the settings leads to sections that are there, whatever the visitor may do.
func TestTheSettingsListTheirSections(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, project := s.Login("jane@example.org")
		other := s.OtherBrowser()
		reader, _ := other.Login("reader@example.org")
		if err := s.Store.AddMember(t.Context(), project.ID, reader.ID, monitor.RoleReadonly); err != nil {
			t.Fatal(err)
		}
		for browser, n := range map[*webtest.Site]int{s: 5, other: 2} {
			page := browser.Get(webtest.SettingsPath(project)).Is(http.StatusOK)
			links := page.Find(".on-page a")
			if links.Length() != n {
				t.Errorf("%d sections are listed, want %d", links.Length(), n)
			}
			for _, link := range links.EachIter() {
				if page.Find(link.AttrOr("href", "")).Length() != 1 {
					t.Errorf("there is no section %s", link.AttrOr("href", ""))
				}
			}
		}
	})
}
