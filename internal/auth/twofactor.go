package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
)

// SecondStepLife is how long after the first step of logging in the second one
// may follow.
const SecondStepLife = 5 * time.Minute

// passedFirst notes a login, unless a second step is to follow.
func (s *Service) passedFirst(ctx context.Context, u *monitor.User, by string) error {
	f, err := s.Store.FactorsOf(ctx, u.ID)
	switch {
	case err != nil:
		return err
	case f.On():
		s.Log.InfoContext(ctx, "passed the first step of logging in", "user", u.ID, "by", by)
		return nil
	}
	return s.noteLogin(ctx, u, by)
}

// RemoveFactors takes all factors of the user away, for an operator whom the
// user has asked: they log in with one step again. It returns how many there
// were. The user is told by mail.
func (s *Service) RemoveFactors(ctx context.Context, user *monitor.User) (int, error) {
	n, err := s.Store.RemoveFactors(ctx, user.ID)
	if err != nil || n == 0 {
		return n, err
	}
	return n, s.factorsChanged(ctx, user, "An operator of this site has switched two-factor sign-in off for your account.")
}

// factorsChanged logs what was done to the factors of a user and tells them.
func (s *Service) factorsChanged(ctx context.Context, user *monitor.User, done string) error {
	s.Log.InfoContext(ctx, "factors of a user", "user", user.ID, "done", done)
	f, err := s.Store.FactorsOf(ctx, user.ID)
	if err != nil {
		return err
	}
	err = s.Mails.TwoFactor(ctx, mail.TwoFactor{Owned: mail.Owned{Account: user.ID}, To: user.Email, Done: done, On: f.On(),
		RecoveryCodes: f.RecoveryCodes, Link: s.SiteRoot + "/accounts/profile/#two-factor"})
	if err != nil {
		return fmt.Errorf("mail about factors: %w", err)
	}
	return nil
}

// TwoFactorOn tells whether the user logs in with two steps.
func (s *Service) TwoFactorOn(ctx context.Context, user uuid.UUID) (bool, error) {
	f, err := s.Store.FactorsOf(ctx, user)
	return err == nil && f.On(), err
}
