package kinds_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/testkit/kindtest"
)

func webhook() kindtest.Bound { return webhookWith(client()) }

func TestAWebhookIsCalledAsConfigured(t *testing.T) {
	base, got := standIn(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte("thanks"))
	})
	c := config(t, map[string]any{
		"method_down": "POST", "url_down": base + "/down", "body_down": `{"text": $NAME_JSON}`,
		"headers_down": map[string]string{"X-Team": "ops"},
		"method_up":    "GET", "url_up": base + "/up?c=$CODE", "body_up": "not sent",
	})
	res, err := webhook().Send(soon(t), event(monitor.StatusDown, c))
	if err != nil || res.StatusCode != 202 || res.Response != "thanks" {
		t.Errorf("down: %+v, %v", res, err)
	}
	down := <-got
	if down.Method != "POST" || down.Path != "/down" || down.Body != `{"text": "Nightly \"dump\""}` {
		t.Errorf("down: %+v", down)
	}
	for name, want := range map[string]string{"X-Team": "ops", "Idempotency-Key": "the-key", "User-Agent": "Punctual/1.2.3",
		"Content-Type": "application/json"} {
		got := down.Header.Get(name)
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, err := webhook().Send(soon(t), event(monitor.StatusUp, c)); err != nil {
		t.Fatal(err)
	}
	up := <-got
	if up.Method != "GET" || up.Path != "/up?c=4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33" || up.Body != "" {
		t.Errorf("up: %+v", up)
	}
}

