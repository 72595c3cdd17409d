package migrations_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/migrations"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var engines = []db.Engine{db.SQLite, db.Postgres}

// migrated makes a database with the whole schema. It returns its address as
// database/sql wants it, too.
func migrated(t *testing.T, engine db.Engine) (d *db.DB, dsn string) {
	t.Helper()
	var url string
	if engine == db.Postgres {
		dsn = pgtest.DSN(t)
		url = dsn
	} else {
		path := filepath.Join(t.TempDir(), "test.db")
		url = "sqlite:" + path
		dsn = "file:" + path + "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	}
	d, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	up(t, d)
	return d, dsn
}

func up(t *testing.T, d *db.DB) {
	t.Helper()
	_, err := d.Migrate(t.Context(), migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
}

func TestMigrationsAreNumberedWithoutGapsOnBothEngines(t *testing.T) {
	var names [2][]string
	for i, engine := range engines {
		entries, err := fs.ReadDir(migrations.FS, string(engine))
		if err != nil {
			t.Fatal(err)
		}
		for n, e := range entries {
			names[i] = append(names[i], e.Name())
			want := fmt.Sprintf("%05d_", n+1)
			if !strings.HasPrefix(e.Name(), want) || !regexp.MustCompile(`^\d{5}_[a-z0-9_]+\.sql$`).MatchString(e.Name()) {
				t.Errorf("%s/%s: its name is to begin with %s and end with .sql", engine, e.Name(), want)
			}
			text, err := fs.ReadFile(migrations.FS, string(engine)+"/"+e.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, mark := range []string{"-- +goose Up\n", "-- +goose Down\n"} {
				if strings.Count(string(text), mark) != 1 {
					t.Errorf("%s/%s: needs one %q", engine, e.Name(), mark)
				}
			}
			if strings.Contains(string(text), "+goose NO TRANSACTION") {
				t.Errorf("%s/%s: a migration runs in a transaction, so that one cut off leaves nothing behind", engine, e.Name())
			}
		}
	}
	diff := cmp.Diff(names[0], names[1])
	if diff != "" || len(names[0]) == 0 {
		t.Errorf("files (-%s +%s):\n%s", engines[0], engines[1], diff)
	}
}

func TestBothEnginesHaveTheSameSchema(t *testing.T) {
	lite, _ := migrated(t, db.SQLite)
	pg, _ := migrated(t, db.Postgres)
	liteSchema := schemaOf(t, lite)
	pgSchema := schemaOf(t, pg)
	// With it a file beside an SQLite database tells whether its log was cut off.
	// The server of PostgreSQL needs no such thing.
	delete(liteSchema, "commit_mark")
	if len(pgSchema) < 15 {
		t.Fatalf("only %d tables were found", len(pgSchema))
	}
	diff := cmp.Diff(liteSchema, pgSchema)
	if diff != "" {
		t.Errorf("schema (-SQLite +PostgreSQL):\n%s", diff)
	}
}

func TestASchemaGoesDownAndUpAgain(t *testing.T) {
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			d, dsn := migrated(t, engine)
			before := schemaOf(t, d)
			exec(t, d, `INSERT INTO users (id, email, created_at) VALUES ('0190163d-8694-739b-aea5-966c26f8ad91', 'a@example.org', $1)`, d.Now())
			exec(t, d,
				`INSERT INTO checks (code, badge_key, created_at) VALUES ('0190163d-8694-739b-aea5-966c26f8ad92', '0190163d-8694-739b-aea5-966c26f8ad93', $1)`, d.Now())
			exec(t, d, `INSERT INTO flips (check_id, created_at, old_status, new_status) SELECT id, created_at, 'new', 'up' FROM checks`)
			down(t, engine, dsn)
			left := schemaOf(t, d)
			if len(left) != 0 {
				t.Errorf("left after going down: %v", left)
			}
			up(t, d)
			diff := cmp.Diff(before, schemaOf(t, d))
			if diff != "" {
				t.Errorf("schema (-first +second time):\n%s", diff)
			}
		})
	}
}

