package auth

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

// CreateToken makes an account token of the user: a key with which programs see
// to the user's projects over the API. It returns the token in full, which is
// kept nowhere. The user gets a mail. It fails with errs.Invalid about name, and with errs.Conflict
// when the user has store.MaxAccountTokens.
func (s *Service) CreateToken(ctx context.Context, user *monitor.User, name string, readonly bool, from string) (*store.AccountToken,
	string, error) {
	name = text.OneLine(name)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return nil, "", errs.Invalidf("name", "Please give the token a name.")
	case n > monitor.MaxTokenName || !text.Storable(name):
		return nil, "", errs.Invalidf("name", "A token's name is a text of at most %d characters.", monitor.MaxTokenName)
	}
	token := NewToken()
	t := &store.AccountToken{UserID: user.ID, Name: name, Hash: s.KeyHash(token), Readonly: readonly}
	if err := s.Store.CreateAccountToken(ctx, t); err != nil {
		return nil, "", err
	}
	s.Log.InfoContext(ctx, "account token made", "user", user.ID, "token", t.ID, "readonly", readonly)
	may := "It may read and change everything that you may."
	if readonly {
		may = "It may read everything that you may."
	}
	s.NotifyOwner(ctx, user, from, "The account token “"+t.Name+"” was created. "+may)
	return t, token, nil
}

// RevokeToken removes a token of the user, who gets a mail. One that is not
// theirs is errs.NotFound.
func (s *Service) RevokeToken(ctx context.Context, user *monitor.User, id uuid.UUID, from string) error {
	t, err := s.Store.DeleteAccountToken(ctx, user.ID, id)
	if err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "account token revoked", "user", user.ID, "token", id)
	s.NotifyOwner(ctx, user, from, "The account token “"+t.Name+"” was revoked.")
	return nil
}

// TokenUser returns whose a token is. It fails with errs.NotFound for one that
// opens nothing; other keys than account tokens never do.
func (s *Service) TokenUser(ctx context.Context, token string) (*store.AccountToken, *monitor.User, error) {
	if !strings.HasPrefix(token, prefixToken) {
		return nil, nil, errs.NotFoundf("token not found")
	}
	stored, err := s.StoredKey(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	return s.Store.UserByToken(ctx, stored)
}

// TokenHint is what may be shown of a stored account token.
func TokenHint(t *store.AccountToken) string { return prefixToken + t.Hash[:min(4, len(t.Hash))] }
