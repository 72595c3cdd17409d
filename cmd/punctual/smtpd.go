package main

import (
	"context"

	"punctual/internal/app"
)

// smtpdCmd is `punctual smtpd`.
type smtpdCmd struct {
	Settings settings `embed:""`
}

// Run takes pings by e-mail until ctx ends.
func (c *smtpdCmd) Run(ctx context.Context, w *world) error {
	return runApp(ctx, w, app.SMTPD, &c.Settings, app.Options{})
}
