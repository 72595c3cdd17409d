package notify_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/testkit/kindtest"
)

// hostile is text that means something in one dialect or another.
var hostile = []string{
	"<b>bold</b> & \"quote\"", "*star* _under_ `tick` ~~s~~ ||spoiler||",
	"[x](http://evil.example) ![y](z)",
	"@everyone <@123> <!channel>", "```\nfence\n``````",
	"# head\n- item\n1. one\n> quote", "\x00\x1b[31m\xff\u202eevil", "</pre></code><script>",
	"https://evil.example/x", "日本 📦 é", "\\ \\* \\`", "|a|b|\n|-|-|", "",
}

// message is what a kind gets of an event whose texts are all s.
func message(t *testing.T, s string, events ...notify.Event) notify.Message {
	t.Helper()
	ev := kindtest.Event("spy", monitor.StatusDown, "{}")
	ev.Check.Name = s
	ev.Check.Description = s
	ev.Check.Tags = s
	ev.Project.Name = s
	ev.LastPing.Body = []byte(s)
	ev.OtherDown = []monitor.Check{{Name: s}, {Name: s}}
	ev.OtherDownTotal = 7
	var got notify.Message
	r := kindtest.Registry(notify.Env{SiteRoot: "https://punctual.example.org", SiteName: "Punctual"}, nil, spy(&got))
	_, err := r.Send(t.Context(), append([]notify.Event{ev}, events...)...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// spy is a kind that keeps the message.
func spy(got *notify.Message) *notify.Kind {
	none := func(*struct{}) string { return "" }
	return notify.Declare(notify.Declaration[struct{}]{
		Name: "spy", Label: "Spy", Group: notify.Programs, Blurb: "For tests.", Destination: none, Summary: none,
		Fields: func(*struct{}) []notify.Field { return nil },
		Digest: func(*struct{}) bool { return true },
		Send: func(_ context.Context, d *notify.Delivery[struct{}]) (notify.Result, error) {
			*got = d.Message
			return notify.Result{}, nil
		},
	})
}

var dialects = map[string]func() *notify.Dialect{
	"plain": notify.PlainText, "sms": notify.SMS, "html": notify.HTML, "telegram": notify.Telegram,
	"slack": notify.Slack, "markdown": notify.Markdown,
	"github": notify.GitHub, "discord": notify.Discord, "teams": notify.Teams,
}

// unescaped finds what is markup in a dialect though nobody has escaped it. The
// signs that our own markup is made of are taken out before.
var unescaped = map[string]*regexp.Regexp{
	"slack":    regexp.MustCompile("(^|[^\u034f])[*_~]|<[!@#]"),
	"markdown": regexp.MustCompile("(^|[^\\\\])(?:\\\\\\\\)*[*_`~|<\\[]|@[^\u200b]|@$|://"),
}

func TestTextIsNeverMarkup(t *testing.T) {
	for _, s := range hostile {
		for name, dialect := range dialects {
			checkEscaped(t, name, dialect(), s)
		}
	}
}

func checkEscaped(t *testing.T, name string, d *notify.Dialect, s string) {
	t.Helper()
	out := notify.Text{notify.Plain(s)}.In(d)
	if !utf8.ValidString(out) || strings.ContainsAny(out, "\x00\x1b\u202e") {
		t.Errorf("%s: %q becomes %q", name, s, out)
	}
	switch name {
	case "html", "telegram":
		got := textOfHTML(out)
		if got != notify.Clean(s) {
			t.Errorf("%s: %q is read as %q", name, s, got)
		}
	case "sms":
		got := notify.GSM(out)
		if got != out {
			t.Errorf("sms: %q is not in the alphabet: %q", out, got)
		}
	case "slack":
		m := unescaped[name].FindString(out)
		if m != "" {
			t.Errorf("%s: %q becomes %q, which has %q", name, s, out, m)
		}
	case "markdown", "github", "discord", "teams":
		m := unescaped["markdown"].FindString(out)
		if m != "" {
			t.Errorf("%s: %q becomes %q, which has %q", name, s, out, m)
		}
	}
}

// textOfHTML is what a reader of HTML sees; a tag in it is one that nobody meant.
func textOfHTML(s string) string {
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out.String()
		case html.TextToken:
			out.Write(z.Text())
		default:
			out.WriteString("(tag)")
		}
	}
}

