package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"punctual/internal/store"
	"punctual/internal/text"
)

// alertsCmd is `punctual alerts …`.
type alertsCmd struct {
	Show    alertsShowCmd    `cmd:"" default:"withargs" help:"Tell whether they are held; the same without \"show\"."`
	Hold    alertsHoldCmd    `cmd:"" help:"Hold all: checks go down and up as ever, and nobody is told."`
	Release alertsReleaseCmd `cmd:"" help:"Send alerts again: what is still true is told."`
}

// alertsShowCmd is `punctual alerts show`.
type alertsShowCmd struct {
	Settings settings `embed:""`
}

// Run prints whether alerts are held, by whom and until when.
func (c *alertsShowCmd) Run(ctx context.Context, w *world) error {
	return onAlerts(ctx, &c.Settings, w, func(st *store.Store, _ *slog.Logger) error {
		hold, err := st.AlertHold(ctx)
		if err != nil {
			return err
		}
		if hold == nil {
			fmt.Fprintln(w.stdout, "Alerts are sent.")
			return nil
		}
		fmt.Fprintf(w.stdout, "%s holds all alerts since %s, %s.\n", hold.By, hold.Began.UTC().Format(utcSeconds), untilWhen(hold.Ends))
		if hold.Note != "" {
			fmt.Fprintf(w.stdout, "Note: %s\n", hold.Note)
		}
		return nil
	})
}

// untilWhen says when a hold ends.
func untilWhen(ends time.Time) string {
	if ends.IsZero() {
		return "until they are released"
	}
	return "until " + ends.UTC().Format(utcSeconds)
}

// alertsHoldCmd is `punctual alerts hold`.
type alertsHoldCmd struct {
	Settings settings `embed:""`

	For  time.Duration `placeholder:"TIME" help:"Release them by themselves after this time, such as 2h; without it they are held until they are released."`
	Note string        `placeholder:"TEXT" help:"What for; operators see it."`
}

// Run holds all alerts.
func (c *alertsHoldCmd) Run(ctx context.Context, w *world) error {
	if c.For < 0 {
		return usageError("--for must be a time such as 30m or 2h")
	}
	return onAlerts(ctx, &c.Settings, w, func(st *store.Store, log *slog.Logger) error {
		var ends time.Time
		if c.For > 0 {
			ends = st.Now().Add(c.For)
		}
		by := cmp.Or(w.env["SUDO_USER"], w.env["USER"], "somebody") + " (command line)"
		note := text.Clip(text.OneLine(c.Note), store.MaxHoldNote)
		if err := st.HoldAlerts(ctx, by, note, ends); err != nil {
			return err
		}
		log.Warn("all alerts are held", "by", by, "until", ends, "note", note)
		fmt.Fprintf(w.stdout, "All alerts are held, %s.\n", untilWhen(ends))
		return nil
	})
}

// alertsReleaseCmd is `punctual alerts release`.
type alertsReleaseCmd struct {
	Settings settings `embed:""`
}

// Run releases alerts.
func (c *alertsReleaseCmd) Run(ctx context.Context, w *world) error {
	return onAlerts(ctx, &c.Settings, w, func(st *store.Store, log *slog.Logger) error {
		released, err := st.ReleaseAlerts(ctx)
		if err != nil {
			return err
		}
		if !released {
			fmt.Fprintln(w.stdout, "Alerts were not held.")
			return nil
		}
		log.Warn("alerts are released")
		fmt.Fprintln(w.stdout, "Alerts are released: what is still true is told now.")
		return nil
	})
}

// onAlerts does something in the database that the settings name. What changes something is
// logged.
func onAlerts(ctx context.Context, given *settings, w *world, do func(*store.Store, *slog.Logger) error) error {
	cfg, log, err := given.open(w)
	if err != nil {
		return err
	}
	st, done, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	return do(st, log)
}
