package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// fill gives the project checks with descriptions of the length.
func (c *client) fillLong(checks, length int) {
	c.Helper()
	all := make([]store.History, 0, checks)
	for i := range checks {
		check := monitor.NewCheck(c.mine.Project.ID, c.store.Now())
		check.Name = fmt.Sprintf("Job %d", i)
		check.Description = strings.Repeat("é\"", length/2) + fmt.Sprint(i)
		all = append(all, store.History{Check: &check})
	}
	if err := c.store.ImportHistory(c.Context(), all); err != nil {
		c.Fatal(err)
	}
}

// A list has the same bytes, the same ETag and the same objects whether its
// descriptions fit into it or are read again.
func TestLongDescriptionsInLists(t *testing.T) {
	each(t, func(c *client) {
		// 40 times 120 kB: most are left out at first
		c.fillLong(40, 80_000)
		r := httptest.NewRequest(http.MethodGet, "/api/v3/checks/", nil)
		r.Header.Set("X-Api-Key", rwKey)
		w := httptest.NewRecorder()
		c.bare.ServeHTTP(w, r)
		sum := sha256.Sum256(w.Body.Bytes())
		tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
		if w.Code != http.StatusOK || w.Header().Get("ETag") != tag {
			t.Errorf("%d, ETag %s, want %s", w.Code, w.Header().Get("ETag"), tag)
		}
		var list struct{ Checks []map[string]any }
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Checks) != 41 {
			t.Fatalf("%d checks, %v", len(list.Checks), err)
		}
		for _, got := range list.Checks {
			code, _ := got["uuid"].(string)
			one := c.object(http.StatusOK, http.MethodGet, "/api/v3/checks/"+code, "")
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(one)
			if !bytes.Equal(a, b) {
				t.Fatalf("in the list\n%.300s\nalone\n%.300s", a, b)
			}
		}
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		again := httptest.NewRecorder()
		c.bare.ServeHTTP(again, r)
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("again: %d, %d bytes", again.Code, again.Body.Len())
		}
	})
}

// changing edits a check as soon as the answer begins.
type changing struct {
	*httptest.ResponseRecorder
	change func()
}

func (w *changing) WriteHeader(status int) {
	w.change()
	w.ResponseRecorder.WriteHeader(status)
}

// An answer that would not be what its ETag says is cut off.
func TestAListThatChangesWhileItIsSent(t *testing.T) {
	each(t, func(c *client) {
		c.fillLong(40, 80_000)
		w := &changing{httptest.NewRecorder(), func() {
			_, err := c.store.DB().Exec(t.Context(), `UPDATE checks SET description = 'other' WHERE name = 'Job 39'`)
			if err != nil {
				t.Error(err)
			}
		}}
		r := httptest.NewRequest(http.MethodGet, "/api/v3/checks/", nil)
		r.Header.Set("X-Api-Key", rwKey)
		defer func() {
			got, _ := recover().(error)
			if !errors.Is(got, http.ErrAbortHandler) {
				t.Errorf("the answer ended with %v; it has %d bytes", got, w.Body.Len())
			}
		}()
		c.bare.ServeHTTP(w, r)
	})
}

// weighing is a client that looks how much memory the answer takes as it comes.
type weighing struct {
	header http.Header
	bytes  int
	writes int
	// the most bytes in use
	heap uint64
}

func (w *weighing) Header() http.Header { return w.header }
func (w *weighing) WriteHeader(int)     {}
func (w *weighing) Write(p []byte) (int, error) {
	if w.writes++; w.writes%2000 == 1 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		w.heap = max(w.heap, m.HeapAlloc)
	}
	w.bytes += len(p)
	return len(p), nil
}

var _ io.Writer = (*weighing)(nil)

// A list takes little memory, also with the longest descriptions: of ten thousand
// checks it is 11 MB, of the two thousand of this test less than half of that.
func TestMemoryOfAList(t *testing.T) {
	clock := testdb.NewClock()
	c := newClient(t, testdb.Open(t, db.SQLite, clock), clock)
	c.fillLong(2_000, 0)
	long := strings.Repeat(`é"`, monitor.MaxDescriptionLength/2)
	_, err := c.store.DB().Exec(t.Context(), `UPDATE checks SET description = $1`, long)
	if err != nil {
		t.Fatal(err)
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := httptest.NewRequest(http.MethodGet, "/api/v3/checks/", nil)
	r.Header.Set("X-Api-Key", rwKey)
	w := &weighing{header: http.Header{}}
	c.bare.ServeHTTP(w, r)
	took := int64(w.heap) - int64(before.HeapAlloc)
	t.Logf("an answer of %d MB took %.1f MB", w.bytes>>20, float64(took)/(1<<20))
	if w.bytes < 2_000*monitor.MaxDescriptionLength || took > 10<<20 {
		t.Errorf("an answer of %d bytes took %d bytes of memory", w.bytes, took)
	}
}
