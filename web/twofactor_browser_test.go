//go:build programs

package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/testkit/browser"
)

// localSite is a site that browsers let use security keys: at a name, not at a number.
func localSite(t *testing.T) *testSite {
	t.Helper()
	return newTestSite(t, db.SQLite, func(d *Deps) { d.Site.Root.Host = "localhost:" + d.Site.Root.Port() })
}

// securityKey plugs a key in that is touched at once.
func (s *testSite) securityKey(ctx context.Context, passkey bool) webauthn.AuthenticatorID {
	s.Helper()
	var id webauthn.AuthenticatorID
	s.drive(ctx, webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		id, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportUsb, AutomaticPresenceSimulation: true,
			HasResidentKey: passkey, DefaultBackupEligibility: passkey,
		}).Do(ctx)
		return err
	}))
	return id
}

// fine looks at the page as it is, by axe and by picture.
func (s *testSite) fine(ctx context.Context, name string) {
	s.Helper()
	s.shots(ctx, name)
	for dark, rules := range map[bool][]string{false: nil, true: {"color-contrast"}} {
		if err := browser.Look(ctx, 390, 0, dark); err != nil {
			s.Fatal(err)
		}
		found, err := browser.Accessibility(ctx, rules...)
		if err != nil {
			s.Fatal(err)
		}
		for _, f := range found {
			s.Errorf("%s: %s", name, f)
		}
	}
}

// From the first key to logging in by it, renaming it and removing it. The browser
// keeps the session it was given with the key: it is the one that has shown it.
func TestASecurityKeyInABrowser(t *testing.T) {
	s := localSite(t)
	user, _ := s.login("jane@example.org")
	ctx, console := browser.New(t)
	s.securityKey(ctx, false)
	s.open(ctx, "/accounts/profile/")
	s.drive(ctx, first(chromedp.Click, `#two-factor a[href$="/webauthn/"]`), first(chromedp.WaitEnabled, "form[data-webauthn] button"))
	s.fine(ctx, "twofactor-key-add")
	s.drive(ctx, chromedp.SendKeys("#name", "Blue key", chromedp.ByQuery), first(chromedp.Click, "form[data-webauthn] button"), first(chromedp.WaitVisible, ".codes"))
	s.fine(ctx, "twofactor-recovery-codes")
	f, err := s.store.FactorsOf(t.Context(), user.ID)
	if err != nil || len(f.Keys) != 1 || f.Keys[0].Name != "Blue key" || f.RecoveryCodes != 10 {
		t.Fatalf("%+v, %v", f, err)
	}
	s.drive(ctx, chromedp.Navigate(s.url+"/accounts/profile/"), first(chromedp.WaitVisible, `[aria-label="Rename Blue key"]`))
	s.fine(ctx, "twofactor-profile-key")

	// The same key once more.
	console.Allow("status of 4")
	var said string
	s.drive(ctx, chromedp.Navigate(s.url+"/accounts/two_factor/webauthn/"))
	s.drive(ctx, first(chromedp.WaitEnabled, "form[data-webauthn] button"), chromedp.SendKeys("#name", "Again", chromedp.ByQuery), first(chromedp.Click, "form[data-webauthn] button"),
		first(chromedp.WaitVisible, "[data-problem]"), chromedp.Text("[data-problem]", &said, chromedp.ByQuery))
	if !strings.Contains(said, "registered already") {
		t.Errorf("said %q", said)
	}

	s.clock.Advance(time.Hour)
	s.drive(ctx, chromedp.Navigate(s.url+"/accounts/profile/"), first(chromedp.Click, `form[action$="/logout_everywhere/"] .btn:not(.small)`), first(chromedp.WaitVisible, "#identity"))
	s.client = s.otherBrowser().client
	s.firstStepIn(ctx, "jane@example.org")
	s.drive(ctx, first(chromedp.WaitEnabled, `form[data-webauthn="get"] button`))
	s.fine(ctx, "twofactor-login-key")
	s.drive(ctx, first(chromedp.Click, "form[data-webauthn] button"), first(chromedp.WaitVisible, "#checks"))
	f, err = s.store.FactorsOf(t.Context(), user.ID)
	if err != nil || !f.Keys[0].LastUsedAt.Equal(s.clock.Now()) {
		t.Errorf("%+v, %v", f, err)
	}

	s.drive(ctx, chromedp.Navigate(s.url+"/accounts/profile/"), first(chromedp.Click, `[aria-label="Rename Blue key"]`), first(chromedp.WaitVisible, "#name"))
	s.fine(ctx, "twofactor-key-name")
	s.drive(ctx, chromedp.SetValue("#name", "Blue key at work", chromedp.ByQuery), first(chromedp.Click, "main .btn.primary"), first(chromedp.Click, `[aria-label="Remove Blue key at work"]`), first(chromedp.WaitVisible, ".btn.danger"))
	s.fine(ctx, "twofactor-key-remove")
	s.drive(ctx, first(chromedp.Click, "main .btn.danger"), first(chromedp.WaitVisible, ".flash.ok"))
	s.fine(ctx, "twofactor-profile-off")
	var done []string
	for _, m := range s.sent.factors {
		done = append(done, m.Done)
	}
	if len(done) != 3 || !strings.Contains(done[0], "added") || !strings.Contains(done[1], "is called") || !strings.Contains(done[2], "removed") {
		t.Errorf("mailed %q", done)
	}
}

