package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gregdel/pushover"

	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// pushoverOff as a priority means: do not tell of this status (features §6).
const pushoverOff = -3

// pushoverExcerpt is how much of a ping's body a message shows; what else is in
// it fits into the limit of the service beside that.
const pushoverExcerpt = 400

var pushoverKey = regexp.MustCompile(`\A[A-Za-z0-9]{30}\z`)

// Pushover sends through pushover.net.
//
// Messages, limits and answers are those of gregdel/pushover. Its own sending
// is not used: it goes through http.DefaultClient, without a context and past
// our guard; it cannot set the tags that end an emergency; and it reports an
// accepted message as failed when quota headers are missing, which would send
// it twice.
type Pushover struct {
	cfg PushoverConfig
}

var _ Notifier = (*Pushover)(nil)

// PushoverConfig is what the notifier needs; Limit may be nil.
type PushoverConfig struct {
	Client   *Client
	Token    string // PUNCTUAL_PUSHOVER_API_TOKEN
	Endpoint string // base of the API, "" = the real one
	SiteRoot string // without a slash at the end
	SiteName string
	Retry    time.Duration // emergency: pause between repeats
	Expire   time.Duration // emergency: when repeating ends
	// Limit asks whether one more message may go to a user now, and if not, how
	// long to wait: six a minute (features §18).
	Limit func(ctx context.Context, user string) (ok bool, wait time.Duration, err error)
	Now   func() time.Time
}

// NewPushover makes the notifier.
func NewPushover(c PushoverConfig) *Pushover {
	if c.Endpoint == "" {
		c.Endpoint = pushover.APIEndpoint
	}
	return &Pushover{cfg: c}
}

type pushoverConfig struct {
	User         string `json:"user"`
	PriorityDown int    `json:"priority_down"`
	PriorityUp   int    `json:"priority_up"`
}

func readPushover(config string) pushoverConfig {
	c := pushoverConfig{PriorityDown: pushoverOff, PriorityUp: pushoverOff}
	if json.Unmarshal([]byte(config), &c) != nil {
		return pushoverConfig{PriorityDown: pushoverOff, PriorityUp: pushoverOff}
	}
	return c
}

func (c *pushoverConfig) priority(s monitor.Status) int {
	switch s {
	case monitor.StatusDown:
		return c.PriorityDown
	case monitor.StatusUp:
		return c.PriorityUp
	default:
		return pushoverOff
	}
}

// Kind is "po", the name existing clients know.
func (*Pushover) Kind() string { return "po" }

// Label is the name people know.
func (*Pushover) Label() string { return "Pushover" }

// Wants tells whether the status has a priority. After an emergency the end is
// wanted even where "up" is silent: the alarm must stop.
func (*Pushover) Wants(config string, f monitor.Flip) bool {
	c := readPushover(config)
	return c.priority(f.New) != pushoverOff || f.New == monitor.StatusUp && c.PriorityDown == pushover.PriorityEmergency
}

// Destination is the same for all: one service.
func (*Pushover) Destination(string) string { return "pushover" }

// Summary is the beginning of the user key.
func (*Pushover) Summary(config string) string {
	if c := readPushover(config); len(c.User) > 4 {
		return c.User[:4] + "…"
	}
	return ""
}

// FromForm reads the fields value (the user key), prio and prio_up (-2 to 2,
// or -3 for none).
func (*Pushover) FromForm(_ string, form url.Values) (string, error) {
	c := pushoverConfig{User: strings.TrimSpace(form.Get("value"))}
	c.PriorityDown, c.PriorityUp = priorityFromForm(form, "prio"), priorityFromForm(form, "prio_up")
	if err := c.validate(); err != nil {
		return "", inForm(err, map[string]string{"user": "value", "priority_down": "prio", "priority_up": "prio_up"})
	}
	return encode(c)
}

// FromFields reads user, priority_down and priority_up.
func (*Pushover) FromFields(before string, sent map[string]json.RawMessage) (string, error) {
	c := pushoverConfig{PriorityDown: pushover.PriorityNormal, PriorityUp: pushover.PriorityNormal}
	if before != "" {
		c = readPushover(before)
	}
	if err := (fields{"user": &c.User, "priority_down": &c.PriorityDown, "priority_up": &c.PriorityUp}).set(sent); err != nil {
		return "", err
	}
	if err := c.validate(); err != nil {
		return "", err
	}
	return encode(c)
}

func (c *pushoverConfig) validate() error {
	switch {
	case !pushoverKey.MatchString(c.User):
		return errs.Invalidf("user", "A Pushover user key has 30 letters and digits.")
	case !validPriority(c.PriorityDown):
		return errs.Invalidf("priority_down", "A priority is a number from -3 (off) to 2.")
	case !validPriority(c.PriorityUp):
		return errs.Invalidf("priority_up", "A priority is a number from -3 (off) to 2.")
	case c.PriorityDown == pushoverOff && c.PriorityUp == pushoverOff:
		return errs.Invalidf("priority_down", "Please choose at least one kind of alert.")
	}
	return nil
}

