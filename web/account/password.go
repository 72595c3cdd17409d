package account

import (
	"net/http"

	"punctual/internal/auth"
	"punctual/internal/clientip"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui"
)

// passwordPage sets a password, or another one, or takes it away.
type passwordPage struct {
	ui.BasePage
	Form        *ui.Form
	HasPassword bool
	MinLength   int
	// account tokens that end with it, unless they are kept
	Tokens int
}

// ProfilePath is the page of the account.
const ProfilePath = "/accounts/profile/"

// PasswordForm answers GET /accounts/set_password/.
func (s *Pages) PasswordForm(w http.ResponseWriter, r *http.Request) error {
	return s.showPassword(w, r, http.StatusOK, ui.NewForm(nil))
}

func (s *Pages) showPassword(w http.ResponseWriter, r *http.Request, status int, form *ui.Form) error {
	form.Values.Del("password")
	has := ui.VisitorOf(r).User.PasswordHash != ""
	title := "Set a password"
	if has {
		title = "Change the password"
	}
	tokens, err := s.Store.AccountTokens(r.Context(), ui.VisitorOf(r).User.ID)
	if err != nil {
		return err
	}
	return s.Render(w, r, status, "account/password", &passwordPage{
		BasePage: ui.BasePage{Title: title, Nav: "account"}, Form: form, HasPassword: has, MinLength: auth.MinPasswordLength, Tokens: len(tokens),
	})
}

// SavePassword sets the password; the button remove takes it away. Other devices
// are logged out, and account tokens end unless keep_tokens is ticked.
func (s *Pages) SavePassword(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	by := s.by(r)
	by.Keep.Tokens = form.On("keep_tokens")
	done := "Your password is set."
	var ended store.Ended
	if form.Values.Has("remove") {
		done = "You have no password any more: log in by mailed link."
		ended, err = s.auth.RemovePassword(r.Context(), v.User, by)
	} else {
		ended, err = s.auth.SetPassword(r.Context(), v.User, form.Value("password"), by)
		err = form.Note(err)
	}
	switch {
	case err != nil:
		return err
	case !form.OK():
		return s.showPassword(w, r, http.StatusBadRequest, form)
	}
	v.Flash("ok", done+endedWords(ended))
	return s.Redirect(w, r, ProfilePath)
}

// by is the browser of the visitor, whose session is to stay, for changes of the
// ways into their account.
func (s *Pages) by(r *http.Request) auth.By {
	from := deviceOf(r.UserAgent())
	ip := clientip.Of(r)
	if ip != "" {
		from += ", " + ip
	}
	return auth.By{Keep: store.Access{Session: s.Sessions.Hash(ui.VisitorOf(r).Session), Tokens: true}, From: from}
}

// endedWords says what has ended beside what was done, "" for nothing.
func endedWords(ended store.Ended) string {
	words := ""
	if ended.Sessions > 0 {
		words += " You are logged out on " + text.Plural(int(ended.Sessions), "other device", "other devices") + "."
	}
	if ended.Tokens > 0 {
		words += " " + text.Plural(int(ended.Tokens), "account token", "account tokens") + " revoked."
	}
	return words
}
