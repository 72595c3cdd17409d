package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"punctual/internal/app"
	"punctual/internal/backup"
)

// standard is the name of standard input and output.
const standard = "-"

// backupCmd is `punctual backup`.
type backupCmd struct {
	Settings settings `embed:""`

	File string `arg:"" optional:"" help:"File to write; - is standard output."`
	Dir  string `placeholder:"PATH" help:"Write to this directory under a name with the time, and remove old backups there. Without a file, backup-dir is meant."`
	Keep int    `default:"-1" placeholder:"N" help:"Backups kept in the directory, 0 for all; backup-keep when not given."`
}

// Run makes one backup and says where it is.
func (c *backupCmd) Run(ctx context.Context, w *world) error {
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	if c.Dir == "" && c.File == "" {
		c.Dir = cfg.BackupDir
	}
	b, err := app.Backups(cfg, buildVersion(), w.environ())
	if err != nil {
		return err
	}
	var made backup.Result
	switch {
	case c.File == "" && c.Dir == "":
		return usageError("name a file for the backup, or a directory with --dir or PUNCTUAL_BACKUP_DIR")
	case c.File != "" && c.Dir != "":
		return usageError("name either a file or a directory with --dir, not both")
	case c.File != "" && c.Keep >= 0:
		return usageError("--keep is for a directory, with --dir: a file by its name has no older ones")
	case c.File == standard:
		if isTerminal(w.stdout) {
			return usageError("a backup is no text: send standard output to a file, as in punctual backup - > punctual.backup")
		}
		made, err = b.ToStream(ctx, w.stdout)
	case c.File != "":
		made, err = b.ToFile(ctx, c.File)
	default:
		keep := c.Keep
		if keep < 0 {
			keep = cfg.BackupKeep
		}
		made, err = b.ToDir(ctx, c.Dir, keep)
	}
	if err != nil {
		return err
	}
	c.report(w, made)
	return nil
}

func (c *backupCmd) report(w *world, made backup.Result) {
	out := w.stdout
	if made.Path == "" {
		out = w.stderr
		made.Path = "standard output"
	}
	fmt.Fprintf(out, "wrote %s, %d bytes, checked\n", made.Path, made.Size)
	for _, path := range made.Removed {
		fmt.Fprintf(out, "removed %s\n", path)
	}
	if made.Note != "" {
		fmt.Fprintln(w.stderr, made.Note)
	}
}

// restoreCmd is `punctual restore`.
type restoreCmd struct {
	Settings settings `embed:""`

	File  string `arg:"" help:"Backup to read; - is standard input."`
	Force bool   `help:"SQLite: put the database that is there aside, under another name."`
}

// Run makes the database of the settings from a backup.
func (c *restoreCmd) Run(ctx context.Context, w *world) error {
	cfg, err := c.Settings.load(w)
	if err != nil {
		return err
	}
	b, err := app.Backups(cfg, buildVersion(), w.environ())
	if err != nil {
		return err
	}
	var done backup.Restored
	if c.File == standard {
		done, err = b.RestoreStream(ctx, w.stdin, c.Force)
	} else {
		done, err = b.Restore(ctx, c.File, c.Force)
	}
	for _, path := range done.Aside {
		fmt.Fprintf(w.stdout, "put aside as %s\n", path)
	}
	if err != nil {
		return err
	}
	if done.MadeAt.IsZero() {
		fmt.Fprintln(w.stdout, "restored")
	} else {
		fmt.Fprintf(w.stdout, "restored the backup of %s\n", done.MadeAt.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	for _, note := range done.Notes {
		fmt.Fprintln(w.stderr, note)
	}
	return nil
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// environ is the environment as programs take it.
func (w *world) environ() []string {
	lines := make([]string, 0, len(w.env))
	for name, value := range w.env {
		lines = append(lines, name+"="+value)
	}
	return lines
}
