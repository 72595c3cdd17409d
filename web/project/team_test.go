package project_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/project"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// teamSite is a project of jane with the members max (manager), will (member)
// and rea (read-only), each logged in in a browser of their own.
type teamSite struct {
	*webtest.Site
	jane, max, will, rea *webtest.Site
	ids                  map[string]uuid.UUID
	project              *monitor.Project
	// of the project, without a slash at the end
	path string
}

func eachTeam(t *testing.T, test func(s *teamSite)) {
	t.Helper()
	webtest.Each(t, func(site *webtest.Site) {
		s := &teamSite{Site: site, jane: site, ids: map[string]uuid.UUID{}}
		jane, project := s.jane.Login("jane@example.org")
		s.ids["jane"] = jane.ID
		s.project = project
		s.path = "/projects/" + project.ID.String()
		for name, role := range map[string]monitor.Role{"max": monitor.RoleManager, "will": monitor.RoleMember, "rea": monitor.RoleReadonly} {
			browser := site.OtherBrowser()
			user, _ := browser.Login(name + "@example.org")
			if err := s.Store.AddMember(t.Context(), project.ID, user.ID, role); err != nil {
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
	role, err := s.Store.RoleIn(s.Context(), s.ids[name], s.project.ID)
	if err != nil {
		s.Fatal(err)
	}
	return role
}

func (s *teamSite) member(name string) string {
	return s.path + "/members/" + s.ids[name].String() + "/"
}

func TestInvitingByMail(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, project := s.Login("jane@example.org")
		path := "/projects/" + project.ID.String() + "/members/"
		wrong := s.Post(path, url.Values{"email": {"new@"}, "role": {"m"}}).Is(http.StatusBadRequest)
		v, _ := wrong.Find("#email").Attr("value")
		if v != "new@" || wrong.Text("#email-error") == "" || wrong.Find("#role option[value=m][selected]").Length() != 1 {
			t.Error("what was typed is gone, or nothing is said beside the field")
		}
		s.Post(path, url.Values{"email": {"new@example.org"}, "role": {"o"}}).Is(http.StatusBadRequest)
		s.Post(path, url.Values{"email": {"new@example.org"}, "role": {"w"}}).LeadsTo(webtest.SettingsPath(project) + "#team")
		s.Get(webtest.SettingsPath(project)).Has("new@example.org is invited.", "waiting for an answer", "Take back")

		guest := s.OtherBrowser()
		link := s.LinkTo("new@example.org")
		// a program that looks into mails gets this far
		guest.Get(link).Is(http.StatusOK).Has("jane@example.org", "Join the project")
		guest.Get(ui.ListURL(project.ID)).Is(http.StatusSeeOther)
		guest.Post(link, url.Values{"accept": {"1"}}).LeadsTo(ui.ListURL(project.ID))
		guest.Get(ui.ListURL(project.ID)).Is(http.StatusOK)
		s.Get(webtest.SettingsPath(project)).HasNot("waiting for an answer")
		s.Post(path, url.Values{"email": {"new@example.org"}, "role": {"w"}}).Is(http.StatusBadRequest).Has("member already")
		guest.Get(link).Is(http.StatusNotFound)
	})
}

// Whoever invites sees the same, and gets the same answers, whether the address has
// an account or not.
func TestAnInvitationDoesNotRevealWhoHasAnAccount(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.OtherBrowser().Login("known@example.org")
		_, project := s.Login("jane@example.org")
		path := "/projects/" + project.ID.String() + "/members/"
		pages := map[string]string{}
		for _, name := range []string{"known", "newer"} {
			s.Post(path, url.Values{"email": {name + "@example.org"}, "role": {"w"}}).LeadsTo(webtest.SettingsPath(project) + "#team")
			waiting, err := s.Store.InvitationsOf(s.Context(), project.ID)
			if err != nil || len(waiting) != 1 {
				t.Fatal(waiting, err)
			}
			page := s.Get(webtest.SettingsPath(project)).Text("main")
			pages[name] = strings.NewReplacer(name, "somebody").Replace(page)
			s.Post("/projects/"+project.ID.String()+"/invitations/"+waiting[0].ID.String()+"/withdraw/",
				nil).LeadsTo(webtest.SettingsPath(project) + "#team")
			s.Get(webtest.SettingsPath(project)).Has("taken back").HasNot(name + "@example.org")
			s.OtherBrowser().Get(s.LinkTo(name + "@example.org")).Is(http.StatusNotFound)
		}
		if pages["known"] != pages["newer"] {
			t.Errorf("the pages differ:\n%s\n%s", pages["known"], pages["newer"])
		}
	})
}

