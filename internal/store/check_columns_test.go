package store_test

import (
	"database/sql"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestTheTableOfColumnsIsTheSchema(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		query := `SELECT name, lower(type) FROM pragma_table_info('checks')`
		typeOf := func(c store.Column) string { return c.SQLite }
		if s.DB().Engine == db.Postgres {
			query = `SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
				WHERE a.attrelid = 'checks'::regclass AND a.attnum > 0 AND NOT a.attisdropped`
			typeOf = func(c store.Column) string { return c.Postgres }
		}
		want := make(map[string]string)
		for _, c := range store.CheckColumns() {
			want[c.Name] = typeOf(c)
		}
		rows, err := s.DB().Query(t.Context(), query)
		got := make(map[string]string)
		_, err = db.Collect(rows, err, func(r *sql.Rows, _ *struct{}) error {
			var name, kind string
			err := r.Scan(&name, &kind)
			if kind == "timestamp with time zone" {
				kind = "timestamptz"
			}
			got[name] = kind
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(got, want) {
			t.Errorf("the database has %v, the table %v", got, want)
		}
	})
}

// fullCheck is a check of which no field is zero; the same n gives the same one.
func fullCheck(t *testing.T, n int) *monitor.Check {
	t.Helper()
	var c monitor.Check
	fillField(t, reflect.ValueOf(&c).Elem(), &n)
	return &c
}

func fillField(t *testing.T, v reflect.Value, n *int) {
	*n++
	id := uuid.UUID{byte(*n >> 8), byte(*n), 6: 0x40, 8: 0x80}
	switch field := v.Addr().Interface().(type) {
	case *uuid.UUID:
		*field = id
	case *uuid.NullUUID:
		*field = uuid.NullUUID{UUID: id, Valid: true}
	case *time.Time:
		*field = time.UnixMicro(1_700_000_000_000_000 + int64(*n)).UTC()
	case *time.Duration:
		*field = time.Duration(*n) * time.Second
	default:
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				fillField(t, v.Field(i), n)
			}
		case reflect.String:
			v.SetString(fmt.Sprint("text ", *n))
		case reflect.Int64:
			v.SetInt(int64(*n))
		case reflect.Bool:
			v.SetBool(true)
		default:
			t.Fatalf("no column can hold a %s yet", v.Type())
		}
	}
}

// newFull stores a full check and returns it as it was stored.
func newFull(t *testing.T, s *store.Store) *monitor.Check {
	t.Helper()
	c := fullCheck(t, 0)
	c.ProjectID = testdb.Account(t, s).Project.ID
	if err := s.InsertCheck(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	// A new check is stored with its deadline recomputed: these come as they are.
	stored := fullCheck(t, 0)
	stored.ID = c.ID
	stored.ProjectID = c.ProjectID
	if err := s.WriteState(t.Context(), stored, true); err != nil {
		t.Fatal(err)
	}
	return stored
}

func holdsReads(t *testing.T, s *store.Store, want *monitor.Check) {
	t.Helper()
	for name, set := range store.CheckReads {
		got, err := s.ReadCheck(t.Context(), set, want.ID)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		only := set.Only(want)
		if !reflect.DeepEqual(got, only) {
			t.Errorf("%s: read %+v,\nstored %+v", name, got, only)
		}
	}
}

// Whole checks have all fields but one, hot ones have that: so no field is without
// a column, and no two share one.
func TestEachColumnOfANewCheckComesBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		holdsReads(t, s, newFull(t, s))
		for _, c := range store.CheckColumns() {
			if !store.CheckReads["whole"].Has(c.Name) && !store.CheckReads["hot"].Has(c.Name) {
				t.Errorf("nobody reads %s", c.Name)
			}
		}
	})
}

func TestEachColumnOfAChangedCheckComesBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		before := newFull(t, s)
		changed := fullCheck(t, 1000)
		changed.ID = before.ID
		changed.ProjectID = before.ProjectID
		if err := s.ChangeWhole(t.Context(), changed); err != nil {
			t.Fatal(err)
		}
		// These never change, or with pings only.
		changed.Code = before.Code
		changed.BadgeKey = before.BadgeKey
		changed.CreatedAt = before.CreatedAt
		changed.EndedRuns = before.EndedRuns
		holdsReads(t, s, changed)
	})
}

func TestEachColumnOfAStateComesBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		want := newFull(t, s)
		pinged := fullCheck(t, 2000)
		pinged.ID = want.ID
		if err := s.WriteState(t.Context(), pinged, true); err != nil {
			t.Fatal(err)
		}
		want.State = pinged.State
		holdsReads(t, s, want)
	})
}

func TestAStateWithoutWhatIndexesHave(t *testing.T) {
	s := testdb.Open(t, db.SQLite, testdb.NewClock())
	want := newFull(t, s)
	pinged := fullCheck(t, 2000)
	pinged.ID = want.ID
	if err := s.WriteState(t.Context(), pinged, false); err != nil {
		t.Fatal(err)
	}
	pinged.Status = want.Status
	pinged.WatchAt = want.WatchAt
	want.State = pinged.State
	holdsReads(t, s, want)
}

var words = regexp.MustCompile(`\w+`)

// What SQLite does not write unless it has changed is what indexes have, and a
// change of it is noticed.
func TestColumnsInIndexesAreKnown(t *testing.T) {
	var flagged []string
	for _, c := range store.CheckColumns() {
		if c.Indexed {
			flagged = append(flagged, c.Name)
		}
	}
	noticed := store.NoticesIndexed(fullCheck(t, 0))
	if !slices.Equal(noticed, flagged) {
		t.Errorf("changes of %v are noticed, but %v are in indexes", noticed, flagged)
	}
	s := testdb.Open(t, db.SQLite, testdb.NewClock())
	const query = `SELECT m.sql FROM sqlite_master m WHERE m.tbl_name = 'checks' AND m.type = 'index' AND m.sql IS NOT NULL`
	rows, err := s.DB().Query(t.Context(), query)
	indexes, err := db.Collect(rows, err, func(r *sql.Rows, text *string) error { return r.Scan(text) })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range store.CheckColumns() {
		if !store.WritesState(c.Name) {
			continue
		}
		inIndex := slices.ContainsFunc(indexes, func(text string) bool { return slices.Contains(words.FindAllString(text, -1), c.Name) })
		if inIndex != c.Indexed {
			t.Errorf("%s is in an index: %v; the table says %v", c.Name, inIndex, c.Indexed)
		}
	}
}
