package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// checkField is how a field of a check is stored: its SQL type in each engine,
// where a row is scanned to, what a statement is given, and what a statement of
// PostgreSQL about many checks is given, as an array.
type checkField struct {
	postgres string
	sqlite   string
	dest     func(*monitor.Check) any
	value    func(*monitor.Check) any
	array    func([]*monitor.Check) any
}

func texts(field func(*monitor.Check) *string) checkField {
	return checkField{"text", "text",
		func(c *monitor.Check) any { return field(c) },
		func(c *monitor.Check) any { return *field(c) },
		arrayOf(func(c *monitor.Check) string { return *field(c) }),
	}
}

func bools(field func(*monitor.Check) *bool) checkField {
	return checkField{"boolean", "integer",
		func(c *monitor.Check) any { return field(c) },
		func(c *monitor.Check) any { return *field(c) },
		arrayOf(func(c *monitor.Check) bool { return *field(c) }),
	}
}

func bigint(field func(*monitor.Check) *int64) checkField {
	return checkField{"bigint", "integer",
		func(c *monitor.Check) any { return field(c) },
		func(c *monitor.Check) any { return *field(c) },
		arrayOf(func(c *monitor.Check) int64 { return *field(c) }),
	}
}

// times: the zero time is stored as null.
func times(field func(*monitor.Check) *time.Time) checkField {
	return checkField{"timestamptz", "integer",
		func(c *monitor.Check) any { return db.Time(field(c)) },
		func(c *monitor.Check) any { return *field(c) },
		arrayOf(func(c *monitor.Check) pgtype.Timestamptz { return pgTime(*field(c)) }),
	}
}

// seconds: a duration of whole seconds.
func seconds(field func(*monitor.Check) *time.Duration) checkField {
	return checkField{"integer", "integer",
		func(c *monitor.Check) any { return db.Seconds(field(c)) },
		func(c *monitor.Check) any { return int64(field(c).Seconds()) },
		arrayOf(func(c *monitor.Check) int64 { return int64(field(c).Seconds()) }),
	}
}

// micros: a duration of whole microseconds.
func micros(field func(*monitor.Check) *time.Duration) checkField {
	return checkField{"bigint", "integer",
		func(c *monitor.Check) any { return db.Micros(field(c)) },
		func(c *monitor.Check) any { return field(c).Microseconds() },
		arrayOf(func(c *monitor.Check) int64 { return field(c).Microseconds() }),
	}
}

func uuids(field func(*monitor.Check) *uuid.UUID) checkField {
	return checkField{"uuid", "text",
		func(c *monitor.Check) any { return db.UUID(field(c)) },
		func(c *monitor.Check) any { return *field(c) },
		arrayOf(func(c *monitor.Check) pgtype.UUID { return pgtype.UUID{Bytes: *field(c), Valid: true} }),
	}
}

// uuidOrNull: the zero UUID is stored as null.
func uuidOrNull(field func(*monitor.Check) *uuid.UUID) checkField {
	return checkField{"uuid", "text",
		func(c *monitor.Check) any { return db.UUID(field(c)) },
		func(c *monitor.Check) any { return db.NullUUID(*field(c)) },
		arrayOf(func(c *monitor.Check) pgtype.UUID { return pgtype.UUID{Bytes: *field(c), Valid: *field(c) != uuid.Nil} }),
	}
}

func nullUUIDs(field func(*monitor.Check) *uuid.NullUUID) checkField {
	return checkField{"uuid", "text",
		func(c *monitor.Check) any { return field(c) },
		func(c *monitor.Check) any { return *field(c) },
		arrayOf(func(c *monitor.Check) pgtype.UUID { return pgtype.UUID{Bytes: field(c).UUID, Valid: field(c).Valid} }),
	}
}

// arrayOf makes an array of what get returns of each check.
func arrayOf[T any](get func(*monitor.Check) T) func([]*monitor.Check) any {
	return func(checks []*monitor.Check) any {
		values := make([]T, len(checks))
		for i, c := range checks {
			values[i] = get(c)
		}
		return values
	}
}

// checkSet are some columns of checks, in the order of checkTable.
type checkSet struct {
	columns []checkColumn
	// list is for SELECT: "c.id, c.code".
	list string
}

func checksWith(has func(checkColumn) bool) checkSet {
	var set checkSet
	for _, col := range checkTable {
		if has(col) {
			set.columns = append(set.columns, col)
		}
	}
	set.list = set.each(func(_ int, col checkColumn) string { return "c." + col.name })
	return set
}

// each joins what say returns of each column, the first of which is number 0,
// with commas.
func (s checkSet) each(format func(i int, col checkColumn) string) string {
	parts := make([]string, len(s.columns))
	for i, col := range s.columns {
		parts[i] = format(i, col)
	}
	return strings.Join(parts, ", ")
}

// names is for INSERT: "id, code".
func (s checkSet) names() string {
	return s.each(func(_ int, col checkColumn) string { return col.name })
}

// numbered is for VALUES and SET: format, with a %[1]s for the name of a column
// and a %[2]d for the number of its parameter, the first of which is number first.
func (s checkSet) numbered(format string, first int) string {
	return s.each(func(i int, col checkColumn) string { return fmt.Sprintf(format, col.name, first+i) })
}

// dest is where a row of list is scanned to.
func (s checkSet) dest(c *monitor.Check) []any {
	dest := make([]any, len(s.columns), len(s.columns)+spareColumns)
	for i := range s.columns {
		dest[i] = s.columns[i].dest(c)
	}
	return dest
}

// spareColumns is how many columns of other tables most statements read beside.
const spareColumns = 4

// values adds to args what a statement is given of c. An args with room enough
// lets who records pings do without another allocation.
func (s checkSet) values(args []any, c *monitor.Check) []any {
	for i := range s.columns {
		args = append(args, s.columns[i].value(c))
	}
	return args
}

// arrays are what a statement of PostgreSQL is given of many checks: an array for
// each column.
func (s checkSet) arrays(checks []*monitor.Check) []any {
	arrays := make([]any, len(s.columns), len(s.columns)+spareColumns)
	for i := range s.columns {
		arrays[i] = s.columns[i].array(checks)
	}
	return arrays
}
