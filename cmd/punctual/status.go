package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/migrations"
)

// statusCmd is `punctual status` (DESIGN §7): silent when all is well.
type statusCmd struct {
	Settings settings `embed:""`

	Check   []string `short:"c" placeholder:"NAME" help:"Run only these checks: database, migrations, sendalerts."`
	Skip    []string `short:"s" placeholder:"NAME" help:"Leave these checks out."`
	Verbose bool     `short:"v" help:"Print each result as a line of JSON."`
}

// Run runs the self-checks: failures go to stderr, one line each.
func (c *statusCmd) Run(ctx context.Context, w *world) error {
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*status.Timeout)
	defer cancel()
	var opened *store.Store
	open := sync.OnceValues(func() (*store.Store, error) {
		d, err := db.Open(ctx, cfg.DatabaseURL, db.Options{MaxConns: 4, ReadOnly: true})
		if err != nil {
			return nil, err
		}
		opened = store.New(d)
		return opened, nil
	})
	checks, err := status.Select(status.Checks(func(context.Context) (*store.Store, error) { return open() }, migrations.FS), c.Check, c.Skip)
	if err != nil {
		return usageError(errs.Message(err))
	}
	results := status.Run(ctx, checks)
	if opened != nil {
		defer opened.DB().Close()
	}
	failed := 0
	for _, r := range results {
		if c.Verbose {
			printStatus(w, r)
		}
		if r.Err != nil {
			failed++
			fmt.Fprintf(w.stderr, "punctual: %s: %v\n", r.Name, r.Err)
		}
	}
	if failed > 0 {
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
	}{r.Name, r.Err == nil, r.Fact, "", r.Took.Round(time.Microsecond).String()}
	if r.Err != nil {
		line.Error, line.Fact = r.Err.Error(), ""
	}
	out, _ := json.Marshal(line) // texts and a bool
	fmt.Fprintf(w.stdout, "%s\n", out)
}
