package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// maxWebhookText bounds each URL, each body and the headers, in characters
// (features §6).
const maxWebhookText = 1000

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

// Destination is the host of the URL, with its port where it has one.
func (*Webhook) Destination(config string) string {
	c := readWebhook(config)
	u, err := url.Parse(c.anyURL())
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
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
func (*Webhook) FromForm(form url.Values) (string, error) {
	down, err := callFromForm(form, "down")
	if err != nil {
		return "", err
	}
	up, err := callFromForm(form, "up")
	if err != nil {
		return "", err
	}
	if down.url == "" && up.url == "" {
		return "", errs.Invalidf("url_down", "Please give at least one URL.")
	}
	return encode(webhookConfig{
		down.method, down.url, down.body, down.headers,
		up.method, up.url, up.body, up.headers,
	})
}

func callFromForm(form url.Values, status string) (call, error) {
	c := call{
		method:  strings.ToUpper(strings.TrimSpace(form.Get("method_" + status))),
		url:     strings.TrimSpace(form.Get("url_" + status)),
		body:    strings.ReplaceAll(form.Get("body_"+status), "\r\n", "\n"),
		headers: map[string]string{},
	}
	if c.method == "" {
		c.method = http.MethodGet
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut}, c.method) {
		return c, errs.Invalidf("method_"+status, "The method must be GET, POST or PUT.")
	}
	if reason := urlProblem(c.url); reason != "" {
		return c, errs.Invalidf("url_"+status, "%s", reason)
	}
	if utf8.RuneCountInString(c.body) > maxWebhookText {
		return c, errs.Invalidf("body_"+status, "The body has more than %d characters.", maxWebhookText)
	}
	var reason string
	if c.headers, reason = parseHeaders(form.Get("headers_" + status)); reason != "" {
		return c, errs.Invalidf("headers_"+status, "%s", reason)
	}
	return c, nil
}

// urlProblem says what is wrong with an URL, "" when nothing is. Hosts without
// a dot are fine: they are common inside a network.
func urlProblem(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case utf8.RuneCountInString(text) > maxWebhookText:
		return fmt.Sprintf("The URL has more than %d characters.", maxWebhookText)
	case err != nil || u.Hostname() == "":
		return "This is not a valid URL."
	case u.Scheme != "http" && u.Scheme != "https":
		return "The URL must begin with http:// or https://."
	}
	return ""
}

func parseHeaders(text string) (headers map[string]string, reason string) {
	headers = make(map[string]string)
	if utf8.RuneCountInString(text) > maxWebhookText {
		return nil, fmt.Sprintf("The headers have more than %d characters.", maxWebhookText)
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || value == "" || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Sprintf("Please write each header as “Name: value”, one a line. This is not one: %s", head(line, 60))
		}
		headers[name] = value
	}
	return headers, ""
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
