package e2e

import (
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"punctual/internal/db"
)

// Issue 5: the first page, with all that it needs, has at most 60 KB compressed.
func TestTheFirstPageIsSmall(t *testing.T) {
	t.Parallel()
	b := newTab(t, db.SQLite)
	var mu sync.Mutex
	names, sizes := map[network.RequestID]string{}, map[string]float64{}
	chromedp.ListenTarget(b.ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventResponseReceived:
			names[e.RequestID] = e.Response.URL
		case *network.EventLoadingFinished:
			sizes[names[e.RequestID]] += e.EncodedDataLength // with headers, as it came
		}
	})
	b.do(network.Enable())
	b.open("/")
	b.until(`document.readyState === "complete" && document.fonts.status === "loaded"`)
	b.until(`document.querySelector("#demo.s-new")`)

	mu.Lock()
	defer mu.Unlock()
	total := 0.0
	for _, size := range sizes {
		total += size
	}
	if total > 60_000 || len(sizes) < 4 {
		t.Errorf("the first page has %.0f bytes: %v", total, sizes)
	}
	t.Logf("%.0f bytes: %v", total, sizes)
}
