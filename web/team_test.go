package web

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// teamSite is a project of jane with the members max (manager), will (member)
// and rea (read-only), each logged in in a browser of their own.
type teamSite struct {
	*testSite
	jane, max, will, rea *testSite
	ids                  map[string]uuid.UUID
	project              *monitor.Project
	path                 string // of the project, without a slash at the end
}

func eachTeam(t *testing.T, test func(s *teamSite)) {
	t.Helper()
	eachSite(t, func(site *testSite) {
		s := &teamSite{testSite: site, jane: site, ids: map[string]uuid.UUID{}}
		jane, project := s.jane.login("jane@example.org")
		s.ids["jane"], s.project, s.path = jane.ID, project, "/projects/"+project.ID.String()
		for name, role := range map[string]monitor.Role{"max": monitor.RoleManager, "will": monitor.RoleMember, "rea": monitor.RoleReadonly} {
			browser := site.otherBrowser()
			user, _ := browser.login(name + "@example.org")
			if err := s.store.AddMember(t.Context(), project.ID, user.ID, role); err != nil {
				t.Fatal(err)
			}
			s.ids[name] = user.ID
			switch name {
			case "max":
				s.max = browser
			case "will":
				s.will = browser
			default:
				s.rea = browser
			}
		}
		test(s)
	})
}

func (s *teamSite) role(name string) monitor.Role {
	s.Helper()
	role, err := s.store.RoleIn(s.Context(), s.ids[name], s.project.ID)
	if err != nil {
		s.Fatal(err)
	}
	return role
}

func (s *teamSite) member(name string) string {
	return s.path + "/members/" + s.ids[name].String() + "/"
}

func TestInvitingByMail(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, project := s.login("jane@example.org")
		path := "/projects/" + project.ID.String() + "/members/"
		wrong := s.post(path, url.Values{"email": {"new@"}, "role": {"m"}}).is(http.StatusBadRequest)
		if v, _ := wrong.Find("#email").Attr("value"); v != "new@" || wrong.text("#email-error") == "" || wrong.Find("#role option[value=m][selected]").Length() != 1 {
			t.Error("what was typed is gone, or nothing is said beside the field")
		}
		s.post(path, url.Values{"email": {"new@example.org"}, "role": {"o"}}).is(http.StatusBadRequest)
		s.post(path, url.Values{"email": {"new@example.org"}, "role": {"w"}}).leadsTo(settingsPath(project) + "#team")
		s.get(settingsPath(project)).has("new@example.org is invited.", "has not logged in yet")
		s.post(path, url.Values{"email": {"new@example.org"}, "role": {"w"}}).is(http.StatusBadRequest).has("member already")

		guest := s.otherBrowser()
		link := s.linkTo("new@example.org")
		guest.get(link).is(http.StatusOK) // a program that looks into mails gets this far
		guest.post(link, url.Values{"next": {"/projects/" + project.ID.String() + "/checks/"}}).leadsTo("/projects/" + project.ID.String() + "/checks/")
		guest.get("/projects/" + project.ID.String() + "/checks/").is(http.StatusOK)
		s.get(settingsPath(project)).hasNot("has not logged in yet")
	})
}

