package project

import (
	"context"
	"fmt"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// CloseAccount removes the user with all they own and the mails about them, and
// mails the members of their projects; all of it or nothing. by is who does it, nil
// an operator. It fails with errs.NotFound when the account is gone.
func (s *Service) CloseAccount(ctx context.Context, user, by *monitor.User) error {
	err := s.remove(ctx, user, by, true, func(farewell store.Farewell) error { return s.Store.DeleteUser(ctx, user.ID, farewell) })
	if err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "account closed", "user", user.ID, "email", user.Email, "by", nameOf(by))
	s.Auth.ForgetLimits(ctx, user)
	return nil
}

// Remove removes a project of the owner with its checks and mails its
// members; all of it or nothing. It fails with errs.NotFound when it is gone.
func (s *Service) Remove(ctx context.Context, p *monitor.Project, owner *monitor.User) error {
	err := s.remove(ctx, owner, owner, false, func(farewell store.Farewell) error { return s.Store.DeleteProject(ctx, p.ID, farewell) })
	if err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "project removed", "project", p.ID, "by", nameOf(owner))
	return nil
}

// remove lets do remove something, with the mails for those who lose it.
func (s *Service) remove(ctx context.Context, owner, by *monitor.User, closed bool, do func(store.Farewell) error) error {
	var mails []*mail.Message
	err := do(func(gone []store.ProjectContent) ([]*monitor.Email, error) {
		// it may be called again
		mails = mails[:0]
		var queued []*monitor.Email
		for i := range gone {
			for _, member := range gone[i].Members {
				m, err := s.farewell(&gone[i], member.Email, owner, by, closed)
				if err != nil {
					return nil, err
				}
				if m != nil {
					mails = append(mails, m)
					queued = append(queued, &m.Email)
				}
			}
		}
		return queued, nil
	})
	if err != nil {
		return err
	}
	for _, m := range mails {
		s.Mails.Stored(ctx, m)
	}
	return nil
}

// farewell makes the mail that tells a member that the project is gone.
func (s *Service) farewell(p *store.ProjectContent, to string, owner, by *monitor.User, closed bool) (*mail.Message, error) {
	if s.Mails.Removed == nil {
		return nil, nil //nolint:nilnil // nobody is mailed here
	}
	v := mail.Removed{To: to, Project: p.Title(), Owner: owner.Email, Closed: closed, Checks: p.Checks, Link: s.SiteRoot + "/"}
	if by != nil {
		v.By = by.Email
	}
	m, err := s.Mails.Removed(v)
	if err != nil {
		return nil, fmt.Errorf("mail the members: %w", err)
	}
	return m, nil
}

func nameOf(u *monitor.User) string {
	if u == nil {
		return "an operator"
	}
	return u.ID.String()
}
