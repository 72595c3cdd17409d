package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/incident"
	"punctual/internal/monitor"
	"punctual/internal/notify"
)

// reportErrors makes the log tell the operators of errors. It needs
// no database: reports go straight to the mail server.
func (a *App) reportErrors(host string) (err error) {
	a.sender, err = newSender(a.cfg)
	if err != nil {
		return err
	}
	a.outside = notify.NewClient(notify.ClientConfig{
		Version: a.opts.Version, AllowPrivate: true, Timeout: 10 * time.Second, Proxy: a.cfg.OutgoingProxy(), NoProxy: a.cfg.NoProxy,
	})
	now := a.opts.Now
	if now == nil {
		now = time.Now
	}
	a.incidents = incident.NewReporter(incident.Config{
		Process: incident.Process{Site: a.cfg.SiteRoot, Version: a.opts.Version, Role: string(a.role), Host: host, PID: os.Getpid()},
		Send:    a.waysToOperators(), Secrets: a.cfg.Secrets(), Away: db.IsAway, Panicked: a.metrics.Caught, Now: now, Log: a.opts.Log,
	})
	a.log = slog.New(a.incidents.Handler(a.opts.Log.Handler()))
	return nil
}

// waysToOperators are the addresses and the webhook the operator has set. Without
// a mail server the addresses are of no use; the settings have warned of it.
func (a *App) waysToOperators() (ways []incident.Send) {
	for _, address := range a.cfg.Admins {
		if a.sender.Enabled() {
			ways = append(ways, incident.Send{Name: address,
				Do: func(ctx context.Context, r *incident.Report) error { return a.mailReport(ctx, address, r) }})
		}
	}
	if a.cfg.AdminsWebhook != "" {
		ways = append(ways, incident.Send{Name: "PUNCTUAL_ADMINS_WEBHOOK", Do: a.postReport})
	}
	return ways
}

func (a *App) mailReport(ctx context.Context, to string, r *incident.Report) error {
	err := a.sender.Send(ctx, &monitor.Email{
		Kind: "incident", To: to, Subject: r.Subject(), Text: r.Body(), CreatedAt: r.At, MessageID: uuid.NewString() + "@" + a.sender.Domain(),
	})
	outcome := "sent"
	if err != nil {
		outcome = "failed"
	}
	a.metrics.Mail("incident", outcome)
	return err
}

func (a *App) postReport(ctx context.Context, r *incident.Report) error {
	message, err := json.Marshal(struct {
		Text string `json:"text"`
	}{r.Chat()})
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	return a.outside.Call(ctx, http.MethodPost, a.cfg.AdminsWebhook, message)
}
