package project

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// OfferTransfer asks a member to become the owner of the project; nothing
// changes until they accept (store.AcceptTransfer). It fails with errs.NotFound
// when they are no member, and with errs.TooMany.
func (s *Service) OfferTransfer(ctx context.Context, by *monitor.User, p *monitor.Project, to uuid.UUID) (*store.Member, error) {
	member, err := s.Store.MemberOf(ctx, p.ID, to)
	if err != nil {
		return nil, err
	}
	if err := s.Auth.MayMail(ctx, member.Email); err != nil {
		return nil, err
	}
	if err := s.Store.OfferTransfer(ctx, p.ID, to); err != nil {
		return nil, err
	}
	s.Log.InfoContext(ctx, "project offered", "project", p.ID, "to", to, "by", by.ID)
	err = s.Mails.Transfer(ctx, mail.Transfer{
		Owned:   mail.Owned{Account: by.ID},
		To:      member.Email,
		Project: p.Title(),
		By:      auth.Actor(ctx, by),
		Link:    s.SiteRoot + "/projects/" + p.ID.String() + "/settings/#team",
	})
	if err != nil {
		return nil, fmt.Errorf("mail the offer: %w", err)
	}
	if by.ID == p.OwnerID && auth.Actor(ctx, by) == by.Email {
		return member, nil
	}
	owner, err := s.Store.UserByID(ctx, p.OwnerID)
	if err != nil {
		return nil, err
	}
	notice := fmt.Sprintf("%s has offered your project %s to %s.", auth.Actor(ctx, by), p.Title(), member.Email)
	s.Auth.NotifyOwner(ctx, owner, "", notice+" Nothing changes until they accept; you can take the offer back in the settings of the project.")
	return member, nil
}

// AcceptTransfer makes the user, whom the project was offered, its owner, and tells
// the owner so far. It fails like store.AcceptTransfer.
func (s *Service) AcceptTransfer(ctx context.Context, p *monitor.Project, user *monitor.User) error {
	former, err := s.Store.UserByID(ctx, p.OwnerID)
	if err != nil {
		return err
	}
	err = s.Store.AcceptTransfer(ctx, p.ID, user.ID)
	if err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "project handed over", "project", p.ID, "from", former.ID, "to", user.ID)
	s.Auth.NotifyOwner(ctx, former, "", fmt.Sprintf("Your project %s belongs to %s now. You are a member of it.", p.Title(), user.Email))
	return nil
}
