// Package notify tells people: a Notifier for each kind of channel, one file
// each, and the guarded HTTP client they share.
//
// A notifier makes one attempt and reports how it went. When to try, when to
// try again and when to give up is the dispatcher's business (internal/alert).
package notify

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"punctual/internal/monitor"
)

// Event is one thing to tell through one channel.
type Event struct {
	Check   monitor.Check
	Flip    monitor.Flip
	Channel monitor.Channel
	Project monitor.Project
	Status  monitor.Status // Flip.New: up or down
	Now     time.Time

	DownFor        time.Duration   // up: how long it was down, 0 = unknown
	LastPing       *monitor.Ping   // with its body; nil = none yet
	OtherDown      []monitor.Check // other checks of the project that are down, at most MaxOtherDown
	OtherDownTotal int             // how many there are in all
	OwnerTZ        *time.Location  // zone of the project's owner; nil = UTC

	Test    bool   // sent by hand to see whether the channel works
	Attempt int    // 1 for the first
	Key     string // idempotency key: the delivery's code, the same in every attempt
}

// MaxOtherDown is how many other checks a message names (features §5.4).
const MaxOtherDown = 10

// Result is what the other side answered, for the page of a test notification
// and for the log. It is filled in as far as known, also when Send fails.
type Result struct {
	StatusCode int    // HTTP status, 0 = none
	Response   string // at most the first 500 bytes of the answer, valid UTF-8
}

// Notifier sends through the channels of one kind. It is safe for concurrent use.
//
// config is a channel's Config: a JSON object whose shape belongs to the
// notifier. One it cannot read makes Send fail for good; the other methods
// then return their zero value.
type Notifier interface {
	// Kind is the stored name: "email", "webhook", "po" (contract §2.11).
	Kind() string
	// Label is the name people know: "Email", "Webhook", "Pushover".
	Label() string
	// Wants tells whether a channel is to be told of a flip. The dispatcher
	// drops a delivery that its channel does not want.
	Wants(config string, f monitor.Flip) bool
	// Destination names what one slow or strict provider has in common, for
	// limits on concurrency: "example.org", "hooks.example.org:8443", "pushover".
	Destination(config string) string
	// Summary says in a few words where alerts go, for lists of channels.
	Summary(config string) string
	// FromForm makes a config of the posted fields of the add and edit form.
	// before is the config that is edited, "" = of a new channel: its texts may be
	// longer than new ones and stay. What is wrong is an error of kind errs.Invalid
	// that names the field.
	FromForm(before string, form url.Values) (config string, err error)
	// FromFields makes a config of the settings that a program sends, by their
	// names in the config, under the same rules as FromForm. Those that are not
	// sent stay as they are in before; "" stands for a new channel. What is wrong
	// is an error of kind errs.Invalid that names the setting.
	FromFields(before string, sent map[string]json.RawMessage) (config string, err error)
	// ToForm is the reverse of FromForm, to fill in the edit form.
	ToForm(config string) url.Values
	// Send makes one attempt, bounded by ctx. A nil error means that the other
	// side has accepted. *Error says what went wrong and what to do about it;
	// any other error is temporary and internal.
	Send(ctx context.Context, ev Event) (Result, error)
}

// Error is an attempt that failed, in words that may be shown to the channel's
// owner.
type Error struct {
	Message    string        // at most 200 characters
	Permanent  bool          // trying again is useless: the channel is to be disabled
	GiveUp     bool          // this delivery is not to be tried again, but the channel stays as it is
	RetryAfter time.Duration // the other side asked for this pause; 0 = it did not
	Err        error         // the cause, for the log; may be nil
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Registry holds the notifiers of the kinds that are offered.
type Registry struct {
	kinds  []string
	byKind map[string]Notifier
}

// NewRegistry makes a registry; the order of the arguments is the order in
// which kinds are shown. Nil notifiers are left out.
func NewRegistry(notifiers ...Notifier) *Registry {
	r := &Registry{byKind: make(map[string]Notifier, len(notifiers))}
	for _, n := range notifiers {
		if n == nil {
			continue
		}
		r.kinds = append(r.kinds, n.Kind())
		r.byKind[n.Kind()] = n
	}
	return r
}

// Notifier returns the notifier of a kind, nil when the kind is not offered.
func (r *Registry) Notifier(kind string) Notifier { return r.byKind[kind] }

// Kinds lists the kinds that are offered, in display order. The caller must not
// change it.
func (r *Registry) Kinds() []string { return r.kinds }
