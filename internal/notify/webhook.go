package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/monitor"
	"punctual/internal/text"
)

// Webhook calls an address of the user's choice, with what the user wants to
// have in it (features §6, row 2).
type Webhook struct {
	client    *Client
	checkJSON func(monitor.Check) []byte
	now       func() time.Time
}

var _ Notifier = (*Webhook)(nil)

// NewWebhook makes the notifier of webhooks. checkJSON renders a check as the
// API shows it to a read-write key (contract §2.3).
func NewWebhook(client *Client, checkJSON func(monitor.Check) []byte, now func() time.Time) *Webhook {
	return &Webhook{client: client, checkJSON: checkJSON, now: now}
}

// webhookConfig keeps the names of the reference product.
type webhookConfig struct {
	MethodDown  string            `json:"method_down"`
	URLDown     string            `json:"url_down"`
	BodyDown    string            `json:"body_down"`
	HeadersDown map[string]string `json:"headers_down"`
	MethodUp    string            `json:"method_up"`
	URLUp       string            `json:"url_up"`
	BodyUp      string            `json:"body_up"`
	HeadersUp   map[string]string `json:"headers_up"`
}

// call is the half of a configuration that is for one status.
type call struct {
	method, url, body string
	headers           map[string]string
}

func readWebhook(config string) webhookConfig {
	var c webhookConfig
	if json.Unmarshal([]byte(config), &c) != nil {
		return webhookConfig{}
	}
	return c
}

func (c *webhookConfig) on(s monitor.Status) call {
	switch s {
	case monitor.StatusDown:
		return call{c.MethodDown, c.URLDown, c.BodyDown, c.HeadersDown}
	case monitor.StatusUp:
		return call{c.MethodUp, c.URLUp, c.BodyUp, c.HeadersUp}
	default:
		return call{}
	}
}

// Kind is "webhook".
func (*Webhook) Kind() string { return "webhook" }

// Label is the name people know.
func (*Webhook) Label() string { return "Webhook" }

// Wants tells whether there is an URL for the status.
func (*Webhook) Wants(config string, f monitor.Flip) bool {
	c := readWebhook(config)
	return c.on(f.New).url != ""
}

// Destination is the host of the URL, with its port where that is not the one of
// its scheme: however the host is spelled, it is one destination.
func (*Webhook) Destination(config string) string {
	c := readWebhook(config)
	u, err := url.Parse(c.anyURL())
	if err != nil {
		return ""
	}
	return hosts.Of(u)
}

// Summary is the host of the URL: its path may hold a secret.
func (n *Webhook) Summary(config string) string { return n.Destination(config) }

func (c *webhookConfig) anyURL() string {
	if c.URLDown != "" {
		return c.URLDown
	}
	return c.URLUp
}

// FromForm reads the fields method_, url_, body_ and headers_ down and up.
// Headers are one "Name: value" a line. A status without an URL is not told.
func (*Webhook) FromForm(before string, form url.Values) (string, error) {
	var c webhookConfig
	for status, half := range c.halves() {
		headers, reason := parseHeaders(form.Get("headers_" + status))
		if reason != "" {
			return "", errs.Invalidf("headers_"+status, "%s", reason)
		}
		*half.method, *half.url, *half.body, *half.headers = form.Get("method_"+status), form.Get("url_"+status), form.Get("body_"+status), headers
	}
	if err := c.validate(before); err != nil {
		return "", err
	}
	return encode(c)
}

// FromFields reads the same as FromForm; headers are an object. A new channel
// posts.
func (*Webhook) FromFields(before string, sent map[string]json.RawMessage) (string, error) {
	c := webhookConfig{MethodDown: http.MethodPost, MethodUp: http.MethodPost}
	if before != "" {
		c = readWebhook(before)
	}
	f := fields{}
	for status, half := range c.halves() {
		f["method_"+status], f["url_"+status], f["body_"+status], f["headers_"+status] = half.method, half.url, half.body, half.headers
	}
	if err := f.set(sent); err != nil {
		return "", err
	}
	if err := c.validate(before); err != nil {
		return "", err
	}
	return encode(c)
}

// half is where a configuration keeps what is for one status.
type half struct {
	method, url, body *string
	headers           *map[string]string
}

// halves yields the half for down, then that for up.
func (c *webhookConfig) halves() iter.Seq2[string, half] {
	return func(yield func(string, half) bool) {
		_ = yield("down", half{&c.MethodDown, &c.URLDown, &c.BodyDown, &c.HeadersDown}) &&
			yield("up", half{&c.MethodUp, &c.URLUp, &c.BodyUp, &c.HeadersUp})
	}
}

