package ping

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"punctual/internal/clientip"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/text"
)

// Logged writes a debugging line about each ping that h answers; prefix is that
// of NewHandler. It costs time, so where nobody debugs h is to be used alone.
func Logged(h http.Handler, prefix string, proxies *clientip.Proxies, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(seen, r)
		attrs := append(pingAttrs(r, prefix, seen.status < http.StatusMultipleChoices), slog.Int("status", seen.status),
			logs.Took(time.Since(began)), slog.String("remote", textOf(proxies.Client(r))))
		log.Debug("ping", attrs...)
	})
}

// pingAttrs are what the address of a ping says, but for its secrets: the code
// of the check, which its unique key stands for, and the ping key. The slug is
// shown where it is known to be one: it may be a ping key in the wrong place.
func pingAttrs(r *http.Request, prefix string, known bool) []any {
	attrs := []any{slog.String("method", text.Clip(r.Method, monitor.MaxMethod))}
	t, ok := parseTarget(strings.TrimPrefix(r.URL.Path, prefix))
	switch {
	case !ok:
		return append(attrs, slog.String("kind", "none"))
	case t.byCode:
		attrs = append(attrs, slog.String("check", monitor.UniqueKey(t.code)))
	case known:
		attrs = append(attrs, slog.String("slug", t.slug))
	}
	return append(attrs, slog.String("kind", string(t.kind)))
}

// statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
