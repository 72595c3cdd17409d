package project

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

var errNoInvitation = errs.NotFoundf("This invitation is over: it was answered, was taken back, or is older than a week.")

// Invite mails the address a link that makes its owner a member of the project,
// once they accept; until then nothing changes. What comes back, and what is done,
// does not depend on whether the address has an account. It fails with errs.Invalid
// about email, with errs.Conflict when they are a member already, and with
// errs.TooMany after 20 invitations a day.
func (s *Service) Invite(ctx context.Context, by *monitor.User, p *monitor.Project, email string, role monitor.Role) error {
	address, err := auth.Address("email", email)
	if err != nil {
		return err
	}
	if err := s.Auth.MayInvite(ctx, by); err != nil {
		return err
	}
	if err := s.Auth.MayMail(ctx, address); err != nil {
		return err
	}
	token := auth.NewSecret()
	i := &store.Invitation{ProjectID: p.ID, Email: address, Role: role, By: by.ID, ExpiresAt: s.Store.Now().Add(auth.InviteLife)}
	if err := s.Store.Invite(ctx, i, auth.SecretHash(token)); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "member invited", "project", p.ID, "invitation", i.ID, "role", role, "by", by.ID)
	err = s.Mails.Invite(ctx, mail.Invite{
		Owned: mail.Owned{Account: by.ID}, To: address, Project: p.Title(), By: auth.Actor(ctx, by), Role: RoleName(role),
		Link: fmt.Sprintf("%s/invitations/%s/%s/", s.SiteRoot, i.ID, token),
	})
	if err != nil {
		return fmt.Errorf("mail the invitation: %w", err)
	}
	return nil
}

// Invitation returns the invitation that a mailed link is about. It fails with
// errs.NotFound when the link is not ours or the invitation is over.
func (s *Service) Invitation(ctx context.Context, id uuid.UUID, token string) (*store.Invitation, error) {
	i, err := s.Store.InvitationByToken(ctx, id, auth.SecretHash(token))
	if errs.KindOf(err) == errs.NotFound {
		err = errNoInvitation
	}
	return i, err
}

// AnswerInvitation accepts or declines an invitation in the name of the user, to
// whose address it must be. It fails with errs.NotFound when it is over, with
// errs.Forbidden when it is somebody else's, and with errs.Conflict when the project
// may have no more members.
func (s *Service) AnswerInvitation(ctx context.Context, user *monitor.User, id uuid.UUID, accept bool) (*store.Invitation, error) {
	i, err := s.Store.AnswerInvitation(ctx, id, user.ID, accept)
	if errs.KindOf(err) == errs.NotFound {
		return nil, errNoInvitation
	}
	if err != nil {
		return nil, err
	}
	s.Log.InfoContext(ctx, "invitation answered", "project", i.ProjectID, "invitation", id, "user", user.ID, "accepted", accept)
	return i, nil
}

// DeclineInvitation ends the invitation of a mailed link: nobody needs an account
// to say no. It fails with errs.NotFound when it is over.
func (s *Service) DeclineInvitation(ctx context.Context, id uuid.UUID, token string) error {
	err := s.Store.DeclineInvitation(ctx, id, auth.SecretHash(token))
	if errs.KindOf(err) == errs.NotFound {
		return errNoInvitation
	}
	if err == nil {
		s.Log.InfoContext(ctx, "invitation answered", "invitation", id, "accepted", false)
	}
	return err
}

// JoinByInvitation accepts an invitation for somebody who is not logged in, if they
// are new: the account is made, without a project of its own, and they are logged in
// by the link, as by a mailed login link. An account that is there already is not
// opened by a link that works for a week: the user is nil then, they log in as usual,
// and nothing has changed. It fails like Invitation and AnswerInvitation.
func (s *Service) JoinByInvitation(ctx context.Context, i *store.Invitation) (*monitor.User, error) {
	by, err := s.Store.UserByID(ctx, i.By)
	if err != nil {
		return nil, err
	}
	err = s.Store.RoomForMember(ctx, i.ProjectID)
	if err != nil {
		return nil, err
	}
	user, made, err := s.guest(ctx, i.Email, by)
	if err != nil || !made {
		return nil, err
	}
	if _, err := s.AnswerInvitation(ctx, user, i.ID, true); err != nil {
		return nil, err
	}
	return s.Auth.LogInNew(ctx, user)
}

// guest finds the user with the address, or makes them, for whoever invites them.
// Of two at once one has made them.
func (s *Service) guest(ctx context.Context, address string, by *monitor.User) (user *monitor.User, made bool, err error) {
	user, err = s.Store.UserByEmail(ctx, address)
	if errs.KindOf(err) != errs.NotFound {
		return user, false, err
	}
	user = s.Auth.NewAccount(address, by.TZ).User
	user.ByOperator = by.IsSuperuser
	err = s.Store.CreateAccount(ctx, store.Account{User: user})
	if errs.KindOf(err) == errs.Conflict {
		user, err = s.Store.UserByEmail(ctx, address)
		return user, false, err
	}
	return user, err == nil, err
}
