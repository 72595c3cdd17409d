package db_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/db"
)

func TestListsHaveAllRowsWithTheirValues(t *testing.T) {
	type row struct {
		At   time.Time
		ID   uuid.UUID
		Yes  bool
		Data []byte
		Took time.Duration
		Word string
	}
	dest := func(r *row) []any {
		return []any{db.Time(&r.At), db.UUID(&r.ID), &r.Yes, &r.Data, db.Seconds(&r.Took), db.Text(&r.Word)}
	}
	each(t, func(t *testing.T, d *db.DB) {
		values(t, d)
		var want []row
		for i := range 50 {
			r := row{Yes: i%2 == 0, Took: time.Duration(i) * time.Second}
			// else NULL, which must not keep what the row before had
			if i%3 == 0 {
				r.At = time.Date(2026, 3, 29, 3, 30, i, 1000, time.UTC)
				r.ID = uuid.New()
				r.Data = []byte{byte(i)}
				r.Word = "ünï"
			}
			exec(t, d, `INSERT INTO v (at, id, yes, data, n, word) VALUES ($1, $2, $3, $4, $5, $6)`, r.At, db.NullUUID(r.ID), r.Yes, r.Data, i,
				db.NullText(r.Word))
			want = append(want, r)
		}
		const query = `SELECT at, id, yes, data, n, word FROM v WHERE n >= $1 ORDER BY n`
		got, err := db.List(t.Context(), d, dest, query, 0)
		diff := cmp.Diff(want, got)
		if err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if none, err := db.List(t.Context(), d, dest, query, 50); err != nil || len(none) != 0 {
			t.Errorf("no rows: %d, %v", len(none), err)
		}
		if _, err := db.List(t.Context(), d, dest, `SELECT at, id, yes, data, NULL, word FROM v`); err == nil {
			t.Error("a duration of NULL is no error")
		}
		if _, err := db.List(t.Context(), d, dest, `SELECT nothing FROM v`); err == nil {
			t.Error("a wrong statement is no error")
		}
	})
}
