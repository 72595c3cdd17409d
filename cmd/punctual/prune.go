package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"punctual/internal/app"
	"punctual/internal/logs"
	"punctual/internal/prune"
	"punctual/internal/store"
)

// dryRun is the flag that the four prune commands share.
type dryRun struct {
	DryRun bool `name:"dry-run" help:"Only list what would be removed."`
}

// pruneCmd is `punctual prune`: all four, where neither cron nor a timer calls them.
type pruneCmd struct {
	Settings settings `embed:""`
	dryRun   `embed:""`

	Once bool `help:"Run each prune once, then end."`
}

// Run prunes until ctx ends, or once. A dry run is one that ends.
func (c *pruneCmd) Run(ctx context.Context, w *world) error {
	if !c.Once && !c.DryRun {
		return runApp(ctx, w, app.Prune, &c.Settings, app.Options{})
	}
	return errors.Join(
		(&prunechecksCmd{c.Settings, c.dryRun}).Run(ctx, w),
		(&prunepingsCmd{c.Settings, c.dryRun}).Run(ctx, w),
		(&pruneemailsCmd{c.Settings, c.dryRun}).Run(ctx, w),
		(&pruneusersCmd{c.Settings, c.dryRun}).Run(ctx, w),
	)
}

// prunepingsCmd is `punctual prunepings`.
type prunepingsCmd struct {
	Settings settings `embed:""`
	dryRun   `embed:""`
}

// Run removes old pings, deliveries, flips and unknown runs.
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

// Run warns the owners of accounts that nobody uses, and removes those that were
// warned a week ago. The mails are sent by the processes that run; without any they
// wait, and nobody is removed.
func (c *pruneusersCmd) Run(ctx context.Context, w *world) error {
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	log, err := newLog(w, cfg)
	if err != nil {
		return err
	}
	s, done, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	post, err := newPost(cfg, s)
	if err != nil {
		return err
	}
	o := prune.Options{
		DryRun: c.DryRun, Report: lines(w.stdout), Log: logs.In(log, logs.Prune),
		Warn: &prune.Warnings{Composer: post.composer, Queue: post.queue, SiteRoot: cfg.SiteRoot},
	}
	return printPruned(w, o, func() (prune.Result, error) { return prune.Users(ctx, s, o) })
}

func lines(out io.Writer) func(string) {
	return func(line string) { fmt.Fprintln(out, line) }
}

// runPrune prunes and prints what was removed, also where it ends with an error.
func runPrune(ctx context.Context, w *world, given *settings, dry dryRun,
	job func(context.Context, *store.Store, prune.Options) (prune.Result, error)) error {
	cfg, err := given.load(w)
	if err != nil {
		return err
	}
	s, done, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	o := prune.Options{DryRun: dry.DryRun, Report: lines(w.stdout)}
	return printPruned(w, o, func() (prune.Result, error) { return job(ctx, s, o) })
}

func printPruned(w *world, o prune.Options, job func() (prune.Result, error)) error {
	result, err := job()
	verb := "removed"
	if o.DryRun {
		verb = "would remove"
	}
	if err == nil || result.Total() > 0 {
		fmt.Fprintf(w.stdout, "%s %s\n", verb, result)
	}
	return err
}
