// Package migrations holds the database schema, one directory per engine, as
// goose migrations. Both directories build the same tables, columns,
// nullability and indexes (DESIGN §3); internal/db applies them.
package migrations

import "embed"

// FS holds postgres/NNNNN_name.sql and sqlite/NNNNN_name.sql.
//
//go:embed postgres/*.sql sqlite/*.sql
var FS embed.FS
