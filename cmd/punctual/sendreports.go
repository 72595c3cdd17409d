package main

import (
	"context"
	"fmt"

	"punctual/internal/app"
)

// sendreportsCmd is `punctual sendreports`.
type sendreportsCmd struct {
	Settings settings `embed:""`

	Once bool `help:"Mail what is due now, then end: for a timer. The mails wait in the database for a process that runs, such as serve."`
}

// Run mails reports and nags until ctx ends, or once.
func (c *sendreportsCmd) Run(ctx context.Context, w *world) error {
	if !c.Once {
		return runApp(ctx, w, app.SendReports, &c.Settings, app.Options{})
	}
	cfg, log, err := c.Settings.open(w)
	if err != nil {
		return err
	}
	round, err := app.ReportOnce(ctx, app.Options{Config: cfg, Log: log, Version: buildVersion()})
	if err != nil {
		return err
	}
	fmt.Fprintln(w.stdout, "queued", round)
	return nil
}
