package auth

import (
	"context"
	"time"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// How many mails an address gets that somebody else has caused, whoever that was:
// invitations, questions, offers, tests. Login links that somebody asks for in its
// name are counted apart, so that no flood of the others shuts its owner out.
const (
	MailsPerAddress = 10
	mailsWindow     = time.Hour
)

// mayMail takes one of the mails that an address may get. It fails with
// errs.TooMany when none is left.
func mayMail(ctx context.Context, s *store.Store, signer *Signer, address string) error {
	ok, wait, err := s.TakeToken(ctx, signer.Bucket("mail-address", mailbox(address)), MailsPerAddress, mailsWindow)
	if err == nil && !ok {
		err = errs.TooManyf(wait, "This address has had many mails from here within the hour. Please try again later.")
	}
	return err
}

// MayMail takes one of the mails that an address may get which somebody else has
// caused. It fails with errs.TooMany when none is left.
func (s *Service) MayMail(ctx context.Context, address string) error {
	return mayMail(ctx, s.Store, s.signer, address)
}

// MayTest takes one of the tests that a channel, and its project, may send. It
// fails with errs.TooMany when none is left, also of the mails that the address
// of an e-mail channel may get.
func (s *Service) MayTest(ctx context.Context, ch *monitor.Channel) error {
	for _, l := range []struct {
		limit limit
		of    string
	}{{testsPerChannel, ch.ID.String()}, {testsPerProject, ch.ProjectID.String()}} {
		ok, wait, err := s.Store.TakeToken(ctx, s.Bucket(l.limit.name, l.of), l.limit.capacity, l.limit.window)
		if err != nil {
			return err
		}
		if !ok {
			return errs.TooManyf(wait, "Too many tests. Please try again later.")
		}
	}
	if address := ch.Address(); address != "" {
		return s.MayMail(ctx, address)
	}
	return nil
}
