package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"
	"go.yaml.in/yaml/v3"

	"punctual/web/api"
)

var (
	inDocument = regexp.MustCompile(`\{[^{}]*\}`)
	// a pattern may hold braces
	inRouter = regexp.MustCompile(`\{([^{}]|\{[^{}]*\})*\}`)
)

// described are the addresses of the document below /api, by what they look
// like with the names of their variables taken out.
func described(t *testing.T) map[string]*openapi3.PathItem {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData(
		api.Deps{SiteURL: "https://p.example.org", PingEndpoint: "https://p.example.org/ping/"}.Document())
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]*openapi3.PathItem{}
	for path, item := range spec.Paths.Map() {
		if strings.HasPrefix(path, "/api/") {
			paths[path] = item
		}
	}
	return paths
}

func TestEveryAddressIsInTheDocument(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for path := range described(t) {
		path = strings.Replace(path, "/api/v3/", "/api/{version}/", 1)
		known[inDocument.ReplaceAllString(path, "{}")] = true
	}
	router, ok := api.New(api.Deps{Log: slog.New(slog.DiscardHandler)}).(chi.Routes)
	if !ok {
		t.Fatal("the API is not a router any more")
	}
	seen := map[string]bool{}
	err := chi.Walk(router, func(_, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		seen["/api"+inRouter.ReplaceAllString(path, "{}")] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path := range seen {
		// it leads to the one that has the slash
		slashless := seen[path+"/"] && known[path+"/"]
		if !known[path] && !slashless {
			t.Errorf("openapi.yaml lacks %s", path)
		}
	}
	for path := range known {
		if !seen[path] {
			t.Errorf("openapi.yaml has %s, the API does not", path)
		}
	}
}

// Which methods do something is asked of the API itself, without a key: those
// that are not there say so before they look at it.
func TestEveryMethodIsInTheDocument(t *testing.T) {
	t.Parallel()
	h := http.StripPrefix("/api", api.New(api.Deps{Log: slog.New(slog.DiscardHandler)}))
	for path, item := range described(t) {
		address := inDocument.ReplaceAllStringFunc(path, func(name string) string {
			p := item.Parameters.GetByInAndName("path", strings.Trim(name, "{}"))
			if p == nil || p.Example == nil {
				t.Errorf("%s: %s has no example", path, name)
				return "x"
			}
			return fmt.Sprint(p.Example)
		})
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			want := item.GetOperation(method) != nil || item.Extensions["x-any-method"] == true
			got := does(h, method, address)
			if got != want {
				t.Errorf("%s %s: in the API %t, in openapi.yaml %t", method, path, got, want)
			}
		}
	}
}

// does tells whether the method does anything at the address.
func does(h http.Handler, method, address string) (something bool) {
	defer func() {
		// it asked for its store, which is not there
		if recover() != nil {
			something = true
		}
	}()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, address, http.NoBody))
	return w.Code != http.StatusMethodNotAllowed && w.Code != http.StatusNotFound
}

// The document is served with the addresses of the instance.
func TestTheDocumentIsServed(t *testing.T) {
	t.Parallel()
	deps := api.Deps{SiteURL: "https://hc.example.net/below", PingEndpoint: "https://ping.example.net/", Log: slog.New(slog.DiscardHandler)}
	h := http.StripPrefix("/api", api.New(deps))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/api/openapi.yaml", http.NoBody))
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/yaml" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	var doc struct {
		OpenAPI string
		Servers []struct{ URL string }
	}
	if err := yaml.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.OpenAPI != "3.1.0" || len(doc.Servers) != 1 ||
		doc.Servers[0].URL != deps.SiteURL {
		t.Errorf("%v %+v", err, doc)
	}
	text := w.Body.String()
	if strings.Contains(text, "punctual.example.org/") || !strings.Contains(text, "ping_url: https://ping.example.net/4b1f0c2e") {
		t.Error("the examples have other addresses than the instance")
	}
	again := httptest.NewRequest("GET", "/api/openapi.yaml", http.NoBody)
	again.Header.Set("If-None-Match", w.Header().Get("Etag"))
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, again); w.Code != 304 || w.Body.Len() > 0 {
		t.Errorf("asked again: %d, %d bytes", w.Code, w.Body.Len())
	}
}
