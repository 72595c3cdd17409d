package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// repairMark begins the first line of a repair: the difference by which it is
// recognized, as SchemaStatus tells it.
const repairMark = "-- mends: "

// repairFor is the name of the repair for one of the differences, "" for none.
// Repairs are repairs/ENGINE/NAME.sql of the migrations: statements for schemas
// that a release has made once and no migration leads away from.
func (d *DB) repairFor(fsys fs.FS, differences []string) (string, error) {
	names, err := fs.Glob(fsys, "repairs/"+string(d.Engine)+"/*.sql")
	if err != nil {
		return "", fmt.Errorf("repairs of %s: %w", d.Engine, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return "", fmt.Errorf("repairs of %s: %w", d.Engine, err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		mended, ok := strings.CutPrefix(first, repairMark)
		if ok && slices.Contains(differences, mended) {
			return name, nil
		}
	}
	return "", nil
}

// errRepaired ends the transaction of a repair that another process has done.
var errRepaired = errors.New("repaired by another process")

// repairLock keeps two processes from repairing at once on PostgreSQL; SQLite has
// one writer.
const repairLock = 0x70756e63

// repair runs the repair that status names. It commits only if no difference is
// left; else nothing has happened, and the error tells the differences.
func (d *DB) repair(ctx context.Context, fsys fs.FS, status SchemaStatus) error {
	known, err := readFingerprints(fsys, d.Engine)
	if err != nil {
		return err
	}
	text, err := fs.ReadFile(fsys, status.Repair)
	if err != nil {
		return fmt.Errorf("repair %s: %w", status.Repair, err)
	}
	differences := func(t *Tx) ([]string, error) {
		found, err := d.schemaItems(ctx, t.tx)
		return known[status.Current].compare(found, known[status.Current+1:]), err
	}
	err = d.InTx(ctx, func(t *Tx) error {
		if d.Engine == Postgres {
			_, err := t.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, repairLock)
			if err != nil {
				return err
			}
		}
		left, err := differences(t)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return errRepaired
		}
		_, err = t.Exec(ctx, string(text))
		if err != nil {
			return fmt.Errorf("repair %s: %w", status.Repair, err)
		}
		left, err = differences(t)
		if err == nil && len(left) > 0 {
			status.Repair = ""
			status.Differences = left
			return status.Check()
		}
		return err
	})
	if errors.Is(err, errRepaired) {
		return nil
	}
	return err
}
