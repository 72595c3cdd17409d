package auth

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// VerifyMails is how many addresses one user may have asked in a day.
const VerifyMails = 20

// kindEmail is the kind of channel whose address must have agreed (contract §2.11).
const kindEmail = "email"

// Addresses asks the owners of e-mail addresses whether they want the alerts
// somebody else has chosen for them.
type Addresses struct {
	Store    *store.Store
	Signer   *Signer
	SiteRoot string // without a slash at the end
	Verify   bool   // false: the site asks nobody
	Send     func(ctx context.Context, v mail.Verify) error
}

// AddressOf is where an e-mail channel sends, "" for other kinds.
func AddressOf(c *monitor.Channel) string {
	if c.Kind != kindEmail {
		return ""
	}
	var config struct {
		Address string `json:"address"`
	}
	if json.Unmarshal([]byte(c.Config), &config) != nil {
		return ""
	}
	return config.Address
}

// Create stores a channel that the user has made for the project, and asks its
// address where that has to agree first: Verified tells afterwards. It fails with
// errs.TooMany, and stores nothing, when the user has had VerifyMails addresses
// asked today.
func (a *Addresses) Create(ctx context.Context, ch *monitor.Channel, project *monitor.Project, user *monitor.User) error {
	ch.Verified = a.vouched(ch, user)
	if !ch.Verified {
		if err := a.MayAsk(ctx, user); err != nil {
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
	// SwitchOn ends that a permanent error has disabled the channel.
	SwitchOn bool
}

// Change stores a change of a channel and returns it as stored. asked tells that
// its address is a new one that has been mailed a question, and gets alerts once
// it agrees. It fails with the error of Apply, and with errs.TooMany as Create.
func (a *Addresses) Change(ctx context.Context, e Edit) (ch *monitor.Channel, asked bool, err error) {
	wanted := *e.Channel
	if err := e.Apply(&wanted); err != nil {
		return nil, false, err
	}
	if !sameAddress(e.Channel, &wanted) && !a.vouched(&wanted, e.User) {
		if err := a.MayAsk(ctx, e.User); err != nil {
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
		asked = !sameAddress(&before, ch)
		if asked {
			ch.Verified = a.vouched(ch, e.User)
			asked = !ch.Verified
		}
		return nil
	})
	if err != nil || !asked {
		return ch, false, err
	}
	return ch, true, a.Ask(ctx, ch, e.Project, e.User)
}

func sameAddress(a, b *monitor.Channel) bool {
	return strings.EqualFold(AddressOf(a), AddressOf(b))
}

// vouched tells whether a channel may be used without asking: it is no address,
// or the own one of the user who gives it, or the site does not ask.
func (a *Addresses) vouched(c *monitor.Channel, user *monitor.User) bool {
	return c.Kind != kindEmail || !a.Verify || strings.EqualFold(AddressOf(c), user.Email)
}

// MayAsk takes one from the number of addresses the user may have asked today.
// It fails with errs.TooMany when none is left.
func (a *Addresses) MayAsk(ctx context.Context, user *monitor.User) error {
	ok, wait, err := a.Store.TakeToken(ctx, "verify:"+user.ID.String(), VerifyMails, 24*time.Hour)
	if err == nil && !ok {
		err = errs.TooManyf(wait, "You have had many addresses asked today. Please try again later.")
	}
	return err
}

// Ask mails the question whether the address of a channel wants alerts. project
// and user are what the mail says they come from.
func (a *Addresses) Ask(ctx context.Context, c *monitor.Channel, project *monitor.Project, user *monitor.User) error {
	link := a.SiteRoot + "/integrations/" + c.ID.String() + "/verify/" + a.Signer.Sign(PurposeVerify, verifyValue(c)) + "/"
	return a.Send(ctx, mail.Verify{Owned: mail.Owned{Account: user.ID}, To: AddressOf(c), Project: project.Name, By: user.Email, Link: link})
}

// Agreed tells whether sig is what a mailed question to the channel's present
// address was signed with.
func (a *Addresses) Agreed(c *monitor.Channel, sig string) bool {
	return a.Signer.Verify(PurposeVerify, verifyValue(c), sig)
}

// verifyValue is what a confirmation is about: an address given later must be
// asked anew.
func verifyValue(c *monitor.Channel) string {
	return c.ID.String() + " " + strings.ToLower(AddressOf(c))
}
