package db_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
)

func TestStatementName(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT c.id FROM checks c WHERE c.code = $1`:                                             "select checks",
		"\n\tselect count(*)\nfrom pings":                                                         "select pings",
		`SELECT x FROM (SELECT id FROM flips) f`:                                                  "select flips",
		`SELECT (SELECT max(n) FROM pings p WHERE p.check_id = c.id) FROM checks c`:               "select pings",
		`INSERT INTO nodes (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.id`: "insert nodes",
		`UPDATE checks c SET status = 'from x' WHERE c.id = 1`:                                    "update checks",
		`DELETE FROM pings WHERE check_id = $1`:                                                   "delete pings",
		`WITH f AS (INSERT INTO flips (a) SELECT 1 RETURNING id) INSERT INTO deliveries SELECT 1`: "insert flips",
		`-- select from nothing` + "\nDELETE FROM sessions":                                       "delete sessions",
		`SELECT 'from here'`:                   "select",
		`begin isolation level read committed`: "begin",
		`COMMIT`:                               "commit",
		`NOTIFY punctual_checks`:               "notify",
		`CREATE TABLE x (y int)`:               "create",
		``:                                     "other",
		`EXPLAIN SELECT 1 FROM checks`:         "other",
		`SELECT 1 FROM ` + strings.Repeat("x", 500): "select " + strings.Repeat("x", 40),
		`SELECT 'never ends`:                        "select",
		`SELECT 1 FROM`:                             "select",
	} {
		got := db.StatementName(query)
		if got != want {
			t.Errorf("%q is called %q, want %q", query, got, want)
		}
	}
}

// heard collects what the hook is told.
type heard struct {
	mu sync.Mutex
	// statement → class of its last error
	class map[string]string
}

func (h *heard) hook(name string, took time.Duration, class string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if took < 0 {
		class = "negative time"
	}
	h.class[name] = class
}

func TestStatementsAreObserved(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
			if engine == db.Postgres {
				url = pgtest.DSN(t)
			}
			h := &heard{class: make(map[string]string)}
			ctx := t.Context()
			d, err := db.Open(ctx, url, db.Options{Observe: h.hook})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if _, err := d.Exec(ctx, `CREATE TABLE things (id integer PRIMARY KEY)`); err != nil {
				t.Fatal(err)
			}
			add := func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO things (id) VALUES (1)`)
				return err
			}
			if err := d.InTx(ctx, add); err != nil {
				t.Fatal(err)
			}
			if err := d.InTx(ctx, add); err == nil {
				t.Fatal("a key was used twice")
			}
			var n int
			if err := d.QueryRow(ctx, `SELECT id FROM things WHERE id = 7`).Scan(&n); !db.IsNoRows(err) {
				t.Fatal(err)
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			for name, want := range map[string]string{"create": "", "begin": "", "commit": "", "insert things": "constraint", "select things": ""} {
				class, ok := h.class[name]
				if !ok || class != want {
					t.Errorf("%q: class %q (told: %v), want %q; heard %v", name, class, ok, want, h.class)
				}
			}
		})
	}
}

func TestPoolsAndFile(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Exec(ctx, `CREATE TABLE things (id integer PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	pools := d.Pools()
	if len(pools) != 2 || pools[1].Name != "write" || pools[1].Max != 1 || pools[1].Open != 1 {
		t.Errorf("pools %+v, want those of readers and of the one writer", pools)
	}
	s, err := d.FileStats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s.WALFrames == 0 || s.WALSize < s.WALFrames*s.PageLength || s.Pages == 0 || s.WALCheckpointed > s.WALFrames {
		t.Errorf("%+v does not fit together after a write", s)
	}
}

func TestErrorClass(t *testing.T) {
	for err, want := range map[error]string{
		nil: "", context.Canceled: "canceled", context.DeadlineExceeded: "timeout", errors.New("x"): "other",
	} {
		got := db.ErrorClass(err)
		if got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}

func TestATallyCountsItsOwnStatements(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var tally db.Tally
		ctx := db.WithTally(t.Context(), &tally)
		// not in the tally
		exec(t, d, `CREATE TABLE things (id integer PRIMARY KEY)`)
		err := d.InTx(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO things (id) VALUES (1)`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := d.QueryRow(ctx, `SELECT count(*) FROM things`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		// begin, insert, commit, select
		got := tally.Statements()
		if got != 4 || tally.Took() <= 0 {
			t.Errorf("%d statements in %s, want 4", got, tally.Took())
		}
	})
}
