package web

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"punctual/internal/mail"
	"punctual/internal/store"
)

// farewells are the addresses that were told of a removal, with the project.
func (s *testSite) farewells() []string {
	s.Helper()
	mails, err := s.store.Emails(s.Context(), store.EmailFilter{Kind: mail.KindRemoved})
	if err != nil {
		s.Fatal(err)
	}
	var told []string
	for i := range mails {
		told = append(told, mails[i].To+": "+mails[i].Subject)
	}
	slices.Sort(told)
	return told
}

var everybody = []string{"max@example.org: My project", "rea@example.org: My project", "will@example.org: My project"}

func TestClosingAnAccountNamesAndTellsThePeople(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		page := s.jane.get("/accounts/close/").is(http.StatusOK)
		page.has("1 project has members", "My project", "1 check and 1 integration", "max@example.org", "will@example.org", "rea@example.org", "Offer it")

		// To hand it over first is one click; then it is not theirs to lose.
		s.jane.post(s.path+"/transfer/", url.Values{"to": {s.ids["max"].String()}, "back": {"close"}}).leadsTo("/accounts/close/")
		s.jane.get("/accounts/close/").has("asked to take it over", "Take the offer back")
		s.jane.post(s.path+"/transfer/", url.Values{"cancel": {"1"}, "back": {"close"}}).leadsTo("/accounts/close/")

		s.jane.post("/accounts/close/", url.Values{"confirmation": {"joe@example.org"}}).is(http.StatusBadRequest).has("max@example.org")
		if told := s.testSite.farewells(); len(told) != 0 {
			t.Errorf("told before anything went: %q", told)
		}
		s.jane.post("/accounts/close/", url.Values{"confirmation": {"jane@example.org"}}).leadsTo("/")
		if told := s.testSite.farewells(); !slices.Equal(told, everybody) {
			t.Errorf("told: %q", told)
		}
	})
}

func TestAProjectHandedOverOutlivesTheAccount(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		s.jane.post(s.path+"/transfer/", url.Values{"to": {s.ids["max"].String()}, "back": {"close"}}).leadsTo("/accounts/close/")
		s.max.post(s.path+"/transfer/", url.Values{"accept": {"1"}})
		page := s.jane.get("/accounts/close/").is(http.StatusOK)
		if page.Find("#project-"+s.project.ID.String()).Length() != 0 {
			t.Error("a project of somebody else is listed")
		}
		s.jane.post("/accounts/close/", url.Values{"confirmation": {"jane@example.org"}}).leadsTo("/")
		if told := s.testSite.farewells(); len(told) != 0 {
			t.Errorf("told: %q", told)
		}
		s.max.get(s.path + "/checks/").is(http.StatusOK)
	})
}

func TestRemovingAProjectNamesAndTellsThePeople(t *testing.T) {
	eachTeam(t, func(s *teamSite) {
		s.jane.get(s.path+"/remove/").is(http.StatusOK).has("Who works in it", "max@example.org", "will@example.org", "rea@example.org", "1 check goes with it", "1 integration")
		s.jane.post(s.path+"/transfer/", url.Values{"to": {s.ids["will"].String()}, "back": {"remove"}}).leadsTo(s.path + "/remove/")
		s.jane.get(s.path + "/remove/").has("will@example.org member, asked to take it over")
		s.jane.post(s.path+"/remove/", url.Values{"confirmation": {"My project"}}).leadsTo("/")
		if told := s.testSite.farewells(); !slices.Equal(told, everybody) {
			t.Errorf("told: %q", told)
		}
	})
}
