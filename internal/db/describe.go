package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// schemaItem is one thing of a schema: a table, a column, a key, an index, a
// reference, a trigger. Two schemas are the same when they have the same items.
type schemaItem struct {
	// key tells which thing it is: "column checks.name".
	key string
	// form is what it is like: "text NOT NULL". Things without a name of their
	// own, such as references, have all of it in the key.
	form string
}

// String is the item as it stands in a file of fingerprints.
func (i schemaItem) String() string {
	if i.form == "" {
		return i.key
	}
	return i.key + ": " + i.form
}

// Describe lists what the database consists of, one line each, sorted: tables,
// columns with type, nullability and default, keys, indexes, references and
// triggers. The table in which goose counts migrations is left out.
func (d *DB) Describe(ctx context.Context) ([]string, error) {
	var lines []string
	err := d.inSnapshot(ctx, func(tx *sql.Tx) error {
		items, err := d.schemaItems(ctx, tx)
		for _, i := range items {
			lines = append(lines, i.String())
		}
		return err
	})
	return lines, err
}

// inSnapshot runs look in a transaction that sees one moment of the database.
// look must not write.
func (d *DB) inSnapshot(ctx context.Context, look func(*sql.Tx) error) error {
	opts := &sql.TxOptions{ReadOnly: true}
	if d.Engine == Postgres {
		opts.Isolation = sql.LevelRepeatableRead
	}
	tx, err := d.read.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	return asCancelled(ctx, errors.Join(look(tx), tx.Rollback()))
}

// schemaItems reads the schema within a transaction, sorted by key.
func (d *DB) schemaItems(ctx context.Context, tx *sql.Tx) ([]schemaItem, error) {
	queries := sqliteSchema
	if d.Engine == Postgres {
		queries = postgresSchema
	}
	var items []schemaItem
	for _, query := range queries {
		rows, err := tx.QueryContext(ctx, query)
		found, err := Collect(rows, err, func(r *sql.Rows, i *schemaItem) error { return r.Scan(&i.key, &i.form) })
		if err != nil {
			return nil, fmt.Errorf("read the schema: %w", err)
		}
		items = append(items, found...)
	}
	for n := range items {
		items[n] = plain(items[n])
	}
	slices.SortFunc(items, func(a, b schemaItem) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(items), nil
}

// plain leaves out how PostgreSQL writes down what it was given, casts and
// brackets, which may change from one of its versions to the next.
func plain(i schemaItem) schemaItem {
	i.key = strings.ReplaceAll(strings.Join(strings.Fields(i.key), " "), "::text", "")
	i.form = strings.ReplaceAll(strings.Join(strings.Fields(i.form), " "), "::text", "")
	for _, text := range []*string{&i.key, &i.form} {
		columns, predicate, ok := strings.Cut(*text, " WHERE ")
		if ok {
			*text = columns + " WHERE " + strings.NewReplacer("(", "", ")", "").Replace(predicate)
		}
	}
	return i
}

// ours picks the tables that the program sees without naming a schema, apart
// from those of extensions and of goose.
const ours = `c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid) AND c.relname <> 'goose_db_version' AND c.relpersistence <> 't'
	AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema'))
	AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = CAST('pg_class' AS regclass) AND x.objid = c.oid AND x.deptype = 'e')`

// postgresSchema are queries for the keys and forms of all items.
var postgresSchema = []string{
	`SELECT 'table ' || c.relname, '' FROM pg_class c WHERE ` + ours,

	`SELECT 'column ' || c.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
			CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(f.adbin, f.adrelid), CASE WHEN a.attidentity <> '' THEN 'IDENTITY' END)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum
		WHERE a.attnum > 0 AND NOT a.attisdropped AND ` + ours,

	`SELECT CASE WHEN i.indisprimary THEN 'primary key ' || c.relname ELSE 'unique ' || c.relname || text.columns END,
			CASE WHEN i.indisprimary THEN text.columns ELSE '' END
		FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
			CROSS JOIN LATERAL (SELECT substring(pg_get_indexdef(i.indexrelid) from ' \(.*') AS columns) text
		WHERE i.indisunique AND i.indisvalid AND ` + ours,

	`SELECT 'index ' || x.relname, c.relname || substring(pg_get_indexdef(i.indexrelid) from ' \(.*')
		FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
		WHERE NOT i.indisunique AND i.indisvalid AND ` + ours,

	`SELECT 'reference ' || c.relname || ' ' || pg_get_constraintdef(r.oid, true), ''
		FROM pg_class c JOIN pg_constraint r ON r.conrelid = c.oid WHERE r.contype = 'f' AND ` + ours,

	`SELECT 'trigger ' || t.tgname, pg_get_triggerdef(t.oid, true)
		FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal AND ` + ours,
}

// sqliteTables are the tables in which items are looked for.
const sqliteTables = `(SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name <> 'goose_db_version') t`

// sqliteSchema are queries for the keys and forms of all items.
var sqliteSchema = []string{
	`SELECT 'table ' || t.name, '' FROM ` + sqliteTables,

	`SELECT 'column ' || t.name || '.' || c.name, concat_ws(' ', lower(c.type),
			CASE WHEN c."notnull" OR c.pk > 0 THEN 'NOT NULL' END, 'DEFAULT ' || c.dflt_value)
		FROM ` + sqliteTables + `, pragma_table_info(t.name) c`,

	`SELECT 'primary key ' || t.name, '(' || group_concat(c.name, ', ' ORDER BY c.pk) || ')'
		FROM ` + sqliteTables + `, pragma_table_info(t.name) c WHERE c.pk > 0 GROUP BY t.name`,

	`SELECT 'unique ' || t.name || ' (' || (SELECT group_concat(coalesce(name, '?'), ', ' ORDER BY seqno) FROM pragma_index_info(i.name)) || ')'
			|| CASE WHEN i.partial THEN (SELECT ' ' || substr(sql, instr(sql, 'WHERE')) FROM sqlite_schema s WHERE s.name = i.name) ELSE '' END, ''
		FROM ` + sqliteTables + `, pragma_index_list(t.name) i WHERE i."unique" AND i.origin <> 'pk'`,

	`SELECT 'index ' || i.name, t.name || ' (' || (SELECT group_concat(coalesce(name, '?'), ', ' ORDER BY seqno) FROM pragma_index_info(i.name)) || ')'
			|| CASE WHEN i.partial THEN (SELECT ' ' || substr(sql, instr(sql, 'WHERE')) FROM sqlite_schema s WHERE s.name = i.name) ELSE '' END
		FROM ` + sqliteTables + `, pragma_index_list(t.name) i WHERE NOT i."unique"`,

	`SELECT 'reference ' || t.name || ' FOREIGN KEY (' || group_concat(f."from", ', ' ORDER BY f.seq) || ') REFERENCES ' || f."table"
			|| '(' || group_concat(coalesce(f."to", '?'), ', ' ORDER BY f.seq) || ') ON DELETE ' || f.on_delete, ''
		FROM ` + sqliteTables + `, pragma_foreign_key_list(t.name) f GROUP BY t.name, f.id`,

	`SELECT 'trigger ' || s.name, s.sql FROM sqlite_schema s WHERE s.type = 'trigger'`,
}
