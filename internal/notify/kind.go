package notify

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"punctual/internal/monitor"
)

// Declaration is everything there is to say about a kind of channel whose settings
// are a C. Each kind is declared once, in a file of its own in kinds/.
type Declaration[C any] struct {
	// as it is stored and as programs know it: "email", "webhook", "po"
	Name string
	// as people know it
	Label string
	Group Group
	// one sentence for the gallery
	Blurb string
	// one sentence: what to have at hand
	Needs string

	// Fields ties the settings to their places in c, in the order in which they are
	// stored and shown. It is all that reads and writes a C.
	Fields func(c *C) []Field
	// Lacking is what a stored configuration means by a setting that it does not have.
	Lacking C
	// Silent is what to say of settings that tell of nothing, "" = a general sentence.
	Silent string
	// Tidy brings what was entered into the form it is stored in; nil = it stays. Check
	// says what is wrong with the settings together, as an error of kind errs.Invalid
	// that names a key; nil = nothing.
	Tidy  func(c *C)
	Check func(c *C) error

	// Destination names what one slow or strict provider has in common: a host with
	// its port where that is not the usual one, or a name.
	Destination func(c *C) string
	// Summary says in a few words where alerts go. Obscure tells that it means nothing
	// to people, so that it cannot stand for a name.
	Summary func(c *C) string
	Obscure bool

	// AtOnce is how many deliveries of one owner may be in flight; 0 = 20.
	AtOnce int
	// Rate is how many messages a recipient may get; nil = as many as there are.
	Rate *Rate[C]

	// What only some kinds have.

	// Offered names settings of this site, as smtp-host for PUNCTUAL_SMTP_HOST, without
	// which the kind is not offered: they are not empty, nor false.
	Offered []string
	// Connect adds channels by way of the provider's own site; nil = by the form alone.
	Connect *Connect
	// Confirm is the address that must agree before anything is sent to it; nil = none.
	Confirm func(c *C) string
	// Digest tells whether one message may tell of several events; nil = never.
	Digest func(c *C) bool
	// Resolve tells whether a DOWN opens something at the provider, which an UP has to
	// close also where people do not want to be told of it; nil = it never does.
	Resolve func(c *C) bool

	// A kind that makes one HTTP request has Request, and Verdict where the answer needs
	// more than its status to be judged (nil = Answer.Verdict). What is rejected is sent
	// once more with a Message that is nothing but plain text. All other kinds have
	// Send, which makes one attempt, bounded by ctx.
	Request func(d *Delivery[C]) (Request, error)
	Verdict func(a *Answer) *Error
	Send    func(ctx context.Context, d *Delivery[C]) (Result, error)
}

// Group is a part of the gallery.
type Group string

// The groups of the gallery.
const (
	Chat      Group = "Chat"
	People    Group = "For people"
	Phones    Group = "Phones"
	Incidents Group = "On-call tools"
	Trackers  Group = "Trackers"
	Programs  Group = "For programs"
)

// Groups are all groups in the order in which they are shown.
func Groups() []Group { return []Group{People, Chat, Phones, Incidents, Trackers, Programs} }

// Rate is how many messages the recipients of a kind may get.
type Rate[C any] struct {
	// what the limit is called where it is kept
	Bucket string
	Count  int
	Per    time.Duration
	// the recipient
	Of func(c *C) string
	// the recipient in words: "Pushover user"
	Whom string
}

// Connect is the way by a provider's own site, where people choose and agree.
type Connect struct {
	// Path is the name of the provider in the address that people come back to:
	// /integrations/<path>/done/.
	Path string
	// Setting names the setting of this site that holds the address of the provider's
	// page; where it is empty, people type in what the provider would tell.
	Setting string
	// Field is the key of the setting that the provider tells.
	Field string
	// Invite and Button are what stands before people leave, Welcome what stands in the
	// form when they are back.
	Invite, Button, Welcome string
	// Leave adds to the query of the provider's page where to come back to.
	Leave func(query url.Values, back ConnectReturn)
	// Return reads what people bring back: the value of Field, or a notice to show in
	// place of the form. Its error is of kind errs.Invalid.
	Return func(query url.Values) (value, notice string, err error)
}

// ConnectReturn is how people come back from a provider's site.
type ConnectReturn struct {
	// Address is the full address to come back to. It is always the same, so that it can
	// be registered with the provider.
	Address string
	// State has to come back in the parameter state of the query.
	State string
	// Failure is the list of integrations, for who changes their mind.
	Failure string
}