func TestAnInvitationOfSomebodyWithAnAccount(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		max := s.OtherBrowser()
		_, own := max.Login("max@example.org")
		_, project := s.Login("jane@example.org")
		path := "/projects/" + project.ID.String() + "/members/"
		invite := func() string {
			s.Clock.Advance(time.Minute)
			s.Post(path, url.Values{"email": {"max@example.org"}, "role": {"r"}}).LeadsTo(webtest.SettingsPath(project) + "#team")
			return s.LinkTo("max@example.org")
		}
		link := invite()
		max.Get(ui.ListURL(project.ID)).Is(http.StatusNotFound)
		max.Get("/").Has("jane@example.org", "invites you", "Decline")

		// Without being logged in the link opens nothing; it leads to the login and back.
		nobody := s.OtherBrowser()
		nobody.Get(link).Is(http.StatusOK).Has("Join the project")
		answer := nobody.Post(link, url.Values{"accept": {"1"}}).Is(http.StatusSeeOther)
		to := answer.Header.Get("Location")
		if !strings.Contains(to, "/accounts/login/?next=") || !strings.Contains(to, "invitations") {
			t.Errorf("leads to %s", to)
		}
		// Somebody else who is logged in cannot accept.
		s.Get(link).Is(http.StatusOK).Has("You are logged in as jane@example.org").HasNot("Join the project")
		s.Post(link, url.Values{"accept": {"1"}}).Is(http.StatusForbidden)
		max.Get(ui.ListURL(project.ID)).Is(http.StatusNotFound)

		waiting, err := s.Store.InvitationsTo(s.Context(), "max@example.org")
		if err != nil || len(waiting) != 1 {
			t.Fatal(waiting, err)
		}
		answerPath := "/invitations/" + waiting[0].ID.String() + "/"
		s.Post(answerPath, url.Values{"accept": {"1"}}).Is(http.StatusForbidden)
		max.Post(answerPath, url.Values{"decline": {"1"}}).LeadsTo("/")
		max.Get("/").Has("You have declined.").HasNot("invites you")
		max.Get(ui.ListURL(project.ID)).Is(http.StatusNotFound)

		max.Post(invite(), url.Values{"accept": {"1"}}).LeadsTo(ui.ListURL(project.ID))
		max.Get(ui.ListURL(project.ID)).Is(http.StatusOK).Has("read-only member")
		max.Get(ui.ListURL(own.ID)).Is(http.StatusOK)

		last := inviteNew(s, path)
		nobody.Post(last, url.Values{"decline": {"1"}}).Is(http.StatusOK).Has("Declined")
		nobody.Get(last).Is(http.StatusNotFound)
	})
}

// inviteNew invites somebody without an account.
func inviteNew(s *webtest.Site, path string) string {
	s.Post(path, url.Values{"email": {"new@example.org"}, "role": {"r"}}).Is(http.StatusSeeOther)
	return s.LinkTo("new@example.org")
}

func TestWhoMayChangeTheTeam(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		invite := url.Values{"email": {"new@example.org"}, "role": {"r"}}
		for _, b := range []*webtest.Site{s.will, s.rea} {
			b.Get(s.path+"/settings/").Is(http.StatusOK).Has("jane@example.org", "max@example.org").HasNot("Invite somebody",
				"Hand the project over")
			b.Post(s.path+"/members/", invite).Is(http.StatusForbidden)
			b.Post(s.member("max"), url.Values{"remove": {"1"}}).Is(http.StatusForbidden)
			b.Post(s.path+"/transfer/", url.Values{"to": {s.ids["will"].String()}}).Is(http.StatusForbidden)
			b.Get(s.path + "/remove/").Is(http.StatusForbidden)
			b.Post(s.path+"/remove/", url.Values{"confirmation": {s.project.Name}}).Is(http.StatusForbidden)
		}
		s.rea.Get(s.path+"/settings/").HasNot("Ping key", "API key")
		stranger := s.OtherBrowser()
		stranger.Post(s.path+"/members/", invite).Is(http.StatusSeeOther)
		stranger.Login("stranger@example.org")
		for _, path := range []string{"/members/", "/leave/", "/transfer/", "/remove/"} {
			stranger.Post(s.path+path, invite).Is(http.StatusNotFound)
		}
		stranger.Post(s.member("max"), url.Values{"remove": {"1"}}).Is(http.StatusNotFound)

		s.max.Get(s.path + "/settings/").Has("Invite somebody").HasNot("Hand the project over")
		s.max.Post(s.path+"/members/", invite).Is(http.StatusSeeOther)
		s.max.Post(s.member("rea"), url.Values{"role": {"w"}}).Is(http.StatusSeeOther)
		s.max.Post(s.member("rea"), url.Values{"role": {"o"}}).Is(http.StatusBadRequest)
		s.max.Post(s.member("max"), url.Values{"role": {"r"}}).Is(http.StatusForbidden)
		s.max.Post(s.member("max"), url.Values{"remove": {"1"}}).Is(http.StatusForbidden)
		s.max.Post(s.member("jane"), url.Values{"remove": {"1"}}).Is(http.StatusNotFound)
		s.max.Post(s.path+"/members/not-a-uuid/", url.Values{"remove": {"1"}}).Is(http.StatusNotFound)
		s.max.Post(s.path+"/transfer/", url.Values{"to": {s.ids["max"].String()}}).Is(http.StatusForbidden)
		s.max.Post(s.path+"/leave/", nil).Is(http.StatusSeeOther)
		s.max.Get(s.path + "/settings/").Is(http.StatusNotFound)
		if s.role("rea") != monitor.RoleMember || s.role("jane") != monitor.RoleOwner {
			t.Errorf("rea is %q, jane is %q", s.role("rea"), s.role("jane"))
		}
	})
}

