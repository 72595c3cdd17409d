package notify_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/notify/kinds"
	"punctual/internal/testkit/kindtest"
)

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

func TestTheRegistryKeepsTheOrder(t *testing.T) {
	all := kinds.All()
	r := kindtest.Registry(notify.Env{}, nil, all[1], all[2])
	diff := cmp.Diff([]string{"webhook", "po"}, r.Kinds())
	if diff != "" {
		t.Error(diff)
	}
	if r.Kind("webhook") != all[1] || r.Kind("email") != nil {
		t.Error("wrong kind")
	}
}
