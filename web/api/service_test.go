package api_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// docs/contract.md §5: metrics/ is closed without the right key.
func TestMetricsNeedTheirKey(t *testing.T) {
	each(t, func(c *client) {
		for key, want := range map[string]int{"": 403, "wrong": 403, rwKey: 403, metricsKey: 200} {
			for _, method := range []string{"GET", "POST", "HEAD"} {
				r := httptest.NewRequest(method, "/api/v3/metrics/", nil)
				r.Header.Set("X-Metrics-Key", key)
				w := c.request(r)
				if w.Code != want || want == 403 && w.Body.Len() > 0 {
					c.Errorf("%s with %q: %d %s, want %d", method, key, w.Code, w.Body, want)
				}
			}
		}
	})
}

func TestMetrics(t *testing.T) {
	each(t, func(c *client) {
		metrics := func(what, want string) {
			c.Helper()
			r := httptest.NewRequest("GET", "/api/v1/metrics/", nil)
			r.Header.Set("X-Metrics-Key", metricsKey)
			w := c.request(r)
			if w.Code != 200 || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
				c.Errorf("%s: %d %s, want %s", what, w.Code, w.Body, want)
			}
		}
		metrics("nothing has happened", `{"ts":1772366400,"max_ping_id":null,"max_notification_id":null,"num_unprocessed_flips":0}`)
		c.ping(monitor.Ping{Kind: monitor.PingSuccess})
		c.ping(monitor.Ping{Kind: monitor.PingFail})
		metrics("a flip waits", `{"ts":1772366400,"max_ping_id":2,"max_notification_id":1,"num_unprocessed_flips":1}`)
		claimed := c.claim()
		metrics("it is being told", `{"ts":1772366400,"max_ping_id":2,"max_notification_id":1,"num_unprocessed_flips":0}`)
		outcome := store.Outcome{ID: claimed.ID, Attempt: 1, Channel: claimed.ChannelID, Verdict: store.Retry,
			NextTry: c.clock.Now().Add(time.Hour), Tried: true, ChannelOutcome: store.ChannelOutcome{At: c.clock.Now(), Error: "x"}}
		c.finish(outcome)
		metrics("it will be tried again", `{"ts":1772366400,"max_ping_id":2,"max_notification_id":1,"num_unprocessed_flips":0}`)
		c.ping(monitor.Ping{Kind: monitor.PingSuccess})
		metrics("another has to wait for it", `{"ts":1772366400,"max_ping_id":3,"max_notification_id":2,"num_unprocessed_flips":0}`)
		c.clock.Advance(time.Hour)
		metrics("nobody tries again", `{"ts":1772370000,"max_ping_id":3,"max_notification_id":2,"num_unprocessed_flips":1}`)
		c.clock.Advance(100 * 24 * time.Hour)
		metrics("nobody notices a deadline", `{"ts":1781010000,"max_ping_id":3,"max_notification_id":2,"num_unprocessed_flips":2}`)
	})
}

func TestStatusTakesAnyMethod(t *testing.T) {
	each(t, func(c *client) {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
			code, body := c.callAs("", method, "/api/v2/status/", "")
			if code != 200 || body != "OK" {
				c.Errorf("%s: %d %q", method, code, body)
			}
		}
	})
}
