package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/channel"
	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/monitor"
	"punctual/internal/notify"
)

// Channels made, changed, tried out and removed by API: an extension of ours in
// version 3.

// extension answers the errors of an operation as those of extensions are (see
// refuse).
func (a *api) extension(op operation) operation {
	return func(c *call) error {
		err := op(c)
		if err != nil {
			a.refuse(c.w, c.Request, incident.From(op, err))
		}
		return nil
	}
}

// channelJSON is a channel with all there is to know about it. Secrets are in
// config, so a read-only key does not get it, nor the checks, whose ids are
// their ping URLs.
type channelJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
	// false: an address that has not agreed yet
	Verified bool `json:"verified"`
	// after a permanent error, or because the address has unsubscribed
	Disabled   bool    `json:"disabled"`
	LastNotify *string `json:"last_notify"`
	// "" = the last delivery was accepted
	LastError string `json:"last_error"`
	// read-write keys, with Checks
	Config json.RawMessage `json:"config,omitempty"`
	// uuids of the checks it tells of
	Checks *[]string `json:"checks,omitempty"`
}

// channelObject is the channel as the key may see it.
func (a *api) channelObject(c *call, ch *monitor.Channel) (channelJSON, error) {
	out := channelJSON{
		ID: ch.ID.String(), Name: ch.Name, Kind: ch.Kind, Verified: ch.Verified, Disabled: ch.Disabled,
		LastNotify: stamp(ch.LastNotifyAt), LastError: ch.LastError,
	}
	if c.readonly {
		return out, nil
	}
	codes, err := a.Store.CodesOfChannel(c.Context(), ch.ID)
	checks := make([]string, len(codes))
	for i, code := range codes {
		checks[i] = code.String()
	}
	out.Config = json.RawMessage(ch.Config)
	out.Checks = &checks
	return out, err
}

// answerChannel sends the channel.
func (a *api) answerChannel(c *call, status int, ch *monitor.Channel) error {
	out, err := a.channelObject(c, ch)
	if err != nil {
		return err
	}
	a.json(c.w, status, out)
	return nil
}

// ownChannel is the channel the address names; one of another project is
// errs.NotFound.
func (a *api) ownChannel(c *call) (*monitor.Channel, error) {
	ch, err := a.Store.ChannelByID(c.Context(), uuid.MustParse(chi.URLParam(c.Request, "channel")))
	if err == nil && ch.ProjectID != c.project.ID {
		err = errs.NotFoundf("channel not found")
	}
	return ch, err
}

// channel is GET channels/<uuid>.
func (a *api) channel(c *call) error {
	ch, err := a.ownChannel(c)
	if err != nil {
		return err
	}
	return a.answerChannel(c, http.StatusOK, ch)
}

// createChannel is POST channels/ with kind, name and config: 201 and the
// channel, switched on for all checks of the project as when it is made on the
// site. Where the site asks, an address that is not the owner's gets a mail with
// a link and no alerts before it has agreed. A key speaks for the owner of the
// project: their own address needs no question.
func (a *api) createChannel(c *call) error {
	if err := c.body.only("kind", "name", "config"); err != nil {
		return err
	}
	kind, _, err := c.body.text("kind")
	if err != nil {
		return err
	}
	if a.Notifiers.Kind(kind) == nil {
		return errs.Invalidf("kind", "This site has no channels of that kind; there are %s.", strings.Join(a.Notifiers.Kinds(), ", "))
	}
	ch := &monitor.Channel{ProjectID: c.project.ID, Kind: kind}
	if err := a.fillChannel(ch, c.body); err != nil {
		return err
	}
	owner, err := a.Store.UserByID(c.Context(), c.project.OwnerID)
	if err != nil {
		return err
	}
	if err := a.Channels.Create(c.Context(), ch, c.project, owner); err != nil {
		return err
	}
	return a.answerChannel(c, http.StatusCreated, ch)
}

// updateChannel is POST channels/<uuid> with name and config, of which what is
// not sent stays: 200 and the channel. With a config it also switches on again
// what a permanent error has disabled, as saving it on the site does. An address
// that has unsubscribed is asked instead, at most once a day.
func (a *api) updateChannel(c *call) error {
	ch, err := a.ownChannel(c)
	if err != nil {
		return err
	}
	if err := c.body.only("name", "config"); err != nil {
		return err
	}
	if a.Notifiers.Kind(ch.Kind) == nil {
		return errs.Conflictf("This site has no channels of the kind %s any more.", ch.Kind)
	}
	owner, err := a.Store.UserByID(c.Context(), c.project.OwnerID)
	if err != nil {
		return err
	}
	_, repaired := c.body["config"]
	ch, _, err = a.Channels.Change(c.Context(), channel.Edit{
		Channel: ch, Project: c.project, User: owner, SwitchOn: repaired,
		Apply: func(now *monitor.Channel) error { return a.fillChannel(now, c.body) },
	})
	if err != nil {
		return err
	}
	return a.answerChannel(c, http.StatusOK, ch)
}

