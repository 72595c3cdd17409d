package notify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
)

// Env is what kinds send with.
type Env struct {
	Client *Client
	Now    func() time.Time
	// without a slash at the end
	SiteRoot string
	SiteName string
	// Setting is a setting of this site by its name, as smtp-host for
	// PUNCTUAL_SMTP_HOST; "" = it is not set.
	Setting func(name string) string
	// Take takes one of count messages that may go to whom within a time, and says how
	// long to wait when there is none left.
	Take func(ctx context.Context, bucket, whom string, count int, per time.Duration) (ok bool, wait time.Duration, err error)

	// Mail, Composer and Unsubscribe send mails; Unsubscribe is the path, below
	// SiteRoot, that ends the alerts of a channel.
	Mail        *mail.Queue
	Composer    *mail.Composer
	Unsubscribe func(channel uuid.UUID) string
	// CheckJSON is a check as the API shows it to a read-write key.
	CheckJSON func(monitor.Check) []byte
}

// set tells whether a setting of this site is neither empty nor false.
func (e *Env) set(name string) bool {
	value := e.Setting(name)
	return value != "" && value != "false"
}

// Registry has the kinds of channel that this site offers, ready to send.
type Registry struct {
	env     Env
	names   []string
	kinds   []*Kind
	offered map[string]*Kind
	all     map[string]*Kind
}

// NewRegistry makes a registry of those kinds whose settings env has; their order is
// the order in which they are shown. What is wrong with a declaration is an error.
func NewRegistry(env Env, kinds ...*Kind) (*Registry, error) {
	r := &Registry{env: env, offered: map[string]*Kind{}, all: map[string]*Kind{}}
	for _, k := range kinds {
		if err := k.check(); err != nil {
			return nil, fmt.Errorf("the integration %q: %w", k.Name, err)
		}
		if r.all[k.Name] != nil {
			return nil, fmt.Errorf("there are two integrations %q", k.Name)
		}
		r.all[k.Name] = k
		r.kinds = append(r.kinds, k)
		if r.offers(k) {
			r.names = append(r.names, k.Name)
			r.offered[k.Name] = k
		}
	}
	return r, nil
}

func (r *Registry) offers(k *Kind) bool {
	for _, setting := range k.Offered {
		if !r.env.set(setting) {
			return false
		}
	}
	return true
}

// Kind returns a kind that is offered, nil when it is not.
func (r *Registry) Kind(name string) *Kind { return r.offered[name] }

// Known returns a kind whether this site offers it or not, nil when there is none of
// that name.
func (r *Registry) Known(name string) *Kind { return r.all[name] }

// All lists all kinds, whether this site offers them or not, in display order. The
// caller must not change it.
func (r *Registry) All() []*Kind { return r.kinds }

// Kinds lists the names of the kinds that are offered, in display order. The caller
// must not change it.
func (r *Registry) Kinds() []string { return r.names }

// Address is the address of a channel that has to agree before anything is sent to
// it, "" where none has to.
func (r *Registry) Address(ch *monitor.Channel) string {
	k := r.all[ch.Kind]
	if k == nil {
		return ""
	}
	return k.Address(ch.Config)
}

// ConnectURL is the page of a provider by way of which channels of the kind are
// added, "" where the form alone adds them.
func (r *Registry) ConnectURL(k *Kind) string {
	if k.Connect == nil {
		return ""
	}
	return r.env.Setting(k.Connect.Setting)
}

// ConnectURLs are the pages of all providers that add channels: forms lead there.
func (r *Registry) ConnectURLs() (urls []string) {
	for _, name := range r.names {
		u := r.ConnectURL(r.offered[name])
		if u != "" {
			urls = append(urls, u)
		}
	}
	return urls
}

// Connected returns the offered kind whose provider is called path in our addresses,
// nil when there is none.
func (r *Registry) Connected(path string) *Kind {
	for _, name := range r.names {
		k := r.offered[name]
		if k.Connect != nil && k.Connect.Path == path {
			return k
		}
	}
	return nil
}

// Send makes one attempt to tell of an event through its channel, or of several, the
// latest first, where they have the same channel and its kind Digests them. A nil
// error means that the other side has accepted. *Error says what went wrong and what
// to do about it; any other error is temporary and internal. No secret of the channel
// is in either, nor in the result.
func (r *Registry) Send(ctx context.Context, events ...Event) (Result, error) {
	ch := &events[0].Channel
	k := r.offered[ch.Kind]
	result, err := k.typed.send(ctx, &r.env, events)
	result.Response = k.Redact(ch.Config, result.Response)
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		return result, err
	}
	// A copy: a kind may return one error again and again.
	clean := *failed
	clean.Message = k.Redact(ch.Config, failed.Message)
	if failed.Err != nil {
		cause := failed.Err.Error()
		if k.Redact(ch.Config, cause) != cause {
			clean.Err = errors.New(k.Redact(ch.Config, cause))
		}
	}
	return result, &clean
}

var kindName = regexp.MustCompile(`\A[a-z][a-z0-9]{0,19}\z`)

// check says what is wrong with a declaration.
func (k *Kind) check() error {
	switch {
	case !kindName.MatchString(k.Name):
		return errors.New("its name is not up to 20 small letters and digits")
	case k.Label == "" || k.Group == "" || k.Blurb == "":
		return errors.New("it has no label, group or blurb")
	case !k.typed.whole():
		return errors.New("it has no fields, destination or summary, or not one of Send and Request")
	}
	keys := map[string]bool{}
	names := map[string]bool{"name": true}
	for i := range k.Fields {
		f := &k.Fields[i]
		switch {
		case f.Key == "" || f.Value == nil || f.Label == "":
			return fmt.Errorf("the setting %q has no key, value or label", f.Key)
		case keys[f.Key] || names[f.Name()]:
			return fmt.Errorf("there are two settings %s", f.Key)
		case f.Value.form() != "" && f.problem("") != "":
			return fmt.Errorf("the default of %s: %s", f.Key, f.problem(""))
		}
		keys[f.Key] = true
		names[f.Name()] = true
	}
	if k.Connect != nil && !keys[k.Connect.Field] {
		return fmt.Errorf("the provider tells %q, which is no setting", k.Connect.Field)
	}
	return nil
}
