package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/alexedwards/argon2id"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// MinPasswordLength is the least a password has, in characters.
const MinPasswordLength = 8

// argonParams are the ones OWASP recommends: about 31 ms and 19 MiB.
var argonParams = argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// nobodysHash is compared with where there is no account, so that the answer
// takes as long. It is the hash of random bytes nobody knows.
var nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$OZ5dr/Z1V9RDp4aMBN6dlQ$zJkWKrJTHZcGOEZ5q8LVP1HRzJvkxW9VhhxkdZl5x0A"

var errBadPassword = errs.Invalidf("password", "The e-mail address or the password is wrong.")

// LoginByPassword returns the user with the address if the password is theirs;
// who logs in with two steps has passed the first.
// It fails with errs.Invalid when it is not, when the account has no password or
// is not active, and with errs.TooMany.
func (s *Service) LoginByPassword(ctx context.Context, email, password string, from Origin) (*monitor.User, error) {
	address, err := Address("email", email)
	if err != nil {
		return nil, err
	}
	if err := s.takePassword(ctx, address, from); err != nil {
		return nil, err
	}
	user, err := s.UserByAddress(ctx, address, email)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return nil, err
	}
	hash := nobodysHash
	if err == nil && user.IsActive && user.PasswordHash != "" {
		hash = user.PasswordHash
	}
	ok, err := s.compare(ctx, password, hash)
	if err != nil {
		return nil, err
	}
	if !ok || hash == nobodysHash {
		s.Observe.login(byPassword, false)
		return nil, errBadPassword
	}
	return user, s.passedFirst(ctx, user, byPassword)
}

// ConfirmPassword holds that a password is that of the user, who is logged in
// already, in the session with the hash. It fails with errs.Invalid when it is
// not, and with errs.TooMany after many attempts in that session.
func (s *Service) ConfirmPassword(ctx context.Context, u *monitor.User, password string, session []byte) error {
	err := s.take(ctx, confirmsPerSession, u.ID.String()+" "+hex.EncodeToString(session))
	if err != nil {
		return byLinkInstead(err)
	}
	hash := nobodysHash
	if u.PasswordHash != "" {
		hash = u.PasswordHash
	}
	ok, err := s.compare(ctx, password, hash)
	if err == nil && (!ok || hash == nobodysHash) {
		err = errs.Invalidf("password", "This is not your password.")
	}
	return err
}

// SetPassword gives the user a password, or another one, and ends what lets
// somebody in as them but for what is to be kept. They get a mail. It fails with
// errs.Invalid about password.
func (s *Service) SetPassword(ctx context.Context, user *monitor.User, password string, by By) (store.Ended, error) {
	if strings.EqualFold(strings.TrimSpace(password), user.Email) {
		return store.Ended{}, errs.Invalidf("password", "Your address is the first thing somebody would try.")
	}
	hash, err := s.HashPassword(ctx, password)
	if err != nil {
		return store.Ended{}, err
	}
	done := "Your password was changed."
	if user.PasswordHash == "" {
		done = "A password was set."
	}
	return s.storePassword(ctx, user, hash, done, by)
}

// RemovePassword lets the user log in by mailed link only. The rest is as of
// SetPassword.
func (s *Service) RemovePassword(ctx context.Context, user *monitor.User, by By) (store.Ended, error) {
	return s.storePassword(ctx, user, "", "Your password was removed.", by)
}

func (s *Service) storePassword(ctx context.Context, user *monitor.User, hash, done string, by By) (store.Ended, error) {
	ended, err := s.Store.SetPasswordHash(ctx, user.ID, hash, by.Keep)
	if err != nil {
		return ended, err
	}
	s.Log.InfoContext(ctx, "password of a user", "user", user.ID, "done", done, "sessions", ended.Sessions, "tokens", ended.Tokens)
	if ended.Tokens > 0 {
		done += " " + tokensEnded(ended.Tokens)
	}
	s.NotifyOwner(ctx, user, by.From, done)
	return ended, nil
}

// HashPassword returns the form in which a password is stored. It fails with
// errs.Invalid when it is too short or too long.
func (s *Service) HashPassword(ctx context.Context, password string) (string, error) {
	switch n := len([]rune(password)); {
	case n < MinPasswordLength:
		return "", errs.Invalidf("password", "A password needs at least %d characters.", MinPasswordLength)
	case n > monitor.MaxPasswordLength:
		return "", errs.Invalidf("password", "A password has at most %d characters.", monitor.MaxPasswordLength)
	}
	defer s.enter(ctx)()
	hash, err := argon2id.CreateHash(password, &argonParams)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, ctx.Err()
}

func (s *Service) compare(ctx context.Context, password, hash string) (bool, error) {
	if len(password) > 4*monitor.MaxPasswordLength {
		return false, nil
	}
	defer s.enter(ctx)()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	if errors.Is(err, argon2id.ErrInvalidHash) {
		// Imported from elsewhere: they log in by link. The answer takes as long.
		_, err = argon2id.ComparePasswordAndHash(password, nobodysHash)
		return false, err
	}
	return ok, err
}

// enter waits for a place to hash in and returns how to leave it.
func (s *Service) enter(ctx context.Context) (leave func()) {
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing }
	case <-ctx.Done():
		return func() {}
	}
}

// FirstStepMark is of what the first step of a log-in was passed with: it changes
// with the password and with the address, so that a log-in that stands half-way ends
// with either.
func FirstStepMark(user *monitor.User) string {
	sum := sha256.Sum256([]byte(user.Email + "\n" + user.PasswordHash))
	return hex.EncodeToString(sum[:8])
}
