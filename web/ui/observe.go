package ui

import (
	"net/http"
	"time"
)

// Observe are hooks for metrics; any may be nil.
type Observe struct {
	// Request is told of each request that was answered. route is its pattern in
	// the route table, "" for one that met none; bytes are those of the body,
	// before compression.
	Request func(method, route string, status int, bytes int, took time.Duration)
}

func (o Observe) request(r *http.Request, status, bytes int, took time.Duration, stream bool) {
	// how long a page stays open is no measure of us
	if o.Request == nil || stream {
		return
	}
	o.Request(r.Method, routeOf(r), status, bytes, took)
}
