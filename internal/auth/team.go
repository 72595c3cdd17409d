package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

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
