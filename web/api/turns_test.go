package api_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"punctual/internal/monitor"
)

// A third list of a project waits, and where the others do not end its client is
// to come back; other projects, and what is no list, are answered.
func TestListsBeyondTheirShareAreToComeBack(t *testing.T) {
	each(t, func(c *client) {
		hold := make(chan struct{})
		reading := make(chan struct{}, 2)
		var lists sync.WaitGroup
		// SQLite has as many connections as the machine has processors.
		turns := min(2, max(1, c.store.DB().Readers()/2-1))
		for range turns {
			lists.Go(func() {
				err := c.store.EachCheckObject(c.Context(), c.mine.Project.ID, func(*monitor.Check) {
					reading <- struct{}{}
					<-hold
				})
				if err != nil {
					c.Error(err)
				}
			})
		}
		for range turns {
			<-reading
		}
		var asked sync.WaitGroup
		for _, path := range []string{"checks/", "badges/", "checks/{U}/pings/", "checks/{U}/flips/"} {
			asked.Go(func() {
				r := httptest.NewRequest(http.MethodGet, "/api/v3/"+strings.ReplaceAll(path, "{U}", c.mine.Check.Code.String()), nil)
				r.Header.Set("X-Api-Key", rwKey)
				w := httptest.NewRecorder()
				c.api.ServeHTTP(w, r)
				wait, _ := strconv.Atoi(w.Header().Get("Retry-After"))
				unavailable := strings.HasPrefix(w.Body.String(), `{"error": "temporarily unavailable, try again`)
				if w.Code != http.StatusServiceUnavailable || wait < 1 || !unavailable {
					c.Errorf("%s: %d, Retry-After %d, %s", path, w.Code, wait, w.Body)
				}
			})
		}
		asked.Wait()
		c.object(http.StatusOK, http.MethodGet, "/api/v3/checks/{U}", "")
		close(hold)
		lists.Wait()
		c.object(http.StatusOK, http.MethodGet, "/api/v3/checks/", "")
	})
}
