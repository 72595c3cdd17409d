package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// emailChangeLife is how long the two addresses have to agree to a change.
const emailChangeLife = 24 * time.Hour

// The two sides of a change of address, as in the links mailed to them.
const (
	SideOld = "old"
	SideNew = "new"
)

const purposeEmailChange = "email change "

var errNoChange = errs.NotFoundf("This change of address is over: it is done, was stopped, or took longer than a day.")

// BeginEmailChange mails both the present and the new address of the user; when
// both have agreed, the new one is that of the account. It fails with
// errs.Invalid about email, and with errs.TooMany.
func (s *Service) BeginEmailChange(ctx context.Context, u *monitor.User, email string) error {
	address, err := Address("email", email)
	if err != nil {
		return err
	}
	if address == u.Email {
		return errs.Invalidf("email", "This is the address of your account already.")
	}
	if err := s.take(ctx, emailChanges, u.ID.String()); err != nil {
		return err
	}
	if err := s.MayMail(ctx, address); err != nil {
		return err
	}
	e := &store.EmailChange{UserID: u.ID, Email: address, ExpiresAt: s.Store.Now().Add(emailChangeLife)}
	if err := s.Store.BeginEmailChange(ctx, e); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "change of address begun", "user", u.ID)
	for to, side := range map[string]string{u.Email: SideOld, address: SideNew} {
		err := s.Mails.EmailChange(ctx, mail.EmailChange{Owned: mail.Owned{Account: u.ID}, To: to, Old: u.Email, New: address,
			Link: s.SiteRoot + s.emailChangePath(e, side)})
		if err != nil {
			return fmt.Errorf("mail the change of address: %w", err)
		}
	}
	return nil
}

func (s *Service) emailChangePath(e *store.EmailChange, side string) string {
	return fmt.Sprintf("/accounts/change_email/%s/%s/%s/%s/", e.UserID, e.ID, side, s.signer.Sign(purposeEmailChange+side, e.ID.String()))
}

// EmailChangeLink is what a link mailed for a change of address says.
type EmailChangeLink struct {
	User, Change    uuid.UUID
	Side, Signature string
}

// EmailChange returns the change that a mailed link is about, without acting.
// It fails with errs.NotFound when the link is not ours or the change is over.
func (s *Service) EmailChange(ctx context.Context, l EmailChangeLink) (*store.EmailChange, error) {
	if (l.Side != SideOld && l.Side != SideNew) || !s.signer.Verify(purposeEmailChange+l.Side, l.Change.String(), l.Signature) {
		return nil, errNoChange
	}
	e, err := s.Store.EmailChangeOf(ctx, l.User)
	switch {
	case errs.KindOf(err) == errs.NotFound, err == nil && e.ID != l.Change:
		return nil, errNoChange
	case err != nil:
		return nil, err
	}
	return e, nil
}

// AgreeToEmailChange agrees for the side the link was mailed to; done tells
// that the account has the new address now. Then both addresses get a mail, and
// all sessions of the user end but for the one that is kept. It fails like EmailChange, and with
// errs.Conflict when the new address has got an account of its own.
func (s *Service) AgreeToEmailChange(ctx context.Context, l EmailChangeLink, by By) (done bool, err error) {
	change, err := s.EmailChange(ctx, l)
	if err != nil {
		return false, err
	}
	user, err := s.Store.UserByID(ctx, l.User)
	if err != nil {
		return false, err
	}
	done, err = s.Store.AgreeToEmailChange(ctx, l.User, l.Change, l.Side == SideOld, by.Keep.Session)
	if errs.KindOf(err) == errs.NotFound {
		return false, errNoChange
	}
	if err != nil || !done {
		return false, err
	}
	s.Log.InfoContext(ctx, "address changed", "user", l.User)
	notice := "The address of your account was changed from " + user.Email + " to " + change.Email + ". You are logged out on all other devices."
	s.notify(ctx, l.User, user.Email, by.From, notice)
	s.notify(ctx, l.User, change.Email, by.From, notice)
	return true, nil
}

// StopEmailChange ends the change the link is about. It fails like EmailChange.
func (s *Service) StopEmailChange(ctx context.Context, l EmailChangeLink) error {
	_, err := s.EmailChange(ctx, l)
	if err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "change of address stopped", "user", l.User, "side", l.Side)
	return s.Store.CancelEmailChange(ctx, l.User)
}
