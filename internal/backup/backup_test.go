package backup_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"punctual/internal/auth"
	"punctual/internal/backup"
	"punctual/internal/db"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/migrations"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const key = "a secret key of thirty-two letters"

// about is the backup of the database at url.
func about(url string) *backup.Config {
	c := &backup.Config{DatabaseURL: url, Migrations: migrations.FS, Now: time.Now, Version: "test", Env: os.Environ(),
		FingerprintOf: auth.KeyFingerprint}
	path, isSQLite := strings.CutPrefix(url, "sqlite:")
	if isSQLite {
		c.SQLitePath = path
		c.SecretKey = key
		c.SecretKeyFile = filepath.Join(filepath.Dir(path), "secret.key")
	}
	return c
}

// filled opens a database with an account in it.
func filled(t *testing.T, engine db.Engine) (*store.Store, string) {
	t.Helper()
	url := testdb.URL(t, engine)
	d, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	s := store.New(d, kinds.Address)
	testdb.Account(t, s)
	return s, url
}

// empty is the address of a database with nothing in it.
func empty(t *testing.T, engine db.Engine) string {
	t.Helper()
	if engine == db.SQLite {
		return "sqlite:" + filepath.Join(t.TempDir(), "new", "punctual.db")
	}
	url := testdb.URL(t, engine)
	d, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, statement := range []string{`DROP SCHEMA public CASCADE`, `CREATE SCHEMA public`} {
		_, err := d.Exec(t.Context(), statement)
		if err != nil {
			t.Fatal(err)
		}
	}
	return url
}

func each(t *testing.T, test func(t *testing.T, engine db.Engine)) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) { test(t, engine) })
	}
}

// owners are the addresses of all accounts.
func owners(t *testing.T, url string) []string {
	t.Helper()
	d, err := db.Open(t.Context(), url, db.Options{MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	status, err := d.SchemaStatus(t.Context(), migrations.FS)
	if err != nil || status.Check() != nil {
		t.Errorf("the schema: %v, %v", err, status.Check())
	}
	if loss, err := d.Loss(); loss != nil || err != nil {
		t.Errorf("a loss is told: %+v, %v", loss, err)
	}
	rows, err := d.Query(t.Context(), `SELECT email FROM users ORDER BY email`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var email string
		if err := rows.Scan(&email); err != nil {
			t.Fatal(err)
		}
		all = append(all, email)
	}
	return all
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func mentions(err error, words ...string) bool {
	return err != nil && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(err.Error(), w) })
}

func TestABackupIsOneFileOfItsOwnerAndIsRestored(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	each(t, func(t *testing.T, engine db.Engine) {
		// and still open
		_, url := filled(t, engine)
		dir := t.TempDir()
		file := filepath.Join(dir, "punctual.backup")
		made, err := about(url).ToFile(t.Context(), file)
		if err != nil || made.Path != file || made.Size == 0 {
			t.Fatalf("%+v, %v", made, err)
		}
		left, _ := filepath.Glob(dir + "/*")
		if len(left) != 1 || mode(t, file) != 0o600 {
			t.Errorf("files %v, mode %v", left, mode(t, file))
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		to := empty(t, engine)
		if _, err := about(to).Restore(t.Context(), file, false); err != nil {
			t.Fatal(err)
		}
		got := owners(t, to)
		if !slices.Equal(got, []string{"owner@example.org"}) {
			t.Errorf("accounts %v", got)
		}
		if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, text) {
			t.Error("the backup was changed")
		}
		if engine == db.Postgres {
			return
		}
		path := strings.TrimPrefix(to, "sqlite:")
		kept, err := os.ReadFile(filepath.Dir(path) + "/secret.key")
		if err != nil || strings.TrimSpace(string(kept)) != key {
			t.Errorf("the secret key is %q, %v", kept, err)
		}
		for _, name := range []string{path, filepath.Dir(path) + "/secret.key"} {
			if mode(t, name) != 0o600 {
				t.Errorf("%s has mode %v", name, mode(t, name))
			}
		}
		if restored, err := os.ReadFile(path); err != nil || bytes.Contains(restored, []byte(key)) {
			t.Error("the secret key is in the restored database")
		}
	})
}

func TestABackupMayGoThroughStreams(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		_, url := filled(t, engine)
		var stream bytes.Buffer
		_, err := about(url).ToStream(t.Context(), &stream)
		if err != nil {
			t.Fatal(err)
		}
		to := empty(t, engine)
		if _, err := about(to).RestoreStream(t.Context(), &stream, false); err != nil {
			t.Fatal(err)
		}
		got := owners(t, to)
		if len(got) != 1 {
			t.Errorf("accounts %v", got)
		}
	})
}

