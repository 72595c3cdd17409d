package kinds

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/notify"
)

// webhookConfig is a call for each status.
type webhookConfig struct{ Down, Up webhookCall }

// webhookCall is what to do when a status comes; nothing where there is no URL.
type webhookCall struct {
	Method, URL, Body string
	Headers           map[string]string
}

// webhook calls an address of the user's choice, with what the user wants to have in
// it.
func webhook() *notify.Kind {
	return notify.Declare(notify.Declaration[webhookConfig]{
		Name: "webhook", Label: "Webhook", Group: notify.Programs,
		Blurb: "An HTTP request to a server of yours, in the form it expects.",
		Needs: "A URL that takes GET, POST or PUT.",
		Fields: func(c *webhookConfig) []notify.Field {
			return append(c.Down.fields(monitor.StatusDown), c.Up.fields(monitor.StatusUp)...)
		},
		Silent: "Please give at least one URL.",
		Tidy: func(c *webhookConfig) {
			c.Down.tidy()
			c.Up.tidy()
		},
		Destination: (*webhookConfig).host,
		// Its path may hold a secret.
		Summary: (*webhookConfig).host,
		AtOnce:  100,
		Offered: []string{"webhooks-enabled"},
		Request: webhookRequest,
		Verdict: func(a *notify.Answer) *notify.Error {
			if a.Accepted() {
				return nil
			}
			return a.Refused()
		},
	})
}

// fields keep the names that the field's other products have for them.
func (c *webhookCall) fields(on monitor.Status) []notify.Field {
	status := "_" + string(on)
	example := "https://…"
	if on == monitor.StatusUp {
		example = "https://… or empty: tell nothing"
	}
	return []notify.Field{
		{
			Key: "method" + status, Value: notify.String(&c.Method), Label: "Method", Default: http.MethodPost, Half: on, Join: true,
			Choices: []notify.Choice{{Value: http.MethodGet}, {Value: http.MethodPost}, {Value: http.MethodPut}},
			Wrong:   "The method must be GET, POST or PUT.",
		},
		{
			Key: "url" + status, Value: notify.String(&c.URL), Type: notify.URL, Label: "URL", Half: on, Notifies: on, Max: monitor.MaxWebhookText,
			Placeholder: example, Check: notify.WebAddress,
			About: "What is requested when a check goes " + string(on) + ". Nothing is not told. `$NAME` and others are filled in.",
		},
		{
			Key: "body" + status, Value: notify.String(&c.Body), Type: notify.Lines, Label: "Body", Hint: "POST and PUT", Half: on, Folded: true,
			Max: monitor.MaxWebhookText,
		},
		{
			Key: "headers" + status, Value: notify.Headers(&c.Headers), Type: notify.Lines, Label: "Headers", Hint: "one per line",
			Half: on, Folded: true, Max: monitor.MaxWebhookText, Placeholder: "Content-Type: application/json",
		},
	}
}

func (c *webhookCall) tidy() {
	c.Method = strings.ToUpper(strings.TrimSpace(c.Method))
	if c.Method == "" {
		c.Method = http.MethodGet
	}
	c.URL = strings.TrimSpace(c.URL)
	c.Body = strings.ReplaceAll(c.Body, "\r\n", "\n")
	if c.Headers == nil {
		c.Headers = map[string]string{}
	}
}

func (c *webhookConfig) on(s monitor.Status) *webhookCall {
	if s == monitor.StatusDown {
		return &c.Down
	}
	return &c.Up
}

// host is that of the URL, with its port where that is not the one of its scheme:
// however the host is spelled, it is one destination.
func (c *webhookConfig) host() string {
	address := c.Down.URL
	if address == "" {
		address = c.Up.URL
	}
	return notify.Host(address)
}

// webhookRequest is the call. Every attempt has the same Idempotency-Key, so that
// the other side can drop what it has seen.
func webhookRequest(d *notify.Delivery[webhookConfig]) (notify.Request, error) {
	c := d.Config.on(d.Event.Status)
	if c.URL == "" {
		return notify.Request{}, notify.ErrConfig()
	}
	p := newPlaceholders(d.Event, d.CheckJSON)
	r := notify.Request{Method: c.Method, URL: p.url(c.URL), Header: http.Header{}, Key: d.Event.Key}
	if c.Method != http.MethodGet {
		r.Body = []byte(p.body(c.Body))
		r.Header.Set("Content-Type", contentType(r.Body))
	}
	for name, value := range c.Headers {
		r.Header.Set(name, p.header(value))
	}
	return r, nil
}

// contentType is what a body is called unless the user says so.
func contentType(body []byte) string {
	first := bytes.TrimSpace(body)
	if len(first) > 0 && (first[0] == '{' || first[0] == '[') && json.Valid(body) {
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}