func TestPlaceholdersInTheBody(t *testing.T) {
	base, got := standIn(t, nil)
	for text, want := range map[string]string{
		"$CODE":             "4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33",
		"$STATUS at $NOW":   "down at 2026-03-01T12:00:00+00:00",
		"$NAME, $NAME_JSON": `Nightly "dump", "Nightly \"dump\""`,
		"$SLUG/$TAGS":       "nightly-dump/db prod",
		"$TAG1 $TAG2 $TAG3": "db prod $TAG3",
		// not the first tag and a zero
		"$TAG10":      "$TAG10",
		"$JSON":       `{"slug":"nightly-dump"}`,
		"$EXITSTATUS": "3",
		// not expanded again
		"$BODY|$BODY_JSON":       "no space $NAME\n|\"no space $NAME\\n\"",
		"$$NAME $name $OTHER $":  `$Nightly "dump" $name $OTHER $`,
		"costs 5$":               "costs 5$",
		"$NAMES and $STATUSCODE": `Nightly "dump"S and downCODE`,
	} {
		ev := event(monitor.StatusDown, config(t, map[string]any{"method_down": "PUT", "url_down": base, "body_down": text}))
		_, err := webhook().Send(soon(t), ev)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		diff := cmp.Diff(want, (<-got).Body)
		if diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestTheTenthTag(t *testing.T) {
	base, got := standIn(t, nil)
	ev := event(monitor.StatusDown, config(t, map[string]any{"method_down": "PUT", "url_down": base, "body_down": "$TAG10 $TAG1"}))
	ev.Check.Tags = "a b c d e f g h i ten"
	_, err := webhook().Send(soon(t), ev)
	if err != nil {
		t.Fatal(err)
	}
	h := <-got
	if h.Body != "ten a" {
		t.Errorf("got %q", h.Body)
	}
}

func TestPlaceholdersInURLsAndHeaders(t *testing.T) {
	base, got := standIn(t, nil)
	ev := event(monitor.StatusDown, config(t, map[string]any{
		"method_down": "GET", "url_down": base + "/$NAME?e=$EXITSTATUS&b=$BODY",
		"headers_down": map[string]string{"X-Name": "$NAME", "X-Body": "$BODY", "Host": "virtual.example.org"},
	}))
	ev.Check.Name = "Grüße & 日\r\nX-Evil: 1/2 %"
	ev.LastPing = nil
	_, err := webhook().Send(soon(t), ev)
	if err != nil {
		t.Fatal(err)
	}
	h := <-got
	want := "/Gr%C3%BC%C3%9Fe%20%26%20%E6%97%A5%0D%0AX-Evil%3A%201%2F2%20%25?e=-1&b=$BODY"
	if h.Path != want {
		t.Errorf("path %s, want %s", h.Path, want)
	}
	if want := "Gr\xfc\xdfe & &#26085;  X-Evil: 1/2 %"; h.Header.Get("X-Name") != want {
		t.Errorf("header %q, want %q", h.Header.Get("X-Name"), want)
	}
	if h.Header.Get("X-Evil") != "" || h.Header.Get("X-Body") != "$BODY" {
		t.Errorf("headers %v", h.Header)
	}
}

func TestAnswersOfAWebhook(t *testing.T) {
	for name, tc := range map[string]struct {
		status     int
		retryAfter string
		want       time.Duration
		message    string
	}{
		"server error":            {500, "", 0, "The server answered with status 500."},
		"not accepted":            {206, "", 0, "The server answered with status 206."},
		"gone":                    {410, "", 0, "The server answered with status 410."},
		"too many, in seconds":    {429, "120", 2 * time.Minute, "The server answered with status 429."},
		"too many, until":         {429, "Sun, 01 Mar 2026 12:05:00 GMT", 5 * time.Minute, "The server answered with status 429."},
		"away, in the past":       {503, "Sun, 01 Mar 2026 11:00:00 GMT", 0, "The server answered with status 503."},
		"away, for a month":       {503, "2678400", 24 * time.Hour, "The server answered with status 503."},
		"away, nonsense":          {503, "soon", 0, "The server answered with status 503."},
		"other status, has pause": {500, "120", 0, "The server answered with status 500."},
	} {
		base, _ := standIn(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", tc.retryAfter)
			w.WriteHeader(tc.status)
			_, _ = w.Write([]byte(strings.Repeat("é", 400)))
		})
		res, err := webhook().Send(soon(t), event(monitor.StatusDown, config(t, map[string]any{"method_down": "GET", "url_down": base})))
		e := failure(t, err)
		if e.Message != tc.message || e.RetryAfter != tc.want || e.Permanent() || e.GivenUp() {
			t.Errorf("%s: %+v", name, e)
		}
		// A server with trouble of its own has it with all messages; a pause is kept.
		away := notify.NotAway
		if tc.status >= http.StatusInternalServerError && tc.want == 0 {
			away = notify.DestinationAway
		}
		if e.Away != away {
			t.Errorf("%s: away is %v, want %v", name, e.Away, away)
		}
		if res.StatusCode != tc.status || res.Response != strings.Repeat("é", 250) {
			t.Errorf("%s: result %d, %d bytes", name, res.StatusCode, len(res.Response))
		}
	}
}

func TestTheFormOfAWebhook(t *testing.T) {
	form := url.Values{
		"method_down": {"post"}, "url_down": {" http://backend:8080/x "}, "body_down": {"a\r\nb"}, "headers_down": {"X-B: 2\r\n\r\nX-A:1"},
	}
	c := roundTrip(t, webhook(), form, url.Values{
		"method_down": {"POST"}, "url_down": {"http://backend:8080/x"}, "body_down": {"a\nb"}, "headers_down": {"X-A: 1\nX-B: 2"},
		"method_up": {"GET"}, "url_up": {""}, "body_up": {""}, "headers_up": {""},
	})
	d := webhook().Destination(c)
	if d != "backend:8080" {
		t.Errorf("destination %q", d)
	}
	for address, want := range map[string]string{
		"https://Hooks.example.org:443/a": "hooks.example.org", "https://hooks.example.org./b": "hooks.example.org",
		"http://hooks.example.org:443/": "hooks.example.org:443",
	} {
		d := webhook().Destination(`{"url_down":"` + address + `"}`)
		if d != want {
			t.Errorf("destination of %s: %q, want %q", address, d, want)
		}
	}
	if !webhook().Wants(c, monitor.Flip{New: monitor.StatusDown}) || webhook().Wants(c, monitor.Flip{New: monitor.StatusUp}) {
		t.Error("wants what has no URL, or not what has one")
	}
	var keys map[string]any
	if err := json.Unmarshal([]byte(c), &keys); err != nil || keys["headers_down"].(map[string]any)["X-A"] != "1" {
		t.Errorf("stored %s, %v", c, err)
	}
}

func TestWrongFormsOfAWebhook(t *testing.T) {
	long := strings.Repeat("x", 1001)
	for field, values := range map[string][]string{
		"url_up": {"ftp://example.org", "example.org", "http://", "https://exa mple.org", "http://example.org/" + long,
			"javascript:alert(1)"},
		"body_up":    {long},
		"method_up":  {"DELETE"},
		"headers_up": {"no colon", "X-A:", ": x", "X A: x", "X-A: " + long, "X-A: \x00"},
	} {
		for _, v := range values {
			form := url.Values{"url_up": {"http://example.org"}}
			form.Set(field, v)
			wantInvalid(t, webhook(), field, form)
		}
	}
	wantInvalid(t, webhook(), "url_down", url.Values{})
}

// A notifier must not follow a name or a redirect into our own network.
func TestPrivateAddressesAreRefused(t *testing.T) {
	base, got := standIn(t, nil)
	guarded := webhookWith(notify.NewClient(notify.ClientConfig{}))
	port := base[strings.LastIndex(base, ":"):]
	for _, target := range []string{base, "http://localhost" + port, "http://[::1]" + port, "http://0.0.0.0" + port,
		"http://[::ffff:127.0.0.1]" + port, "http://169.254.169.254/", "http://10.0.0.1/"} {
		_, err := guarded.Send(soon(t), event(monitor.StatusDown, config(t, map[string]any{"method_down": "GET", "url_down": target})))
		e := failure(t, err)
		if e.Message != "Private and loopback addresses are not allowed. Whoever runs this site can allow them with PUNCTUAL_ALLOW_PRIVATE_IPS." || !e.GivenUp() || e.Permanent() {
			t.Errorf("%s: %+v", target, e)
		}
	}
	if len(got) != 0 {
		t.Error("the server was reached")
	}
}

// A URL that is longer than a new one may be stays when its form is saved, and only
// as it is.
func TestALongerURLOfBeforeMayStay(t *testing.T) {
	n := webhook()
	long := "https://hooks.example.org/" + strings.Repeat("x", monitor.MaxWebhookText)
	before := config(t, map[string]any{"method_down": "POST", "url_down": long})
	form := url.Values{"method_down": {"PUT"}, "url_down": {long}}
	_, err := n.FromForm(before, form)
	if err != nil {
		t.Errorf("as it was: %v", err)
	}
	form.Set("url_down", long+"x")
	if _, err := n.FromForm(before, form); errs.FieldOf(err) != "url_down" {
		t.Errorf("longer still: %v", err)
	}
	form.Set("url_down", long)
	if _, err := n.FromForm("", form); errs.FieldOf(err) != "url_down" {
		t.Errorf("a new one: %v", err)
	}
}
