package app

import (
	"context"
	"fmt"

	"punctual/internal/auth"
	"punctual/internal/config"
	"punctual/internal/demo"
)

// demoConfig is c for a demo: mail is kept, nothing is sent anywhere else, and all
// kinds of channel are offered.
func demoConfig(c *config.Config) *config.Config {
	out := *c
	out.SMTPHost = ""
	out.AdminsWebhook = ""
	out.HeartbeatURL = ""
	if out.PushoverAPIToken == "" {
		out.PushoverAPIToken = "a demo has no real token"
	}
	return &out
}

// fillDemo makes the demo, if this is one.
func (a *App) fillDemo(ctx context.Context) (err error) {
	if !a.opts.Demo {
		return nil
	}
	began := a.store.Now()
	a.demo, err = demo.Fill(ctx, a.store)
	if err != nil {
		return fmt.Errorf("--demo: %w", err)
	}
	a.log.Info("demo data made", "took", a.store.Now().Sub(began).String())
	return nil
}

// startDemo logs a link for the demo's user, and lets the jobs of the demo ping.
func (a *App) startDemo(ctx context.Context) error {
	if a.demo == nil {
		return nil
	}
	// The link is mailed as always; mailKept logs it.
	_, err := a.parts.auth.RequestLogin(ctx, auth.LoginRequest{Identity: demo.Address, Origin: auth.Origin{IP: "127.0.0.1"}})
	if err != nil {
		a.log.Warn("no login link for the demo: ask for one on the login page", "address", demo.Address, "error", err)
	}
	a.loop(ctx, "demo", func(ctx context.Context) error {
		a.demo.Run(ctx, a.store.Now, a.recorder.Record, a.log)
		return nil
	})
	return nil
}
