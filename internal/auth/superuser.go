package auth

import (
	"context"

	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// CreateSuperuser makes an account that may administer the instance, or makes
// the existing one of that address such. password may be empty: they log in by
// mailed link; an existing password then stays. created tells which it was. It
// fails with errs.Invalid about email or password.
func (s *Service) CreateSuperuser(ctx context.Context, email, password string) (created bool, err error) {
	address, err := Address("email", email)
	if err != nil {
		return false, err
	}
	hash := ""
	if password != "" {
		hash, err = s.HashPassword(ctx, password)
		if err != nil {
			return false, err
		}
	}
	user, err := s.UserByAddress(ctx, address, email)
	if errs.KindOf(err) == errs.NotFound {
		account := s.NewAccount(address, "UTC")
		account.User.IsSuperuser = true
		account.User.PasswordHash = hash
		account.User.ByOperator = true
		return true, s.Store.CreateAccount(ctx, account)
	}
	if err != nil {
		return false, err
	}
	if err := s.Store.KeepUser(ctx, user.ID); err != nil {
		return false, err
	}
	_, err = s.Store.ChangeUser(ctx, user.ID, func(u *monitor.User) error {
		u.IsSuperuser = true
		u.IsActive = true
		if hash != "" {
			u.PasswordHash = hash
		}
		return nil
	})
	return false, err
}
