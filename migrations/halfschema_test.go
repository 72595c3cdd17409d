package migrations_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/db"
	"punctual/migrations"
)

// perEngine runs a test on a fully migrated database of each engine.
func perEngine(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			d, _ := migrated(t, engine)
			test(t, d)
		})
	}
}

// refusal checks that the schema is refused by who migrates and who only looks,
// that nothing is changed by that, and that the error has all words.
func refusal(t *testing.T, d *db.DB, words ...string) {
	t.Helper()
	before := described(t, d)
	_, migrateErr := d.Migrate(t.Context(), migrations.FS)
	status, err := d.SchemaStatus(t.Context(), migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{migrateErr, status.Check()} {
		var differs *db.SchemaError
		if !errors.As(err, &differs) {
			t.Errorf("got %v, want an error about the schema", err)
			continue
		}
		// The message names the first differences only: with each migration there are more.
		text := err.Error() + strings.Join(differs.Status.Differences, "; ")
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("the error does not say %q: %v", word, err)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("the error has more than one line: %v", err)
		}
	}
	diff := cmp.Diff(before, described(t, d))
	if diff != "" {
		t.Errorf("changed nevertheless:\n%s", diff)
	}
}

func described(t *testing.T, d *db.DB) []string {
	t.Helper()
	lines, err := d.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// What `pg_restore --clean` leaves of an old dump in a newer database: the old
// tables, the old version, and the tables of the newer migrations.
func TestAHalfNewSchemaIsRefused(t *testing.T) {
	perEngine(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `DELETE FROM goose_db_version WHERE version_id > 4`)
		refusal(t, d, "schema version 4", "table walls is of a later version", "column channels.disabled_at is of a later version",
			"punctual restore")
	})
}

func TestADatabaseOfSomebodyElseIsRefused(t *testing.T) {
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			d := empty(t, engine)
			exec(t, d, `CREATE TABLE users (id integer PRIMARY KEY, login text)`)
			refusal(t, d, "version 0", "table users is of a later version", "empty database")
		})
	}
}

func TestWhatIsMissingOrChangedIsRefused(t *testing.T) {
	cases := []struct{ name, sqlite, postgres, word string }{
		{"a table", `DROP TABLE presence_before_takers`, "", "table presence_before_takers is missing"},
		{"a column", `ALTER TABLE users DROP COLUMN date_format`, "", "column users.date_format is missing"},
		{
			"an index", `DROP INDEX checks_watch`, "",
			"index checks_watch is missing (CREATE INDEX checks_watch ON checks (watch_at) WHERE watch_at IS NOT NULL)",
		},
		{
			"another index of that name", `DROP INDEX checks_watch; CREATE INDEX checks_watch ON checks (watch_at)`, "",
			`index checks_watch is "checks (watch_at)" instead of`,
		},
		{"a trigger", `DROP TRIGGER checks_delete_pings`, `DROP TRIGGER checks_delete_pings ON checks`, "trigger checks_delete_pings is missing"},
		{
			"a type", `ALTER TABLE presence_before_takers DROP COLUMN seen_at; ALTER TABLE presence_before_takers ADD COLUMN seen_at text NOT NULL DEFAULT ''`,
			`ALTER TABLE presence_before_takers ALTER COLUMN seen_at TYPE text`, "column presence_before_takers.seen_at is",
		},
		{
			"nullability", `ALTER TABLE walls DROP COLUMN name; ALTER TABLE walls ADD COLUMN name text`,
			`ALTER TABLE walls ALTER COLUMN name DROP NOT NULL`, `column walls.name is "text" instead of "text NOT NULL"`,
		},
		{
			"a default", `ALTER TABLE users DROP COLUMN date_format; ALTER TABLE users ADD COLUMN date_format text NOT NULL DEFAULT 'iso'`,
			`ALTER TABLE users ALTER COLUMN date_format SET DEFAULT 'iso'`, "column users.date_format is",
		},
		{
			"a column that must be given", `ALTER TABLE presence_before_takers DROP COLUMN seen_at; DROP TABLE presence_before_takers;
				CREATE TABLE presence_before_takers (id integer PRIMARY KEY, began_at integer NOT NULL, seen_at integer NOT NULL, mine text NOT NULL) STRICT`,
			`ALTER TABLE presence_before_takers ADD COLUMN mine text NOT NULL`, "column presence_before_takers.mine (text NOT NULL) is not ours and has no default",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			perEngine(t, func(t *testing.T, d *db.DB) {
				statement := c.sqlite
				if d.Engine == db.Postgres && c.postgres != "" {
					statement = c.postgres
				}
				exec(t, d, statement)
				refusal(t, d, c.word)
			})
		})
	}
}

