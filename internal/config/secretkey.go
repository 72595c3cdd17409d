package config

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// EnsureSecretKey fills in SecretKey when it is not set: with SQLite it is
// read from the file secret.key beside the database, which is made with mode
// 0600 when it is not there yet. Several processes may start at once; all end
// up with the same key. With Postgres a key is required, because processes on
// other machines could not see the file.
func (c *Config) EnsureSecretKey() error {
	if c.SecretKey != "" {
		return nil
	}
	if c.SQLitePath() == "" {
		return errors.New("PUNCTUAL_SECRET_KEY: is required with Postgres, the same for all processes; make one with: openssl rand -hex 32")
	}
	path := filepath.Join(filepath.Dir(c.SQLitePath()), "secret.key")
	key, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeSecretKey(path)
	}
	if err != nil {
		return fmt.Errorf("keeping the secret key (or set PUNCTUAL_SECRET_KEY): %w", err)
	}
	c.SecretKey = key
	if c.origins != nil {
		c.origins["PUNCTUAL_SECRET_KEY"] = "file " + path
	}
	return nil
}

// makeSecretKey writes a new key to path and returns what the file holds in
// the end: another process may have been faster. The key is complete and on
// disk before the name appears, because a link either is made whole or fails.
func makeSecretKey(path string) (string, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	// mode 0600
	draft, err := os.CreateTemp(dir, "secret.key.*")
	if err != nil {
		return "", err
	}
	defer os.Remove(draft.Name())
	if err := writeRandom(draft); err != nil {
		return "", err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if err := syncDirectory(dir); err != nil {
		return "", err
	}
	return readSecret(path)
}

// writeRandom fills file with 256 random bits as text and closes it.
func writeRandom(file *os.File) error {
	bits := make([]byte, 32)
	// never fails
	rand.Read(bits)
	_, err := fmt.Fprintln(file, hex.EncodeToString(bits))
	return errors.Join(err, file.Sync(), file.Close())
}

// syncDirectory makes a new name in dir survive a power failure: API keys and
// sessions are worthless without the key they were made with.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
