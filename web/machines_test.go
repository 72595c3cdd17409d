package web_test

import (
	"net/http"
	"testing"

	"punctual/internal/db"
	"punctual/web"
	"punctual/web/webtest"
)

// Badges and scrapes get by without a session, badges by any method, and where
// the instance does not offer them there is nothing.
func TestAddressesForMachines(t *testing.T) {
	t.Parallel()
	here := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Method+" "+r.URL.Path)
		w.WriteHeader(http.StatusTeapot)
	})
	with := webtest.New(t, db.SQLite, func(d *web.Deps) {
		d.Badges = here
		d.ProjectMetrics = here
	})
	without := webtest.New(t, db.SQLite)
	const metrics = "/projects/a0a0a0a0-0000-4000-8000-000000000000/"
	for _, path := range []string{"/badge/key/signature.svg", "/badge/key/signature/a/b.svg", "/b/2/key.svg", metrics + "metrics/",
		metrics + "metrics/key", metrics + "checks/metrics/key"} {
		got := with.Get(path).Is(http.StatusTeapot)
		if got.Header.Get("X-Seen") != "GET "+path || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", path, got.Header)
		}
		without.Get(path).Is(http.StatusNotFound)
	}
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodOptions} {
		got := with.Do(method, "/b/2/key.svg", nil).Is(http.StatusTeapot)
		if got.Header.Get("X-Seen") != method+" /b/2/key.svg" {
			t.Errorf("%s comes as %s", method, got.Header.Get("X-Seen"))
		}
	}
}
