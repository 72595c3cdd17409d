package main

import (
	"context"
	"fmt"

	"punctual/internal/prune"
	"punctual/internal/store"
)

// dryRun is the flag that the four prune commands share.
type dryRun struct {
	DryRun bool `name:"dry-run" help:"Only tell what would be removed."`
}

// prunepingsCmd is `punctual prunepings`.
type prunepingsCmd struct {
	Settings settings `embed:""`
	dryRun   `embed:""`
}

// Run removes old pings, deliveries and flips.
func (c *prunepingsCmd) Run(ctx context.Context, w *world) error {
	return runPrune(ctx, w, &c.Settings, c.dryRun, prune.Pings)
}

// prunechecksCmd is `punctual prunechecks`.
type prunechecksCmd struct {
	Settings settings `embed:""`
	dryRun   `embed:""`
}

// Run removes checks that visitors left behind.
func (c *prunechecksCmd) Run(ctx context.Context, w *world) error {
	return runPrune(ctx, w, &c.Settings, c.dryRun, prune.Checks)
}

// pruneemailsCmd is `punctual pruneemails`.
type pruneemailsCmd struct {
	Settings settings `embed:""`
	dryRun   `embed:""`
}

// Run removes old records of mail, sessions and rate limits.
func (c *pruneemailsCmd) Run(ctx context.Context, w *world) error {
	return runPrune(ctx, w, &c.Settings, c.dryRun, prune.Emails)
}

// pruneusersCmd is `punctual pruneusers`.
type pruneusersCmd struct {
	Settings settings `embed:""`
	dryRun   `embed:""`
}

// Run removes accounts that nobody uses.
func (c *pruneusersCmd) Run(ctx context.Context, w *world) error {
	return runPrune(ctx, w, &c.Settings, c.dryRun, prune.Users)
}

// runPrune prunes and prints what was removed, also where it ends with an error.
func runPrune(ctx context.Context, w *world, given *settings, dry dryRun, job func(context.Context, *store.Store, prune.Options) (prune.Result, error)) error {
	cfg, err := given.load(w)
	if err != nil {
		return err
	}
	s, done, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	result, err := job(ctx, s, prune.Options{DryRun: dry.DryRun, Report: func(line string) { fmt.Fprintln(w.stdout, line) }})
	verb := "removed"
	if dry.DryRun {
		verb = "would remove"
	}
	if err == nil || result.Total() > 0 {
		fmt.Fprintf(w.stdout, "%s %s\n", verb, result)
	}
	return err
}