// validate brings the texts into the form they are stored in, and says what is
// wrong with one. One that is too long but was so before may stay.
func (c *webhookConfig) validate(before string) error {
	was := readWebhook(before)
	for status, half := range c.halves() {
		if err := half.validate(status, was.on(monitor.Status(status))); err != nil {
			return err
		}
	}
	if c.URLDown == "" && c.URLUp == "" {
		return errs.Invalidf("url_down", "Please give at least one URL.")
	}
	return nil
}

func (h *half) validate(status string, was call) error {
	*h.method = strings.ToUpper(strings.TrimSpace(*h.method))
	*h.url = strings.TrimSpace(*h.url)
	*h.body = strings.ReplaceAll(*h.body, "\r\n", "\n")
	if *h.method == "" {
		*h.method = http.MethodGet
	}
	if *h.headers == nil {
		*h.headers = map[string]string{}
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut}, *h.method) {
		return errs.Invalidf("method_"+status, "The method must be GET, POST or PUT.")
	}
	if reason := urlProblem(*h.url); reason != "" {
		return errs.Invalidf("url_"+status, "%s", reason)
	}
	if text.Longer(*h.url, monitor.MaxWebhookText) && *h.url != was.url {
		return errs.Invalidf("url_"+status, "The URL has more than %d characters.", monitor.MaxWebhookText)
	}
	if text.Longer(*h.body, monitor.MaxWebhookText) && *h.body != strings.ReplaceAll(was.body, "\r\n", "\n") {
		return errs.Invalidf("body_"+status, "The body has more than %d characters.", monitor.MaxWebhookText)
	}
	if reason := headersProblem(*h.headers); reason != "" && !maps.Equal(*h.headers, was.headers) {
		return errs.Invalidf("headers_"+status, "%s", reason)
	}
	return nil
}

// urlProblem says what is wrong with an URL, "" when nothing is. Hosts without
// a dot are fine: they are common inside a network.
func urlProblem(address string) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		return "This is not a valid URL."
	case u.Scheme != "http" && u.Scheme != "https":
		return "The URL must begin with http:// or https://."
	}
	return ""
}

// parseHeaders reads one "Name: value" a line.
func parseHeaders(typed string) (headers map[string]string, reason string) {
	headers = make(map[string]string)
	for line := range strings.Lines(typed) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !validHeader(name, value) {
			return nil, fmt.Sprintf("Please write each header as “Name: value”, one a line. This is not one: %s", head(line, 60))
		}
		headers[name] = value
	}
	return headers, ""
}

func validHeader(name, value string) bool {
	return value != "" && httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value)
}

// headersProblem says what is wrong with headers, "" when nothing is.
func headersProblem(headers map[string]string) string {
	length := 0
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if !validHeader(name, headers[name]) {
			return fmt.Sprintf("This is not the name and the value of a header: %s", head(name+": "+headers[name], 60))
		}
		length += utf8.RuneCountInString(name + ": " + headers[name] + "\n")
	}
	if length > monitor.MaxWebhookText+1 { // as one would type them, without the last end of line
		return fmt.Sprintf("The headers have more than %d characters.", monitor.MaxWebhookText)
	}
	return ""
}

// ToForm is the reverse of FromForm.
func (*Webhook) ToForm(config string) url.Values {
	c, form := readWebhook(config), url.Values{}
	for _, status := range []monitor.Status{monitor.StatusDown, monitor.StatusUp} {
		half := c.on(status)
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(half.headers)) {
			lines = append(lines, name+": "+half.headers[name])
		}
		form.Set("method_"+string(status), half.method)
		form.Set("url_"+string(status), half.url)
		form.Set("body_"+string(status), half.body)
		form.Set("headers_"+string(status), strings.Join(lines, "\n"))
	}
	return form
}

// Send makes the call. Every attempt has the same Idempotency-Key, so that the
// other side can drop what it has seen.
func (n *Webhook) Send(ctx context.Context, ev Event) (Result, error) {
	c := readWebhook(ev.Channel.Config)
	half := c.on(ev.Status)
	if half.url == "" {
		return Result{}, errConfig
	}
	p := newPlaceholders(&ev, n.checkJSON)
	r := request{method: half.method, url: p.url(half.url), header: http.Header{}, key: ev.Key}
	if half.method != http.MethodGet {
		r.body = []byte(p.body(half.body))
		r.header.Set("Content-Type", contentType(r.body))
	}
	for name, value := range half.headers {
		r.header.Set(name, p.header(value))
	}
	a, err := n.client.send(ctx, r)
	switch {
	case err != nil:
		return Result{}, err
	case !a.accepted():
		return a.result(), a.refusal(n.now())
	}
	return a.result(), nil
}

// contentType is what a body is called unless the user says so.
func contentType(body []byte) string {
	if first := bytes.TrimSpace(body); len(first) > 0 && (first[0] == '{' || first[0] == '[') && json.Valid(body) {
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}
