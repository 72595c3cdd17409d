package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/text"
)

// declared does what is asked of a kind by its declaration.
type declared[C any] struct{ Declaration[C] }

// fresh are the fields of c, which becomes what a new channel begins with.
func fresh[C any](fields func(*C) []Field, c *C) fieldSet {
	fs := fieldSet(fields(c))
	for i := range fs {
		fs[i].Value.parse(fs[i].Default)
	}
	return fs
}

// read returns a stored configuration with its fields; one that cannot be read is
// as if nothing had been stored, and not ok.
func (d *declared[C]) read(config string) (c *C, fs fieldSet, ok bool) {
	c = d.lacking()
	fs = d.Fields(c)
	var stored map[string]json.RawMessage
	if json.Unmarshal([]byte(config), &stored) != nil {
		return c, fs, false
	}
	for i := range fs {
		raw, there := stored[fs[i].Key]
		if !there {
			continue
		}
		if err := fs[i].Value.stored(raw); err != nil {
			c = d.lacking()
			return c, d.Fields(c), false
		}
	}
	return c, fs, fs.usable()
}

func (d *declared[C]) lacking() *C {
	c := d.Lacking
	return &c
}

// write is the configuration as it is stored: an object of all fields in their order.
func write(fs fieldSet) (string, error) {
	var out bytes.Buffer
	for i := range fs {
		value, err := json.Marshal(fs[i].Value.json())
		if err != nil {
			return "", fmt.Errorf("encode the setting %s: %w", fs[i].Key, err)
		}
		out.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(&out, "%q:%s", fs[i].Key, value)
	}
	out.WriteByte('}')
	return out.String(), nil
}

func (d *declared[C]) wants(config string, f monitor.Flip) bool {
	c, fs, ok := d.read(config)
	if !ok {
		return false
	}
	closes := f.New == monitor.StatusUp && d.Resolve != nil && d.Resolve(c) && fs.on(monitor.StatusDown)
	return fs.on(f.New) || closes
}

func (d *declared[C]) destination(config string) string {
	c, _, ok := d.read(config)
	if !ok {
		return ""
	}
	return d.Destination(c)
}

func (d *declared[C]) summary(config string) string {
	c, _, ok := d.read(config)
	if !ok {
		return ""
	}
	return d.Summary(c)
}

func (d *declared[C]) address(config string) string {
	c, _, ok := d.read(config)
	if !ok || d.Confirm == nil {
		return ""
	}
	return d.Confirm(c)
}

func (d *declared[C]) digests(config string) bool {
	c, _, ok := d.read(config)
	return ok && d.Digest != nil && d.Digest(c)
}

func (d *declared[C]) secrets(config string) (secrets []string) {
	_, fs, _ := d.read(config)
	for i := range fs {
		v := fs[i].Value.form()
		if fs[i].Secret && len(v) >= shortSecret {
			secrets = append(secrets, v, url.QueryEscape(v), url.PathEscape(v))
		}
	}
	return secrets
}

func (d *declared[C]) fromForm(before string, form url.Values) (string, error) {
	_, was, _ := d.read(before)
	c := new(C)
	fs := fresh(d.Fields, c)
	for i := range fs {
		typed := trim(form.Get(fs[i].Name()), fs[i].Type)
		if typed == "" && fs[i].Masked() {
			typed = was[i].Value.form()
		}
		fs[i].Value.parse(typed)
	}
	return d.finish(c, fs, before, (*Field).Name)
}

func (d *declared[C]) fromFields(before string, sent map[string]json.RawMessage) (string, error) {
	c := new(C)
	fs := fresh(d.Fields, c)
	if before != "" {
		c, fs, _ = d.read(before)
	}
	for _, key := range slices.Sorted(maps.Keys(sent)) {
		f := fs.byKey(key)
		if f == nil {
			return "", errs.Invalidf(key, "There is no such setting; there are %s.", strings.Join(fs.keys(), ", "))
		}
		want := f.Value.set(sent[key])
		if want != "" {
			return "", errs.Invalidf(key, "The value must be %s.", want)
		}
	}
	return d.finish(c, fs, before, func(f *Field) string { return f.Key })
}

