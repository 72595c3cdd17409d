package account

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/web/ui"
)

// tokenView is an account token in the list of the profile page.
type tokenView struct {
	ID   string
	Name string
	// its first characters
	Hint     string
	Readonly bool
	Since    time.Time
	// zero: never
	Used time.Time
	// the whole token: just made, shown this once
	Full string
}

// tokens are those of the visitor; made is one to be shown in full.
func (s *Pages) tokens(r *http.Request, made tokenView) ([]tokenView, error) {
	rows, err := s.Store.AccountTokens(r.Context(), ui.VisitorOf(r).User.ID)
	if err != nil {
		return nil, err
	}
	views := make([]tokenView, len(rows))
	for i := range rows {
		t := &rows[i]
		views[i] = tokenView{ID: t.ID.String(), Name: t.Name, Hint: auth.TokenHint(t), Readonly: t.Readonly, Since: t.CreatedAt,
			Used: t.LastUsedAt}
		if views[i].ID == made.ID {
			views[i].Full = made.Full
		}
	}
	return views, nil
}

// MakeToken answers POST /accounts/profile/tokens/. The token is on the answer itself:
// it is kept nowhere, not in the session either.
func (s *Pages) MakeToken(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	t, full, err := s.auth.CreateToken(r.Context(), v.User, form.Value("name"), form.Value("access") == "read", s.by(r).From)
	// too many
	if errs.KindOf(err) == errs.Conflict {
		form.Fail("name", errs.Message(err))
	} else if err = form.Note(err); err != nil {
		return err
	}
	if !form.OK() {
		return s.showProfile(w, r, http.StatusBadRequest, profileForm(v.User), form, tokenView{})
	}
	return s.showProfile(w, r, http.StatusOK, profileForm(v.User), ui.NewForm(nil), tokenView{ID: t.ID.String(), Full: full})
}

// RevokeToken answers POST /accounts/profile/tokens/revoke/ with the token's id.
func (s *Pages) RevokeToken(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	id, err := uuid.Parse(ui.PostedField(r, "token"))
	if err != nil {
		return errs.NotFoundf("There is no such token.")
	}
	err = s.auth.RevokeToken(r.Context(), v.User, id, s.by(r).From)
	if err != nil {
		return ui.Hide(err, "There is no such token. Perhaps it has been revoked already.")
	}
	v.Flash("ok", "The token is revoked.")
	return s.Redirect(w, r, "/accounts/profile/")
}
