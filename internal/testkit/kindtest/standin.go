package kindtest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/notify"
)

// Noon is when the events of these tests happen.
func Noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// Event is a check that has gone down, or come up again, through a channel of the
// kind with the configuration.
func Event(kind string, status monitor.Status, config string) notify.Event {
	noon := Noon()
	exit := 3
	c := monitor.NewCheck(uuid.MustParse("8e2b1a36-1d43-4c0b-9d55-6c1f5f6b7a01"), noon.Add(-24*time.Hour))
	c.Code = uuid.MustParse("4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33")
	c.Name = `Nightly "dump"`
	c.Slug = "nightly-dump"
	c.Tags = "db prod"
	c.NPings = 412
	c.Status = status
	c.LastPing = noon.Add(-time.Hour)
	ev := notify.Event{
		Check: c, Status: status, Now: noon, Key: "the-key", Attempt: 1, OwnerTZ: time.FixedZone("CET", 3600),
		Flip:    monitor.Flip{CreatedAt: noon, Old: monitor.StatusUp, New: status, Reason: monitor.ReasonTimeout},
		Channel: monitor.Channel{ID: uuid.MustParse("0c5e3c70-6f0e-4d57-9f0a-2f3c0c7f7a11"), Kind: kind, Config: config, Verified: true},
		Project: monitor.Project{ID: c.ProjectID, Name: "Operations"},
		LastPing: &monitor.Ping{
			N: 412, CreatedAt: noon.Add(-time.Hour), Kind: monitor.PingFail, ExitStatus: &exit, RemoteAddr: "192.0.2.7",
			Body: []byte("no space $NAME\n"),
		},
	}
	if status == monitor.StatusUp {
		ev.Flip.Old = monitor.StatusDown
		ev.Flip.Reason = monitor.ReasonNone
		ev.DownFor = 2*time.Hour + 5*time.Minute
	}
	return ev
}

// Heard is one request a stand-in got.
type Heard struct {
	Method, Path string
	Header       http.Header
	Body         string
}

// StandIn is a server that answers with the handler, nil = 200, and keeps what it
// heard.
func StandIn(tb testing.TB, answer http.HandlerFunc) (base string, got chan Heard) {
	tb.Helper()
	got = make(chan Heard, 20)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- Heard{r.Method, r.URL.RequestURI(), r.Header, string(body)}
		if answer != nil {
			answer(w, r)
		}
	}))
	tb.Cleanup(s.Close)
	return s.URL, got
}

// Leading sends every request to the server at base, whatever host it is for.
type Leading string

// RoundTrip implements http.RoundTripper.
func (base Leading) RoundTrip(r *http.Request) (*http.Response, error) {
	to, err := url.Parse(string(base))
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.URL.Scheme = to.Scheme
	again.URL.Host = to.Host
	return http.DefaultTransport.RoundTrip(again)
}

// Client is one whose requests all end at the server at base.
func Client(base string) *notify.Client {
	return notify.NewClient(notify.ClientConfig{Version: "1.2.3", Now: Noon, Instead: Leading(base)})
}

// Bound is a kind that is ready to send.
type Bound struct {
	*notify.Kind
	registry *notify.Registry
}

// Bind makes a kind of the registry ready to send.
func Bind(r *notify.Registry, kind string) Bound { return Bound{r.Known(kind), r} }

// Send sends an event through a channel of the kind.
func (b Bound) Send(ctx context.Context, ev notify.Event) (notify.Result, error) {
	ev.Channel.Kind = b.Name
	return b.registry.Send(ctx, ev)
}

// Failure is the *notify.Error in err.
func Failure(tb testing.TB, err error) *notify.Error {
	tb.Helper()
	e, ok := errors.AsType[*notify.Error](err)
	if !ok {
		tb.Fatalf("got %v, want a *notify.Error", err)
	}
	return e
}
