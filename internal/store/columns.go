package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"punctual/internal/db"
)

// field is how a field of R, a check or a ping, is stored: its SQL type in each
// engine, where a row is scanned to, what a statement is given, and what a statement
// of PostgreSQL about many rows is given, as an array.
type field[R any] struct {
	postgres string
	sqlite   string
	dest     func(*R) any
	value    func(*R) any
	array    func([]*R) any
}

func texts[R any](get func(*R) *string) field[R] {
	return field[R]{"text", "text",
		func(r *R) any { return get(r) },
		func(r *R) any { return *get(r) },
		arrayOf(func(r *R) string { return *get(r) }),
	}
}

func bools[R any](get func(*R) *bool) field[R] {
	return field[R]{"boolean", "integer",
		func(r *R) any { return get(r) },
		func(r *R) any { return *get(r) },
		arrayOf(func(r *R) bool { return *get(r) }),
	}
}

func bigint[R any](get func(*R) *int64) field[R] {
	return field[R]{"bigint", "integer",
		func(r *R) any { return get(r) },
		func(r *R) any { return *get(r) },
		arrayOf(func(r *R) int64 { return *get(r) }),
	}
}

// times: the zero time is stored as null.
func times[R any](get func(*R) *time.Time) field[R] {
	return field[R]{"timestamptz", "integer",
		func(r *R) any { return db.Time(get(r)) },
		func(r *R) any { return *get(r) },
		arrayOf(func(r *R) pgtype.Timestamptz { return pgTime(*get(r)) }),
	}
}

// seconds: a duration of whole seconds.
func seconds[R any](get func(*R) *time.Duration) field[R] {
	return field[R]{"integer", "integer",
		func(r *R) any { return db.Seconds(get(r)) },
		func(r *R) any { return int64(get(r).Seconds()) },
		arrayOf(func(r *R) int64 { return int64(get(r).Seconds()) }),
	}
}

// micros: a duration of whole microseconds.
func micros[R any](get func(*R) *time.Duration) field[R] {
	return field[R]{"bigint", "integer",
		func(r *R) any { return db.Micros(get(r)) },
		func(r *R) any { return get(r).Microseconds() },
		arrayOf(func(r *R) int64 { return get(r).Microseconds() }),
	}
}

func uuids[R any](get func(*R) *uuid.UUID) field[R] {
	return field[R]{"uuid", "text",
		func(r *R) any { return db.UUID(get(r)) },
		func(r *R) any { return *get(r) },
		arrayOf(func(r *R) pgtype.UUID { return pgtype.UUID{Bytes: *get(r), Valid: true} }),
	}
}

// uuidOrNull: the zero UUID is stored as null.
func uuidOrNull[R any](get func(*R) *uuid.UUID) field[R] {
	return field[R]{"uuid", "text",
		func(r *R) any { return db.UUID(get(r)) },
		func(r *R) any { return db.NullUUID(*get(r)) },
		arrayOf(func(r *R) pgtype.UUID { return pgtype.UUID{Bytes: *get(r), Valid: *get(r) != uuid.Nil} }),
	}
}

func nullUUIDs[R any](get func(*R) *uuid.NullUUID) field[R] {
	return field[R]{"uuid", "text",
		func(r *R) any { return get(r) },
		func(r *R) any { return *get(r) },
		arrayOf(func(r *R) pgtype.UUID { return pgtype.UUID{Bytes: get(r).UUID, Valid: get(r).Valid} }),
	}
}

// textOrNull: "" is stored as null.
func textOrNull[R any](get func(*R) *string) field[R] {
	return field[R]{"text", "text",
		func(r *R) any { return db.Text(get(r)) },
		func(r *R) any { return db.NullText(*get(r)) },
		arrayOf(func(r *R) pgtype.Text { return pgtype.Text{String: *get(r), Valid: *get(r) != ""} }),
	}
}

// intOrNull: a number of 32 bits; nil is stored as null.
func intOrNull[R any](get func(*R) **int) field[R] {
	return field[R]{"integer", "integer",
		func(r *R) any { return get(r) },
		func(r *R) any {
			n := *get(r)
			if n == nil {
				return nil
			}
			return *n
		},
		arrayOf(func(r *R) (out pgtype.Int4) {
			n := *get(r)
			if n != nil {
				out = pgtype.Int4{Int32: int32(*n), Valid: true} //nolint:gosec // ParseExitStatus gives 32 bits
			}
			return out
		}),
	}
}

// blobs: nil is stored as null.
func blobs[R any](get func(*R) *[]byte) field[R] {
	return field[R]{"bytea", "blob",
		func(r *R) any { return get(r) },
		func(r *R) any { return *get(r) },
		arrayOf(func(r *R) []byte { return *get(r) }),
	}
}

// arrayOf makes an array of what get returns of each row.
func arrayOf[R, T any](get func(*R) T) func([]*R) any {
	return func(rows []*R) any {
		values := make([]T, len(rows))
		for i, r := range rows {
			values[i] = get(r)
		}
		return values
	}
}

// column is a column of the table of R.
type column[R any] struct {
	name string
	field[R]
}

// columnSet are some columns of a table, in their order.
type columnSet[R any] struct {
	columns []column[R]
	// list is for SELECT: "c.id, c.code".
	list string
}

// newColumnSet are the columns of a table that statements call by the alias.
func newColumnSet[R any](alias string, columns []column[R]) columnSet[R] {
	set := columnSet[R]{columns: columns}
	set.list = set.each(func(_ int, col column[R]) string { return alias + "." + col.name })
	return set
}

// each joins what format returns of each column, the first of which is number 0,
// with commas.
func (s columnSet[R]) each(format func(i int, col column[R]) string) string {
	parts := make([]string, len(s.columns))
	for i, col := range s.columns {
		parts[i] = format(i, col)
	}
	return strings.Join(parts, ", ")
}

// names is for INSERT: "id, code".
func (s columnSet[R]) names() string {
	return s.each(func(_ int, col column[R]) string { return col.name })
}

// marks is for VALUES with parameters that have no name: "?, ?".
func (s columnSet[R]) marks() string {
	return s.each(func(int, column[R]) string { return "?" })
}

// numbered is for VALUES and SET: format, with a %[1]s for the name of a column
// and a %[2]d for the number of its parameter, the first of which is number first.
func (s columnSet[R]) numbered(format string, first int) string {
	return s.each(func(i int, col column[R]) string { return fmt.Sprintf(format, col.name, first+i) })
}

// dest is where a row of list is scanned to.
func (s columnSet[R]) dest(r *R) []any {
	dest := make([]any, len(s.columns), len(s.columns)+spareColumns)
	for i := range s.columns {
		dest[i] = s.columns[i].dest(r)
	}
	return dest
}

// spareColumns is how many columns of other tables most statements read beside.
const spareColumns = 4

// values adds to args what a statement is given of r. An args with room enough
// lets who records pings do without another allocation.
func (s columnSet[R]) values(args []any, r *R) []any {
	for i := range s.columns {
		args = append(args, s.columns[i].value(r))
	}
	return args
}

// arrays are what a statement of PostgreSQL is given of many rows: an array for each
// column.
func (s columnSet[R]) arrays(rows []*R) []any {
	arrays := make([]any, len(s.columns), len(s.columns)+spareColumns)
	for i := range s.columns {
		arrays[i] = s.columns[i].array(rows)
	}
	return arrays
}