func TestWhoMayChangeTheTeam(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		invite := url.Values{"email": {"new@example.org"}, "role": {"r"}}
		for _, b := range []*testSite{s.will, s.rea} {
			b.get(s.path+"/settings/").is(http.StatusOK).has("jane@example.org", "max@example.org").hasNot("Invite somebody", "Hand the project over")
			b.post(s.path+"/members/", invite).is(http.StatusForbidden)
			b.post(s.member("max"), url.Values{"remove": {"1"}}).is(http.StatusForbidden)
			b.post(s.path+"/transfer/", url.Values{"to": {s.ids["will"].String()}}).is(http.StatusForbidden)
			b.get(s.path + "/remove/").is(http.StatusForbidden)
			b.post(s.path+"/remove/", url.Values{"confirmation": {s.project.Name}}).is(http.StatusForbidden)
		}
		s.rea.get(s.path+"/settings/").hasNot("Ping key", "API key")
		stranger := s.otherBrowser()
		stranger.post(s.path+"/members/", invite).is(http.StatusSeeOther)
		stranger.login("stranger@example.org")
		for _, path := range []string{"/members/", "/leave/", "/transfer/", "/remove/"} {
			stranger.post(s.path+path, invite).is(http.StatusNotFound)
		}
		stranger.post(s.member("max"), url.Values{"remove": {"1"}}).is(http.StatusNotFound)

		s.max.get(s.path + "/settings/").has("Invite somebody").hasNot("Hand the project over")
		s.max.post(s.path+"/members/", invite).is(http.StatusSeeOther)
		s.max.post(s.member("rea"), url.Values{"role": {"w"}}).is(http.StatusSeeOther)
		s.max.post(s.member("rea"), url.Values{"role": {"o"}}).is(http.StatusBadRequest)
		s.max.post(s.member("max"), url.Values{"role": {"r"}}).is(http.StatusForbidden)
		s.max.post(s.member("max"), url.Values{"remove": {"1"}}).is(http.StatusForbidden)
		s.max.post(s.member("jane"), url.Values{"remove": {"1"}}).is(http.StatusNotFound)
		s.max.post(s.path+"/members/not-a-uuid/", url.Values{"remove": {"1"}}).is(http.StatusNotFound)
		s.max.post(s.path+"/transfer/", url.Values{"to": {s.ids["max"].String()}}).is(http.StatusForbidden)
		s.max.post(s.path+"/leave/", nil).is(http.StatusSeeOther)
		s.max.get(s.path + "/settings/").is(http.StatusNotFound)
		if s.role("rea") != monitor.RoleMember || s.role("jane") != monitor.RoleOwner {
			t.Errorf("rea is %q, jane is %q", s.role("rea"), s.role("jane"))
		}
	})
}

func TestRemovingAMember(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		s.jane.post(s.member("will"), url.Values{"remove": {"1"}}).leadsTo(s.path + "/settings/#team")
		s.will.get(s.path + "/checks/").is(http.StatusNotFound)
		s.jane.post(s.member("will"), url.Values{"remove": {"1"}}).is(http.StatusNotFound)
		s.jane.post(s.path+"/leave/", nil).is(http.StatusForbidden).has("hand it over first")
		s.rea.get("/accounts/profile/").has("read-only", "Leave…")
	})
}

func TestHandingAProjectOver(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		to := url.Values{"to": {s.ids["will"].String()}}
		accept := url.Values{"accept": {"1"}}
		s.jane.post(s.path+"/transfer/", url.Values{"to": {"nobody"}}).is(http.StatusBadRequest)
		s.jane.post(s.path+"/transfer/", url.Values{"to": {uuid.NewString()}}).is(http.StatusNotFound)
		s.will.post(s.path+"/transfer/", accept).is(http.StatusConflict)

		s.jane.post(s.path+"/transfer/", to).is(http.StatusSeeOther)
		if link := s.linkTo("will@example.org"); link != s.url+s.path+"/settings/#team" {
			t.Errorf("the mail leads to %s", link)
		}
		s.jane.get(s.path+"/settings/").has("will@example.org is asked to take it over", "Take the offer back")
		s.rea.get(s.path + "/settings/").hasNot("Take it over")
		s.rea.post(s.path+"/transfer/", accept).is(http.StatusConflict)
		s.jane.post(s.path+"/transfer/", accept).is(http.StatusConflict)
		s.will.get("/").has("offered to you")
		s.will.get(s.path+"/settings/").has("Take it over", "Decline")

		s.will.post(s.path+"/transfer/", url.Values{"decline": {"1"}}).is(http.StatusSeeOther)
		s.jane.post(s.path+"/transfer/", to).is(http.StatusSeeOther)
		s.jane.post(s.path+"/transfer/", url.Values{"cancel": {"1"}}).is(http.StatusSeeOther)
		s.will.post(s.path+"/transfer/", accept).is(http.StatusConflict)

		s.jane.post(s.path+"/transfer/", to).is(http.StatusSeeOther)
		s.will.post(s.path+"/transfer/", accept).leadsTo(s.path + "/settings/#team")
		s.will.get(s.path+"/settings/").has("The project is yours now.", "Hand the project over")
		if s.role("will") != monitor.RoleOwner || s.role("jane") != monitor.RoleMember {
			t.Errorf("will is %q, jane is %q", s.role("will"), s.role("jane"))
		}
	})
}
