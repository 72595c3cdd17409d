package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestATokenIsShownOnceAndRevoked(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		page := s.post("/accounts/profile/tokens/", url.Values{"name": {" Terraform  prod "}, "access": {"read"}}).is(http.StatusOK)
		page.has("Terraform prod", "read-only", "never used", "Copy the token now")
		token := page.text("#tokens .code code")
		if !regexp.MustCompile(`^hca_[A-Za-z0-9]{28}$`).MatchString(token) {
			s.Fatalf("the token is %q", token)
		}
		t, owner, err := s.auth.TokenUser(s.Context(), token)
		if err != nil || owner.ID != user.ID || !t.Readonly {
			s.Fatalf("the token opens %+v, %v", owner, err)
		}
		if strings.Contains(t.Hash, token[4:]) {
			s.Error("the token is stored in clear")
		}
		page = s.get("/accounts/profile/").is(http.StatusOK).has(token[:8]+"…", "last used").hasNot(token, "Copy the token now")
		id, _ := page.Find("#tokens button[name=token]").Attr("value")

		thief := s.otherBrowser()
		thief.login("thief@example.org")
		thief.post("/accounts/profile/tokens/revoke/", url.Values{"token": {id}}).is(http.StatusNotFound)
		s.post("/accounts/profile/tokens/revoke/", url.Values{"token": {"nonsense"}}).is(http.StatusNotFound)
		s.post("/accounts/profile/tokens/revoke/", url.Values{"token": {id}}).leadsTo("/accounts/profile/")
		s.get("/accounts/profile/").has("The token opens nothing any more").hasNot("Terraform")
		if _, _, err := s.auth.TokenUser(s.Context(), token); err == nil {
			s.Error("the revoked token still opens the account")
		}
	})
}

func TestATokenThatCannotBeMade(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.post("/accounts/profile/tokens/", url.Values{"name": {"x"}}).is(http.StatusSeeOther) // to log in
		user, _ := s.login("jane@example.org")
		s.post("/accounts/profile/tokens/", url.Values{"name": {" "}}).is(http.StatusBadRequest).has("Please give the token a name")
		s.post("/accounts/profile/tokens/", url.Values{"name": {strings.Repeat("x", 61)}}).is(http.StatusBadRequest).has("at most 60 characters")
		for range store.MaxAccountTokens {
			if _, _, err := s.auth.CreateToken(s.Context(), user, "x", false, ""); err != nil {
				s.Fatal(err)
			}
		}
		s.post("/accounts/profile/tokens/", url.Values{"name": {"one more"}}).is(http.StatusBadRequest).has("There are 50 tokens already")
	})
}

// A token made by somebody who looks through the user's eyes would outlast the look.
func TestASuperuserMakesNoTokenOfSomebodyElse(t *testing.T) {
	eachSite(t, func(s *testSite) {
		jane, _ := s.login("jane@example.org")
		admin := s.otherBrowser()
		root, _ := admin.login("root@example.org")
		root.IsSuperuser = true
		if err := testdb.PutUser(s.Context(), s.store, root); err != nil {
			s.Fatal(err)
		}
		admin.post("/admin/users/"+jane.ID.String()+"/login/", nil).is(http.StatusSeeOther)
		admin.get("/accounts/profile/").is(http.StatusOK).has("jane@example.org")
		admin.post("/accounts/profile/tokens/", url.Values{"name": {"x"}}).is(http.StatusForbidden)
		if tokens, _ := s.store.AccountTokens(s.Context(), jane.ID); len(tokens) != 0 {
			s.Error("a token was made")
		}
	})
}