func TestWhatOperatorsAddIsTheirs(t *testing.T) {
	perEngine(t, func(t *testing.T, d *db.DB) {
		for _, statement := range []string{
			`CREATE TABLE my_notes (id integer PRIMARY KEY, note text)`,
			`CREATE INDEX my_pings ON pings (created_at)`,
			`CREATE UNIQUE INDEX my_names ON walls (user_id, name)`,
			`ALTER TABLE projects ADD COLUMN cost_centre text`,
			`ALTER TABLE projects ADD COLUMN billed integer NOT NULL DEFAULT 0`,
			`CREATE VIEW my_checks AS SELECT name, status FROM checks`,
		} {
			exec(t, d, statement)
		}
		status, err := d.SchemaStatus(t.Context(), migrations.FS)
		if err != nil || status.Check() != nil {
			t.Errorf("refused: %v, %v", err, status.Check())
		}
		if applied, err := d.Migrate(t.Context(), migrations.FS); err != nil || len(applied) > 0 {
			t.Errorf("migrate: %v, %v", applied, err)
		}
	})
}

// The first version that could run made a schema without checks.watch_at and
// counted it as version 1: what migrates it later would never look at a deadline.
func TestTheFirstSchemaIsRepaired(t *testing.T) {
	for _, version := range []int{1, 6, 8} {
		for _, engine := range engines {
			d := empty(t, engine)
			if _, err := d.Migrate(t.Context(), first(t, engine, version)); err != nil {
				t.Fatal(err)
			}
			exec(t, d, `DROP INDEX checks_watch`)
			exec(t, d, `ALTER TABLE checks DROP COLUMN watch_at`)
			exec(t, d, `CREATE INDEX checks_alert ON checks (alert_at) WHERE alert_at IS NOT NULL AND status <> 'down'`)
			due := d.Now().Add(time.Hour)
			for n, status := range []string{"up", "down"} {
				id := string(rune('1' + n))
				exec(t, d, `INSERT INTO checks (code, badge_key, created_at, status, alert_at)
					VALUES ($1, $2, $3, $4, $5)`, "0190163d-8694-739b-aea5-966c26f8ad0"+id, "0190163d-8694-739b-aea5-966c26f8ad1"+id, d.Now(), status, due)
			}

			status, err := d.SchemaStatus(t.Context(), migrations.FS)
			if err != nil {
				t.Fatal(err)
			}
			if err := status.Check(); err == nil || !strings.Contains(err.Error(), "can be repaired") {
				t.Errorf("%s, version %d: %v, want that it can be repaired", engine, version, err)
			}
			applied, err := d.Migrate(t.Context(), migrations.FS)
			if err != nil || !slices.Contains(applied, "repairs/"+string(engine)+"/watch_at.sql") {
				t.Errorf("%s, version %d: applied %v, %v", engine, version, applied, err)
			}
			status, err = d.SchemaStatus(t.Context(), migrations.FS)
			if err != nil || status.Check() != nil {
				t.Errorf("%s, version %d, repaired: %v, %v", engine, version, err, status.Check())
			}
			n := len(texts(t, d, `SELECT 'x' FROM checks WHERE watch_at = alert_at AND status = 'up'`))
			if n != 1 {
				t.Errorf("%s, version %d: %d checks that are up are watched, want 1", engine, version, n)
			}
			if n := len(texts(t, d, `SELECT 'x' FROM checks WHERE watch_at IS NOT NULL AND status = 'down'`)); n != 0 {
				t.Errorf("%s, version %d: a check that is down is watched", engine, version)
			}
		}
	}
}

// A repair that does not lead to the whole schema is undone.
func TestARepairThatIsNotEnoughChangesNothing(t *testing.T) {
	perEngine(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `DROP INDEX checks_watch`)
		exec(t, d, `ALTER TABLE checks DROP COLUMN watch_at`)
		exec(t, d, `DROP TABLE presence_before_takers`)
		before := described(t, d)
		_, err := d.Migrate(t.Context(), migrations.FS)
		var differs *db.SchemaError
		if !errors.As(err, &differs) || !strings.Contains(err.Error(), "table presence_before_takers is missing") {
			t.Errorf("got %v, want that presence_before_takers is missing", err)
		}
		diff := cmp.Diff(before, described(t, d))
		if diff != "" {
			t.Errorf("changed nevertheless:\n%s", diff)
		}
	})
}