// fillChannel takes name and settings from the request; its kind is known.
func (a *api) fillChannel(ch *monitor.Channel, b body) error {
	name, named, err := b.text("name")
	if err != nil {
		return err
	}
	if named {
		if err := channel.SetName(ch, name); err != nil {
			return err
		}
	}
	var sent map[string]json.RawMessage
	raw, there := b["config"]
	if there {
		if bytes.Equal(raw, []byte("null")) || json.Unmarshal(raw, &sent) != nil {
			return errs.Invalidf("config", "The value must be an object.")
		}
	}
	config, err := a.Notifiers.Kind(ch.Kind).FromFields(ch.Config, sent)
	field := errs.FieldOf(err)
	if field != "" {
		return errs.Invalidf("config."+field, "%s", errs.Message(err))
	}
	ch.Config = config
	return err
}

// deleteChannel is DELETE channels/<uuid>: 200 and the channel as it was.
func (a *api) deleteChannel(c *call) error {
	ch, err := a.ownChannel(c)
	if err != nil {
		return err
	}
	object, err := a.channelObject(c, ch)
	if err != nil {
		return err
	}
	if err := a.Channels.Remove(c.Context(), ch); err != nil {
		return err
	}
	a.json(c.w, http.StatusOK, object)
	return nil
}

// testJSON is what came of a test notification.
type testJSON struct {
	Accepted bool `json:"accepted"`
	// "" when it was accepted
	Error string `json:"error"`
	// HTTP status of the other side, null when it gave none
	StatusCode *int `json:"status_code"`
	// what it answered, at most 500 bytes
	Response string `json:"response"`
}

// testChannel is POST channels/<uuid>/test: it sends a test now, waits, and
// answers 200 with what the other side said, also when that was no.
func (a *api) testChannel(c *call) error {
	ch, err := a.ownChannel(c)
	if err != nil {
		return err
	}
	if err := c.body.only(); err != nil {
		return err
	}
	result, err := a.SendTest(incident.WithoutTimeout(c.Context()), ch)
	if errs.KindOf(err) == errs.TooMany {
		return err
	}
	out := testJSON{Accepted: err == nil, Response: result.Response}
	if result.StatusCode != 0 {
		out.StatusCode = &result.StatusCode
	}
	failed, refused := errors.AsType[*notify.Error](err)
	if refused {
		out.Error = failed.Message
	} else if err != nil {
		if errs.KindOf(err) == errs.Internal {
			a.Log.ErrorContext(c.Context(), "send test", "channel", ch.ID, "error", err)
		}
		out.Error = errs.Message(err)
	}
	a.json(c.w, http.StatusOK, out)
	return nil
}

// assignChannel is PUT or POST channels/<uuid>/checks with checks, a list of
// uuids of checks of the project or "*" for all of them: from now on the channel
// tells of exactly these. 200 and the channel.
func (a *api) assignChannel(c *call) error {
	ch, err := a.ownChannel(c)
	if err != nil {
		return err
	}
	if err := c.body.only("checks"); err != nil {
		return err
	}
	choice, err := choiceOf(c.body["checks"])
	if err != nil {
		return err
	}
	if _, err := a.Channels.Assign(c.Context(), ch, choice); err != nil {
		return err
	}
	return a.answerChannel(c, http.StatusOK, ch)
}

// choiceOf reads the field checks.
func choiceOf(raw json.RawMessage) (channel.Choice, error) {
	if string(raw) == `"*"` {
		return channel.Choice{All: true}, nil
	}
	wrong := errs.Invalidf("checks", `The value must be a list of uuids of checks, or "*" for all.`)
	var codes []*string
	if raw == nil || bytes.Equal(raw, []byte("null")) || json.Unmarshal(raw, &codes) != nil {
		return channel.Choice{}, wrong
	}
	choice := channel.Choice{Strict: true}
	for _, code := range codes {
		if code == nil {
			return channel.Choice{}, wrong
		}
		choice.Codes = append(choice.Codes, *code)
	}
	return choice, nil
}
