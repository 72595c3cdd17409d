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

// Settle decides whether a channel that the user has made or changed may be used
// as it is, sets Verified, and tells whether Ask is to be called when the
// channel is stored. before is the channel as it was, nil for a new one. It
// fails with errs.TooMany when the user has had VerifyMails addresses asked
// today.
func (a *Addresses) Settle(ctx context.Context, before, c *monitor.Channel, user *monitor.User) (ask bool, err error) {
	kept := before != nil && AddressOf(before) == AddressOf(c)
	c.Verified = kept && before.Verified || a.vouched(c, user)
	if kept || c.Verified {
		return false, nil
	}
	return true, a.MayAsk(ctx, user)
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
	return a.Send(ctx, mail.Verify{To: AddressOf(c), Project: project.Name, By: user.Email, Link: link})
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
