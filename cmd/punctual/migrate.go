package main

import (
	"context"
	"fmt"

	"punctual/internal/app"
	"punctual/internal/db"
	"punctual/migrations"
)

// migrateCmd is `punctual migrate [up|status]`.
type migrateCmd struct {
	Settings settings `embed:""`

	Action string `arg:"" optional:"" default:"up" enum:"up,status" help:"up brings the database to this program's schema; status tells where it stands."`
}

// Run migrates or tells the state of the schema; status fails when the schema
// does not fit.
func (c *migrateCmd) Run(ctx context.Context, w *world) error {
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	log, err := newLog(w, cfg)
	if err != nil {
		return err
	}
	d, err := app.OpenWhenStarted(ctx, cfg, log, db.Options{MustExist: c.Action == "status"})
	if err != nil {
		return err
	}
	defer d.Close()
	if c.Action == "status" {
		return migrationStatus(ctx, w, d)
	}
	applied, err := d.Migrate(ctx, migrations.FS)
	for _, name := range applied {
		fmt.Fprintf(w.stdout, "applied %s\n", name)
	}
	if err == nil && len(applied) == 0 {
		fmt.Fprintln(w.stdout, "nothing to do, the schema is current")
	}
	return err
}

func migrationStatus(ctx context.Context, w *world, d *db.DB) error {
	status, err := d.SchemaStatus(ctx, migrations.FS)
	if err != nil {
		return err
	}
	fmt.Fprintf(w.stdout, "schema version %d, this program needs %d\n", status.Current, status.Target)
	for _, name := range status.Pending {
		fmt.Fprintf(w.stdout, "pending %s\n", name)
	}
	return status.Check()
}