// What a job has printed cannot end the block that it is shown in.
func TestCodeBlocksHold(t *testing.T) {
	for _, s := range hostile {
		pre := notify.Markdown().Pre(s)
		fence, body, _ := strings.Cut(pre, "\n")
		body, closed := strings.CutSuffix(body, "\n"+fence)
		if !closed || strings.Contains(body, fence) {
			t.Errorf("%q: %q", s, pre)
		}
		for name, d := range map[string]*notify.Dialect{"slack": notify.Slack(), "discord": notify.Discord()} {
			n := strings.Count(d.Pre(s), "`")
			if n != 6 {
				t.Errorf("%s: %q has %d backticks", name, d.Pre(s), n)
			}
		}
		if strings.Count(notify.HTML().Pre(s), "</pre>") != 1 {
			t.Errorf("html: %q", notify.HTML().Pre(s))
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, dialect := range dialects {
			checkEscaped(t, name, dialect(), s)
		}
	})
}

var units = []notify.Unit{notify.Runes, notify.UTF16, notify.Bytes}

// Whatever a check is called and a job has printed, a message keeps its limits.
func FuzzFit(f *testing.F) {
	for i, s := range hostile {
		f.Add(s, 20*i, 300*i, i)
		f.Add(strings.Repeat(s, 100), 250, 1024, i)
	}
	f.Fuzz(func(t *testing.T, s string, title, body, unit int) {
		// Each dialect needs some room for its own signs.
		title = 10 + min(max(title, 0), 5000)
		body = 150 + min(max(body, 0), 50000)
		count := units[uint(unit)%uint(len(units))]
		m := message(t, s)
		for name, dialect := range dialects {
			d := dialect()
			got := m.Fit(notify.In(d, title, body, count))
			n := count(got.Title.In(d))
			if n > title {
				t.Errorf("%s: a title of %d, %d are allowed", name, n, title)
			}
			text := got.In(d)
			if n := count(text); n > body {
				t.Errorf("%s: %d, %d are allowed: %q", name, n, body, text)
			}
			if name == "html" && strings.Count(text, "<b>") != strings.Count(text, "</b>") {
				t.Errorf("a tag is left open in %q", text)
			}
		}
	})
}

// written is the message as it fits into a budget.
func written(m *notify.Message, b notify.Budget, d *notify.Dialect) string {
	fitted := m.Fit(b)
	return fitted.In(d)
}

func TestFitKeepsWhatMattersMost(t *testing.T) {
	m := message(t, "Nightly dump")
	d := notify.PlainText()
	all := written(&m, notify.In(d, 0, 0, nil), d)
	for _, part := range []string{"No success signal", "Project: Nightly dump", "Last ping", "Description", "Also down", "… and 5 more",
		"/cloaked/"} {
		if !strings.Contains(all, part) {
			t.Errorf("%q is not in:\n%s", part, all)
		}
	}
	some := written(&m, notify.In(d, 0, len(all)-20, nil), d)
	if strings.Contains(some, "Nightly dump (never pinged)\nNightly dump") || !strings.Contains(some, "Description") ||
		!strings.Contains(some, "/cloaked/") {
		t.Errorf("what is least important is not what went:\n%s", some)
	}
	few := written(&m, notify.In(d, 0, 180, nil), d)
	if !strings.Contains(few, "No success signal") || !strings.Contains(few, "/cloaked/") || strings.Contains(few, "Description") {
		t.Errorf("of little room, this was made:\n%s", few)
	}
}

func TestTheEndOfALongOutputIsKept(t *testing.T) {
	m := message(t, "first line\n"+strings.Repeat("x", 3000)+"\nlast line")
	d := notify.Markdown()
	got := written(&m, notify.In(d, 200, 2000, nil), d)
	if !strings.Contains(got, "last line\n```") || !strings.Contains(got, "```\n…x") {
		t.Errorf("got %s", got)
	}
}

