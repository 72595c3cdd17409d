package migrations_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/migrations"
)

// update makes the fingerprints anew. Whoever adds or renumbers a migration runs
//
//	go test ./migrations -run TestFingerprints -update
//
// and commits the files that it writes.
var update = flag.Bool("update", false, "write the fingerprints of the schema anew")

const updateCommand = "go test ./migrations -run TestFingerprints -update"

// TestFingerprintsAreThoseOfTheMigrations migrates step by step and compares what
// each step changes with the file that the program knows the schema by.
func TestFingerprintsAreThoseOfTheMigrations(t *testing.T) {
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			dir := db.FingerprintDir(engine)
			want := fingerprintsOf(t, engine)
			if *update {
				writeFingerprints(t, dir, want)
				return
			}
			have, err := fs.Glob(os.DirFS("."), dir+"/*")
			if err != nil {
				t.Fatal(err)
			}
			if len(have) != len(want) {
				t.Errorf("%d migrations, but %d files in migrations/%s; run: %s", len(want), len(have), dir, updateCommand)
			}
			for name, text := range want {
				got, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil || string(got) != text {
					t.Errorf("migrations/%s/%s does not say what the migration does; run: %s", dir, name, updateCommand)
				}
			}
		})
	}
}

func writeFingerprints(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// fingerprintsOf are the texts of all files of an engine, by name.
func fingerprintsOf(t *testing.T, engine db.Engine) map[string]string {
	t.Helper()
	names, err := fs.Glob(migrations.FS, string(engine)+"/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	d := empty(t, engine)
	files := make(map[string]string)
	var before []string
	for n := range names {
		if _, err := d.Migrate(t.Context(), first(t, engine, n+1)); err != nil {
			t.Fatal(err)
		}
		after, err := d.Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("# What %s does to the schema. Made by: %s\n", filepath.Base(names[n]), updateCommand)
		for _, line := range before {
			if !slices.Contains(after, line) {
				text += "- " + line + "\n"
			}
		}
		for _, line := range after {
			if !slices.Contains(before, line) {
				text += "+ " + line + "\n"
			}
		}
		files[fmt.Sprintf("%05d.txt", n+1)] = text
		before = after
	}
	return files
}

// first are the first n migrations of an engine, without fingerprints: nothing is
// compared with them.
func first(t *testing.T, engine db.Engine, n int) fs.FS {
	t.Helper()
	names, err := fs.Glob(migrations.FS, string(engine)+"/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, name := range names[:n] {
		text, err := fs.ReadFile(migrations.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text, Mode: 0o444}
	}
	return files
}

// empty makes a database with nothing in it.
func empty(t *testing.T, engine db.Engine) *db.DB {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	if engine == db.Postgres {
		url = pgtest.DSN(t)
	}
	d, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}
