package auth

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// InviteLife is how long the link works that an invitation brings somebody new.
// It ends with the first login.
const InviteLife = 7 * 24 * time.Hour

// MemberRole reads the role of a member from a form. What is none fails with
// errs.Invalid about role.
func MemberRole(text string) (monitor.Role, error) {
	switch role := monitor.Role(text); role {
	case monitor.RoleReadonly, monitor.RoleMember, monitor.RoleManager:
		return role, nil
	default:
		return monitor.RoleNone, errs.Invalidf("role", "A member is one of read-only, member, manager.")
	}
}

// RoleName is the role in a word.
func RoleName(role monitor.Role) string {
	switch role {
	case monitor.RoleOwner:
		return "owner"
	case monitor.RoleManager:
		return "manager"
	case monitor.RoleMember:
		return "member"
	default:
		return "read-only member"
	}
}

// Invite makes whoever has the address a member of the project and mails them
// (features §10). Where the address has no account one is made, without a
// project of its own, and the mail logs them in. It fails with errs.Invalid about
// email, with errs.Conflict when they are a member already, and with errs.TooMany
// after 20 invitations a day.
func (s *Service) Invite(ctx context.Context, by *monitor.User, p *monitor.Project, email string, role monitor.Role) (*monitor.User, error) {
	address, err := Address("email", email)
	if err != nil {
		return nil, err
	}
	if err := s.take(ctx, invitesPerUser, by.ID.String()); err != nil {
		return nil, err
	}
	if err := s.MayMail(ctx, address); err != nil {
		return nil, err
	}
	user, err := s.guest(ctx, address, by)
	if err != nil {
		return nil, err
	}
	if err := s.Store.AddMember(ctx, p.ID, user.ID, role); err != nil {
		return nil, err
	}
	s.Log.InfoContext(ctx, "member added", "project", p.ID, "user", user.ID, "role", role, "by", by.ID)
	path := "/projects/" + p.ID.String() + "/checks/"
	v := mail.Invite{Owned: mail.Owned{Account: by.ID}, To: user.Email, Project: p.Title(), By: actor(ctx, by), Role: RoleName(role), New: user.LastLoginAt.IsZero(), Link: s.SiteRoot + path}
	if v.New {
		token := newSecret()
		if err := s.Store.CreateLoginToken(ctx, hashID(token), user.ID, s.Store.Now().Add(InviteLife)); err != nil {
			return nil, err
		}
		v.Link = s.loginLink(user, token) + "?" + url.Values{"next": {path}}.Encode()
	}
	if err := s.Mails.Invite(ctx, v); err != nil {
		return nil, fmt.Errorf("mail the invitation: %w", err)
	}
	return user, nil
}

// guest finds the user with the address, or makes them, for whoever invites them.
func (s *Service) guest(ctx context.Context, address string, by *monitor.User) (*monitor.User, error) {
	user, err := s.Store.UserByEmail(ctx, address)
	if errs.KindOf(err) != errs.NotFound {
		return user, err
	}
	user = s.newAccount(address, by.TZ).User
	user.ByOperator = by.IsSuperuser
	err = s.Store.CreateAccount(ctx, store.Account{User: user})
	if errs.KindOf(err) == errs.Conflict { // two at once
		return s.Store.UserByEmail(ctx, address)
	}
	return user, err
}

// OfferTransfer asks a member to become the owner of the project; nothing
// changes until they accept (store.AcceptTransfer). It fails with errs.NotFound
// when they are no member, and with errs.TooMany.
func (s *Service) OfferTransfer(ctx context.Context, by *monitor.User, p *monitor.Project, to uuid.UUID) (*store.Member, error) {
	member, err := s.Store.MemberOf(ctx, p.ID, to)
	if err != nil {
		return nil, err
	}
	if err := s.MayMail(ctx, member.Email); err != nil {
		return nil, err
	}
	if err := s.Store.OfferTransfer(ctx, p.ID, to); err != nil {
		return nil, err
	}
	s.Log.InfoContext(ctx, "project offered", "project", p.ID, "to", to, "by", by.ID)
	err = s.Mails.Transfer(ctx, mail.Transfer{
		Owned: mail.Owned{Account: by.ID}, To: member.Email, Project: p.Title(), By: actor(ctx, by), Link: s.SiteRoot + "/projects/" + p.ID.String() + "/settings/#team",
	})
	if err != nil {
		return nil, fmt.Errorf("mail the offer: %w", err)
	}
	return member, nil
}
