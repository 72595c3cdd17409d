package main

import (
	"context"
	"errors"
	"fmt"
)

// serveCmd is `punctual serve`.
type serveCmd struct {
	Settings settings `embed:""`

	PrintConfig bool `name:"print-config" help:"Print the settings, without secrets, and where each came from; then end."`
}

// Run serves until ctx ends.
func (c *serveCmd) Run(_ context.Context, w *world) error {
	if c.PrintConfig {
		return c.printConfig(w)
	}
	if _, _, err := c.Settings.open(w); err != nil {
		return err
	}
	return errors.New("serve: this build has no servers yet")
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