func TestADigestNamesEachEvent(t *testing.T) {
	up := kindtest.Event("spy", monitor.StatusUp, "{}")
	var more []notify.Event
	for range 13 {
		more = append(more, up)
	}
	m := message(t, "Certificates", more...)
	if m.Title.String() != "1 check is DOWN, 13 are UP" || m.Level != notify.Critical || len(m.Items) != 14 || m.More != 0 {
		t.Errorf("%s: level %d, %d items and %d more", m.Title, m.Level, len(m.Items), m.More)
	}
	text := m.In(notify.PlainText())
	for _, part := range []string{"▼ Certificates is DOWN: No success signal", `▲ Nightly "dump" is UP: The job is reporting again.`, "/projects/"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
	if strings.Count(text, "▲") != 13 {
		t.Errorf("not all are named:\n%s", text)
	}
	short := written(&m, notify.In(notify.PlainText(), 0, 400, nil), notify.PlainText())
	if !strings.Contains(short, "▼ Certificates is DOWN") || !strings.Contains(short, "… and 1") {
		t.Errorf("of little room, this was made:\n%s", short)
	}
}

func TestFlappingIsReported(t *testing.T) {
	ev := kindtest.Event("spy", monitor.StatusUp, "{}")
	ev.Flaps = &notify.Flaps{Downs: 2, Since: ev.Flip.CreatedAt.Add(-30 * time.Second), Settle: 5 * time.Minute}
	began := "It has gone down twice within 30 seconds and is up now. You are told again when it has stayed up or down for 5 minutes."
	if ev.Sentence() != began || ev.Word() != "FLAPPING" || ev.Level() != notify.Critical {
		t.Errorf("%s: %s", ev.Word(), ev.Sentence())
	}
	ev.Flaps.Over = true
	if ev.Sentence() != "It has been up for 5 minutes, after it went down twice within 30 seconds." || ev.Word() != "UP" || ev.Level() != notify.OK {
		t.Errorf("%s: %s", ev.Word(), ev.Sentence())
	}
	ev.Flaps.Downs = 0
	if ev.Sentence() != "It has been up for 5 minutes." {
		t.Error(ev.Sentence())
	}
}

// An UP has the key of its DOWN, and an attempt that is repeated the id of the first.
func TestKeysOfMessages(t *testing.T) {
	var got notify.Message
	r := kindtest.Registry(notify.Env{}, nil, spy(&got))
	var keys []string
	for _, status := range []monitor.Status{monitor.StatusDown, monitor.StatusUp} {
		ev := kindtest.Event("spy", status, "{}")
		_, err := r.Send(t.Context(), ev)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, got.Key)
		if got.ID != ev.Key || strings.Contains(got.Key, ev.Check.Code.String()) {
			t.Errorf("key %s, id %s", got.Key, got.ID)
		}
	}
	if keys[0] != keys[1] {
		t.Errorf("keys %v", keys)
	}
}

// picky is a kind with one HTTP request.
func picky(verdict func(*notify.Answer) *notify.Error) *notify.Kind {
	type config struct{ Token string }
	host := func(*config) string { return "chat.example" }
	return notify.Declare(notify.Declaration[config]{
		Name: "picky", Label: "Picky", Group: notify.Chat, Blurb: "For tests.", Destination: host, Summary: host,
		Fields: func(c *config) []notify.Field {
			return []notify.Field{{
				Key: "token", Value: notify.String(&c.Token), Label: "Token", Type: notify.Password, Secret: true, Required: "Please give a token.",
			}}
		},
		Verdict: verdict,
		Request: func(d *notify.Delivery[config]) (notify.Request, error) {
			body := map[string]any{"title": d.Message.Title.In(notify.Markdown()), "text": d.Message.In(notify.Markdown())}
			return notify.PostJSON("https://chat.example/"+d.Config.Token, body, d.Event.Key)
		},
	})
}

