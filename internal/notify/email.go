package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/text"
)

const (
	maxBody = 10000 // characters of a ping's body in a mail (features §7)
)

// Email sends alerts by mail, at once: sent means that the SMTP server has
// accepted the mail (DESIGN §5.2).
type Email struct {
	queue    *mail.Queue
	composer *mail.Composer
	unsub    func(channel uuid.UUID) string
	root     string
}

var _ Notifier = (*Email)(nil)

// NewEmail makes the notifier of e-mail channels. unsub gives the path, below
// SITE_ROOT, that ends the alerts of a channel: auth.Signer.UnsubscribePath.
// root is SITE_ROOT without a slash at the end.
func NewEmail(queue *mail.Queue, composer *mail.Composer, unsub func(channel uuid.UUID) string, root string) *Email {
	return &Email{queue: queue, composer: composer, unsub: unsub, root: root}
}

type emailConfig struct {
	Address string `json:"address"`
	Up      bool   `json:"up"`
	Down    bool   `json:"down"`
}

func readEmail(config string) emailConfig {
	var c emailConfig
	if json.Unmarshal([]byte(config), &c) != nil {
		return emailConfig{}
	}
	return c
}

// Kind is "email".
func (*Email) Kind() string { return "email" }

// Label is the name people know.
func (*Email) Label() string { return "Email" }

// Wants tells whether the channel hears of flips to this status.
func (*Email) Wants(config string, f monitor.Flip) bool {
	c := readEmail(config)
	return f.New == monitor.StatusDown && c.Down || f.New == monitor.StatusUp && c.Up
}

// Destination is the domain of the address.
func (*Email) Destination(config string) string {
	_, domain, _ := strings.Cut(readEmail(config).Address, "@")
	return hosts.Domain(domain)
}

// Summary is the address.
func (*Email) Summary(config string) string { return readEmail(config).Address }

// FromForm reads the fields value (the address), down and up.
func (*Email) FromForm(before string, form url.Values) (string, error) {
	c := emailConfig{Address: strings.TrimSpace(form.Get("value")), Down: checked(form, "down"), Up: checked(form, "up")}
	if err := c.validate(before); err != nil {
		return "", inForm(err, map[string]string{"address": "value"})
	}
	return encode(c)
}

// FromFields reads address, down and up; a new channel tells of both.
func (*Email) FromFields(before string, sent map[string]json.RawMessage) (string, error) {
	c := emailConfig{Down: true, Up: true}
	if before != "" {
		c = readEmail(before)
	}
	if err := (fields{"address": &c.Address, "down": &c.Down, "up": &c.Up}).set(sent); err != nil {
		return "", err
	}
	if err := c.validate(before); err != nil {
		return "", err
	}
	return encode(c)
}

// validate says what is wrong; the address stored before may be longer than a new
// one.
func (c *emailConfig) validate(before string) error {
	address, err := netmail.ParseAddress(c.Address)
	switch {
	case c.Address == "":
		return errs.Invalidf("address", "Please give an e-mail address.")
	case err != nil || address.Address != c.Address, text.Longer(c.Address, monitor.MaxChannelAddress) && c.Address != readEmail(before).Address:
		return errs.Invalidf("address", "This is not a valid e-mail address.")
	case !c.Down && !c.Up:
		return errs.Invalidf("down", "Please choose at least one kind of alert.")
	}
	return nil
}

// ToForm is the reverse of FromForm.
func (*Email) ToForm(config string) url.Values {
	c := readEmail(config)
	form := url.Values{"value": {c.Address}}
	check(form, "down", c.Down)
	check(form, "up", c.Up)
	return form
}

// Send mails the alert and waits for the server's yes.
func (n *Email) Send(ctx context.Context, ev Event) (Result, error) {
	c := readEmail(ev.Channel.Config)
	switch {
	case c.Address == "":
		return Result{}, errConfig
	case !ev.Channel.Verified:
		return Result{}, &Error{Message: "The address is not confirmed yet.", GiveUp: true}
	}
	m, err := n.composer.Alert(n.alert(&ev, c.Address))
	if err != nil {
		return Result{}, fmt.Errorf("compose alert: %w", err)
	}
	err = n.queue.Deliver(ctx, m)
	var refused *mail.SendError
	switch {
	case err == nil:
		return Result{Response: "The mail server has accepted the mail."}, nil
	case errors.As(err, &refused):
		return Result{}, &Error{
			Message:   head(text.UpperFirst(refused.Message)+".", maxMessage),
			Permanent: refused.BadAddress,
			GiveUp:    refused.Permanent,
			Err:       err,
		}
	default:
		return Result{}, fmt.Errorf("mail alert: %w", err)
	}
}

func (n *Email) alert(ev *Event, address string) mail.Alert {
	a := mail.Alert{
		Owned: mail.Owned{Account: ev.Project.OwnerID}, To: address, Key: ev.Key, Test: ev.Test, Down: ev.Status == monitor.StatusDown,
		Name:           ev.Check.Title(),
		Sentence:       sentence(ev),
		When:           ev.Flip.CreatedAt.In(zone(ev)).Format("Monday, 2 January 2006, 15:04:05 MST"),
		Description:    ev.Check.Description,
		Facts:          facts(ev),
		OtherDown:      otherDown(ev),
		OtherDownTotal: max(ev.OtherDownTotal, len(ev.OtherDown)),
		Link:           CloakedURL(n.root, &ev.Check),
		Unsubscribe:    n.root + n.unsub(ev.Channel.ID),
	}
	if ev.LastPing != nil {
		a.Body, a.BodyCut = tail(ev.LastPing.Body, maxBody)
	}
	return a
}
