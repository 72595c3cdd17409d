package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Bounds of PUNCTUAL_BACKUP_EVERY.
const (
	shortestInterval = 10 * time.Minute
	longestInterval  = 366 * 24 * time.Hour
)

// BackupInterval is the pause between the backups that `up` makes.
func (c *Config) BackupInterval() time.Duration {
	d, err := parseInterval(c.BackupEvery)
	// the settings have been validated
	if err != nil {
		return 24 * time.Hour
	}
	return d
}

// parseInterval takes what Go calls a duration, and days: 24h, 90m, 7d.
func parseInterval(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	days, inDays := strings.CutSuffix(text, "d")
	if err != nil && inDays {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(min(max(n, 0), 1000)) * 24 * time.Hour
	}
	if err != nil {
		return 0, fmt.Errorf("%q is not a time (allowed: 10m to 366d, as in 24h, 90m or 7d)", text)
	}
	if d < shortestInterval || d > longestInterval {
		return 0, fmt.Errorf("%q is not allowed (allowed: 10m to 366d)", text)
	}
	return d, nil
}

// SecretKeyFile is where the secret key of an SQLite database is kept when it is
// not set, "" with PostgreSQL.
func (c *Config) SecretKeyFile() string {
	if c.SQLitePath() == "" {
		return ""
	}
	return filepath.Join(filepath.Dir(c.SQLitePath()), "secret.key")
}

// FindSecretKey is the secret key as far as there is one: the setting, or what is
// in SecretKeyFile. It makes none.
func (c *Config) FindSecretKey() (string, error) {
	if c.SecretKey != "" || c.SQLitePath() == "" {
		return c.SecretKey, nil
	}
	key, err := readSecret(c.SecretKeyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return key, err
}

// NewSecretKey tells whether EnsureSecretKey would make a key: there is none.
func (c *Config) NewSecretKey() bool {
	if c.SecretKey != "" || c.SQLitePath() == "" {
		return false
	}
	_, err := os.Stat(c.SecretKeyFile())
	return errors.Is(err, fs.ErrNotExist)
}
