package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"punctual/internal/app"
	"punctual/internal/config"
	"punctual/internal/errs"
	"punctual/internal/status"
	webstatus "punctual/web/status"
)

// statusCmd is `punctual status` (DESIGN §7): silent when all is well. With
// --url it asks a running server instead of looking itself.
type statusCmd struct {
	Settings settings `embed:""`

	Check   []string      `short:"c" placeholder:"NAME" help:"Run only these checks, by name or label."`
	Skip    []string      `short:"s" placeholder:"NAME" help:"Leave these checks out."`
	Verbose bool          `short:"v" help:"Print each result as a line of JSON, warnings and what is well included."`
	URL     string        `name:"url" placeholder:"URL" help:"Ask a running server: its address, or that of one of /status/, /status/ping/, /status/bare/, /livez and /readyz. A path alone is a page of the server on this machine with these settings. The first of the status tokens is sent."`
	Timeout time.Duration `default:"5s" help:"How long to wait for the server that --url names."`
}

// Run tells what is wrong on stderr, one line each.
func (c *statusCmd) Run(ctx context.Context, w *world) error {
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	if c.URL != "" {
		return c.ask(ctx, w, cfg)
	}
	return c.look(ctx, w, cfg)
}

// look runs the self-checks in this process.
func (c *statusCmd) look(ctx context.Context, w *world, cfg *config.Config) error {
	checks, done := app.SelfChecks(cfg)
	defer done()
	report, err := checks.Run(ctx, c.Check, c.Skip)
	if err != nil {
		return usageError(errs.Message(err))
	}
	c.tell(w, webstatus.Checks(report, cfg.Redactor()))
	if !report.Healthy() {
		return errUnwell
	}
	return nil
}

// tell prints what is wrong, and everything when it is to be verbose.
func (c *statusCmd) tell(w *world, checks []webstatus.Check) {
	for i := range checks {
		if c.Verbose {
			line, _ := json.Marshal(checks[i]) // texts and numbers
			fmt.Fprintf(w.stdout, "%s\n", line)
		}
		if checks[i].Status == status.Error.String() {
			fmt.Fprintf(w.stderr, "punctual: %s: %s\n", checks[i].Name, checks[i].Message())
		}
	}
}

// errUnwell ends `punctual status` with exit code 1; what is wrong has been said.
var errUnwell = errors.New("")
