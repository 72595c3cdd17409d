package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"punctual/internal/app"
	"punctual/internal/errs"
	"punctual/internal/status"
)

// statusCmd is `punctual status` (DESIGN §7): silent when all is well.
type statusCmd struct {
	Settings settings `embed:""`

	Check   []string `short:"c" placeholder:"NAME" help:"Run only these checks, by name or label."`
	Skip    []string `short:"s" placeholder:"NAME" help:"Leave these checks out."`
	Verbose bool     `short:"v" help:"Print each result as a line of JSON."`
}

// Run runs the self-checks: failures go to stderr, one line each.
func (c *statusCmd) Run(ctx context.Context, w *world) error {
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	checks, done := app.SelfChecks(cfg)
	defer done()
	report, err := checks.Run(ctx, c.Check, c.Skip)
	if err != nil {
		return usageError(errs.Message(err))
	}
	for _, r := range report.Results {
		if c.Verbose {
			printStatus(w, r)
		}
		if r.Severity == status.Error {
			fmt.Fprintf(w.stderr, "punctual: %s: %s\n", r.Name, r.Message())
		}
	}
	if !report.Healthy() {
		return errUnwell
	}
	return nil
}

// errUnwell ends `punctual status` with exit code 1; what is wrong has been said.
var errUnwell = errors.New("")

func printStatus(w *world, r status.Result) {
	line := struct {
		Name  string `json:"name"`
		OK    bool   `json:"ok"`
		Fact  string `json:"fact,omitempty"`
		Error string `json:"error,omitempty"`
		Took  string `json:"took"`
	}{r.Name, r.Severity < status.Error, r.Fact, "", r.Took.Round(time.Microsecond).String()}
	if r.Severity == status.Error {
		line.Error, line.Fact = r.Message(), ""
	}
	out, _ := json.Marshal(line) // texts and a bool
	fmt.Fprintf(w.stdout, "%s\n", out)
}
