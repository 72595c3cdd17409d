package auth

import (
	"context"
	"net/url"
	"time"

	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// InviteLife is how long an invitation waits for an answer.
const InviteLife = 7 * 24 * time.Hour

// InviteUser makes an account of the address for an operator, with a first project
// as signing up does, also where registration is closed, and mails a link that logs
// in and works for InviteLife. Where there is an account already, made is false, and
// it gets a link if nobody has logged in to it yet.
//
// link is what was mailed, "" for none. It fails with errs.Invalid about email, and
// with errs.Conflict when the account was deactivated.
func (s *Service) InviteUser(ctx context.Context, email string) (user *monitor.User, made bool, link string, err error) {
	address, err := Address("email", email)
	if err != nil {
		return nil, false, "", err
	}
	user, err = s.UserByAddress(ctx, address, email)
	switch {
	case errs.KindOf(err) == errs.NotFound:
		account := s.NewAccount(address, "UTC")
		account.User.ByOperator = true
		err = s.Store.CreateAccount(ctx, account)
		if err != nil {
			return nil, false, "", err
		}
		user = account.User
		made = true
	case err != nil:
		return nil, false, "", err
	case !user.IsActive:
		return nil, false, "", errs.Conflictf("the account of %s is deactivated; punctual user activate lets it in again", address)
	case !user.LastLoginAt.IsZero():
		return user, false, "", s.Store.KeepUser(ctx, user.ID)
	default:
		err = s.Store.KeepUser(ctx, user.ID)
		if err != nil {
			return nil, false, "", err
		}
	}
	token := NewSecret()
	err = s.Store.CreateLoginToken(ctx, SecretHash(token), user.ID, s.Store.Now().Add(InviteLife))
	if err != nil {
		return nil, false, "", err
	}
	link = s.loginLink(user, token) + "?" + url.Values{"next": {"/"}}.Encode()
	return user, made, link, s.Mails.Welcome(ctx, user, link)
}