func TestRemovingAMember(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		s.jane.Post(s.member("will"), url.Values{"remove": {"1"}}).LeadsTo(s.path + "/settings/#team")
		s.will.Get(s.path + "/checks/").Is(http.StatusNotFound)
		s.jane.Post(s.member("will"), url.Values{"remove": {"1"}}).Is(http.StatusNotFound)
		s.jane.Post(s.path+"/leave/", nil).Is(http.StatusForbidden).Has("hand it over first")
		s.rea.Get("/accounts/profile/").Has("read-only", "Leave…")
	})
}

func TestHandingAProjectOver(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		to := url.Values{"to": {s.ids["will"].String()}}
		accept := url.Values{"accept": {"1"}}
		s.jane.Post(s.path+"/transfer/", url.Values{"to": {"nobody"}}).Is(http.StatusBadRequest)
		s.jane.Post(s.path+"/transfer/", url.Values{"to": {uuid.NewString()}}).Is(http.StatusNotFound)
		s.will.Post(s.path+"/transfer/", accept).Is(http.StatusConflict)

		s.jane.Post(s.path+"/transfer/", to).Is(http.StatusSeeOther)
		link := s.LinkTo("will@example.org")
		if link != s.URL+s.path+"/settings/#team" {
			t.Errorf("the mail leads to %s", link)
		}
		s.jane.Get(s.path+"/settings/").Has("will@example.org is asked to take it over", "Take the offer back")
		s.rea.Get(s.path + "/settings/").HasNot("Take it over")
		s.rea.Post(s.path+"/transfer/", accept).Is(http.StatusConflict)
		s.jane.Post(s.path+"/transfer/", accept).Is(http.StatusConflict)
		s.will.Get("/").Has("offered to you")
		s.will.Get(s.path+"/settings/").Has("Take it over", "Decline")

		s.will.Post(s.path+"/transfer/", url.Values{"decline": {"1"}}).Is(http.StatusSeeOther)
		s.jane.Post(s.path+"/transfer/", to).Is(http.StatusSeeOther)
		s.jane.Post(s.path+"/transfer/", url.Values{"cancel": {"1"}}).Is(http.StatusSeeOther)
		s.will.Post(s.path+"/transfer/", accept).Is(http.StatusConflict)

		s.jane.Post(s.path+"/transfer/", to).Is(http.StatusSeeOther)
		s.will.Post(s.path+"/transfer/", accept).LeadsTo(s.path + "/settings/#team")
		s.will.Get(s.path+"/settings/").Has("The project is yours now.", "Hand the project over")
		if s.role("will") != monitor.RoleOwner || s.role("jane") != monitor.RoleMember {
			t.Errorf("will is %q, jane is %q", s.role("will"), s.role("jane"))
		}
	})
}

// After a demotion the page says what the documentation says, and both are true.
func TestAReadOnlyMemberMayDoWhatIsDocumented(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		_, err := s.Store.ChangeProject(t.Context(), s.project.ID, func(p *monitor.Project) error {
			p.PingKey = strings.Repeat("k", 22)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		check := s.FirstCheck(s.project)
		details := "/checks/" + check.Code.String() + "/details/"
		s.will.Get(details).Has(strings.Repeat("k", 22))
		wall := makesWall(s.will, s.project)
		s.jane.Post(s.member("will"), url.Values{"role": {"r"}}).Is(http.StatusSeeOther)

		s.will.Get(s.path + "/settings/").Is(http.StatusOK).Has("You may " + project.Rights(monitor.RoleReadonly) + ".")
		docs := s.will.Get("/docs/teams/").Is(http.StatusOK)
		for _, role := range []monitor.Role{monitor.RoleReadonly, monitor.RoleMember, monitor.RoleManager, monitor.RoleOwner} {
			docs.Has(project.Rights(role))
		}
		s.will.Get(details).Is(http.StatusOK).Has("/ping/" + check.Code.String()).HasNot(strings.Repeat("k", 22))
		s.will.Get("/checks/" + check.Code.String() + "/log/").Is(http.StatusOK)
		s.will.Get(s.path + "/integrations/").Is(http.StatusOK)
		s.will.Post("/checks/"+check.Code.String()+"/pause/", nil).Is(http.StatusForbidden)
		s.will.Post(s.path+"/settings/", url.Values{"name": {"Mine"}}).Is(http.StatusForbidden)
		s.Get(wall).Is(http.StatusOK).HasNot("My project")
	})
}
