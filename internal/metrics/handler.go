package metrics

import (
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"punctual/internal/auth"
)

// Handler answers with all figures, in the OpenMetrics or the older text format,
// as the Accept header asks. It answers with the database down.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	})
}

// Allowed tells whether a request carries one of the tokens, as
// `Authorization: Bearer TOKEN`. It takes the same time whichever it is.
func Allowed(r *http.Request, tokens []string) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || given == "" {
		return false
	}
	return auth.TokenIn(strings.TrimSpace(given), tokens)
}
