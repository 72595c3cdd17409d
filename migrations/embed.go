// Package migrations holds the database schema, one directory per engine, as
// goose migrations. Both directories build the same tables, columns,
// nullability and indexes; internal/db applies them.
package migrations

import "embed"

// FS holds postgres/NNNNN_name.sql and sqlite/NNNNN_name.sql; fingerprints, by
// which each version is recognized (a test makes them, see fingerprints_test.go);
// and repairs of schemas that an early version has made.
//
//go:embed postgres/*.sql sqlite/*.sql fingerprints repairs
var FS embed.FS
