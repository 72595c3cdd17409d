// Package channel is what the site and the API both do with channels: they are
// made, changed, renamed, given their checks and removed, and addresses of others are
// asked whether they want the alerts. What a channel's settings mean is known to its
// kind alone (internal/notify).
package channel

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

// Service works on the channels of a store.
type Service struct {
	Store  *store.Store
	Signer *auth.Signer
	// without a slash at the end
	SiteRoot string
	// false: the site asks no addresses
	Verify bool
	// Send mails the question whether an address may get alerts.
	Send func(ctx context.Context, v mail.Verify) error
	Log  *slog.Logger
}

// SetName gives a channel another name, without blanks around it. It fails with
// errs.Invalid where that is too long; one that was so before may stay.
func SetName(ch *monitor.Channel, name string) error {
	name = strings.TrimSpace(name)
	if text.Longer(name, monitor.MaxChannelName) && name != ch.Name {
		return errs.Invalidf("name", "A name has at most %d characters.", monitor.MaxChannelName)
	}
	ch.Name = name
	return nil
}

// Create stores a channel that the user has made for the project, and asks its
// address where that has to agree first: Verified tells afterwards. It fails with
// errs.TooMany, and stores nothing, when the user has had auth.VerifyMails addresses
// asked today.
func (s *Service) Create(ctx context.Context, ch *monitor.Channel, project *monitor.Project, user *monitor.User) error {
	vouched, err := s.vouched(ctx, ch, user)
	if err != nil {
		return err
	}
	ch.Verified = vouched
	if !vouched {
		if err := s.MayAsk(ctx, ch, user); err != nil {
			return err
		}
	}
	if err := s.Store.CreateChannel(ctx, ch); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "channel made", "project", ch.ProjectID, "channel", ch.ID, "kind", ch.Kind)
	if ch.Verified {
		return nil
	}
	return s.Ask(ctx, ch, project, user)
}

