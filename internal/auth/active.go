package auth

import (
	"context"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// Deactivate keeps the user out from now on: sessions, log-in links and
// account tokens end, and no password or link opens anything. Their checks are watched
// as before. It is no error when they were out already.
func (s *Service) Deactivate(ctx context.Context, user uuid.UUID) error {
	ended, err := s.Store.Deactivate(ctx, user)
	if err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "account deactivated", "user", user, "sessions", ended.Sessions, "tokens", ended.Tokens)
	return nil
}

// Activate lets the user in again.
func (s *Service) Activate(ctx context.Context, user uuid.UUID) error {
	_, err := s.Store.ChangeUser(ctx, user, func(u *monitor.User) error { u.IsActive = true; return nil })
	if err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "account activated", "user", user)
	return nil
}
