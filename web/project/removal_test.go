package project_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"punctual/internal/mail"
	"punctual/internal/store"
	"punctual/web/webtest"
)

// farewells are the addresses that were told of a removal, with the project.
func farewells(s *webtest.Site) []string {
	s.Helper()
	mails, err := s.Store.Emails(s.Context(), store.EmailFilter{Kind: mail.KindRemoved})
	if err != nil {
		s.Fatal(err)
	}
	var notified []string
	for i := range mails {
		notified = append(notified, mails[i].To+": "+mails[i].Subject)
	}
	slices.Sort(notified)
	return notified
}

var everybody = []string{"max@example.org: My project", "rea@example.org: My project", "will@example.org: My project"}

func TestClosingAnAccountNamesAndNotifiesTheMembers(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		page := s.jane.Get("/accounts/close/").Is(http.StatusOK)
		page.Has("1 project has members", "My project", "1 check and 1 integration", "max@example.org", "will@example.org", "rea@example.org",
			"Offer it")

		// To hand it over first is one click; then it is not theirs to lose.
		s.jane.Post(s.path+"/transfer/", url.Values{"to": {s.ids["max"].String()}, "back": {"close"}}).LeadsTo("/accounts/close/")
		s.jane.Get("/accounts/close/").Has("asked to take it over", "Take the offer back")
		s.jane.Post(s.path+"/transfer/", url.Values{"cancel": {"1"}, "back": {"close"}}).LeadsTo("/accounts/close/")

		s.jane.Post("/accounts/close/", url.Values{"confirmation": {"joe@example.org"}}).Is(http.StatusBadRequest).Has("max@example.org")
		notified := farewells(s.Site)
		if len(notified) != 0 {
			t.Errorf("told before anything went: %q", notified)
		}
		s.jane.Post("/accounts/close/", url.Values{"confirmation": {"jane@example.org"}}).LeadsTo("/")
		if notified := farewells(s.Site); !slices.Equal(notified, everybody) {
			t.Errorf("told: %q", notified)
		}
	})
}

func TestAProjectHandedOverOutlivesTheAccount(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		s.jane.Post(s.path+"/transfer/", url.Values{"to": {s.ids["max"].String()}, "back": {"close"}}).LeadsTo("/accounts/close/")
		s.max.Post(s.path+"/transfer/", url.Values{"accept": {"1"}})
		page := s.jane.Get("/accounts/close/").Is(http.StatusOK)
		if page.Find("#project-"+s.project.ID.String()).Length() != 0 {
			t.Error("a project of somebody else is listed")
		}
		s.jane.Post("/accounts/close/", url.Values{"confirmation": {"jane@example.org"}}).LeadsTo("/")
		notified := farewells(s.Site)
		if len(notified) != 0 {
			t.Errorf("told: %q", notified)
		}
		s.max.Get(s.path + "/checks/").Is(http.StatusOK)
	})
}

func TestRemovingAProjectNamesAndNotifiesTheMembers(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		s.jane.Get(s.path+"/remove/").Is(http.StatusOK).Has("Its members", "max@example.org", "will@example.org", "rea@example.org",
			"1 check goes with it", "1 integration")
		s.jane.Post(s.path+"/transfer/", url.Values{"to": {s.ids["will"].String()}, "back": {"remove"}}).LeadsTo(s.path + "/remove/")
		s.jane.Get(s.path + "/remove/").Has("will@example.org member, asked to take it over")
		s.jane.Post(s.path+"/remove/", url.Values{"confirmation": {"My project"}}).LeadsTo("/")
		notified := farewells(s.Site)
		if !slices.Equal(notified, everybody) {
			t.Errorf("told: %q", notified)
		}
	})
}
