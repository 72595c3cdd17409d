package demo

import (
	"io"
	"net/http"
	"strings"
)

// Sink accepts outgoing requests itself, so that nothing leaves the machine.
type Sink struct{}

// RoundTrip implements http.RoundTripper. It never fails.
func (Sink) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		// whatever there is
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	// Pushover wants the first two
	const body = `{"status":1,"request":"demo","note":"This is a demo: nothing was sent."}`
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: r,
	}, nil
}
