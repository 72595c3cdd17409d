package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"punctual/internal/store"
)

// twoFactorTour looks at the pages of two-factor sign-in, from switching it on
// over logging in by it to an operator who takes it away.
func (g *guide) twoFactorTour(t *testing.T, b *tab, s *store.Store) {
	const user = "keys@acme.example"
	b.logInAs(user)
	b.at("/details/")
	g.tour(b, map[string]string{"totp": "/accounts/two_factor/totp/", "key-add": "/accounts/two_factor/webauthn/"})
	b.open("/accounts/two_factor/totp/")
	secret := strings.ReplaceAll(b.value(`document.querySelector(".totp .code code").textContent`), " ", "")
	b.fill("#code", appCode(t, secret, 0))
	b.click("main .btn.primary")
	b.see(".codes")
	b.page = "recovery-codes-new"
	b.fromAllSides()
	account, err := s.UserByEmail(t.Context(), user)
	must(t, err)
	key := store.SecurityKey{UserID: account.ID, Name: "Blue key on my keyring", KeyID: []byte("key"), Data: []byte("{}")}
	_, err = s.AddSecurityKey(t.Context(), &key, nil, nil)
	must(t, err)
	g.tour(b, map[string]string{
		"profile-two-factor": "/accounts/profile/", "recovery-codes": "/accounts/two_factor/recovery/",
		"totp-remove": "/accounts/two_factor/totp/remove/",
		"key-remove":  "/accounts/two_factor/" + key.ID.String() + "/remove/", "key-name": "/accounts/two_factor/" + key.ID.String() + "/name/",
	})

	second := openTab(t, b.env, b.server)
	second.logInAs(user)
	second.at("/accounts/login/two_factor/")
	g.tour(second, map[string]string{
		"second-key": "/accounts/login/two_factor/", "second-totp": "/accounts/login/two_factor/totp/",
		"second-recovery": "/accounts/login/two_factor/recovery/",
	})
	// the five minutes begin anew
	second.logInAs(user)
	second.open("/accounts/login/two_factor/totp/")
	// the one of now may be used
	second.fill("#code", appCode(t, secret, 30*time.Second))
	second.click("main .btn.primary")
	second.at("/details/")

	code, out, stderr := b.run(t, "user", "reset-2fa", user)
	if code != 0 || out != user+" logs in with one step now; factors removed: 2.\n" {
		t.Errorf("reset-2fa: %d %s%s", code, out, stderr)
	}
	message := waitMail(t, s, "switched two-factor sign-in off")
	if message.To != user {
		t.Errorf("told %s", message.To)
	}
	third := openTab(t, b.env, b.server)
	third.logInAs(user)
	third.at("/details/")
}

// logInAs asks for a login link by the form, and opens it.
func (b *tab) logInAs(address string) {
	b.Helper()
	b.open("/accounts/login/")
	b.fill("#identity", address)
	before := len(b.server.log())
	b.click("form .btn.primary")
	b.at("/accounts/login_link_sent/")
	eventually(b.T, "a link to "+address, func() bool {
		for line := range strings.Lines(b.server.log()[before:]) {
			if strings.Contains(line, address) && strings.Contains(line, "/check_token/") {
				b.open(b.linkIn(line, "/check_token/"))
				return true
			}
		}
		return false
	})
}

// appCode is what an authenticator app shows so long from now.
func appCode(t *testing.T, secret string, later time.Duration) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(later))
	must(t, err)
	return code
}
