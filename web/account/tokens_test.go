package account_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web/webtest"
)

func TestATokenIsShownOnceAndRevoked(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		page := s.Post("/accounts/profile/tokens/", url.Values{"name": {" Terraform  prod "}, "access": {"read"}}).Is(http.StatusOK)
		page.Has("Terraform prod", "read-only", "never used", "Copy the token now")
		token := page.Text("#tokens .code code")
		if !regexp.MustCompile(`^hca_[A-Za-z0-9]{28}$`).MatchString(token) {
			s.Fatalf("the token is %q", token)
		}
		t, owner, err := s.Auth.TokenUser(s.Context(), token)
		if err != nil || owner.ID != user.ID || !t.Readonly {
			s.Fatalf("the token opens %+v, %v", owner, err)
		}
		if strings.Contains(t.Hash, token[4:]) {
			s.Error("the token is stored in clear")
		}
		page = s.Get("/accounts/profile/").Is(http.StatusOK).Has(token[:8]+"…", "last used").HasNot(token, "Copy the token now")
		id, _ := page.Find("#tokens button[name=token]").Attr("value")

		thief := s.OtherBrowser()
		thief.Login("thief@example.org")
		thief.Post("/accounts/profile/tokens/revoke/", url.Values{"token": {id}}).Is(http.StatusNotFound)
		s.Post("/accounts/profile/tokens/revoke/", url.Values{"token": {"nonsense"}}).Is(http.StatusNotFound)
		s.Post("/accounts/profile/tokens/revoke/", url.Values{"token": {id}}).LeadsTo("/accounts/profile/")
		s.Get("/accounts/profile/").Has("The token is revoked").HasNot("Terraform")
		if _, _, err := s.Auth.TokenUser(s.Context(), token); err == nil {
			s.Error("the revoked token still opens the account")
		}
	})
}

func TestATokenThatCannotBeMade(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		// to log in
		s.Post("/accounts/profile/tokens/", url.Values{"name": {"x"}}).Is(http.StatusSeeOther)
		user, _ := s.Login("jane@example.org")
		s.Post("/accounts/profile/tokens/", url.Values{"name": {" "}}).Is(http.StatusBadRequest).Has("Please give the token a name")
		s.Post("/accounts/profile/tokens/", url.Values{"name": {strings.Repeat("x", 61)}}).Is(http.StatusBadRequest).Has("at most 60 characters")
		for range store.MaxAccountTokens {
			_, _, err := s.Auth.CreateToken(s.Context(), user, "x", false, "")
			if err != nil {
				s.Fatal(err)
			}
		}
		s.Post("/accounts/profile/tokens/", url.Values{"name": {"one more"}}).Is(http.StatusBadRequest).Has("There are 50 tokens already")
	})
}

// A token made by somebody who looks through the user's eyes would outlast the look.
func TestASuperuserMakesNoTokenOfSomebodyElse(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		jane, _ := s.Login("jane@example.org")
		admin := s.OtherBrowser()
		root, _ := admin.Login("root@example.org")
		root.IsSuperuser = true
		if err := testdb.PutUser(s.Context(), s.Store, root); err != nil {
			s.Fatal(err)
		}
		admin.Post("/admin/users/"+jane.ID.String()+"/login/", nil).Is(http.StatusSeeOther)
		admin.Get("/accounts/profile/").Is(http.StatusOK).Has("jane@example.org")
		admin.Post("/accounts/profile/tokens/", url.Values{"name": {"x"}}).Is(http.StatusForbidden)
		tokens, _ := s.Store.AccountTokens(s.Context(), jane.ID)
		if len(tokens) != 0 {
			s.Error("a token was made")
		}
	})
}