// Delivery is what a kind is asked to send.
type Delivery[C any] struct {
	*Env
	Config *C
	// Events are what to tell: one, or several where the kind has Digest. Event is the
	// first, which is the latest.
	Events  []Event
	Event   *Event
	Message Message
}

// Kind is a kind of channel as everybody but its own file sees it. A config is a
// channel's stored configuration; one that cannot be read makes Send fail for good,
// and the other methods return their zero value.
type Kind struct {
	Name  string
	Label string
	Group Group
	Blurb string
	Needs string

	Obscure bool
	AtOnce  int
	Offered []string
	Connect *Connect

	// Confirms tells whether the kind has addresses that must agree.
	Confirms bool
	// Fields are the settings of a new channel with their default values.
	Fields []Field

	typed typed
}

// typed is what a declaration does with configurations, its type forgotten.
type typed interface {
	wants(config string, f monitor.Flip) bool
	destination(config string) string
	summary(config string) string
	address(config string) string
	digests(config string) bool
	secrets(config string) []string
	fromForm(before string, form url.Values) (string, error)
	fromFields(before string, sent map[string]json.RawMessage) (string, error)
	toForm(config string) url.Values
	send(ctx context.Context, env *Env, events []Event) (Result, error)
	whole() bool
}

// Declare makes a kind of its declaration.
func Declare[C any](d Declaration[C]) *Kind {
	k := &Kind{
		Name: d.Name, Label: d.Label, Group: d.Group, Blurb: d.Blurb, Needs: d.Needs, Obscure: d.Obscure,
		AtOnce: d.AtOnce, Offered: d.Offered, Connect: d.Connect, Confirms: d.Confirm != nil, typed: &declared[C]{d},
	}
	if k.AtOnce == 0 {
		k.AtOnce = usualAtOnce
	}
	c := new(C)
	k.Fields = fresh(d.Fields, c)
	return k
}

// usualAtOnce is how many deliveries of one owner may be in flight through a kind
// that does not say.
const usualAtOnce = 20

// Wants tells whether a channel is to be told of a flip. The dispatcher drops a
// delivery that its channel does not want.
func (k *Kind) Wants(config string, f monitor.Flip) bool { return k.typed.wants(config, f) }

// Destination names what one slow or strict provider has in common, for limits on
// concurrency: "example.org", "hooks.example.org:8443", "pushover".
func (k *Kind) Destination(config string) string { return k.typed.destination(config) }

// Summary says in a few words where alerts go, for lists of channels.
func (k *Kind) Summary(config string) string { return k.typed.summary(config) }

// Address is the address that has to agree before anything is sent to it, "" where
// none has to.
func (k *Kind) Address(config string) string { return k.typed.address(config) }

// Digests tells whether several events may go out in one Send.
func (k *Kind) Digests(config string) bool { return k.typed.digests(config) }

// FromForm makes a config of the posted fields of the add and edit form. before is
// the config that is edited, "" = of a new channel: its texts may be longer than new
// ones and stay. What is wrong is an error of kind errs.Invalid that names the field.
func (k *Kind) FromForm(before string, form url.Values) (config string, err error) {
	return k.typed.fromForm(before, form)
}

// FromFields makes a config of the settings that a program sends, by their names in
// the config, under the same rules as FromForm. Those that are not sent stay as they
// are in before; "" stands for a new channel. What is wrong is an error of kind
// errs.Invalid that names the setting.
func (k *Kind) FromFields(before string, sent map[string]json.RawMessage) (config string, err error) {
	return k.typed.fromFields(before, sent)
}

// ToForm is the reverse of FromForm, to fill in the edit form; "" fills in that of a
// new channel.
func (k *Kind) ToForm(config string) url.Values { return k.typed.toForm(config) }

// Channel is a new channel of the kind with these settings, by their keys. It is for
// settings of our own: it fails as FromFields does.
func (k *Kind) Channel(settings map[string]any) (*monitor.Channel, error) {
	sent := map[string]json.RawMessage{}
	for key, value := range settings {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		sent[key] = raw
	}
	config, err := k.FromFields("", sent)
	if err != nil {
		return nil, err
	}
	return &monitor.Channel{Kind: k.Name, Config: config}, nil
}

// Redact takes the secrets of a configuration out of a text.
func (k *Kind) Redact(config, text string) string {
	for _, secret := range k.typed.secrets(config) {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

const hidden = "********"

// shortSecret is how long a text has to be to be found in others as a secret.
const shortSecret = 6