// finish tidies, validates and writes what was entered. Names of settings in errors
// are those that name gives.
func (d *declared[C]) finish(c *C, fs fieldSet, before string, name func(*Field) string) (string, error) {
	if d.Tidy != nil {
		d.Tidy(c)
	}
	old, was, _ := d.read(before)
	if d.Tidy != nil {
		d.Tidy(old)
	}
	if err := fs.validate(was, d.Silent, name); err != nil {
		return "", err
	}
	if d.Check == nil {
		return write(fs)
	}
	if err := d.Check(c); err != nil {
		f := fs.byKey(errs.FieldOf(err))
		if f != nil {
			return "", errs.Invalidf(name(f), "%s", errs.Message(err))
		}
		return "", err
	}
	return write(fs)
}

func (d *declared[C]) toForm(config string) url.Values {
	fs := fresh(d.Fields, new(C))
	if config != "" {
		_, fs, _ = d.read(config)
	}
	form := url.Values{}
	for i := range fs {
		f := &fs[i]
		// Browsers leave out a box that is not ticked.
		if f.Masked() || f.Box() && !f.On() {
			continue
		}
		form.Set(f.Name(), f.Value.form())
	}
	return form
}

// send makes one attempt to tell of the events through their channel.
func (d *declared[C]) send(ctx context.Context, env *Env, events []Event) (Result, error) {
	ch := &events[0].Channel
	c, _, ok := d.read(ch.Config)
	switch {
	case !ok:
		return Result{}, ErrConfig()
	case d.Confirm != nil && !ch.Verified:
		return Result{}, &Error{Message: "The address is not confirmed yet.", Class: Reject}
	}
	if err := d.limit(ctx, env, c); err != nil {
		return Result{}, err
	}
	delivery := &Delivery[C]{Env: env, Config: c, Events: events, Event: &events[0], Message: compose(events, env)}
	if d.Send != nil {
		return d.Declaration.Send(ctx, delivery)
	}
	result, err := d.request(ctx, delivery)
	if refused, ok := errors.AsType[*Error](err); ok && refused.Class == Reject && result.StatusCode != 0 {
		delivery.Message = delivery.Message.Plain()
		result, err = d.request(ctx, delivery)
		result.Plain = true
	}
	return result, err
}

func (d *declared[C]) request(ctx context.Context, delivery *Delivery[C]) (Result, error) {
	r, err := d.Request(delivery)
	if err != nil {
		return Result{}, err
	}
	a, err := delivery.Client.Do(ctx, r)
	if err != nil {
		return Result{}, err
	}
	verdict := (*Answer).Verdict
	if d.Verdict != nil {
		verdict = d.Verdict
	}
	refused := verdict(a)
	if refused != nil {
		return a.Result(), refused
	}
	return a.Result(), nil
}

func (d *declared[C]) limit(ctx context.Context, env *Env, c *C) error {
	if d.Rate == nil {
		return nil
	}
	ok, wait, err := env.Take(ctx, d.Rate.Bucket, d.Rate.Of(c), d.Rate.Count, d.Rate.Per)
	switch {
	case err != nil:
		return fmt.Errorf("rate limit of %s: %w", d.Label, err)
	case !ok:
		within := text.Duration(d.Rate.Per)
		if d.Rate.Per == time.Minute {
			within = "a minute"
		}
		return &Error{Message: fmt.Sprintf("Too many messages to this %s in %s; this one waits.", d.Rate.Whom, within), RetryAfter: wait}
	}
	return nil
}

// whole tells whether the declaration says all that every kind has to.
func (d *declared[C]) whole() bool {
	one := (d.Declaration.Send == nil) != (d.Request == nil)
	return one && d.Fields != nil && d.Destination != nil && d.Summary != nil
}
