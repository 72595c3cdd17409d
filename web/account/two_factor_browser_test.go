//go:build programs

package account_test

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
	"punctual/web"
	"punctual/web/account"
	"punctual/web/webtest"
)

// localSite is a site that browsers let use security keys: at a name, not at a number.
func localSite(t *testing.T) *webtest.Site {
	t.Helper()
	return webtest.New(t, db.SQLite, func(d *web.Deps) { d.Site.Root.Host = "localhost:" + d.Site.Root.Port() })
}

// securityKey plugs a key in that is touched at once.
func securityKey(s *webtest.Site, ctx context.Context, passkey bool) webauthn.AuthenticatorID {
	s.Helper()
	var id webauthn.AuthenticatorID
	s.Drive(ctx, webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		id, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportUsb, AutomaticPresenceSimulation: true,
			HasResidentKey: passkey, DefaultBackupEligibility: passkey,
		}).Do(ctx)
		return err
	}))
	return id
}

// fine looks at the page as it is, by axe and by picture.
func fine(s *webtest.Site, ctx context.Context, name string) {
	s.Helper()
	s.Shots(ctx, name)
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
	user, _ := s.Login("jane@example.org")
	ctx, console := browser.New(t)
	securityKey(s, ctx, false)
	s.Open(ctx, "/accounts/profile/")
	s.Drive(ctx, webtest.First(chromedp.Click, `#two-factor a[href$="/webauthn/"]`),
		webtest.First(chromedp.WaitEnabled, "form[data-webauthn] button"))
	fine(s, ctx, "twofactor-key-add")
	s.Drive(ctx, chromedp.SendKeys("#name", "Blue key", chromedp.ByQuery), webtest.First(chromedp.Click, "form[data-webauthn] button"),
		webtest.First(chromedp.WaitVisible, ".codes"))
	fine(s, ctx, "twofactor-recovery-codes")
	f, err := s.Store.FactorsOf(t.Context(), user.ID)
	if err != nil || len(f.Keys) != 1 || f.Keys[0].Name != "Blue key" || f.RecoveryCodes != 10 {
		t.Fatalf("%+v, %v", f, err)
	}
	s.Drive(ctx, chromedp.Navigate(s.URL+"/accounts/profile/"), webtest.First(chromedp.WaitVisible, `[aria-label="Rename Blue key"]`))
	fine(s, ctx, "twofactor-profile-key")

	// The same key once more.
	console.Allow("status of 4")
	var message string
	s.Drive(ctx, chromedp.Navigate(s.URL+"/accounts/two_factor/webauthn/"))
	s.Drive(ctx, webtest.First(chromedp.WaitEnabled, "form[data-webauthn] button"), chromedp.SendKeys("#name", "Again", chromedp.ByQuery),
		webtest.First(chromedp.Click, "form[data-webauthn] button"),
		webtest.First(chromedp.WaitVisible, "[data-problem]"), chromedp.Text("[data-problem]", &message, chromedp.ByQuery))
	if !strings.Contains(message, "registered already") {
		t.Errorf("said %q", message)
	}

	s.Clock.Advance(time.Hour)
	s.Drive(ctx, chromedp.Navigate(s.URL+"/accounts/profile/"),
		webtest.First(chromedp.Click, `form[action$="/logout_everywhere/"] .btn:not(.small)`), webtest.First(chromedp.WaitVisible, "#identity"))
	s.Client = s.OtherBrowser().Client
	firstStepIn(s, ctx, "jane@example.org")
	s.Drive(ctx, webtest.First(chromedp.WaitEnabled, `form[data-webauthn="get"] button`))
	fine(s, ctx, "twofactor-login-key")
	s.Drive(ctx, webtest.First(chromedp.Click, "form[data-webauthn] button"), webtest.First(chromedp.WaitVisible, ".first-step"))
	f, err = s.Store.FactorsOf(t.Context(), user.ID)
	if err != nil || !f.Keys[0].LastUsedAt.Equal(s.Clock.Now()) {
		t.Errorf("%+v, %v", f, err)
	}

	s.Drive(ctx, chromedp.Navigate(s.URL+"/accounts/profile/"), webtest.First(chromedp.Click, `[aria-label="Rename Blue key"]`),
		webtest.First(chromedp.WaitVisible, "#name"))
	fine(s, ctx, "twofactor-key-name")
	s.Drive(ctx, chromedp.SetValue("#name", "Blue key at work", chromedp.ByQuery), webtest.First(chromedp.Click, "main .btn.primary"),
		webtest.First(chromedp.Click, `[aria-label="Remove Blue key at work"]`), webtest.First(chromedp.WaitVisible, ".btn.danger"))
	fine(s, ctx, "twofactor-key-remove")
	s.Drive(ctx, webtest.First(chromedp.Click, "main .btn.danger"), webtest.First(chromedp.WaitVisible, ".flash.ok"))
	fine(s, ctx, "twofactor-profile-off")
	var done []string
	for _, m := range s.Sent.Factors {
		done = append(done, m.Done)
	}
	if len(done) != 3 || !strings.Contains(done[0], "added") || !strings.Contains(done[1], "is called") ||
		!strings.Contains(done[2], "removed") {
		t.Errorf("mailed %q", done)
	}
}

