package kinds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"

	"punctual/internal/hosts"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/text"
)

// mailedBody is how many characters of a ping's body a mail has.
const mailedBody = 10000

type emailConfig struct {
	Address string
	Up      bool
	Down    bool
}

// email sends alerts by mail, at once: sent means that the SMTP server has accepted
// the mail.
func email() *notify.Kind {
	return notify.Declare(notify.Declaration[emailConfig]{
		Name: "email", Label: "Email", Group: notify.People,
		Blurb: "A message to any address, with all that is known about the check.",
		Needs: "An address. One that is not yours is asked first.",
		Fields: func(c *emailConfig) []notify.Field {
			address := notify.Field{
				Key: "address", Input: "value", Value: notify.String(&c.Address), Type: notify.Mail, Label: "Address", About: "Where to.",
				Max: monitor.MaxChannelAddress, Required: "Please give an e-mail address.", Check: mailAddress, Wrong: notMailAddress,
			}
			return append([]notify.Field{address}, notify.Switches(&c.Up, &c.Down)...)
		},
		Destination: func(c *emailConfig) string {
			_, domain, _ := strings.Cut(c.Address, "@")
			return hosts.Domain(domain)
		},
		Summary: func(c *emailConfig) string { return c.Address },
		AtOnce:  10,
		Confirm: func(c *emailConfig) string { return c.Address },
		Digest:  func(*emailConfig) bool { return true },
		Send:    sendMail,
	})
}

const notMailAddress = "This is not a valid e-mail address."

func mailAddress(address string) string {
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return notMailAddress
	}
	return ""
}

// EmailChannel is a channel that tells an address, which has agreed, of everything.
func EmailChannel(address string) *monitor.Channel {
	// It cannot fail.
	quoted, _ := json.Marshal(address)
	return &monitor.Channel{Kind: "email", Config: `{"address":` + string(quoted) + `,"down":true,"up":true}`, Verified: true}
}

// sendMail mails the alert and waits for the server's yes.
func sendMail(ctx context.Context, d *notify.Delivery[emailConfig]) (notify.Result, error) {
	var m *mail.Message
	var err error
	if d.Message.Kind == notify.Digest {
		m, err = d.Composer.Digest(mailDigest(d))
	} else {
		m, err = d.Composer.Alert(mailAlert(d))
	}
	if err != nil {
		return notify.Result{}, fmt.Errorf("compose alert: %w", err)
	}
	err = d.Mail.Deliver(ctx, m)
	var refused *mail.SendError
	switch {
	case err == nil:
		return notify.Result{Response: "The mail server has accepted the mail.", Said: notify.Said(m.AcceptedBy, m.Answer)}, nil
	case !errors.As(err, &refused):
		return notify.Result{}, fmt.Errorf("mail alert: %w", err)
	}
	failed := &notify.Error{Message: text.Ellipsis(text.UpperFirst(refused.Message)+".", notify.MaxMessage), Err: err}
	switch {
	case refused.BadAddress:
		failed.Class = notify.Dead
	case refused.Permanent:
		failed.Class = notify.Reject
	case refused.NoSession:
		failed.Away = notify.KindAway
	}
	return notify.Result{}, failed
}

func mailAlert(d *notify.Delivery[emailConfig]) mail.Alert {
	ev := d.Event
	a := mail.Alert{
		Owned: mail.Owned{Account: ev.Project.OwnerID}, To: d.Config.Address, Key: ev.Key, Test: ev.Test, Down: ev.Status == monitor.StatusDown,
		Flapping:       ev.Began(),
		Name:           ev.Check.Title(),
		Sentence:       ev.Sentence(),
		When:           ev.When(),
		Proof:          ev.Proof(),
		Description:    ev.Check.Description,
		Facts:          mailFacts(ev.Facts()),
		OtherDown:      mailFacts(ev.Others()),
		OtherDownTotal: max(ev.OtherDownTotal, len(ev.OtherDown)),
		Link:           notify.CloakedURL(d.SiteRoot, &ev.Check),
		Unsubscribe:    d.SiteRoot + d.Unsubscribe(ev.Channel.ID),
	}
	if ev.LastPing != nil {
		a.Body, a.BodyCut = notify.Tail(ev.LastPing.Body, mailedBody)
	}
	return a
}

func mailDigest(d *notify.Delivery[emailConfig]) mail.Digest {
	ev := d.Event
	m := mail.Digest{
		Owned: mail.Owned{Account: ev.Project.OwnerID}, To: d.Config.Address, Key: ev.Key,
		Title:       d.Message.Title.String(),
		Project:     ev.Project.Name,
		Link:        d.Message.Links[0].URL,
		Unsubscribe: d.SiteRoot + d.Unsubscribe(ev.Channel.ID),
		More:        d.Message.More,
	}
	for _, ev := range notify.Urgent(d.Events)[:len(d.Message.Items)] {
		m.Items = append(m.Items, mail.DigestItem{
			Word: ev.Word(), Down: ev.Level() == notify.Critical, Name: ev.Check.Title(), Sentence: ev.Sentence(), When: ev.When(),
			Link: notify.CloakedURL(d.SiteRoot, &ev.Check),
		})
	}
	return m
}

func mailFacts(facts []notify.Fact) []mail.Fact {
	out := make([]mail.Fact, len(facts))
	for i, f := range facts {
		out[i] = mail.Fact{Label: f.Label, Value: f.Value.String()}
	}
	return out
}
