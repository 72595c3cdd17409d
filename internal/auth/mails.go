package auth

import (
	"context"

	"punctual/internal/monitor"
)

// MailsPerAddress is how many mails an address gets in an hour that somebody else has
// caused, whoever that was: invitations, questions, offers, tests.
const MailsPerAddress = 10

// MayMail takes one of the mails that an address may get which somebody else has
// caused. It fails with errs.TooMany when none is left.
func (s *Service) MayMail(ctx context.Context, address string) error {
	return s.take(ctx, mailsPerAddress, mailbox(address))
}

// MayTest takes one of the tests that a channel, and its project, may send. It
// fails with errs.TooMany when none is left, also of the mails that the address
// of an e-mail channel may get.
func (s *Service) MayTest(ctx context.Context, ch *monitor.Channel) error {
	if err := s.take(ctx, testsPerChannel, ch.ID.String()); err != nil {
		return err
	}
	if err := s.take(ctx, testsPerProject, ch.ProjectID.String()); err != nil {
		return err
	}
	address := s.Store.AddressOf(ch)
	if address != "" {
		return s.MayMail(ctx, address)
	}
	return nil
}