func validPriority(p int) bool { return pushoverOff <= p && p <= pushover.PriorityEmergency }

// priorityFromForm reads a priority; what is no number is none that is valid.
func priorityFromForm(form url.Values, field string) int {
	text := form.Get(field)
	if text == "" {
		return pushover.PriorityNormal
	}
	p, err := strconv.Atoi(text)
	if err != nil {
		return pushoverOff - 1
	}
	return p
}

// ToForm is the reverse of FromForm.
func (*Pushover) ToForm(config string) url.Values {
	c := readPushover(config)
	return url.Values{"value": {c.User}, "prio": {strconv.Itoa(c.PriorityDown)}, "prio_up": {strconv.Itoa(c.PriorityUp)}}
}

// Send ends the emergency there may be, then sends the message.
func (n *Pushover) Send(ctx context.Context, ev Event) (Result, error) {
	c := readPushover(ev.Channel.Config)
	if c.User == "" {
		return Result{}, errConfig
	}
	if err := n.limit(ctx, c.User); err != nil {
		return Result{}, err
	}
	tag := monitor.UniqueKey(ev.Check.Code)
	if ev.Status == monitor.StatusUp && c.PriorityDown == pushover.PriorityEmergency {
		res, err := n.post(ctx, "/receipts/cancel_by_tag/"+tag+".json", url.Values{})
		if err != nil || c.PriorityUp == pushoverOff {
			return res, err
		}
	}
	return n.post(ctx, "/messages.json", n.form(&c, &ev, tag))
}

func (n *Pushover) limit(ctx context.Context, user string) error {
	if n.cfg.Limit == nil {
		return nil
	}
	ok, wait, err := n.cfg.Limit(ctx, user)
	if err != nil {
		return fmt.Errorf("rate limit of Pushover: %w", err)
	}
	if !ok {
		return &Error{Message: "Too many messages to this Pushover user in a minute; this one waits.", RetryAfter: wait}
	}
	return nil
}

// form is the message as the API takes it, within its limits.
func (n *Pushover) form(c *pushoverConfig, ev *Event, tag string) url.Values {
	m := n.message(ev)
	form := url.Values{
		"user": {c.User}, "title": {m.Title}, "message": {m.Message}, "html": {"1"},
		"priority": {strconv.Itoa(c.priority(ev.Status))},
		"url":      {m.URL}, "url_title": {m.URLTitle}, "tags": {tag},
		"timestamp": {strconv.FormatInt(m.Timestamp, 10)},
	}
	if c.priority(ev.Status) == pushover.PriorityEmergency {
		form.Set("retry", strconv.Itoa(int(n.cfg.Retry.Seconds())))
		form.Set("expire", strconv.Itoa(int(n.cfg.Expire.Seconds())))
	}
	return form
}

func (n *Pushover) message(ev *Event) *pushover.Message {
	text := html.EscapeString(sentence(ev))
	if ev.Test {
		text = "<i>This is a test notification.</i>\n" + text
	}
	add := func(line string) {
		// Whole lines only: half a tag would show as text.
		if len([]rune(text))+len([]rune(line)) < pushover.MessageMaxLength {
			text += "\n" + line
		}
	}
	for _, f := range facts(ev) {
		add("<b>" + f.Label + ":</b> " + html.EscapeString(head(f.Value, 150)))
	}
	if ev.LastPing != nil {
		if body, _ := tail(ev.LastPing.Body, pushoverExcerpt); body != "" {
			add("\n" + html.EscapeString(body))
		}
	}
	m := pushover.NewMessageWithTitle(text, head(ev.Check.Title()+" is "+word(ev.Status), pushover.MessageTitleMaxLength))
	m.URL = CloakedURL(n.cfg.SiteRoot, &ev.Check)
	m.URLTitle = head("Open in "+n.cfg.SiteName, pushover.MessageURLTitleMaxLength)
	m.Timestamp = ev.Flip.CreatedAt.Unix()
	return m
}

// pushoverAnswer is what the API says beyond the status.
type pushoverAnswer struct {
	pushover.Response
	User string `json:"user"` // "invalid" where the key is not known any more
}

func (n *Pushover) post(ctx context.Context, path string, form url.Values) (Result, error) {
	form.Set("token", n.cfg.Token)
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	a, err := n.cfg.Client.send(ctx, request{method: http.MethodPost, url: n.cfg.Endpoint + path, header: header, body: []byte(form.Encode())})
	if err != nil {
		return Result{}, err
	}
	if a.accepted() {
		return a.result(), nil
	}
	refused := a.refusal(n.cfg.Now())
	var said pushoverAnswer
	if json.Unmarshal(a.body, &said) == nil && len(said.Errors) > 0 {
		refused.Message = head("Pushover said: "+strings.Join(said.Errors, "; "), maxMessage)
	}
	switch {
	case a.status == http.StatusBadRequest && said.User == "invalid":
		refused.Permanent = true
	case a.status >= 400 && a.status < 500 && a.status != http.StatusTooManyRequests:
		refused.GiveUp = true // the API asks not to repeat what it has refused
	}
	return a.result(), refused
}