// Edit is a change of a channel by a user.
type Edit struct {
	// as it was loaded
	Channel *monitor.Channel
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
func (s *Service) Change(ctx context.Context, e Edit) (ch *monitor.Channel, asked bool, err error) {
	wanted := *e.Channel
	if err := e.Apply(&wanted); err != nil {
		return nil, false, err
	}
	vouched, err := s.vouched(ctx, &wanted, e.User)
	if err != nil {
		return nil, false, err
	}
	if !s.Store.SameAddress(e.Channel, &wanted) && !vouched {
		if err := s.MayAsk(ctx, &wanted, e.User); err != nil {
			return nil, false, err
		}
	}
	ch, err = s.Store.ChangeChannel(ctx, e.Channel.ID, func(ch *monitor.Channel) error {
		before := *ch
		if err := e.Apply(ch); err != nil {
			return err
		}
		if e.SwitchOn {
			ch.Disabled = false
			ch.LastError = ""
		}
		asked = !s.Store.SameAddress(&before, ch)
		if asked {
			ch.Verified = vouched
			asked = !vouched
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	s.Log.InfoContext(ctx, "channel changed", "project", ch.ProjectID, "channel", ch.ID, "kind", ch.Kind)
	if !ch.UnsubscribedAt.IsZero() && e.SwitchOn {
		err := s.MayAsk(ctx, ch, e.User)
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
	return ch, true, s.Ask(ctx, ch, e.Project, e.User)
}

// vouched tells whether a channel may be used without asking: it is no address,
// or the own one of the user who gives it, or the site does not ask. An address
// that has unsubscribed is always asked.
func (s *Service) vouched(ctx context.Context, ch *monitor.Channel, user *monitor.User) (bool, error) {
	address := s.Store.AddressOf(ch)
	switch {
	case address == "":
		return true, nil
	case s.Verify && !strings.EqualFold(address, user.Email):
		return false, nil
	}
	refused, err := s.Store.Refused(ctx, address)
	return !refused, err
}

// MayAsk takes one from the number of addresses the user may have asked today, and
// one of the mails that the address may get; one that has unsubscribed is asked once
// a day, whoever wants it. It fails with errs.TooMany when none is left.
func (s *Service) MayAsk(ctx context.Context, ch *monitor.Channel, user *monitor.User) error {
	return auth.MayAsk(ctx, s.Store, s.Signer, s.Store.AddressOf(ch), user)
}

// AskAgain asks the address of a channel that has not agreed once more, within the
// bounds of MayAsk; nothing where it has.
func (s *Service) AskAgain(ctx context.Context, ch *monitor.Channel, project *monitor.Project, user *monitor.User) error {
	if ch.Verified {
		return nil
	}
	if err := s.MayAsk(ctx, ch, user); err != nil {
		return err
	}
	return s.Ask(ctx, ch, project, user)
}

// Ask mails the question whether the address of a channel wants alerts. project
// and user are what the mail says they come from.
func (s *Service) Ask(ctx context.Context, c *monitor.Channel, project *monitor.Project, user *monitor.User) error {
	link := s.SiteRoot + "/integrations/" + c.ID.String() + "/verify/" + s.Signer.Sign(auth.PurposeVerify, s.verifyValue(c)) + "/"
	return s.Send(ctx, mail.Verify{
		Owned: mail.Owned{Account: user.ID}, To: s.Store.AddressOf(c), Project: project.Name, By: auth.Actor(ctx, user), Link: link,
	})
}

// Agreed tells whether sig is what a mailed question to the channel's present
// address was signed with.
func (s *Service) Agreed(c *monitor.Channel, sig string) bool {
	return s.Signer.Verify(auth.PurposeVerify, s.verifyValue(c), sig)
}

// Agree stores that the address of a channel wants its alerts, after a mailed
// question that was signed with sig. It fails with errs.NotFound where the question
// was about another address than that of the channel by now.
func (s *Service) Agree(ctx context.Context, ch *monitor.Channel, sig string) (*monitor.Channel, error) {
	return s.Store.AgreeToChannel(ctx, ch.ID, func(now *monitor.Channel) bool {
		return s.Agreed(now, sig) || now.Verified && s.Store.SameAddress(now, ch)
	})
}

// Unsubscribe ends the alerts to the address of a channel: see store.Unsubscribe.
func (s *Service) Unsubscribe(ctx context.Context, ch *monitor.Channel) error {
	if !ch.UnsubscribedAt.IsZero() {
		return nil
	}
	if err := s.Store.Unsubscribe(ctx, ch.ID); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "unsubscribed", "channel", ch.ID)
	return nil
}

// Rename gives a channel another name. It fails as SetName does, and with
// errs.NotFound.
func (s *Service) Rename(ctx context.Context, ch *monitor.Channel, name string) error {
	_, err := s.Store.ChangeChannel(ctx, ch.ID, func(now *monitor.Channel) error { return SetName(now, name) })
	if err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "channel changed", "project", ch.ProjectID, "channel", ch.ID, "kind", ch.Kind)
	return nil
}

// Remove removes a channel with its assignments and deliveries.
func (s *Service) Remove(ctx context.Context, ch *monitor.Channel) error {
	if err := s.Store.DeleteChannel(ctx, ch.ID); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "channel removed", "project", ch.ProjectID, "channel", ch.ID, "kind", ch.Kind)
	return nil
}

// Choice is which checks of its project a channel is to tell of.
type Choice struct {
	All   bool
	Codes []string
	// Strict refuses a code that is of no check of the project; else it is passed over.
	Strict bool
}

// Assign makes a channel tell of exactly these checks, and returns how many they are.
// It fails with errs.Invalid about the field checks.
func (s *Service) Assign(ctx context.Context, ch *monitor.Channel, choice Choice) (int, error) {
	checks, err := s.Store.CheckList(ctx, ch.ProjectID)
	if err != nil {
		return 0, err
	}
	var ids []int64
	byCode := make(map[string]int64, len(checks))
	for i := range checks {
		byCode[checks[i].Code.String()] = checks[i].ID
		if choice.All {
			ids = append(ids, checks[i].ID)
		}
	}
	for _, code := range choice.Codes {
		id, found := byCode[strings.ToLower(code)]
		switch {
		case found:
			ids = append(ids, id)
		case choice.Strict:
			return 0, errs.Invalidf("checks", "The project has no check %s.", code)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return len(ids), s.Store.SetChannelChecks(ctx, ch.ID, ids)
}

// verifyValue is what a confirmation is about: an address given later must be
// asked anew, and one that has unsubscribed since.
func (s *Service) verifyValue(ch *monitor.Channel) string {
	value := ch.ID.String() + " " + strings.ToLower(s.Store.AddressOf(ch))
	if !ch.UnsubscribedAt.IsZero() {
		value += " " + ch.UnsubscribedAt.UTC().Format(time.RFC3339Nano)
	}
	return value
}