// What is committed while a backup is made is in it as a whole or not at all, and
// nobody waits for the backup.
func TestABackupIsOfOneMoment(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		s, url := filled(t, engine)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan int)
		go func() {
			n := 0
			for ctx.Err() == nil {
				err := s.DB().InTx(context.WithoutCancel(ctx), func(tx *db.Tx) error {
					for _, table := range []string{"presence_before_takers", "nodes"} {
						query := `INSERT INTO presence_before_takers (began_at, seen_at) VALUES ($1, $1)`
						if table == "nodes" {
							query = `INSERT INTO nodes (id, role, host, pid, version, started_at, seen_at)
								VALUES ('` + fmt.Sprintf("00000000-0000-4000-8000-%012d", n) + `', 'up', '', 1, '', $1, $1)`
						}
						_, err := tx.Exec(ctx, query, tx.Now())
						if err != nil {
							return err
						}
					}
					return nil
				})
				if err == nil {
					n++
				}
			}
			done <- n
		}()
		file := filepath.Join(t.TempDir(), "b")
		_, err := about(url).ToFile(t.Context(), file)
		stop()
		written := <-done
		if err != nil || written == 0 {
			t.Fatalf("%d transactions while the backup was made, %v", written, err)
		}
		to := empty(t, engine)
		if _, err := about(to).Restore(t.Context(), file, false); err != nil {
			t.Fatal(err)
		}
		d, err := db.Open(t.Context(), to, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		var presence, nodes int
		if err := d.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM presence_before_takers), (SELECT count(*) FROM nodes)`).Scan(&presence,
			&nodes); err != nil {
			t.Fatal(err)
		}
		if presence != nodes {
			t.Errorf("%d rows of one table and %d of the other", presence, nodes)
		}
	})
}

func TestNothingIsRestoredOverData(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		_, url := filled(t, engine)
		file := filepath.Join(t.TempDir(), "b")
		if _, err := about(url).ToFile(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		other := testdb.URL(t, engine)
		if _, err := about(other).Restore(t.Context(), file, false); !mentions(err, "nothing was changed") {
			t.Errorf("over a migrated database: %v", err)
		}
		got := owners(t, other)
		if len(got) != 0 {
			t.Errorf("accounts %v", got)
		}
		if engine == db.Postgres {
			_, err := about(other).Restore(t.Context(), file, true)
			if !mentions(err, "SQLite only", "createdb") {
				t.Errorf("with force: %v", err)
			}
			return
		}
		path := strings.TrimPrefix(other, "sqlite:")
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		done, err := about(other).Restore(t.Context(), file, true)
		if err != nil || len(done.Aside) == 0 {
			t.Fatalf("with force: %+v, %v", done, err)
		}
		if got := owners(t, other); len(got) != 1 {
			t.Errorf("with force: accounts %v", got)
		}
		kept, err := os.ReadFile(done.Aside[0])
		if err != nil || !bytes.Equal(kept, before) {
			t.Errorf("what was there is not kept in %v: %v", done.Aside, err)
		}
	})
}

func TestWhatIsNoBackupIsRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, lite := filled(t, db.SQLite)
	_, pg := filled(t, db.Postgres)
	liteFile := filepath.Join(dir, "lite")
	pgFile := filepath.Join(dir, "pg")
	for url, file := range map[string]string{lite: liteFile, pg: pgFile} {
		_, err := about(url).ToFile(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
	}
	damage := func(from, name string) string {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		for i := len(text) / 2; i < len(text)/2+4000 && i < len(text); i++ {
			text[i] = ^text[i]
		}
		return write(name, string(text))
	}
	cut := func(from, name string) string {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		return write(name, string(text[:len(text)*2/3]))
	}
	for _, c := range []struct {
		name, file string
		engine     db.Engine
		words      []string
	}{
		{"missing", filepath.Join(dir, "nowhere"), db.SQLite, []string{"nowhere"}},
		{"empty", write("empty", ""), db.SQLite, []string{"no backup"}},
		{"text", write("text", "SELECT 1; -- long enough"), db.SQLite, []string{"no backup"}},
		{"of PostgreSQL for SQLite", pgFile, db.SQLite, []string{"backup of PostgreSQL", "PUNCTUAL_DATABASE_URL"}},
		{"of SQLite for PostgreSQL", liteFile, db.Postgres, []string{"backup of SQLite", "PUNCTUAL_DATABASE_URL"}},
		{"damaged", damage(liteFile, "damaged"), db.SQLite, []string{"damaged"}},
		{"cut", cut(liteFile, "cut"), db.SQLite, nil},
		{"damaged dump", damage(pgFile, "damaged.dump"), db.Postgres, []string{"pg_restore"}},
		{"cut dump", cut(pgFile, "cut.dump"), db.Postgres, []string{"pg_restore"}},
	} {
		to := empty(t, c.engine)
		_, err := about(to).Restore(t.Context(), c.file, false)
		if err == nil || !mentions(err, c.words...) {
			t.Errorf("%s: %v, want %q in it", c.name, err, c.words)
		}
		if c.engine == db.SQLite {
			left, _ := filepath.Glob(filepath.Dir(strings.TrimPrefix(to, "sqlite:")) + "/*")
			if len(left) > 0 {
				t.Errorf("%s: left behind %v", c.name, left)
			}
			continue
		}
		left := relations(t, to)
		if len(left) > 0 {
			t.Errorf("%s: left behind %v", c.name, left)
		}
	}
}

func relations(t *testing.T, url string) []string {
	t.Helper()
	d, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	names, err := d.Relations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestABackupReplacesBackupsOnly(t *testing.T) {
	_, url := filled(t, db.SQLite)
	c := about(url)
	dir := t.TempDir()
	file := filepath.Join(dir, "b")
	for range 2 {
		_, err := c.ToFile(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
	}
	letter := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(letter, []byte("Dear reader, this is not a backup."), 0o600); err != nil {
		t.Fatal(err)
	}
	for target, word := range map[string]string{
		letter: "is no backup", dir: "--dir", c.SQLitePath: "in use by the database itself", filepath.Join(dir, "no", "b"): "cannot be written",
	} {
		_, err := c.ToFile(t.Context(), target)
		if !mentions(err, word) {
			t.Errorf("%s: %v, want %q", target, err, word)
		}
	}
}

func TestOldBackupsOfADirectoryGo(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		_, url := filled(t, engine)
		c := about(url)
		now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
		c.Now = func() time.Time { return now }
		dir := filepath.Join(t.TempDir(), "backups")
		newest, err := backup.Newest(dir)
		if err != nil || !newest.IsZero() {
			t.Errorf("before the first: %v, %v", newest, err)
		}
		var last backup.Result
		for range 4 {
			now = now.Add(24 * time.Hour)
			made, err := c.ToDir(t.Context(), dir, 2)
			if err != nil {
				t.Fatal(err)
			}
			last = made
			// not ours
			for _, name := range []string{"notes.txt", "punctual-latest.db"} {
				if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		names, _ := filepath.Glob(dir + "/*")
		if len(names) != 4 || len(last.Removed) != 1 || mode(t, dir) != 0o700 {
			t.Errorf("left %v, removed %v, mode %v", names, last.Removed, mode(t, dir))
		}
		if newest, err := backup.Newest(dir); err != nil || !newest.Equal(now) {
			t.Errorf("the newest is of %v, %v; want %v", newest, err, now)
		}
	})
}

func TestTheSecretKeyIsNotMixedUp(t *testing.T) {
	_, url := filled(t, db.SQLite)
	file := filepath.Join(t.TempDir(), "b")
	if _, err := about(url).ToFile(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	to := about(empty(t, db.SQLite))
	to.SecretKey = "another secret key of thirty-two letters"
	to.SecretKeySet = true
	if _, err := to.Restore(t.Context(), file, false); !mentions(err, "PUNCTUAL_SECRET_KEY is not the key") {
		t.Errorf("another key is set: %v", err)
	}
	to.SecretKey = key
	if _, err := to.Restore(t.Context(), file, false); err != nil {
		t.Errorf("the same key is set: %v", err)
	}
	if _, err := os.Stat(to.SecretKeyFile); err == nil {
		t.Error("a key that is set is kept in a file as well")
	}

	to = about(empty(t, db.SQLite))
	if err := os.MkdirAll(filepath.Dir(to.SecretKeyFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to.SecretKeyFile, []byte("the key of another database\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Restore(t.Context(), file, false); !mentions(err, "secret key of another database", "nothing was changed") {
		t.Errorf("there is another key: %v", err)
	}
	done, err := to.Restore(t.Context(), file, true)
	if err != nil || len(done.Aside) != 1 {
		t.Errorf("with force: %+v, %v", done, err)
	}
}

// A log without its database would be applied to the restored one.
func TestAnOldLogIsNotLeftBesideARestoredDatabase(t *testing.T) {
	s, url := filled(t, db.SQLite)
	file := filepath.Join(t.TempDir(), "b")
	if _, err := about(url).ToFile(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	to := about(empty(t, db.SQLite))
	if err := os.MkdirAll(filepath.Dir(to.SQLitePath), 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(s.DB().Path() + "-wal")
	if err != nil || len(log) == 0 {
		t.Fatalf("%d bytes of log, %v", len(log), err)
	}
	if err := os.WriteFile(to.SQLitePath+"-wal", log, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Restore(t.Context(), file, false); !mentions(err, "-wal", "nothing was changed") {
		t.Errorf("got %v", err)
	}
	if _, err := to.Restore(t.Context(), file, true); err != nil {
		t.Fatal(err)
	}
	got := owners(t, "sqlite:"+to.SQLitePath)
	if len(got) != 1 {
		t.Errorf("accounts %v", got)
	}
}

// fakes puts programs of other versions in a directory.
func fakes(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"pg_dump", "pg_restore"} {
		script := "#!/bin/sh\n[ \"$1\" = --version ] && { echo '" + name + " (PostgreSQL) " + version + "'; exit; }\necho refused >&2; exit 1\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestProgramsThatDoNotFitAreNamed(t *testing.T) {
	_, url := filled(t, db.Postgres)
	file := filepath.Join(t.TempDir(), "b")
	c := about(url)
	c.PGBin = fakes(t, "9.6.24")
	_, err := c.ToFile(t.Context(), file)
	if !mentions(err, "does not fit the server", "of version 9", "PUNCTUAL_PG_BIN", "postgresql-client-") {
		t.Errorf("an old pg_dump: %v", err)
	}
	c.PGBin = t.TempDir()
	if _, err := c.ToFile(t.Context(), file); !mentions(err, "pg_dump is not in", "PUNCTUAL_PG_BIN") {
		t.Errorf("no pg_dump: %v", err)
	}
	left, _ := filepath.Glob(filepath.Dir(file) + "/*")
	if len(left) > 0 {
		t.Errorf("left behind %v", left)
	}
	c.PGBin = ""
	if _, err := c.ToFile(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	to := about(empty(t, db.Postgres))
	to.PGBin = fakes(t, "12.1")
	if _, err := to.Restore(t.Context(), file, false); !mentions(err, "no pg_restore here can read", "PUNCTUAL_PG_BIN") {
		t.Errorf("an old pg_restore: %v", err)
	}
}

// Arguments are read by everybody on the machine, so no secret may be in them.
func TestNoSecretIsAnArgument(t *testing.T) {
	_, url := filled(t, db.Postgres)
	given := filepath.Join(t.TempDir(), "arguments")
	fake := fakes(t, "99.1")
	for _, name := range []string{"pg_dump", "pg_restore"} {
		script := "#!/bin/sh\necho \"$@\" >>" + given + "\n[ \"$1\" = --version ] && echo '" + name + " (PostgreSQL) 99.1'\nexit 0\n"
		if err := os.WriteFile(filepath.Join(fake, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	with := func(secrets string) *backup.Config {
		c := about(url + "&" + secrets)
		if !strings.Contains(url, "?") {
			c = about(url + "?" + secrets)
		}
		c.PGBin = fake
		return c
	}
	_, _ = with("password=geheim-1&options=-cgeheim.two%3D2").ToFile(t.Context(), filepath.Join(t.TempDir(), "b"))
	_, err := with("sslpassword=geheim-3").ToFile(t.Context(), filepath.Join(t.TempDir(), "b"))
	if !mentions(err, "sslpassword", "openssl pkey") {
		t.Errorf("got %v", err)
	}
	list, err := os.ReadFile(given)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(list), "--dbname=") || strings.Contains(string(list), "geheim") {
		t.Errorf("arguments:\n%s", list)
	}
}

// What an operator has added to the database is in the backup, too; what would
// need more rights is left out.
func TestTheOperatorsOwnTablesComeAlong(t *testing.T) {
	s, url := filled(t, db.Postgres)
	for _, statement := range []string{
		`CREATE TABLE my_notes (id integer PRIMARY KEY, note text)`, `INSERT INTO my_notes VALUES (1, 'mine')`,
		`CREATE SCHEMA billing`, `CREATE TABLE billing.invoices (id integer)`, `COMMENT ON SCHEMA public IS 'changed'`,
		`CREATE PUBLICATION everything FOR ALL TABLES`, `GRANT SELECT ON my_notes TO PUBLIC`,
	} {
		_, err := s.DB().Exec(t.Context(), statement)
		if err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "b")
	_, err := about(url).ToFile(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	to := empty(t, db.Postgres)
	if _, err := about(to).Restore(t.Context(), file, false); err != nil {
		t.Fatal(err)
	}
	names := relations(t, to)
	if !slices.Contains(names, "my_notes") || !slices.Contains(names, "billing.invoices") {
		t.Errorf("restored %v", names)
	}
}
