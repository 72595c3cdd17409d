package auth

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
)

// LinkLife is how long a mailed login link works.
const LinkLife = time.Hour

const purposeBrowser = "login browser"

// What the check is called that an account starts with.
const (
	firstCheckName = "My First Check"
	firstCheckSlug = "my-first-check"
)

// errBadLink says nothing about why: an account that is closed looks like a
// link that was used.
var errBadLink = errs.Unauthorizedf("This login link has been used already, or it has expired.")

// LoginRequest is what somebody who wants in has sent.
type LoginRequest struct {
	// e-mail address as typed
	Identity string
	// IANA zone of the browser, may be wrong or empty
	TZ string
	Origin
	// path to lead to after the login, "" = the projects
	Next string
	// DemoCheck is the visitor's check of the welcome page; a new account gets it.
	DemoCheck uuid.UUID
}

// RequestLogin mails a login link, and makes an account first where the address
// has none and registration is open. Whether it has one shows neither in what
// comes back nor in how long that takes: all this is done afterwards.
//
// browser is to be kept in a cookie of whoever asks: CheckLink knows by it that
// the link was opened where it was asked for. It fails with errs.Invalid about
// the field identity, and with errs.TooMany.
func (s *Service) RequestLogin(ctx context.Context, q LoginRequest) (browser string, err error) {
	address, err := Address("identity", q.Identity)
	if err != nil {
		return "", err
	}
	if err := s.takeLink(ctx, address, q.Origin); err != nil {
		return "", err
	}
	token := NewSecret()
	err = s.later(ctx, "mail a login link", func(ctx context.Context) error {
		user, err := s.findOrMake(ctx, address, q)
		if err != nil || user == nil {
			return err
		}
		return s.sendLink(ctx, user, token, q.Next)
	})
	return s.browserMark(token), err
}

// findOrMake returns the user a link is to be mailed to; nil where there is
// none, and none may be made.
func (s *Service) findOrMake(ctx context.Context, address string, q LoginRequest) (*monitor.User, error) {
	user, err := s.UserByAddress(ctx, address, q.Identity)
	switch {
	case err == nil && user.IsActive:
		return user, nil
	case err == nil:
		s.Log.InfoContext(ctx, "login link refused", "user", user.ID, "reason", "deactivated")
		return nil, nil
	case errs.KindOf(err) != errs.NotFound:
		return nil, err
	case !s.RegistrationOpen:
		s.Log.InfoContext(ctx, "login link refused", "reason", "no such account, registration is closed")
		return nil, nil
	}
	account := s.NewAccount(address, q.TZ)
	s.adopt(ctx, account.Check, q.DemoCheck)
	err = s.Store.CreateAccount(ctx, account)
	// two at once
	if errs.KindOf(err) == errs.Conflict {
		return s.Store.UserByEmail(ctx, address)
	}
	if err != nil {
		return nil, err
	}
	s.Observe.signedUp()
	s.Log.InfoContext(ctx, "account made", "user", account.User.ID)
	return account.User, nil
}

// adopt makes check the visitor's check of the welcome page, if it still is one.
func (s *Service) adopt(ctx context.Context, check *monitor.Check, demo uuid.UUID) {
	if demo == uuid.Nil {
		return
	}
	found, err := s.Store.CheckByCode(ctx, demo)
	if err != nil || found.ProjectID != uuid.Nil {
		// pruned, or somebody's: a fresh one does as well
		return
	}
	*check = *found
}

// NewAccount is what signing up makes, not stored yet: a user with a project that has a
// ping key, a check and a channel to the address, which Address has made. tz is as the browser tells it.
func (s *Service) NewAccount(address, tz string) store.Account {
	check := monitor.NewCheck(uuid.Nil, s.Store.Now())
	check.Name = firstCheckName
	check.Slug = firstCheckSlug
	return store.Account{
		User: &monitor.User{
			Email: address, IsActive: true, TZ: zoneOrUTC(tz), CheckLimit: s.CheckLimit, PingLogLimit: s.PingLogLimit,
		},
		Project: &monitor.Project{Name: "My project", PingKey: NewPingKey()},
		Check:   &check,
		Channel: OwnChannel(address),
	}
}

// OwnChannel notifies somebody at the address of their account, which needs no
// verification: they log in by it.
func OwnChannel(address string) *monitor.Channel {
	return kinds.EmailChannel(address)
}

func (s *Service) sendLink(ctx context.Context, user *monitor.User, token, next string) error {
	if err := s.Store.CreateLoginToken(ctx, SecretHash(token), user.ID, s.Store.Now().Add(LinkLife)); err != nil {
		return err
	}
	link := s.loginLink(user, token)
	if next != "" {
		link += "?" + url.Values{"next": {next}}.Encode()
	}
	if err := s.SendLogin(ctx, user, link); err != nil {
		return fmt.Errorf("mail the login link: %w", err)
	}
	return nil
}

func (s *Service) loginLink(user *monitor.User, token string) string {
	return fmt.Sprintf("%s/accounts/check_token/%s/%s/", s.SiteRoot, user.ID, token)
}

// browserMark proves, in a cookie, that a browser asked for the link with token.
func (s *Service) browserMark(token string) string { return s.signer.Sign(purposeBrowser, token) }

// Link is what is known of a login link before it is used.
type Link struct {
	Valid bool
	// SameBrowser: it is opened in the browser that asked for it, so that it is
	// a person, not a mail scanner, and it may be used at once.
	SameBrowser bool
}

// CheckLink looks at a login link without using it. browser is what
// RequestLogin returned, from the cookie.
func (s *Service) CheckLink(ctx context.Context, user uuid.UUID, token, browser string) (Link, error) {
	valid, err := s.Store.LoginTokenValid(ctx, SecretHash(token), user)
	return Link{Valid: valid, SameBrowser: s.signer.Verify(purposeBrowser, token, browser)}, err
}

// UseLink uses a login link up and returns who has logged in; who logs in with
// two steps has passed the first. It fails with
// errs.Unauthorized when the link was used, has expired, or the account is not
// active.
func (s *Service) UseLink(ctx context.Context, user uuid.UUID, token string) (*monitor.User, error) {
	ok, err := s.Store.UseLoginToken(ctx, SecretHash(token), user)
	if err != nil {
		return nil, err
	}
	if !ok {
		s.Observe.login(byLink, false)
		return nil, errBadLink
	}
	u, err := s.Store.UserByID(ctx, user)
	switch {
	case errs.KindOf(err) == errs.NotFound || (err == nil && !u.IsActive):
		s.Observe.login(byLink, false)
		return nil, errBadLink
	case err != nil:
		return nil, err
	}
	return u, s.passedFirst(ctx, u, byLink)
}

// LogInNew logs in somebody whose account was just made because they have shown that
// its address is theirs, as by a mailed link. It returns the user as they are stored.
func (s *Service) LogInNew(ctx context.Context, user *monitor.User) (*monitor.User, error) {
	token := NewSecret()
	err := s.Store.CreateLoginToken(ctx, SecretHash(token), user.ID, s.Store.Now().Add(time.Minute))
	if err != nil {
		return nil, err
	}
	return s.UseLink(ctx, user.ID, token)
}

func (s *Service) noteLogin(ctx context.Context, u *monitor.User, by string) error {
	s.Observe.login(by, true)
	s.Log.InfoContext(ctx, "logged in", "user", u.ID, "by", by)
	return s.Store.NoteLogin(ctx, u.ID)
}