// Accounts that operators made before it was noted are known by what is in them.
func TestAccountsOfOperatorsAreKnownAfterAnUpgrade(t *testing.T) {
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			d, dsn := migrated(t, engine)
			downTo(t, engine, dsn, 9)
			user := func(n int, email string, superuser bool, login time.Time) string {
				id := fmt.Sprintf("0190163d-8694-739b-aea5-%012d", n)
				exec(t, d, `INSERT INTO users (id, email, is_superuser, created_at, last_login_at) VALUES ($1, $2, $3, $4, $5)`, id, email, superuser,
					noon, login)
				return id
			}
			project := func(owner, name, key string) {
				exec(t, d, `INSERT INTO projects (id, owner_id, name, api_key, badge_key, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
					strings.Replace(owner, "0190", "0191", 1), owner, name, key, owner, noon)
			}
			project(user(1, "signed-up@example.org", false, time.Time{}), "My project", "")
			project(user(2, "logged-in@example.org", false, noon.Add(time.Hour)), "My project", "key")
			user(3, "guest@example.org", false, time.Time{})
			user(4, "root@example.org", true, time.Time{})
			project(user(5, "provisioned@example.org", false, time.Time{}), "My project", "key")
			project(user(6, "renamed@example.org", false, noon.Add(time.Hour)), "Production", "")
			exec(t, d,
				`INSERT INTO account_tokens (id, user_id, name, token_hash, created_at) SELECT id, id, 'Terraform', 'h', created_at FROM users WHERE id = $1`, user(7, "token@example.org", false, time.Time{}))
			up(t, d)
			got := texts(t, d, `SELECT email FROM users WHERE by_operator ORDER BY email`)
			want := []string{"provisioned@example.org", "renamed@example.org", "root@example.org", "token@example.org"}
			if !slices.Equal(got, want) {
				t.Errorf("made by an operator: %q, want %q", got, want)
			}
		})
	}
}

// Who had unsubscribed before refusals were kept stays unsubscribed, whatever
// characters JSON escapes in the address.
func TestUnsubscriptionsBecomeRefusals(t *testing.T) {
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			d, dsn := migrated(t, engine)
			downTo(t, engine, dsn, 11)
			const user, project = "0190163d-8694-739b-aea5-000000000001", "0191163d-8694-739b-aea5-000000000001"
			exec(t, d, `INSERT INTO users (id, email, created_at) VALUES ($1, 'jane@example.org', $2)`, user, noon)
			exec(t, d, `INSERT INTO projects (id, owner_id, name, badge_key, created_at) VALUES ($1, $2, 'p', 'key', $3)`, project, user, noon)
			for i, config := range []string{`{"address":"A\u0026B@example.org","up":true}`, `{"up": true, "address": "carol@example.org"}`, `{}`} {
				exec(t, d,
					`INSERT INTO channels (id, project_id, kind, config, disabled, last_error, created_at) VALUES ($1, $2, 'email', $3, $4, 'The recipient has unsubscribed.', $5)`,
					fmt.Sprintf("0192163d-8694-739b-aea5-%012d", i), project, config, true, noon)
			}
			up(t, d)
			got := texts(t, d, `SELECT address FROM refusals ORDER BY address`)
			want := []string{"a&b@example.org", "carol@example.org"}
			if !slices.Equal(got, want) {
				t.Errorf("refused by %q, want %q", got, want)
			}
		})
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func down(t *testing.T, engine db.Engine, dsn string) {
	t.Helper()
	downTo(t, engine, dsn, 0)
}

func downTo(t *testing.T, engine db.Engine, dsn string, version int64) {
	t.Helper()
	driver := "pgx"
	dialect := goose.DialectPostgres
	if engine == db.SQLite {
		driver = "sqlite"
		dialect = goose.DialectSQLite3
	}
	conns, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conns.Close()
	files, err := fs.Sub(migrations.FS, string(engine))
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(dialect, conns, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

func TestSQLiteTablesAreStrict(t *testing.T) {
	d, _ := migrated(t, db.SQLite)
	lax := texts(t, d,
		`SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version'`)
	if len(lax) > 0 {
		t.Errorf("tables that would take any type in any column: %v", lax)
	}
}

// table is what the engines must agree on, as sorted lines.
type table struct{ Columns, Keys, Indexes, References, Triggers []string }

func schemaOf(t *testing.T, d *db.DB) map[string]table {
	t.Helper()
	q := sqliteCatalog
	if d.Engine == db.Postgres {
		q = postgresCatalog
	}
	schema := make(map[string]table)
	for _, name := range texts(t, d, q.tables) {
		schema[name] = table{
			Columns:    lines(t, d, q.columns, name),
			Keys:       lines(t, d, q.keys, name),
			Indexes:    lines(t, d, q.indexes, name),
			References: lines(t, d, q.references, name),
			Triggers:   lines(t, d, q.triggers, name),
		}
	}
	return schema
}

// catalog are queries that describe the table $1 in lines; tables lists all.
type catalog struct{ tables, columns, keys, indexes, references, triggers string }

var postgresCatalog = catalog{
	tables: `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'goose_db_version'`,
	columns: `SELECT concat_ws(' ', column_name, data_type, CASE is_nullable WHEN 'NO' THEN 'NOT NULL' END, 'DEFAULT ' || column_default)
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`,
	keys: `SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k (attnum, n), pg_attribute a
		WHERE i.indrelid = CAST($1 AS regclass) AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.attnum`,
	indexes: `SELECT concat_ws(' ', CASE WHEN i.indisunique THEN 'UNIQUE' ELSE c.relname END, '(' || string_agg(a.attname, ', ' ORDER BY k.n) || ')',
			'WHERE ' || pg_get_expr(i.indpred, i.indrelid))
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid, unnest(i.indkey) WITH ORDINALITY k (attnum, n), pg_attribute a
		WHERE i.indrelid = CAST($1 AS regclass) AND NOT i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.attnum
		GROUP BY i.indexrelid, i.indisunique, c.relname, i.indpred, i.indrelid`,
	references: `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = CAST($1 AS regclass) AND contype = 'f'`,
	triggers: `SELECT trigger_name || ' ' || action_timing || ' ' || event_manipulation FROM information_schema.triggers
		WHERE event_object_schema = 'public' AND event_object_table = $1`,
}

var sqliteCatalog = catalog{
	tables:  `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version'`,
	columns: `SELECT concat_ws(' ', name, lower(type), CASE WHEN "notnull" OR pk > 0 THEN 'NOT NULL' END, 'DEFAULT ' || dflt_value) FROM pragma_table_info($1)`,
	keys:    `SELECT group_concat(name, ', ' ORDER BY pk) FROM pragma_table_info($1) WHERE pk > 0`,
	indexes: `SELECT concat_ws(' ', CASE WHEN l."unique" THEN 'UNIQUE' ELSE l.name END,
			'(' || (SELECT group_concat(name, ', ' ORDER BY seqno) FROM pragma_index_info(l.name)) || ')',
			CASE WHEN l.partial THEN (SELECT substr(sql, instr(sql, 'WHERE')) FROM sqlite_schema s WHERE s.name = l.name) END)
		FROM pragma_index_list($1) l WHERE l.origin <> 'pk'`,
	references: `SELECT 'FOREIGN KEY (' || "from" || ') REFERENCES ' || "table" || '(' || "to" || ') ON DELETE ' || on_delete FROM pragma_foreign_key_list($1)`,
	triggers: `SELECT name || CASE WHEN sql LIKE '%BEFORE DELETE%' THEN ' BEFORE DELETE' WHEN sql LIKE '%AFTER DELETE%' THEN ' AFTER DELETE'
			WHEN sql LIKE '%AFTER INSERT%' THEN ' AFTER INSERT' WHEN sql LIKE '%AFTER UPDATE%' THEN ' AFTER UPDATE' ELSE ' ' || sql END
		FROM sqlite_schema
		WHERE type = 'trigger' AND tbl_name = $1`,
}

// inSQLite says in SQLite's terms what PostgreSQL says of a column
// or a predicate.
var inSQLite = strings.NewReplacer(
	" timestamp with time zone", " integer", " uuid", " text", " boolean", " integer", " bigint", " integer",
	" bytea", " blob", " double precision", " real",
	"DEFAULT true", "DEFAULT 1", "DEFAULT false", "DEFAULT 0", "::text", "",
	"clock_timestamp()", "CAST(unixepoch('subsec') * 1000000 AS integer)",
)

func lines(t *testing.T, d *db.DB, query, name string) []string {
	t.Helper()
	out := texts(t, d, query, name)
	for i, line := range out {
		if d.Engine == db.Postgres {
			line = inSQLite.Replace(line)
		}
		// PostgreSQL puts each comparison in brackets
		columns, predicate, ok := strings.Cut(line, " WHERE ")
		if ok {
			line = columns + " WHERE " + strings.NewReplacer("(", "", ")", "").Replace(predicate)
		}
		out[i] = line
	}
	slices.Sort(out)
	return out
}

func texts(t *testing.T, d *db.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := d.Query(t.Context(), query, args...)
	out, err := db.Collect(rows, err, func(r *sql.Rows, s *string) error { return r.Scan(s) })
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

func exec(t *testing.T, d *db.DB, query string, args ...any) {
	t.Helper()
	_, err := d.Exec(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