// firstStepIn logs in by link in the browser, up to the second step.
func (s *testSite) firstStepIn(ctx context.Context, address string) {
	s.Helper()
	s.drive(ctx, chromedp.Navigate(s.url+"/accounts/login/"), chromedp.SendKeys("#identity", address, chromedp.ByQuery), first(chromedp.Click, "form .btn.primary"), chromedp.WaitReady(".gate"))
	waitFor(s, "a link", func() bool {
		var at string
		s.drive(ctx, chromedp.Location(&at))
		return strings.HasSuffix(at, "/login_link_sent/")
	})
	s.drive(ctx, chromedp.Navigate(s.lastLink()))
}

// A key answers one question of one session: neither an answer that was used,
// nor one of another key, nor one to somebody else's question is taken.
func TestAnAnswerOfAKeyIsTakenOnce(t *testing.T) {
	s := localSite(t)
	user, _ := s.login("jane@example.org")
	ctx, console := browser.New(t)
	console.Allow("status of 4")
	s.securityKey(ctx, true) // a passkey, backed up
	s.open(ctx, "/accounts/two_factor/webauthn/")
	s.drive(ctx, chromedp.SendKeys("#name", "Phone", chromedp.ByQuery), first(chromedp.Click, "form[data-webauthn] button"), first(chromedp.WaitVisible, ".codes"))

	b := s.firstStep("jane@example.org", "/walls/")
	options, _ := b.get(secondStepPath).is(http.StatusOK).Find("form[data-webauthn]").Attr("data-options")
	answer := s.answerTo(ctx, options)
	other := s.firstStep("jane@example.org", "")
	other.get(secondStepPath).is(http.StatusOK)
	other.post(secondStepPath, map[string][]string{"credential": {answer}}).is(http.StatusBadRequest).has("not accepted")
	for _, nonsense := range []string{"", "{}", "null", strings.Replace(answer, `"signature":"`, `"signature":"AA`, 1), strings.Repeat("[", 10000)} {
		other.post(secondStepPath, map[string][]string{"credential": {nonsense}}).is(http.StatusBadRequest)
	}
	stranger := s.otherBrowser()
	stranger.login("stranger@example.org")
	b.post(secondStepPath, map[string][]string{"credential": {answer}}).leadsTo("/walls/")
	again := s.firstStep("jane@example.org", "")
	again.get(secondStepPath).is(http.StatusOK)
	again.post(secondStepPath, map[string][]string{"credential": {answer}}).is(http.StatusBadRequest).has("not accepted") // to another question
	third := s.firstStep("jane@example.org", "")
	third.post(secondStepPath, map[string][]string{"credential": {answer}}).is(http.StatusBadRequest) // no question before it
	f, err := s.store.FactorsOf(t.Context(), user.ID)
	if err != nil || len(f.Keys) != 1 {
		t.Fatal(f, err)
	}
	path := "/accounts/two_factor/" + f.Keys[0].ID.String()
	stranger.get(path + "/name/").is(http.StatusNotFound)
	stranger.post(path+"/remove/", nil).is(http.StatusNotFound)
}

// answerTo lets the key of the browser answer a question.
func (s *testSite) answerTo(ctx context.Context, options string) (answer string) {
	s.Helper()
	s.drive(ctx, chromedp.Evaluate(`navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(`+options+`) }).then(c => JSON.stringify(c.toJSON()))`,
		&answer, chromedp.EvalAsValue, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return answer
}

func TestAnAuthenticatorAppWithoutScripts(t *testing.T) {
	s := newTestSite(t, db.SQLite)
	s.login("jane@example.org")
	ctx, console := browser.New(t)
	console.Allow("status of 4")
	s.open(ctx, "/accounts/two_factor/totp/")
	s.fine(ctx, "twofactor-totp")
	if err := browser.DisableJS(ctx); err != nil {
		t.Fatal(err)
	}
	var secret, codes string
	s.open(ctx, "/accounts/two_factor/totp/")
	s.drive(ctx, chromedp.Text(".totp .code code", &secret, chromedp.ByQuery))
	a := app{s, strings.ReplaceAll(secret, " ", "")}
	s.drive(ctx, chromedp.SendKeys("#code", a.code(0), chromedp.ByQuery), first(chromedp.Click, "main .btn.primary"), first(chromedp.WaitVisible, ".codes"), chromedp.Text(".codes code", &codes, chromedp.ByQuery))
	s.clock.Advance(time.Minute)
	s.drive(ctx, chromedp.Navigate(s.url+"/accounts/profile/"), first(chromedp.WaitVisible, "#two-factor .flash.warning"))

	b := s.firstStep("jane@example.org", "")
	b.open(ctx, "/accounts/login/two_factor/")
	s.drive(ctx, chromedp.SendKeys("#code", "000000", chromedp.ByQuery), first(chromedp.Click, "main .btn.primary"), first(chromedp.WaitVisible, "#code-error"))
	s.shots(ctx, "twofactor-login-totp")
	s.drive(ctx, chromedp.SendKeys("#code", a.code(0), chromedp.ByQuery), first(chromedp.Click, "main .btn.primary"), first(chromedp.WaitVisible, ".checks, #checks"))

	b = s.firstStep("jane@example.org", "")
	b.open(ctx, "/accounts/login/two_factor/recovery/")
	s.shots(ctx, "twofactor-login-recovery")
	s.drive(ctx, chromedp.SendKeys("#code", strings.Fields(codes)[0], chromedp.ByQuery), first(chromedp.Click, "main .btn.primary"), first(chromedp.WaitVisible, ".checks, #checks"))
}
