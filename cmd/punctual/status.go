package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"punctual/internal/app"
	"punctual/internal/config"
	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/status"
	"punctual/internal/store"
	webstatus "punctual/web/status"
)

// statusCmd is `punctual status`: silent when all is well. With
// --url it asks a running server instead of looking itself.
type statusCmd struct {
	Settings settings `embed:""`

	Check   []string      `short:"c" placeholder:"NAME" help:"Run only these checks, by name or label."`
	Skip    []string      `short:"s" placeholder:"NAME" help:"Leave these checks out."`
	Role    string        `placeholder:"ROLE" help:"Only tell whether a process of this role runs on this host: serve, sendalerts, sendreports, smtpd, prune or up. For the health check of a container."`
	Verbose bool          `short:"v" help:"Print each result as a line of JSON, warnings and what is well included."`
	URL     string        `name:"url" placeholder:"URL" help:"Ask a running server: its address, or that of one of /status/, /status/ping/, /status/bare/, /livez and /readyz. A path alone is a page of the server on this machine with these settings. The first of the status tokens is sent."`
	Timeout time.Duration `default:"5s" help:"How long to wait for the server that --url names."`

	AcknowledgeLoss bool `name:"acknowledge-loss" help:"SQLite: you know that the database has lost commits; say so no more."`
}

// Run tells what is wrong on stderr, one line each.
func (c *statusCmd) Run(ctx context.Context, w *world) error {
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	if c.AcknowledgeLoss {
		return acknowledgeLoss(w, cfg)
	}
	if c.URL != "" {
		return c.ask(ctx, w, cfg)
	}
	if c.Role != "" {
		return c.runsHere(ctx, cfg)
	}
	return c.look(ctx, w, cfg)
}

// runsHere looks for a sign of life of a process of the role on this host.
func (c *statusCmd) runsHere(ctx context.Context, cfg *config.Config) error {
	role, err := app.ParseRole(c.Role)
	if err != nil {
		return usageError(err.Error())
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("the name of this host: %w", err)
	}
	s, done, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	nodes, err := s.Nodes(ctx, s.Now().Add(-store.NodeTimeout))
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if node.Role == string(role) && node.Host == host {
			return nil
		}
	}
	return fmt.Errorf("no %q process on %s has been seen for %s", "punctual "+c.Role, host, store.NodeTimeout)
}

// acknowledgeLoss ends that a loss of commits is told.
func acknowledgeLoss(w *world, cfg *config.Config) error {
	loss, err := db.AcknowledgeLoss(cfg.SQLitePath())
	switch {
	case err != nil:
		return err
	case cfg.SQLitePath() == "" || loss == nil:
		fmt.Fprintln(w.stdout, "nothing to acknowledge")
	default:
		fmt.Fprintf(w.stdout, "acknowledged: %d commits were lost, noticed at %s\n", loss.Missing,
			loss.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	return nil
}

// look runs the self-checks in this process.
func (c *statusCmd) look(ctx context.Context, w *world, cfg *config.Config) error {
	checks, done := app.SelfChecks(cfg)
	defer done()
	report, err := checks.Run(ctx, c.Check, c.Skip)
	if err != nil {
		return usageError(errs.Message(err))
	}
	c.print(w, webstatus.Checks(report, cfg.Redactor()))
	if !report.Healthy() {
		return errUnwell
	}
	return nil
}

// print prints what is wrong, and everything when it is to be verbose.
func (c *statusCmd) print(w *world, checks []webstatus.Check) {
	for i := range checks {
		if c.Verbose {
			// texts and numbers
			line, _ := json.Marshal(checks[i])
			fmt.Fprintf(w.stdout, "%s\n", line)
		}
		if checks[i].Status == status.Error.String() {
			fmt.Fprintf(w.stderr, "punctual: %s: %s\n", checks[i].Name, checks[i].Message())
		}
	}
}

// errUnwell ends `punctual status` with exit code 1; what is wrong has been said.
var errUnwell = errors.New("")
