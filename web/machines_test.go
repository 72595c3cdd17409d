package web

import (
	"net/http"
	"testing"

	"punctual/internal/db"
)

// Badges and scrapes get by without a session, badges by any method, and where
// the instance does not offer them there is nothing.
func TestAddressesForMachines(t *testing.T) {
	t.Parallel()
	here := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Method+" "+r.URL.Path)
		w.WriteHeader(http.StatusTeapot)
	})
	with := newTestSite(t, db.SQLite, func(d *Deps) { d.Badges, d.ProjectMetrics = here, here })
	without := newTestSite(t, db.SQLite)
	const metrics = "/projects/a0a0a0a0-0000-4000-8000-000000000000/"
	for _, path := range []string{"/badge/key/signature.svg", "/badge/key/signature/a/b.svg", "/b/2/key.svg", metrics + "metrics/", metrics + "metrics/key", metrics + "checks/metrics/key"} {
		got := with.get(path).is(http.StatusTeapot)
		if got.header.Get("X-Seen") != "GET "+path || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", path, got.header)
		}
		without.get(path).is(http.StatusNotFound)
	}
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodOptions} {
		if got := with.do(method, "/b/2/key.svg", nil).is(http.StatusTeapot); got.header.Get("X-Seen") != method+" /b/2/key.svg" {
			t.Errorf("%s comes as %s", method, got.header.Get("X-Seen"))
		}
	}
}
