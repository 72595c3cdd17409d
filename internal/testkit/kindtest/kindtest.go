// Package kindtest makes registries of all kinds of channels for tests, with what
// kinds send with filled in.
package kindtest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/notify/kinds"
)

// Settings are those of a site that offers everything.
func Settings() map[string]string {
	return map[string]string{
		"webhooks-enabled": "true", "pushover-api-token": "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
		"pushover-emergency-retry-delay": "300", "pushover-emergency-expiration": "86400",
	}
}

// Env is env with what it lacks: a client that may reach loopback addresses, no
// limits, the settings of Settings and those given.
func Env(env notify.Env, settings map[string]string) notify.Env {
	all := Settings()
	maps.Copy(all, settings)
	env.Setting = func(name string) string { return all[name] }
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Client == nil {
		env.Client = notify.NewClient(notify.ClientConfig{Version: "test", AllowPrivate: true, Now: env.Now})
	}
	if env.Take == nil {
		env.Take = func(context.Context, string, string, int, time.Duration) (bool, time.Duration, error) {
			return true, 0, nil
		}
	}
	if env.Unsubscribe == nil {
		env.Unsubscribe = func(ch uuid.UUID) string { return "/integrations/" + ch.String() + "/unsub/signed/" }
	}
	if env.CheckJSON == nil {
		env.CheckJSON = func(monitor.Check) []byte { return []byte("{}") }
	}
	return env
}

// Kinds are those of these names, in their order.
func Kinds(names ...string) []*notify.Kind {
	var some []*notify.Kind
	for _, k := range kinds.All() {
		if slices.Contains(names, k.Name) {
			some = append(some, k)
		}
	}
	return some
}

// Registry has all kinds, or those given, with Env(env, settings). It panics when a
// declaration is wrong.
func Registry(env notify.Env, settings map[string]string, some ...*notify.Kind) *notify.Registry {
	if some == nil {
		some = kinds.All()
	}
	r, err := notify.NewRegistry(Env(env, settings), some...)
	if err != nil {
		panic(err)
	}
	return r
}
