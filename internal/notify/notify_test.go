package notify_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// event is a check that has gone down, or come up again, through a channel
// with the configuration.
func event(status monitor.Status, config string) notify.Event {
	exit := 3
	c := monitor.NewCheck(uuid.New(), noon.Add(-24*time.Hour))
	c.Code = uuid.MustParse("4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33")
	c.Name, c.Slug, c.Tags, c.NPings = `Nightly "dump"`, "nightly-dump", "db prod", 412
	c.Status, c.LastPing = status, noon.Add(-time.Hour)
	ev := notify.Event{
		Check: c, Status: status, Now: noon, Key: "the-key", Attempt: 1, OwnerTZ: time.FixedZone("CET", 3600),
		Flip:     monitor.Flip{CreatedAt: noon, Old: monitor.StatusUp, New: status, Reason: monitor.ReasonTimeout},
		Channel:  monitor.Channel{ID: uuid.MustParse("0c5e3c70-6f0e-4d57-9f0a-2f3c0c7f7a11"), Config: config, Verified: true},
		Project:  monitor.Project{Name: "Operations"},
		LastPing: &monitor.Ping{N: 412, CreatedAt: noon.Add(-time.Hour), Kind: monitor.PingFail, ExitStatus: &exit, RemoteAddr: "192.0.2.7", Body: []byte("no space $NAME\n")},
	}
	if status == monitor.StatusUp {
		ev.Flip.Old, ev.Flip.Reason, ev.DownFor = monitor.StatusDown, monitor.ReasonNone, 2*time.Hour+5*time.Minute
	}
	return ev
}

// heard is one request a stand-in got.
type heard struct {
	Method, Path string
	Header       http.Header
	Body         string
}

// standIn is a server that answers with the handler and keeps what it heard.
func standIn(t *testing.T, answer http.HandlerFunc) (base string, got chan heard) {
	t.Helper()
	got = make(chan heard, 20)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- heard{r.Method, r.URL.RequestURI(), r.Header, string(body)}
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

// client may reach the stand-ins on loopback.
func client() *notify.Client {
	return notify.NewClient(notify.ClientConfig{Version: "1.2.3", AllowPrivate: true})
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// failure is the *notify.Error in err.
func failure(t *testing.T, err error) *notify.Error {
	t.Helper()
	e, ok := errors.AsType[*notify.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *notify.Error", err)
	}
	return e
}

// roundTrip reads a form, writes it back and compares.
func roundTrip(t *testing.T, n notify.Notifier, form, want url.Values) string {
	t.Helper()
	config, err := n.FromForm("", form)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, n.ToForm(config)); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
	return config
}

func wantInvalid(t *testing.T, n notify.Notifier, field string, form url.Values) {
	t.Helper()
	config, err := n.FromForm("", form)
	if errs.KindOf(err) != errs.Invalid || errs.FieldOf(err) != field {
		t.Errorf("%v: got %s, %v (field %q), want field %q to be wrong", form, config, err, errs.FieldOf(err), field)
	}
}

func TestTheRegistryKeepsTheOrder(t *testing.T) {
	webhook := notify.NewWebhook(client(), nil, clock)
	r := notify.NewRegistry(webhook, nil, notify.NewPushover(notify.PushoverConfig{}))
	if diff := cmp.Diff([]string{"webhook", "po"}, r.Kinds()); diff != "" {
		t.Error(diff)
	}
	if r.Notifier("webhook") != notify.Notifier(webhook) || r.Notifier("email") != nil {
		t.Error("wrong notifier")
	}
}

func TestABrokenConfigurationFailsForGoodAndBreaksNothing(t *testing.T) {
	for _, n := range []notify.Notifier{notify.NewEmail(nil, nil, nil, ""), notify.NewWebhook(client(), nil, clock), notify.NewPushover(notify.PushoverConfig{})} {
		for _, config := range []string{"", "{", "[]", "{}", `{"address":1,"url_down":2,"user":3}`} {
			ev := event(monitor.StatusDown, config)
			if n.Wants(config, ev.Flip) || n.Summary(config) != "" {
				t.Errorf("%s: %q is of use", n.Kind(), config)
			}
			n.ToForm(config)
			n.Destination(config)
			if _, err := n.Send(soon(t), ev); !failure(t, err).Permanent {
				t.Errorf("%s: %q is tried again", n.Kind(), config)
			}
		}
	}
}
