package db

import (
	"context"
	"database/sql"
	"fmt"
)

// ServerMajor is the major version of a PostgreSQL server: 15, 16 …
func (d *DB) ServerMajor(ctx context.Context) (int, error) {
	var n int
	err := d.QueryRow(ctx, `SELECT CAST(current_setting('server_version_num') AS integer)`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("ask PostgreSQL for its version: %w", err)
	}
	return n / 10000, nil
}

// Relations are the names of all tables, views and sequences of a PostgreSQL
// database that belong neither to the server nor to an extension, sorted. Who
// wants to know whether it is empty asks for them.
func (d *DB) Relations(ctx context.Context) ([]string, error) {
	rows, err := d.Query(ctx, `SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
			AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = CAST('pg_class' AS regclass) AND x.objid = c.oid AND x.deptype = 'e')
		ORDER BY 1`)
	names, err := Collect(rows, err, func(r *sql.Rows, name *string) error { return r.Scan(name) })
	if err != nil {
		return nil, fmt.Errorf("look for tables: %w", err)
	}
	return names, nil
}

// Analyze lets PostgreSQL count what is in the tables, which it needs for good
// plans after all of them were filled at once.
func (d *DB) Analyze(ctx context.Context) error {
	_, err := d.write.ExecContext(ctx, `ANALYZE`)
	if err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}
