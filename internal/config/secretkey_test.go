package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestSecretKeyIsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	e := env{"PUNCTUAL_DATABASE_URL": "sqlite:" + dir + "/p.db"}
	first := load(t, e)
	if err := first.EnsureSecretKey(); err != nil {
		t.Fatal(err)
	}
	if len(first.SecretKey) != 64 {
		t.Errorf("key has %d characters, want 64", len(first.SecretKey))
	}
	info, err := os.Stat(filepath.Join(dir, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, want 0600", info.Mode().Perm())
	}
	second := load(t, e)
	if err := second.EnsureSecretKey(); err != nil {
		t.Fatal(err)
	}
	if second.SecretKey != first.SecretKey {
		t.Error("the second start made another key")
	}
}

func TestProcessesThatStartTogetherAgreeOnTheKey(t *testing.T) {
	dir := t.TempDir()
	keys := make([]string, 20)
	var all sync.WaitGroup
	for i := range keys {
		c := load(t, env{"PUNCTUAL_DATABASE_URL": "sqlite:" + dir + "/p.db"})
		all.Go(func() {
			if err := c.EnsureSecretKey(); err != nil {
				t.Error(err)
			}
			keys[i] = c.SecretKey
		})
	}
	all.Wait()
	for _, key := range keys {
		if key == "" || key != keys[0] {
			t.Fatalf("keys differ: %q", keys)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v (%v)", files, err)
	}
}

func TestGivenSecretKeyMakesNoFile(t *testing.T) {
	dir := t.TempDir()
	c := load(t, env{"PUNCTUAL_DATABASE_URL": "sqlite:" + dir + "/p.db", "PUNCTUAL_SECRET_KEY": "0123456789abcdef"})
	if err := c.EnsureSecretKey(); err != nil || c.SecretKey != "0123456789abcdef" {
		t.Errorf("key %q, %v", c.SecretKey, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 0 {
		t.Errorf("made %v (%v)", files, err)
	}
}

func TestSecretKeyMustBeGivenOrKeepable(t *testing.T) {
	empty := t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "secret.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"postgres://h/db":           "PUNCTUAL_SECRET_KEY: is required with Postgres",
		"sqlite:/dev/null/p.db":     "set PUNCTUAL_SECRET_KEY",
		"sqlite:" + empty + "/p.db": "is empty",
	} {
		err := load(t, env{"PUNCTUAL_DATABASE_URL": url}).EnsureSecretKey()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", url, err, want)
		}
	}
}
