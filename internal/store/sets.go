package store

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// A set is one argument that stands for many values, so that a statement keeps
// its text whatever their number. The type of the elements is theirs in PostgreSQL.
type setType string

const (
	idSet   setType = "bigint[]"
	uuidSet setType = "uuid[]"
	textSet setType = "text[]"
)

// inSet is the condition that column is one of the set bound as argument $n.
func inSet(e db.Engine, column string, n int, t setType) string {
	if e == db.Postgres {
		return inSetPostgres(column, n, t)
	}
	return inSetSQLite(column, n)
}

// set makes the argument for inSet of values in text form.
func set(e db.Engine, values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	return setOf(e, quoted)
}

func setOfIDs(e db.Engine, ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return setOf(e, texts)
}

func setOfUUIDs(e db.Engine, ids []uuid.UUID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return set(e, texts)
}

// setOf writes an array literal: they differ in the brackets only.
func setOf(e db.Engine, elements []string) string {
	list := strings.Join(elements, ",")
	if e == db.Postgres {
		return "{" + list + "}"
	}
	return "[" + list + "]"
}
