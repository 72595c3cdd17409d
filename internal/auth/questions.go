package auth

import (
	"context"

	"punctual/internal/hosts"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// VerifyMails is how many addresses one user may have asked in a day.
const VerifyMails = 20

// MayAsk takes one from the number of addresses that the user may have asked today
// whether they want alerts, and one of the mails that the address may get; one that
// has unsubscribed is asked once a day, whoever wants it. It fails with errs.TooMany
// when none is left.
func MayAsk(ctx context.Context, s *store.Store, signer *Signer, address string, user *monitor.User) error {
	refused, err := s.Refused(ctx, address)
	if err != nil {
		return err
	}
	if refused {
		if err := questionsOfRefused.take(ctx, s, signer, hosts.MailAddress(address)); err != nil {
			return err
		}
	}
	if err := questionsPerUser.take(ctx, s, signer, user.ID.String()); err != nil {
		return err
	}
	return mailsPerAddress.take(ctx, s, signer, mailbox(address))
}