// What is refused as it is goes out once more, in nothing but plain text.
func TestARejectedMessageIsSentInPlainText(t *testing.T) {
	for name, tc := range map[string]struct {
		refuse   int
		requests int
		ok       bool
	}{
		"the rich one is refused": {1, 2, true},
		"both are refused":        {2, 2, false},
		"none is refused":         {0, 1, true},
	} {
		left := tc.refuse
		base, got := kindtest.StandIn(t, func(w http.ResponseWriter, _ *http.Request) {
			if left > 0 {
				left--
				w.WriteHeader(http.StatusBadRequest)
			}
		})
		r := kindtest.Registry(notify.Env{Client: kindtest.Client(base)}, nil, picky(nil))
		result, err := r.Send(soon(t), kindtest.Event("picky", monitor.StatusDown, `{"token":"secret-token"}`))
		if (err == nil) != tc.ok || len(got) != tc.requests || result.Plain != (tc.requests == 2) {
			t.Errorf("%s: %v after %d requests, %+v", name, err, len(got), result)
		}
		if !tc.ok && kindtest.Failure(t, err).Class != notify.Reject {
			t.Errorf("%s: %+v", name, err)
		}
		if tc.requests < 2 {
			continue
		}
		<-got
		var body struct{ Title, Text string }
		if err := json.Unmarshal([]byte((<-got).Body), &body); err != nil || strings.Contains(body.Title+body.Text, "**") ||
			strings.Contains(body.Text, "Project") {
			t.Errorf("%s: then %+v, %v", name, body, err)
		}
	}
}

func TestTheVerdictOfAnAnswer(t *testing.T) {
	type verdict struct {
		Class   notify.Class
		Seconds float64
	}
	for status, want := range map[int]verdict{
		400: {notify.Reject, 0}, 413: {notify.Reject, 0}, 415: {notify.Reject, 0}, 422: {notify.Reject, 0},
		401: {}, 403: {}, 404: {}, 405: {}, 410: {}, 408: {}, 425: {}, 500: {}, 502: {}, 302: {},
		429: {notify.Later, 2.5}, 503: {},
	} {
		a := &notify.Answer{Status: status, Body: []byte(`{"retry_after": 2.5}`)}
		e := a.Verdict()
		diff := cmp.Diff(want, verdict{e.Class, e.RetryAfter.Seconds()})
		if diff != "" {
			t.Errorf("%d (-want +got):\n%s", status, diff)
		}
	}
	for _, status := range []int{200, 201, 202, 204, 207} {
		e := (&notify.Answer{Status: status}).Verdict()
		if e != nil {
			t.Errorf("%d: %v", status, e)
		}
	}
	for body, seconds := range map[string]float64{
		`{"retry_after_ms": 1500}`: 1.5, `{"parameters": {"retry_after": 9}}`: 9, `{"retry_after": 1e12}`: 86400, `{"retry_after": -1}`: 0,
		`soon`: 0,
	} {
		a := &notify.Answer{Status: 429, Body: []byte(body)}
		got := a.Verdict().RetryAfter.Seconds()
		if got != seconds {
			t.Errorf("%s: a pause of %v s", body, got)
		}
	}
	limited := &notify.Answer{Status: 429, Header: http.Header{"X-Ratelimit-Reset-After": {"0.75"}}}
	got := limited.Verdict().RetryAfter.Seconds()
	if got != 0.75 {
		t.Errorf("a pause of %v s", got)
	}
}

func TestASecretSettingStaysAndIsNotShown(t *testing.T) {
	k := picky(nil)
	before := `{"token":"secret-token"}`
	form := k.ToForm(before)
	if form.Has("token") {
		t.Errorf("the form has %v", form)
	}
	for typed, want := range map[string]string{"": before, " another ": `{"token":"another"}`} {
		got, err := k.FromForm(before, map[string][]string{"token": {typed}})
		if err != nil || got != want {
			t.Errorf("%q: %s, %v", typed, got, err)
		}
	}
	base, _ := kindtest.StandIn(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("no such hook: " + r.URL.Path))
	})
	refused := func(a *notify.Answer) *notify.Error { return a.Refused().Named("Picky", string(a.Body)) }
	r := kindtest.Registry(notify.Env{Client: kindtest.Client(base)}, nil, picky(refused))
	res, err := r.Send(soon(t), kindtest.Event("picky", monitor.StatusDown, before))
	e := kindtest.Failure(t, err)
	if strings.Contains(e.Message+res.Response, "secret-token") || !strings.Contains(e.Message, "Picky said: no such hook: /********") {
		t.Errorf("%s; %s", e.Message, res.Response)
	}
}

