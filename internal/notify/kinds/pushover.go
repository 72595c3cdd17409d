package kinds

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	api "github.com/gregdel/pushover"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/text"
)

// pushoverOff as a priority means: do not tell of this status.
const pushoverOff = -3

var pushoverKey = regexp.MustCompile(`\A[A-Za-z0-9]{30}\z`)

type pushoverConfig struct {
	User         string
	PriorityDown int
	PriorityUp   int
}

// pushover sends through pushover.net.
//
// Messages, limits and answers are those of gregdel/pushover. Its own sending is not
// used: it goes through http.DefaultClient, without a context and past our guard; it
// cannot set the tags that end an emergency; and it reports an accepted message as
// failed when quota headers are missing, which would send it twice.
func pushover() *notify.Kind {
	return notify.Declare(notify.Declaration[pushoverConfig]{
		Name: "po", Label: "Pushover", Group: notify.People,
		Blurb: "A push message to phones and desktops, with a priority for each event.",
		Needs: "An account at Pushover, and its app.",
		Fields: func(c *pushoverConfig) []notify.Field {
			const noKey = "A Pushover user key has 30 letters and digits."
			return []notify.Field{
				{
					Key: "user", Input: "value", Value: notify.String(&c.User), Type: notify.Code, Secret: true,
					Label: "User key", About: "The user key of Pushover.",
					Help: "30 letters and digits, on the first page of your account at pushover.net.",
					Max:  50, Required: noKey, Pattern: pushoverKey, Wrong: noKey,
				},
				pushoverPriority("priority_down", "prio", &c.PriorityDown, monitor.StatusDown),
				pushoverPriority("priority_up", "prio_up", &c.PriorityUp, monitor.StatusUp),
			}
		},
		Lacking:     pushoverConfig{PriorityDown: pushoverOff, PriorityUp: pushoverOff},
		Destination: func(*pushoverConfig) string { return "pushover" },
		Summary: func(c *pushoverConfig) string {
			if len(c.User) <= 4 {
				return ""
			}
			return c.User[:4] + "…"
		},
		Obscure: true,
		AtOnce:  5,
		Rate: &notify.Rate[pushoverConfig]{
			Bucket: "pushover", Count: 6, Per: time.Minute, Whom: "Pushover user", Of: func(c *pushoverConfig) string { return c.User },
		},
		Offered: []string{"pushover-api-token"},
		Connect: &notify.Connect{
			Path: "pushover", Setting: "pushover-subscription-url", Field: "user",
			Invite: "Pushover shows alerts on phones and desktops. " +
				"Its site asks you which of your devices are to get them, and sends you back here.",
			Button:  "Subscribe at Pushover",
			Welcome: "Pushover has accepted. How urgent are these messages?",
			Leave: func(query url.Values, back notify.ConnectReturn) {
				query.Set("success", back.Address+"?"+url.Values{"state": {back.State}}.Encode())
				query.Set("failure", back.Failure)
			},
			Return: pushoverReturn,
		},
		// An emergency is repeated for each check until somebody confirms it or the check
		// is up: it is no part of a digest.
		Digest:  func(c *pushoverConfig) bool { return !c.emergency() && c.PriorityUp != api.PriorityEmergency },
		Resolve: (*pushoverConfig).emergency,
		Send:    sendPushover,
	})
}

func pushoverPriority(key, input string, p *int, notifies monitor.Status) notify.Field {
	return notify.Field{
		Key: key, Input: input, Value: notify.Int(p), Label: "Priority",
		About:    "The priority when a check goes " + string(notifies) + "; -3 tells nothing.",
		Notifies: notifies, Off: strconv.Itoa(pushoverOff), Default: "0", Wrong: "A priority is a number from -3 (off) to 2.",
		Choices: []notify.Choice{
			{Value: "-3", Label: "Do not tell"},
			{Value: "-2", Label: "Lowest: badge only"},
			{Value: "-1", Label: "Low: no sound"},
			{Value: "0", Label: "Normal"},
			{Value: "1", Label: "High: also in quiet hours"},
			{Value: "2", Label: "Emergency: repeated until confirmed"},
		},
	}
}

// pushoverReturn reads what somebody brings back from Pushover. Who has ended the
// subscription gets no more than a notice: Pushover does not say whose key that was,
// and the address is only looked at.
func pushoverReturn(query url.Values) (user, notice string, err error) {
	if query.Get("pushover_unsubscribed") == "1" {
		return "", "You have unsubscribed at Pushover. Please remove the integration that was yours.", nil
	}
	user = query.Get("pushover_user_key")
	if user == "" {
		return "", "", errs.Invalidf("", "Pushover has not told us a user key. Please start again at Integrations.")
	}
	return user, "", nil
}

