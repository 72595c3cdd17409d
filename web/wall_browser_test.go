//go:build programs

package web

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/browser"
)

// What goes down while the wall hangs there shows by itself, and so does that it
// was revoked.
func TestAWallInABrowser(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, db.SQLite)
	_, p := s.login("jane@example.org")
	zoo := s.zoo(p)
	path := s.makesWall(p)
	mine := s.chromium("/walls/")
	s.shots(mine, "walls")
	s.drive(mine, chromedp.EmulateViewport(390, 700))
	s.eventually(mine, `document.documentElement.scrollWidth <= 390`)
	ctx, console := browser.New(t)
	console.Allow("status of 404")
	s.drive(ctx, chromedp.EmulateViewport(1920, 1080), chromedp.Navigate(s.url+path))
	s.eventually(ctx, `document.querySelector('.sum').textContent.includes('down')`)
	s.shots(ctx, "wall")
	s.drive(ctx, chromedp.EmulateViewport(390, 700))
	s.eventually(ctx, `document.documentElement.scrollWidth <= 390`)
	for _, c := range zoo {
		s.ping(c, monitor.PingSuccess)
	}
	s.eventually(ctx, `(dispatchEvent(new Event("focus")), document.querySelector('.sum').textContent === 'All well' && !document.title.includes('down'))`)
	s.post("/walls/"+strings.Split(path, "/")[2]+"/remove/", url.Values{})
	s.eventually(ctx, `(dispatchEvent(new Event("focus")), document.querySelector('#stale').textContent.includes('revoked'))`)
}

// The wall of keys asks the API itself; the keys never leave the browser but for it.
func TestAWallOfKeysInABrowser(t *testing.T) {
	t.Parallel()
	var asked sync.Map
	s := newTestSite(t, db.SQLite, func(d *Deps) {
		d.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key := r.Header.Get("X-Api-Key")
			asked.Store(r.URL.String()+" "+key, true)
			if key != "shop" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = io.WriteString(w, `{"checks": [{"name": "fine", "status": "up"}, {"name": "runs", "status": "up", "started": true},
				{"name": "<b>broken", "status": "down", "started": true, "last_ping": "2026-01-01T00:00:00+00:00"}]}`)
		})
	})
	ctx, console := browser.New(t)
	console.Allow("status of 401")
	s.drive(ctx, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(s.url+"/tv/#shop=Web+shop&wrong=A%20key&theme=light"))
	s.eventually(ctx, `document.querySelectorAll('.project').length === 2 && document.querySelector('.project.down h2').textContent === 'Web shop'
		&& document.querySelector('.bad b').textContent === '<b>broken' && document.querySelectorAll('.well li').length === 2
		&& document.querySelector('.none').textContent === 'This key opens nothing.' && document.documentElement.className === 'light'
		&& document.title.startsWith('(1 down)')`)
	if err := browser.Screenshot(ctx, "tv-keys", 1280, 800, false); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"/api/v3/checks/ shop", "/api/v3/checks/ wrong"} {
		if _, ok := asked.Load(want); !ok {
			t.Errorf("nobody asked %s", want)
		}
	}
}