func TestADeclarationThatIsWrongIsRefused(t *testing.T) {
	one := picky(nil)
	_, err := notify.NewRegistry(kindtest.Env(notify.Env{}, nil), one, picky(nil))
	if err == nil {
		t.Error("two kinds of one name")
	}
	type config struct{ A, B string }
	text := func(*config) string { return "x" }
	send := func(context.Context, *notify.Delivery[config]) (notify.Result, error) { return notify.Result{}, nil }
	right := notify.Declaration[config]{
		Name: "fine", Label: "Fine", Group: notify.Chat, Blurb: "For tests.", Destination: text, Summary: text, Send: send,
		Fields: func(c *config) []notify.Field {
			return []notify.Field{{Key: "a", Value: notify.String(&c.A), Label: "A"}}
		},
	}
	for what, change := range map[string]func(d *notify.Declaration[config]){
		"a name with signs": func(d *notify.Declaration[config]) { d.Name = "no-good" },
		"no label":          func(d *notify.Declaration[config]) { d.Label = "" },
		"nothing to send":   func(d *notify.Declaration[config]) { d.Send = nil },
		"no destination":    func(d *notify.Declaration[config]) { d.Destination = nil },
		"a setting twice": func(d *notify.Declaration[config]) {
			d.Fields = func(c *config) []notify.Field {
				return []notify.Field{{Key: "a", Value: notify.String(&c.A), Label: "A"}, {Key: "a", Value: notify.String(&c.B), Label: "B"}}
			}
		},
		"a default that is not allowed": func(d *notify.Declaration[config]) {
			d.Fields = func(c *config) []notify.Field {
				return []notify.Field{{Key: "a", Value: notify.String(&c.A), Label: "A", Default: "c", Choices: []notify.Choice{{Value: "b"}}}}
			}
		},
		"an unknown setting to connect": func(d *notify.Declaration[config]) { d.Connect = &notify.Connect{Field: "b"} },
	} {
		d := right
		change(&d)
		_, err := notify.NewRegistry(kindtest.Env(notify.Env{}, nil), notify.Declare(d))
		if err == nil {
			t.Errorf("%s is not refused", what)
		}
	}
	if _, err := notify.NewRegistry(kindtest.Env(notify.Env{}, nil), notify.Declare(right)); err != nil {
		t.Error(err)
	}
}

func TestADownProvesHowFastItWasJudged(t *testing.T) {
	down := event(monitor.StatusDown, "{}")
	down.Flip.Reason = monitor.ReasonTimeout
	down.Flip.CreatedAt = time.Date(2026, time.March, 1, 2, 5, 0, 0, time.UTC)
	down.OwnerTZ = time.UTC
	for name, test := range map[string]struct {
		change func(ev *notify.Event)
		want   string
	}{
		"judged":           {func(ev *notify.Event) { ev.Decided = ev.Flip.CreatedAt.Add(200 * time.Millisecond) }, "Due 02:05:00 UTC, decided 0.2 s later."},
		"judged very late": {func(ev *notify.Event) { ev.Decided = ev.Flip.CreatedAt.Add(time.Hour) }, "Due 02:05:00 UTC, decided 1 hour later."},
		"a test":           {func(*notify.Event) {}, ""},
		"a failure signal": {func(ev *notify.Event) { ev.Decided = ev.Now; ev.Flip.Reason = monitor.ReasonFail }, ""},
		"it is flapping":   {func(ev *notify.Event) { ev.Decided = ev.Now; ev.Flaps = &notify.Flaps{Downs: 2} }, ""},
		"it is up":         {func(ev *notify.Event) { ev.Decided = ev.Now; ev.Status = monitor.StatusUp }, ""},
	} {
		ev := down
		test.change(&ev)
		got := ev.Proof()
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
