package auth

import (
	"context"
	"strings"
	"time"

	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// VerifyMails is how many addresses one user may have asked in a day.
const VerifyMails = 20

// Addresses asks the owners of e-mail addresses whether they want the alerts
// somebody else has chosen for them.
type Addresses struct {
	Store    *store.Store
	Signer   *Signer
	SiteRoot string // without a slash at the end
	Verify   bool   // false: the site asks nobody
	Send     func(ctx context.Context, v mail.Verify) error
}

// Create stores a channel that the user has made for the project, and asks its
// address where that has to agree first: Verified tells afterwards. It fails with
// errs.TooMany, and stores nothing, when the user has had VerifyMails addresses
// asked today.
func (a *Addresses) Create(ctx context.Context, ch *monitor.Channel, project *monitor.Project, user *monitor.User) error {
	vouched, err := a.vouched(ctx, ch, user)
	if err != nil {
		return err
	}
	ch.Verified = vouched
	if !vouched {
		if err := a.MayAsk(ctx, ch, user); err != nil {
			return err
		}
	}
	if err := a.Store.CreateChannel(ctx, ch); err != nil {
		return err
	}
	if ch.Verified {
		return nil
	}
	return a.Ask(ctx, ch, project, user)
}

// Edit is a change of a channel by a user.
type Edit struct {
	Channel *monitor.Channel // as it was loaded
	Project *monitor.Project
	User    *monitor.User
	// Apply sets name and configuration of the channel as it is stored by now. It
	// may run more than once, and must not use the store.
	Apply func(*monitor.Channel) error
	// SwitchOn ends that a permanent error has disabled the channel. Where its
	// address has unsubscribed, that is asked instead.
	SwitchOn bool
}

// Change stores a change of a channel and returns it as stored. asked tells that
// its address has been mailed a question, and gets alerts once it agrees: it is
// another one, or had unsubscribed. One that had and was asked lately is not asked
// again. Change fails with the error of Apply, and with errs.TooMany as Create.
func (a *Addresses) Change(ctx context.Context, e Edit) (ch *monitor.Channel, asked bool, err error) {
	wanted := *e.Channel
	if err := e.Apply(&wanted); err != nil {
		return nil, false, err
	}
	vouched, err := a.vouched(ctx, &wanted, e.User)
	if err != nil {
		return nil, false, err
	}
	if !e.Channel.SameAddress(&wanted) && !vouched {
		if err := a.MayAsk(ctx, &wanted, e.User); err != nil {
			return nil, false, err
		}
	}
	ch, err = a.Store.ChangeChannel(ctx, e.Channel.ID, func(ch *monitor.Channel) error {
		before := *ch
		if err := e.Apply(ch); err != nil {
			return err
		}
		if e.SwitchOn {
			ch.Disabled = false
			ch.LastError = ""
		}
		asked = !before.SameAddress(ch)
		if asked {
			ch.Verified = vouched
			asked = !vouched
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	if !ch.UnsubscribedAt.IsZero() && e.SwitchOn {
		err := a.MayAsk(ctx, ch, e.User)
		if errs.KindOf(err) == errs.TooMany {
			return ch, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		asked = true
	}
	if !asked {
		return ch, false, nil
	}
	return ch, true, a.Ask(ctx, ch, e.Project, e.User)
}

// vouched tells whether a channel may be used without asking: it is no address,
// or the own one of the user who gives it, or the site does not ask. An address
// that has unsubscribed is always asked.
func (a *Addresses) vouched(ctx context.Context, ch *monitor.Channel, user *monitor.User) (bool, error) {
	switch {
	case ch.Kind != monitor.KindEmail:
		return true, nil
	case a.Verify && !strings.EqualFold(ch.Address(), user.Email):
		return false, nil
	}
	refused, err := a.Store.Refused(ctx, ch.Address())
	return !refused, err
}

// MayAsk takes one from the number of addresses the user may have asked today, and
// one of the mails that the address may get;
// one that has unsubscribed is asked once a day, whoever wants it. It fails with
// errs.TooMany when none is left.
func (a *Addresses) MayAsk(ctx context.Context, ch *monitor.Channel, user *monitor.User) error {
	refused, err := a.Store.Refused(ctx, ch.Address())
	if err != nil {
		return err
	}
	if refused {
		if err := questionsOfRefused.take(ctx, a.Store, a.Signer, hosts.MailAddress(ch.Address())); err != nil {
			return err
		}
	}
	if err := questionsPerUser.take(ctx, a.Store, a.Signer, user.ID.String()); err != nil {
		return err
	}
	return mailsPerAddress.take(ctx, a.Store, a.Signer, mailbox(ch.Address()))
}

// Ask mails the question whether the address of a channel wants alerts. project
// and user are what the mail says they come from.
func (a *Addresses) Ask(ctx context.Context, c *monitor.Channel, project *monitor.Project, user *monitor.User) error {
	link := a.SiteRoot + "/integrations/" + c.ID.String() + "/verify/" + a.Signer.Sign(PurposeVerify, verifyValue(c)) + "/"
	return a.Send(ctx, mail.Verify{Owned: mail.Owned{Account: user.ID}, To: c.Address(), Project: project.Name, By: Actor(ctx, user), Link: link})
}

// Agreed tells whether sig is what a mailed question to the channel's present
// address was signed with.
func (a *Addresses) Agreed(c *monitor.Channel, sig string) bool {
	return a.Signer.Verify(PurposeVerify, verifyValue(c), sig)
}

// verifyValue is what a confirmation is about: an address given later must be
// asked anew, and one that has unsubscribed since.
func verifyValue(ch *monitor.Channel) string {
	value := ch.ID.String() + " " + strings.ToLower(ch.Address())
	if !ch.UnsubscribedAt.IsZero() {
		value += " " + ch.UnsubscribedAt.UTC().Format(time.RFC3339Nano)
	}
	return value
}
