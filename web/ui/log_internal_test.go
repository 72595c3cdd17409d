package ui

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"punctual/internal/monitor"
)

func TestPathsInTheLogHaveNoSecrets(t *testing.T) {
	const code = "12345678-90ab-4def-8234-567890abcdef"
	unique := monitor.UniqueKey([16]byte{0x12, 0x34, 0x56, 0x78, 0x90, 0xab, 0x4d, 0xef, 0x82, 0x34, 0x56, 0x78, 0x90, 0xab, 0xcd, 0xef})
	var got string
	note := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = safePath(r) })
	r := chi.NewRouter()
	for _, route := range []string{
		"/", "/docs/{page}/", "/checks/{check}/pings/{n}/", "/accounts/check_token/{user}/{token}/", "/static/*", "/badge/*",
		"/projects/{project}/add_{kind}/", "/integrations/{channel}/unsub/{signed}/", "/checks/{check}/channels/{channel}/enabled",
	} {
		r.Handle(route, note)
	}
	api := chi.NewRouter()
	api.Handle("/{version:v[123]}/checks/{code:[0-9a-f]{8}-[0-9a-f-]{27}}/pause", note)
	api.Handle("/{version:v[123]}/notifications/{code:[0-9a-f-]{36}}/status", note)
	api.NotFound(note)
	r.Mount("/api", api)
	r.NotFound(note)
	for path, want := range map[string]string{
		"/":                              "/",
		"/docs/pinging_api/":             "/docs/pinging_api/",
		"/docs/A1b2C3d4E5f6G7h8J9k0/":    "/docs/…/",
		"/checks/" + code + "/pings/42/": "/checks/" + unique + "/pings/42/",
		"/checks/hunter2/pings/42/":      "/checks/{check}/pings/42/",
		"/accounts/check_token/" + code + "/hunter2/":        "/accounts/check_token/" + code + "/{token}/",
		"/static/css/app.0a1b2c3d4e5f.css":                   "/static/css/app.0a1b2c3d4e5f.css",
		"/badge/A1b2C3d4E5f6G7h8J9k0/Zx1Cv2/x.svg":           "/badge/…/Zx1Cv2/x.svg",
		"/projects/" + code + "/add_webhook/":                "/projects/" + code + "/add_webhook/",
		"/integrations/" + code + "/unsub/hunter2/":          "/integrations/" + code + "/unsub/{signed}/",
		"/checks/" + code + "/channels/" + code + "/enabled": "/checks/" + unique + "/channels/" + code + "/enabled",
		"/api/v3/checks/" + code + "/pause":                  "/api/v3/checks/" + unique + "/pause",
		"/api/v3/notifications/" + code + "/status":          "/api/v3/notifications/" + code + "/status",
		"/api/v3/check/" + code:                              "/api/v3/check/…",
		"/pign/" + code + "/fail":                            "/pign/…/fail",
		"/wp-login.php":                                      "/wp-login.php",
		"/A1b2C3d4E5f6G7h8J9k0/backup":                       "/…/backup",
		"/" + strings.Repeat("ab/", 100):                     "/" + strings.Repeat("ab/", 66) + "a…",
	} {
		got = "nothing"
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path+"?key=hunter2", http.NoBody))
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", path, got, want)
		}
	}
}
