package kinds_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/db"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/notify/kinds"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/testdb"
	"punctual/static"
	"punctual/templates"
)

// Every kind has testdata/<kind>/config.json, a complete example of its settings as
// programs send them, answer.json where the provider's yes has to say more than 200,
// and what it sends, which -update writes anew.

var update = flag.Bool("update", false, "write the requests in testdata anew")

// eachKind runs the test for each kind, with its example stored as a configuration.
func eachKind(t *testing.T, test func(t *testing.T, k *notify.Kind, config string)) {
	for _, k := range kinds.All() {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			config, err := k.FromFields("", example(t, k))
			if err != nil {
				t.Fatalf("testdata/%s/config.json: %v", k.Name, err)
			}
			test(t, k, config)
		})
	}
}

func example(t *testing.T, k *notify.Kind) map[string]json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", k.Name, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	return settingsOf(t, string(raw))
}

func TestEveryKindIsComplete(t *testing.T) {
	eachKind(t, func(t *testing.T, k *notify.Kind, _ string) {
		if _, err := notify.NewRegistry(kindtest.Env(notify.Env{}, nil), k); err != nil {
			t.Error(err)
		}
		icon, err := fs.ReadFile(static.FS, "img/integrations/"+k.Name+".svg")
		if err != nil || !bytes.Contains(icon, []byte(` id="icon"`)) || !bytes.Contains(icon, []byte("viewBox")) {
			t.Errorf("static/img/integrations/%s.svg: %v; an <svg id=\"icon\" viewBox=…> is wanted", k.Name, err)
		}
		help, err := fs.ReadFile(templates.FS, "integrations/"+k.Name+".md")
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"# " + k.Label + "\n\n", "\n## What you need\n", "\n## Set it up\n"} {
			if !bytes.Contains(help, []byte(part)) {
				t.Errorf("templates/integrations/%s.md lacks %q", k.Name, part)
			}
		}
		for key := range example(t, k) {
			if !slices.ContainsFunc(k.Fields, func(f notify.Field) bool { return f.Key == key }) {
				t.Errorf("the example has %s, which is no setting", key)
			}
		}
		want := len(k.Fields)
		if len(example(t, k)) != want {
			t.Errorf("the example has %d of %d settings", len(example(t, k)), want)
		}
	})
}

// What the API stores is what the form shows and stores, and the other way round.
func TestEveryKindIsTheSameInFormAndAPI(t *testing.T) {
	eachKind(t, func(t *testing.T, k *notify.Kind, config string) {
		again, err := k.FromForm(config, k.ToForm(config))
		if err != nil {
			t.Fatal(err)
		}
		diff := cmp.Diff(config, again)
		if diff != "" {
			t.Errorf("saving the form changes the settings (-before +after):\n%s", diff)
		}
		all, err := k.FromFields("", settingsOf(t, config))
		if err != nil || all != config {
			t.Errorf("what the API answers is not what it takes: %s, %v", all, err)
		}
		same, err := k.FromFields(config, nil)
		if err != nil || same != config {
			t.Errorf("a change of nothing: %s, %v", same, err)
		}
		for i := range k.Fields {
			f := &k.Fields[i]
			if f.Masked() && k.ToForm(config).Has(f.Name()) {
				t.Errorf("the form shows %s", f.Key)
			}
		}
		if k.Destination(config) == "" || k.Summary(config) == "" {
			t.Errorf("destination %q, summary %q", k.Destination(config), k.Summary(config))
		}
		for _, s := range []monitor.Status{monitor.StatusDown, monitor.StatusUp} {
			if !k.Wants(config, monitor.Flip{New: s}) {
				t.Errorf("the example does not want %s", s)
			}
		}
	})
}

func TestEveryKindKnowsTheAnswersOfAServer(t *testing.T) {
	eachKind(t, func(t *testing.T, k *notify.Kind, config string) {
		yes := kindAnswer(k)
		for name, tc := range map[string]struct {
			status int
			header string
			want   func(e *notify.Error) bool
		}{
			"accepted":  {http.StatusOK, "", func(e *notify.Error) bool { return e == nil }},
			"not found": {http.StatusNotFound, "", func(e *notify.Error) bool { return e != nil }},
			"too many": {http.StatusTooManyRequests, "7", func(e *notify.Error) bool {
				return e != nil && e.Class == notify.Later && e.RetryAfter == 7*time.Second
			}},
			"broken": {http.StatusBadGateway, "", func(e *notify.Error) bool { return e != nil && e.Class == notify.Later }},
		} {
			base, got := kindtest.StandIn(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.header != "" {
					w.Header().Set("Retry-After", tc.header)
				}
				w.WriteHeader(tc.status)
				if tc.status == http.StatusOK {
					_, _ = w.Write(yes)
				}
			})
			_, err := httpRegistry(t, k, kindtest.Client(base)).Send(soon(t), kindtest.Event(k.Name, monitor.StatusDown, config))
			if len(got) == 0 {
				t.Skip("it sends by other means")
			}
			var e *notify.Error
			if err != nil {
				e = kindtest.Failure(t, err)
			}
			if !tc.want(e) {
				t.Errorf("%s: %+v", name, e)
			}
		}
	})
}

