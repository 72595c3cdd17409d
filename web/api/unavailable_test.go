package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"punctual/internal/mail"
	"punctual/internal/testkit/openapitest"
	"punctual/web/api"
	"punctual/web/badge"
	"punctual/web/projectmetrics"
)

// Every operation that needs the database answers 503 with Retry-After while it
// does not answer, and the document has it so. Pings are tried in internal/ping.
func TestTheDatabaseIsAway(t *testing.T) {
	eachExtended(t, func(e *extended) {
		log := slog.New(slog.DiscardHandler)
		badges := badge.New(badge.Deps{Store: e.store, Links: badgeLinks(), Label: "Punctual", Log: log})
		metrics := projectmetrics.New(projectmetrics.Deps{Store: e.store, HashKey: storedKey})
		r := chi.NewRouter()
		r.Handle("/api/*", e.api)
		r.Handle("/badge/*", badges)
		r.Handle("/b/*", badges)
		r.Handle("/projects/{project}/metrics/", metrics)
		r.Handle("/projects/{project}/metrics/{key}", metrics)
		r.Handle("/projects/{project}/checks/metrics/{key}", metrics)
		document := api.Deps{SiteURL: "https://p.example.org", PingEndpoint: "https://p.example.org/ping/"}.Document()
		spec, err := openapi3.NewLoader().LoadFromData(document)
		if err != nil {
			e.Fatal(err)
		}
		h := openapitest.Load(e.T, document).Handler(e.T, r)
		for path, item := range spec.Paths.Map() {
			if strings.HasPrefix(path, "/ping/") {
				continue
			}
			for method, op := range item.Operations() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, e.whileAway(method, path, item))
				described := op.Responses.Status(http.StatusServiceUnavailable) != nil
				if described != (w.Code == http.StatusServiceUnavailable) {
					e.Errorf("%s %s: %d %s; 503 is in openapi.yaml: %t", method, path, w.Code, w.Body, described)
				}
				wait, _ := strconv.Atoi(w.Header().Get("Retry-After"))
				if described && wait < 1 {
					e.Errorf("%s %s: Retry-After %q", method, path, w.Header().Get("Retry-After"))
				}
			}
		}
	})
}

// whileAway is a request of the document that needs the database, which will not
// answer in time.
func (e *extended) whileAway(method, path string, item *openapi3.PathItem) *http.Request {
	e.Helper()
	key := rwKey
	body := "{}"
	kind := "application/json"
	switch {
	case strings.HasPrefix(path, "/api/v3/projects/"):
		// an account token
		key = "hca_AbCdEfGhIjKlMnOpQrStUvWxYz01"
	case strings.HasSuffix(path, "/bounces/"):
		address := returnPaths.Address(mail.AboutDelivery, e.mine.Check.Code, e.clock.Now())
		body = fmt.Sprintf(report, address, "failed", "5.1.1", "")
		kind = "message/rfc822"
	case strings.HasPrefix(path, "/api/{version}/notifications/"):
		body = "error=x"
		kind = "application/x-www-form-urlencoded"
	}
	// what is not signed is refused before the database is asked
	signed := strings.NewReplacer(
		"/badge/{badge_key}/{signature}.{format}", badgeLinks().Tag(e.mine.Project.BadgeKey, "*", badge.TwoStates, "svg"),
		"/badge/{badge_key}/{signature}/{tag}.{format}", badgeLinks().Tag(e.mine.Project.BadgeKey, "prod", badge.TwoStates, "svg"))
	address := inDocument.ReplaceAllStringFunc(signed.Replace(path), func(name string) string {
		return fmt.Sprint(item.Parameters.GetByInAndName("path", strings.Trim(name, "{}")).Example)
	})
	ctx, cancel := context.WithDeadline(e.Context(), time.Unix(0, 0))
	e.Cleanup(cancel)
	r := httptest.NewRequest(method, address, strings.NewReader(body)).WithContext(ctx)
	for name, value := range map[string]string{"X-Api-Key": key, "Authorization": "Bearer " + roKey, "X-Metrics-Key": metricsKey,
		"Content-Type": kind} {
		r.Header.Set(name, value)
	}
	return r
}
