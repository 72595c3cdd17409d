package main

import (
	"context"
	"fmt"

	"punctual/internal/app"
)

// serveCmd is `punctual serve`.
type serveCmd struct {
	Settings settings `embed:""`

	PrintConfig bool `name:"print-config" help:"Print the settings, without secrets, and where each came from; then end."`
	Dev         bool `help:"For work on the pages: read templates, styles and scripts from the checkout in the working directory for each request."`
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, w *world) error {
	if c.PrintConfig {
		return c.printConfig(w)
	}
	return runApp(ctx, w, app.Serve, &c.Settings, app.Options{Dev: c.Dev})
}

// printConfig makes nothing: no database, no secret key.
func (c *serveCmd) printConfig(w *world) error {
	config, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	for _, warning := range config.Warnings() {
		fmt.Fprintf(w.stderr, "punctual: warning: %s\n", warning)
	}
	return config.Print(w.stdout)
}

// sendalertsCmd is `punctual sendalerts`.
type sendalertsCmd struct {
	Settings settings `embed:""`
}

// Run watches deadlines and sends alerts until ctx ends.
func (c *sendalertsCmd) Run(ctx context.Context, w *world) error {
	return runApp(ctx, w, app.SendAlerts, &c.Settings, app.Options{})
}

// upCmd is `punctual up`: everything in one process.
type upCmd struct {
	Settings settings `embed:""`

	Demo bool `help:"Show a believable instance in a database of its own, data/demo/punctual.db when none is named. Nothing leaves the machine."`
	Dev  bool `help:"For work on the pages: read templates, styles and scripts from the checkout in the working directory for each request."`
}

// demoDatabase is where a demo is kept when no database is named.
const demoDatabase = "sqlite:./data/demo/punctual.db"

// Run migrates, then runs everything until ctx ends.
func (c *upCmd) Run(ctx context.Context, w *world) error {
	if c.Demo && c.Settings.given["database-url"] == "" && w.env["PUNCTUAL_DATABASE_URL"] == "" && w.env["PUNCTUAL_DATABASE_URL_FILE"] == "" {
		c.Settings.given["database-url"] = demoDatabase
	}
	return runApp(ctx, w, app.Up, &c.Settings, app.Options{Dev: c.Dev, Demo: c.Demo})
}

// runApp is what the commands that keep running have in common.
func runApp(ctx context.Context, w *world, role app.Role, s *settings, opts app.Options) error {
	sockets, err := app.TakeSockets(role)
	if err != nil {
		return err
	}
	ignored := s.listenOn(w, sockets)
	cfg, log, err := s.open(w)
	if err != nil {
		return err
	}
	for _, warning := range ignored {
		log.Warn(warning)
	}
	opts.Config = cfg
	opts.Log = log
	opts.Version = buildVersion()
	opts.Env = w.environ()
	opts.Sockets = sockets
	return app.Run(ctx, role, opts)
}