func TestEveryKindGivesUpOnAServerThatHangs(t *testing.T) {
	eachKind(t, func(t *testing.T, k *notify.Kind, config string) {
		release := make(chan struct{})
		base, got := kindtest.StandIn(t, func(http.ResponseWriter, *http.Request) { <-release })
		defer close(release)
		client := notify.NewClient(notify.ClientConfig{Instead: kindtest.Leading(base), Timeout: 50 * time.Millisecond})
		_, err := httpRegistry(t, k, client).Send(soon(t), kindtest.Event(k.Name, monitor.StatusDown, config))
		if len(got) == 0 && err == nil {
			t.Skip("it sends by other means")
		}
		e := kindtest.Failure(t, err)
		if e.Class != notify.Later || e.Message != "The server did not answer in time." {
			t.Errorf("%+v", e)
		}
	})
}

// A provider that repeats the whole request in its answer tells nobody a secret.
func TestNoKindRevealsItsSecrets(t *testing.T) {
	eachKind(t, func(t *testing.T, k *notify.Kind, config string) {
		echo := func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_ = r.Write(w)
			_, _ = fmt.Fprintf(w, `%s %v {"errors":[%q]}`, r.URL, r.Header, r.Header)
		}
		seen := make(chan string, 10)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body bytes.Buffer
			_, _ = body.ReadFrom(r.Body)
			seen <- body.String()
			r.Body = http.NoBody
			echo(w, r)
			_, _ = w.Write(body.Bytes())
		}))
		defer server.Close()
		for _, base := range []string{server.URL, "http://127.0.0.1:1"} {
			res, err := httpRegistry(t, k, kindtest.Client(base)).Send(soon(t), kindtest.Event(k.Name, monitor.StatusDown, config))
			text := fmt.Sprint(res, err, errors.Unwrap(err))
			for _, secret := range secretsOf(k, config) {
				if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
					t.Errorf("%q is in %s", secret, text)
				}
			}
		}
	})
}

// secretsOf are the values of the secret settings of an example.
func secretsOf(k *notify.Kind, config string) (secrets []string) {
	var values map[string]any
	if json.Unmarshal([]byte(config), &values) != nil {
		return nil
	}
	for i := range k.Fields {
		v, ok := values[k.Fields[i].Key].(string)
		if ok && k.Fields[i].Secret {
			secrets = append(secrets, v)
		}
	}
	return secrets
}

// What is sent, word for word.
func TestWhatEveryKindSends(t *testing.T) {
	eachKind(t, func(t *testing.T, k *notify.Kind, config string) {
		for name, events := range scenarios(k, config) {
			got := sent(t, k, events)
			file := filepath.Join("testdata", k.Name, name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%v; make it with: go test ./internal/notify/kinds -run %s -update", err, t.Name())
				continue
			}
			diff := cmp.Diff(string(want), got)
			if diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		}
	})
}