// firstStepIn logs in by link in the browser, up to the second step.
func firstStepIn(s *webtest.Site, ctx context.Context, address string) {
	s.Helper()
	s.Drive(ctx, chromedp.Navigate(s.URL+"/accounts/login/"), chromedp.SendKeys("#identity", address, chromedp.ByQuery),
		webtest.First(chromedp.Click, "form .btn.primary"), chromedp.WaitReady(".gate"))
	webtest.WaitFor(s, "a link", func() bool {
		var at string
		s.Drive(ctx, chromedp.Location(&at))
		return strings.HasSuffix(at, "/login_link_sent/")
	})
	s.Drive(ctx, chromedp.Navigate(s.LastLink()))
}

// A key answers one question of one session: neither an answer that was used,
// nor one of another key, nor one to somebody else's question is taken.
func TestAnAnswerOfAKeyIsTakenOnce(t *testing.T) {
	s := localSite(t)
	user, _ := s.Login("jane@example.org")
	ctx, console := browser.New(t)
	console.Allow("status of 4")
	// a passkey, backed up
	securityKey(s, ctx, true)
	s.Open(ctx, "/accounts/two_factor/webauthn/")
	s.Drive(ctx, chromedp.SendKeys("#name", "Phone", chromedp.ByQuery), webtest.First(chromedp.Click, "form[data-webauthn] button"),
		webtest.First(chromedp.WaitVisible, ".codes"))

	b := firstStep(s, "jane@example.org", "/walls/")
	options, _ := b.Get(account.SecondStepPath).Is(http.StatusOK).Find("form[data-webauthn]").Attr("data-options")
	answer := answerTo(s, ctx, options)
	other := firstStep(s, "jane@example.org", "")
	other.Get(account.SecondStepPath).Is(http.StatusOK)
	other.Post(account.SecondStepPath, map[string][]string{"credential": {answer}}).Is(http.StatusBadRequest).Has("not accepted")
	for _, nonsense := range []string{"", "{}", "null", strings.Replace(answer, `"signature":"`, `"signature":"AA`, 1),
		strings.Repeat("[", 10000)} {
		other.Post(account.SecondStepPath, map[string][]string{"credential": {nonsense}}).Is(http.StatusBadRequest)
	}
	stranger := s.OtherBrowser()
	stranger.Login("stranger@example.org")
	b.Post(account.SecondStepPath, map[string][]string{"credential": {answer}}).LeadsTo("/walls/")
	again := firstStep(s, "jane@example.org", "")
	again.Get(account.SecondStepPath).Is(http.StatusOK)
	// to another question
	again.Post(account.SecondStepPath, map[string][]string{"credential": {answer}}).Is(http.StatusBadRequest).Has("not accepted")
	third := firstStep(s, "jane@example.org", "")
	// no question before it
	third.Post(account.SecondStepPath, map[string][]string{"credential": {answer}}).Is(http.StatusBadRequest)
	f, err := s.Store.FactorsOf(t.Context(), user.ID)
	if err != nil || len(f.Keys) != 1 {
		t.Fatal(f, err)
	}
	path := "/accounts/two_factor/" + f.Keys[0].ID.String()
	stranger.Get(path + "/name/").Is(http.StatusNotFound)
	stranger.Post(path+"/remove/", nil).Is(http.StatusNotFound)
}

// answerTo lets the key of the browser answer a question.
func answerTo(s *webtest.Site, ctx context.Context, options string) (answer string) {
	s.Helper()
	s.Drive(ctx, chromedp.Evaluate(`navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(`+options+
		`) }).then(c => JSON.stringify(c.toJSON()))`,
		&answer, chromedp.EvalAsValue, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return answer
}

func TestAnAuthenticatorAppWithoutScripts(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	s.Login("jane@example.org")
	ctx, console := browser.New(t)
	console.Allow("status of 4")
	s.Open(ctx, "/accounts/two_factor/totp/")
	fine(s, ctx, "twofactor-totp")
	if err := browser.DisableJS(ctx); err != nil {
		t.Fatal(err)
	}
	var secret, codes string
	s.Open(ctx, "/accounts/two_factor/totp/")
	s.Drive(ctx, chromedp.Text(".totp .code code", &secret, chromedp.ByQuery))
	a := app{s, strings.ReplaceAll(secret, " ", "")}
	s.Drive(ctx, chromedp.SendKeys("#code", a.code(0), chromedp.ByQuery), webtest.First(chromedp.Click, "main .btn.primary"),
		webtest.First(chromedp.WaitVisible, ".codes"), chromedp.Text(".codes code", &codes, chromedp.ByQuery))
	s.Clock.Advance(time.Minute)
	s.Drive(ctx, chromedp.Navigate(s.URL+"/accounts/profile/"), webtest.First(chromedp.WaitVisible, "#two-factor .flash.warning"))

	b := firstStep(s, "jane@example.org", "")
	b.Open(ctx, "/accounts/login/two_factor/")
	s.Drive(ctx, chromedp.SendKeys("#code", "000000", chromedp.ByQuery), webtest.First(chromedp.Click, "main .btn.primary"),
		webtest.First(chromedp.WaitVisible, "#code-error"))
	s.Shots(ctx, "twofactor-login-totp")
	s.Drive(ctx, chromedp.SendKeys("#code", a.code(0), chromedp.ByQuery), webtest.First(chromedp.Click, "main .btn.primary"),
		webtest.First(chromedp.WaitVisible, ".first-step"))

	b = firstStep(s, "jane@example.org", "")
	b.Open(ctx, "/accounts/login/two_factor/recovery/")
	s.Shots(ctx, "twofactor-login-recovery")
	s.Drive(ctx, chromedp.SendKeys("#code", strings.Fields(codes)[0], chromedp.ByQuery), webtest.First(chromedp.Click, "main .btn.primary"),
		webtest.First(chromedp.WaitVisible, ".first-step"))
}
