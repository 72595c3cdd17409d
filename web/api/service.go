package api

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"
)

// pingTime is how long the database may take to answer: load balancers do not
// wait for long.
const pingTime = 2 * time.Second

// status tells load balancers whether the database answers (docs/contract.md §5).
func (a *api) status(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), pingTime)
	defer cancel()
	if err := a.Store.DB().Ping(ctx); err != nil {
		a.Log.WarnContext(ctx, "the database does not answer", "error", err)
		empty(w, http.StatusInternalServerError)
		return nil
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte("OK"))
	return nil
}

// metrics tells those who watch Punctual itself how it is doing (docs/contract.md
// §5). It needs METRICS_KEY, in the header X-Metrics-Key.
func (a *api) metrics(w http.ResponseWriter, r *http.Request) error {
	key := r.Header.Get("X-Metrics-Key")
	if a.MetricsKey == "" || subtle.ConstantTimeCompare([]byte(key), []byte(a.MetricsKey)) != 1 {
		empty(w, http.StatusForbidden)
		return nil
	}
	m, err := a.Store.ServiceMetrics(r.Context())
	if err != nil {
		return err
	}
	a.json(w, http.StatusOK, struct {
		TS int64 `json:"ts"`
		// pings received, all checks together; null: none
		MaxPingID *int64 `json:"max_ping_id"`
		// null: none
		MaxNotificationID   *int64 `json:"max_notification_id"`
		NumUnprocessedFlips int64  `json:"num_unprocessed_flips"`
	}{a.Store.Now().Unix(), nonZero(m.Pings), nonZero(m.LastDelivery), m.OverdueFlips})
	return nil
}

func nonZero(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}