func (c *pushoverConfig) emergency() bool { return c.PriorityDown == api.PriorityEmergency }

func (c *pushoverConfig) priority(l notify.Level) int {
	if l == notify.Critical {
		return c.PriorityDown
	}
	return c.PriorityUp
}

// sendPushover ends the emergency there may be, then sends the message.
func sendPushover(ctx context.Context, d *notify.Delivery[pushoverConfig]) (notify.Result, error) {
	if d.Message.Level == notify.OK && d.Config.emergency() {
		res, err := postPushover(ctx, d, "/receipts/cancel_by_tag/"+d.Message.Key+".json", url.Values{})
		if err != nil || d.Config.PriorityUp == pushoverOff {
			return res, err
		}
	}
	return postPushover(ctx, d, "/messages.json", pushoverForm(d, d.Config.priority(d.Message.Level)))
}

// pushoverForm is the message as the API takes it, within its limits.
func pushoverForm(d *notify.Delivery[pushoverConfig], priority int) url.Values {
	m := d.Message.Fit(notify.Budget{
		Title: api.MessageTitleMaxLength, RenderTitle: func(m *notify.Message) string { return m.Title.String() },
		Body: api.MessageMaxLength, Render: pushoverText, Value: 150, Excerpt: 400, Whole: true,
	})
	link := m.Links[0]
	form := url.Values{
		"user": {d.Config.User}, "title": {m.Title.String()}, "message": {pushoverText(&m)}, "html": {"1"},
		"priority": {strconv.Itoa(priority)},
		"url":      {link.URL}, "url_title": {text.Ellipsis(link.Label, api.MessageURLTitleMaxLength)}, "tags": {m.Key},
		"timestamp": {strconv.FormatInt(m.At.Unix(), 10)},
	}
	if priority == api.PriorityEmergency {
		form.Set("retry", d.Setting("pushover-emergency-retry-delay"))
		form.Set("expire", d.Setting("pushover-emergency-expiration"))
	}
	return form
}

// pushoverText is the message in the few tags that Pushover knows. Of the sections it
// has what the job has printed, or the lines of a digest.
func pushoverText(m *notify.Message) string {
	var lines []string
	note := m.Note.String()
	if note != "" {
		lines = append(lines, "<i>"+html.EscapeString(note)+"</i>")
	}
	lines = append(lines, html.EscapeString(m.Summary.String()))
	for _, f := range m.Facts {
		lines = append(lines, "<b>"+f.Label+":</b> "+html.EscapeString(f.Value.String()))
	}
	for i := range m.Sections {
		s := &m.Sections[i]
		switch {
		case s.Pre != "":
			lines = append(lines, "", html.EscapeString(s.Pre))
		case m.Kind == notify.Digest:
			lines = append(lines, pushoverLines(s)...)
		}
	}
	return strings.Join(lines, "\n")
}

func pushoverLines(s *notify.Section) []string {
	var lines []string
	for _, l := range s.Lines {
		lines = append(lines, html.EscapeString(l.String()))
	}
	if s.More > 0 {
		lines = append(lines, "… and "+strconv.Itoa(s.More)+" more")
	}
	return lines
}

func postPushover(ctx context.Context, d *notify.Delivery[pushoverConfig], path string, form url.Values) (notify.Result, error) {
	form.Set("token", d.Setting("pushover-api-token"))
	a, err := d.Client.Do(ctx, notify.PostForm(api.APIEndpoint+path, form))
	if err != nil {
		return notify.Result{}, err
	}
	if a.Accepted() {
		return a.Result(), nil
	}
	var answer struct {
		api.Response
		// "invalid" where the key is not known any more, or our application is not.
		User  string `json:"user"`
		Token string `json:"token"`
	}
	refused := a.Refused()
	if a.JSON(&answer) {
		refused = refused.Named("Pushover", strings.Join(answer.Errors, "; "))
	}
	switch {
	case a.Status == http.StatusBadRequest && answer.User == "invalid":
		refused.Class = notify.Dead
	case a.Status == http.StatusBadRequest && answer.Token == "invalid":
		refused.Class = notify.Operator
	case a.Status >= 400 && a.Status < 500 && a.Status != http.StatusTooManyRequests:
		// The API asks not to repeat what it has refused.
		refused.Class = notify.Reject
	}
	return a.Result(), refused
}
