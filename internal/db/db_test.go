package db_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// address makes an empty database.
func address(t *testing.T, engine db.Engine) string {
	t.Helper()
	if engine == db.Postgres {
		return pgtest.DSN(t)
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

func open(t *testing.T, url string, opt db.Options) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// each runs test on an empty database of each engine.
func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, open(t, address(t, engine), db.Options{}))
		})
	}
}

func exec(t *testing.T, q db.Querier, query string, args ...any) {
	t.Helper()
	_, err := q.Exec(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// number asks a query for one integer.
func number(t *testing.T, q db.Querier, query string, args ...any) (n int64) {
	t.Helper()
	if err := q.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}

func TestAnSQLiteFileIsWhereItsURLPoints(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for rawURL, file := range map[string]string{
		"sqlite:./made/for/it/punctual.db": "made/for/it/punctual.db",
		"sqlite:relative.db":               "relative.db",
		"sqlite:" + dir + "/absolute.db":   "absolute.db",
		"sqlite://" + dir + "/slashes.db":  "slashes.db",
		// the slashes of a URL: relative to here
		"sqlite:" + strings.Repeat("/", 2) + dir[1:] + "/two.db": "",
		"sqlite:with space.db":    "with space.db",
		"sqlite:what?mode=memory": "what?mode=memory",
		"sqlite:hash#100%25.db":   "hash#100%25.db",
		"sqlite:ünï:code.db":      "ünï:code.db",
	} {
		d := open(t, rawURL, db.Options{})
		exec(t, d, `CREATE TABLE here (x integer)`)
		if file == "" {
			file = dir[1:] + "/two.db"
		}
		_, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Errorf("%s: %v", rawURL, err)
		}
		got := number(t, d, `SELECT count(*) FROM here`)
		if got != 0 {
			t.Errorf("%s: the readers see another file", rawURL)
		}
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.db")
	for _, test := range []struct {
		url, want string
		opt       db.Options
	}{
		{"", "must start with sqlite: or postgres://", db.Options{}},
		{"mysql://root@localhost/x", `not "mysql:"`, db.Options{}},
		{"sqlite:", "needs a path", db.Options{}},
		{"sqlite::memory:", "memory", db.Options{}},
		{"sqlite:" + missing, missing, db.Options{ReadOnly: true}},
		{"sqlite:" + t.TempDir(), "open SQLite database", db.Options{}},
	} {
		d, err := db.Open(t.Context(), test.url, test.opt)
		if err == nil {
			d.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("open %q: %v, want an error with %q", test.url, err, test.want)
		}
	}
	_, err := os.Stat(missing)
	if err == nil {
		t.Error("read-only opening made the file")
	}
}

func TestARefusalIsOneLine(t *testing.T) {
	// TLS or not is tried, which fails for the same reason
	for rawURL, want := range map[string]string{
		"postgres://u:secret@127.0.0.1:1/x": "127.0.0.1:1 (127.0.0.1): dial error: dial tcp 127.0.0.1:1: connect: connection " +
			"refused",
		"postgres://u@/x?host=127.0.0.1,127.0.0.2&port=1": "127.0.0.1:1: connect: connection refused; 127.0.0.2:1 (127.0.0.2): dial error",
	} {
		_, err := db.Open(t.Context(), rawURL, db.Options{})
		_, probed := db.Probe(t.Context(), rawURL)
		for _, err := range []error{err, probed} {
			if err == nil || strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), want) != 1 || !db.IsUnavailable(err) {
				t.Errorf("%s: %v", rawURL, err)
			}
		}
	}
}

func TestAPasswordIsNeverInAnError(t *testing.T) {
	const password = "s3cr%t/p@ss"
	escaped := url.QueryEscape(password)
	for _, rawURL := range []string{
		"postgres://u:" + escaped + "@127.0.0.1:1/x?connect_timeout=2",
		"postgres://u:" + escaped + "@127.0.0.1:1/x?sslmode=sometimes",
		"postgres://u:" + escaped + "@127.0.0.1:port/x",
		"postgres://u:" + escaped + "@127.0.0.1:1/x?connect_timeout=long",
		"postgres://u:" + password + "@127.0.0.1:1/x",
		"postgres://u:" + escaped + "@[::1/x",
		"postgres://u@127.0.0.1:1/x?connect_timeout=2&password=" + escaped,
		"postgres://u@127.0.0.1:1/x?sslmode=sometimes&password=" + escaped,
		"postgres://u@127.0.0.1:port/x?password=" + escaped,
		"postgresql://u:" + escaped + "@127.0.0.1:1/x?pool_max_conns=many",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		d, err := db.Open(ctx, rawURL, db.Options{})
		cancel()
		if err == nil {
			d.Close()
			t.Errorf("%s: opened", rawURL)
			continue
		}
		for _, secret := range []string{password, escaped, "s3cr"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error tells the password: %v", rawURL, err)
				break
			}
		}
	}
}

func TestEachSQLiteConnectionHasTheSettings(t *testing.T) {
	d := open(t, address(t, db.SQLite), db.Options{})
	pragmas := map[string]string{"busy_timeout": "5000", "journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "temp_store": "2"}
	check := func(who string, scan func(query string, dest any) error) {
		for name, want := range pragmas {
			var got string
			if err := scan("PRAGMA "+name, &got); err != nil || got != want {
				t.Errorf("%s of %s: %q, %v; want %s", name, who, got, err, want)
			}
		}
	}
	writer, err := db.SQLiteConn(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	check("the writer", func(query string, dest any) error { return writer.QueryRowContext(t.Context(), query).Scan(dest) })
	writer.Close()
	// rows left open keep a connection, so that the next query gets another
	for range 4 {
		rows, err := d.Query(t.Context(), `SELECT 1 UNION SELECT 2`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		check("a reader", func(query string, dest any) error { return d.QueryRow(t.Context(), query).Scan(dest) })
	}
}

func TestTheReadingSideOfSQLiteRefusesToWrite(t *testing.T) {
	d := open(t, address(t, db.SQLite), db.Options{})
	exec(t, d, `CREATE TABLE things (x integer)`)
	var x int
	if err := d.QueryRow(t.Context(), `INSERT INTO things VALUES (1) RETURNING x`).Scan(&x); err == nil {
		t.Error("a query has written")
	}
	n := number(t, d, `SELECT count(*) FROM things`)
	if n != 0 {
		t.Errorf("%d rows", n)
	}
}

func TestPostgresSessionsAreInUTC(t *testing.T) {
	d := open(t, address(t, db.Postgres), db.Options{})
	var zone, name string
	err := d.QueryRow(t.Context(), `SELECT current_setting('timezone'), current_setting('application_name')`).Scan(&zone, &name)
	if err != nil || zone != "UTC" || name != "punctual" {
		t.Errorf("zone %q, application %q, %v", zone, name, err)
	}
}

func TestVersionsAreComparedByNumber(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"3.51.3", "3.51.3", 0}, {"3.9.0", "3.51.3", -1}, {"3.51.10", "3.51.3", 1}, {"3.52", "3.51.3", 1}, {"3.51", "3.51.3", -1},
		{"4", "3.99.99", 1}, {"3.51.0", "3.51", 0},
	} {
		got := db.CompareVersions(test.a, test.b)
		if min(max(got, -1), 1) != test.want {
			t.Errorf("%s against %s: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
