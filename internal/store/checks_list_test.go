package store_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// SQLite keeps what it sorts in memory, outside of Go's, whole rows with their
// descriptions: of ten thousand checks that was 200 MB. An index has them in order,
// whatever ANALYZE has found out of the tables.
func TestListsOfChecksAreNotSorted(t *testing.T) {
	s := testdb.Open(t, db.SQLite, testdb.NewClock())
	testdb.Account(t, s)
	for _, statistics := range []string{`SELECT 1`, `ANALYZE`} {
		_, err := s.DB().Exec(t.Context(), statistics)
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range store.ListStatements {
			rows, err := s.DB().Query(t.Context(), `EXPLAIN QUERY PLAN `+query, uuid.New())
			plan, err := db.Collect(rows, err, func(r *sql.Rows, step *string) error {
				var id, parent, unused int
				return r.Scan(&id, &parent, &unused, step)
			})
			got := strings.Join(plan, "; ")
			if err != nil || !strings.Contains(got, "USING INDEX") || strings.Contains(got, "TEMP B-TREE") {
				t.Errorf("after %s: %s, %v", statistics, got, err)
			}
		}
	}
}
