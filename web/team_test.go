package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

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
		s.get(settingsPath(project)).has("new@example.org is invited.", "waiting for an answer", "Take back")

		guest := s.otherBrowser()
		link := s.linkTo("new@example.org")
		guest.get(link).is(http.StatusOK).has("jane@example.org", "Join the project") // a program that looks into mails gets this far
		guest.get(listURL(project.ID)).is(http.StatusSeeOther)
		guest.post(link, url.Values{"accept": {"1"}}).leadsTo(listURL(project.ID))
		guest.get(listURL(project.ID)).is(http.StatusOK)
		s.get(settingsPath(project)).hasNot("waiting for an answer")
		s.post(path, url.Values{"email": {"new@example.org"}, "role": {"w"}}).is(http.StatusBadRequest).has("member already")
		guest.get(link).is(http.StatusNotFound)
	})
}

// Whoever invites sees the same, and gets the same answers, whether the address has
// an account or not.
func TestAnInvitationDoesNotTellWhoHasAnAccount(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.otherBrowser().login("known@example.org")
		_, project := s.login("jane@example.org")
		path := "/projects/" + project.ID.String() + "/members/"
		pages := map[string]string{}
		for _, name := range []string{"known", "newer"} {
			s.post(path, url.Values{"email": {name + "@example.org"}, "role": {"w"}}).leadsTo(settingsPath(project) + "#team")
			waiting, err := s.store.InvitationsOf(s.Context(), project.ID)
			if err != nil || len(waiting) != 1 {
				t.Fatal(waiting, err)
			}
			page := s.get(settingsPath(project)).text("main")
			pages[name] = strings.NewReplacer(name, "somebody").Replace(page)
			s.post("/projects/"+project.ID.String()+"/invitations/"+waiting[0].ID.String()+"/withdraw/", nil).leadsTo(settingsPath(project) + "#team")
			s.get(settingsPath(project)).has("taken back").hasNot(name + "@example.org")
			s.otherBrowser().get(s.linkTo(name + "@example.org")).is(http.StatusNotFound)
		}
		if pages["known"] != pages["newer"] {
			t.Errorf("the pages differ:\n%s\n%s", pages["known"], pages["newer"])
		}
	})
}

func TestAnInvitationOfSomebodyWithAnAccount(t *testing.T) {
	eachSite(t, func(s *testSite) {
		max := s.otherBrowser()
		_, own := max.login("max@example.org")
		_, project := s.login("jane@example.org")
		path := "/projects/" + project.ID.String() + "/members/"
		invite := func() string {
			s.clock.Advance(time.Minute)
			s.post(path, url.Values{"email": {"max@example.org"}, "role": {"r"}}).leadsTo(settingsPath(project) + "#team")
			return s.linkTo("max@example.org")
		}
		link := invite()
		max.get(listURL(project.ID)).is(http.StatusNotFound)
		max.get("/").has("jane@example.org", "invites you", "Decline")

		// Without being logged in the link opens nothing; it leads to the login and back.
		nobody := s.otherBrowser()
		nobody.get(link).is(http.StatusOK).has("Join the project")
		answer := nobody.post(link, url.Values{"accept": {"1"}}).is(http.StatusSeeOther)
		if to := answer.header.Get("Location"); !strings.Contains(to, "/accounts/login/?next=") || !strings.Contains(to, "invitations") {
			t.Errorf("leads to %s", to)
		}
		// Somebody else who is logged in cannot accept.
		s.get(link).is(http.StatusOK).has("You are logged in as jane@example.org").hasNot("Join the project")
		s.post(link, url.Values{"accept": {"1"}}).is(http.StatusForbidden)
		max.get(listURL(project.ID)).is(http.StatusNotFound)

		waiting, err := s.store.InvitationsTo(s.Context(), "max@example.org")
		if err != nil || len(waiting) != 1 {
			t.Fatal(waiting, err)
		}
		answerPath := "/invitations/" + waiting[0].ID.String() + "/"
		s.post(answerPath, url.Values{"accept": {"1"}}).is(http.StatusForbidden)
		max.post(answerPath, url.Values{"decline": {"1"}}).leadsTo("/")
		max.get("/").has("You have declined.").hasNot("invites you")
		max.get(listURL(project.ID)).is(http.StatusNotFound)

		max.post(invite(), url.Values{"accept": {"1"}}).leadsTo(listURL(project.ID))
		max.get(listURL(project.ID)).is(http.StatusOK).has("read-only member")
		max.get(listURL(own.ID)).is(http.StatusOK)

		last := inviteNew(s, path)
		nobody.post(last, url.Values{"decline": {"1"}}).is(http.StatusOK).has("Declined")
		nobody.get(last).is(http.StatusNotFound)
	})
}

// inviteNew invites somebody without an account.
func inviteNew(s *testSite, path string) string {
	s.post(path, url.Values{"email": {"new@example.org"}, "role": {"r"}}).is(http.StatusSeeOther)
	return s.linkTo("new@example.org")
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