// scenarios are what may happen to a channel.
func scenarios(k *notify.Kind, config string) map[string][]notify.Event {
	down := kindtest.Event(k.Name, monitor.StatusDown, config)
	up := kindtest.Event(k.Name, monitor.StatusUp, config)

	trial := kindtest.Event(k.Name, monitor.StatusDown, config)
	trial.Test = true
	trial.Check.Name = "TEST"
	trial.LastPing = nil

	long := kindtest.Event(k.Name, monitor.StatusDown, config)
	long.Check.Name = strings.Repeat("Long name ", 30)
	long.Check.Tags = strings.Repeat("tag ", 60)
	long.Check.Description = strings.Repeat("What to do when it is down. ", 40)
	long.LastPing.Body = []byte(strings.Repeat("a line of its output\n", 2000) + "the last line")
	for i := range notify.MaxOtherDown {
		other := monitor.Check{Name: fmt.Sprintf("Other job %d", i)}
		other.LastPing = kindtest.Noon().Add(-72 * time.Hour)
		long.OtherDown = append(long.OtherDown, other)
	}
	long.OtherDownTotal = 40

	odd := kindtest.Event(k.Name, monitor.StatusDown, config)
	odd.Check.Name = "<b>Dump</b> & \"quote\" *star* _under_ `tick` [x](y) @everyone |pipe| ~~s~~ # é 日本 📦 \\ '"
	odd.Check.Description = "line one\nline two <script>alert(1)</script> ```fence```"
	odd.Check.Kind = schedule.Cron
	odd.Check.Schedule = "*/5 * * * *"
	odd.Check.TZ = "Europe/Berlin"
	odd.LastPing.Body = []byte("\x1b[31mred\x1b[0m \x00 \xff ``` ```` </pre> \u202eevil\n*not bold*")
	odd.Flip.Reason = monitor.ReasonFail

	all := map[string][]notify.Event{"down": {down}, "up": {up}, "test": {trial}, "long": {long}, "odd": {odd}}
	if k.Digests(config) {
		flapping := kindtest.Event(k.Name, monitor.StatusUp, config)
		flapping.Flaps = &notify.Flaps{Downs: 3, Since: flapping.Flip.CreatedAt.Add(-4 * time.Minute), Settle: 5 * time.Minute}
		settled := kindtest.Event(k.Name, monitor.StatusUp, config)
		settled.Flaps = &notify.Flaps{Downs: 17, Since: flapping.Flip.CreatedAt.Add(-40 * time.Minute), Settle: 5 * time.Minute, Over: true}
		all["digest"] = []notify.Event{down, up, odd, flapping}
		all["flapping"] = []notify.Event{flapping}
		all["settled"] = []notify.Event{settled}
	}
	return all
}

// sent is everything that leaves when a kind is told of events: requests and mails.
func sent(t *testing.T, k *notify.Kind, events []notify.Event) string {
	t.Helper()
	base, got := kindtest.StandIn(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(kindAnswer(k)) })
	outbox := testdb.Open(t, db.SQLite, testdb.NewClock())
	registry := kindtest.Registry(envOf(t, outbox, kindtest.Client(base)), nil, k)
	if _, err := registry.Send(soon(t), events...); err != nil {
		t.Fatalf("%s: %v", events[0].Check.Name, err)
	}
	var out strings.Builder
	for range len(got) {
		writeRequest(&out, <-got)
	}
	mails, err := outbox.Emails(t.Context(), store.EmailFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range mails {
		m, err := outbox.EmailByID(t.Context(), mails[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "to %s: %s\n%v\n\n%s\n\n%s\n", m.To, m.Subject, m.Headers, m.Text, m.HTML)
	}
	return out.String()
}

// writeRequest writes a request so that a change of it is easy to see: fields of a
// form and keys of an object one a line.
func writeRequest(out *strings.Builder, r kindtest.Heard) {
	fmt.Fprintf(out, "%s %s\n", r.Method, r.Path)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "Accept-Encoding" && name != "Content-Length" {
			fmt.Fprintf(out, "%s: %q\n", name, r.Header[name])
		}
	}
	var indented bytes.Buffer
	form, err := url.ParseQuery(r.Body)
	switch {
	case json.Indent(&indented, []byte(r.Body), "", "  ") == nil:
		fmt.Fprintf(out, "\n%s\n\n", indented.String())
	case err == nil && strings.Contains(r.Header.Get("Content-Type"), "form"):
		out.WriteString("\n")
		for _, name := range slices.Sorted(maps.Keys(form)) {
			fmt.Fprintf(out, "%s = %s\n", name, form.Get(name))
		}
		out.WriteString("\n")
	default:
		fmt.Fprintf(out, "\n%s\n\n", r.Body)
	}
}

// kindAnswer is the yes of the kind's provider.
func kindAnswer(k *notify.Kind) []byte {
	answer, err := os.ReadFile(filepath.Join("testdata", k.Name, "answer.json"))
	if err != nil {
		return []byte("{}")
	}
	return answer
}

// httpRegistry has the kind; its mails are kept in a database of its own.
func httpRegistry(t *testing.T, k *notify.Kind, client *notify.Client) *notify.Registry {
	t.Helper()
	return kindtest.Registry(envOf(t, testdb.Open(t, db.SQLite, testdb.NewClock()), client), nil, k)
}

func envOf(t *testing.T, s *store.Store, client *notify.Client) notify.Env {
	t.Helper()
	sender, err := mail.NewSender(mail.Settings{From: "punctual@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	composer, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: root}, sender.Domain())
	if err != nil {
		t.Fatal(err)
	}
	queue := mail.NewQueue(mail.QueueConfig{Outbox: s, Sender: sender, Now: s.Now, Log: slog.New(slog.DiscardHandler)})
	return notify.Env{Client: client, Now: clock, SiteRoot: root, SiteName: "Punctual", Mail: queue, Composer: composer}
}
