package kinds_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/testdb"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { testdb.Main(m) }

var noon = kindtest.Noon()

func clock() time.Time { return noon }

// event is what happens to a channel of webhooks.
func event(status monitor.Status, config string) notify.Event {
	return kindtest.Event("webhook", status, config)
}

type heard = kindtest.Heard

func standIn(t *testing.T, answer http.HandlerFunc) (base string, got chan heard) {
	t.Helper()
	return kindtest.StandIn(t, answer)
}

// client may reach the stand-ins on loopback.
func client() *notify.Client {
	return notify.NewClient(notify.ClientConfig{Version: "1.2.3", AllowPrivate: true, Now: clock})
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func failure(t *testing.T, err error) *notify.Error {
	t.Helper()
	return kindtest.Failure(t, err)
}

// webhookWith sends webhooks with the client.
func webhookWith(c *notify.Client) kindtest.Bound {
	env := notify.Env{Client: c, Now: clock, CheckJSON: checkJSON}
	return kindtest.Bind(kindtest.Registry(env, nil), "webhook")
}

func checkJSON(c monitor.Check) []byte { return []byte(`{"slug":"` + c.Slug + `"}`) }

func config(t *testing.T, fields map[string]any) string {
	t.Helper()
	data, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// roundTrip reads a form, writes it back and compares.
func roundTrip(t *testing.T, n kindtest.Bound, form, want url.Values) string {
	t.Helper()
	config, err := n.FromForm("", form)
	if err != nil {
		t.Fatal(err)
	}
	diff := cmp.Diff(want, n.ToForm(config))
	if diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
	return config
}

func wantInvalid(t *testing.T, n kindtest.Bound, field string, form url.Values) {
	t.Helper()
	config, err := n.FromForm("", form)
	if errs.KindOf(err) != errs.Invalid || errs.FieldOf(err) != field {
		t.Errorf("%v: got %s, %v (field %q), want field %q to be wrong", form, config, err, errs.FieldOf(err), field)
	}
}

// offered are all kinds by their names.
func offered() map[string]kindtest.Bound {
	all := map[string]kindtest.Bound{}
	r := kindtest.Registry(notify.Env{Client: client()}, nil)
	for _, name := range r.Kinds() {
		all[name] = kindtest.Bind(r, name)
	}
	return all
}

func TestABrokenConfigurationFailsForGoodAndBreaksNothing(t *testing.T) {
	for _, n := range offered() {
		for _, config := range []string{"", "{", "[]", "{}", `{"address":1,"url_down":2,"user":3}`} {
			ev := event(monitor.StatusDown, config)
			if n.Wants(config, ev.Flip) || n.Summary(config) != "" {
				t.Errorf("%s: %q is of use", n.Name, config)
			}
			n.ToForm(config)
			n.Destination(config)
			_, err := n.Send(soon(t), ev)
			if !failure(t, err).Permanent() {
				t.Errorf("%s: %q is tried again", n.Name, config)
			}
		}
	}
}
