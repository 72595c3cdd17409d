//go:build programs

package project_test

import (
	"fmt"
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
	"punctual/web"
	"punctual/web/webtest"
)

// What goes down while the wall hangs there shows by itself, and so does that it
// was revoked.
func TestAWallInABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("jane@example.org")
	zoo := s.Zoo(p)
	path := makesWall(s, p)
	mine := s.Chromium("/walls/")
	s.Shots(mine, "walls")
	s.Drive(mine, chromedp.EmulateViewport(390, 700))
	s.Eventually(mine, `document.documentElement.scrollWidth <= 390`)
	ctx, console := browser.New(t)
	console.Allow("status of 404")
	s.Drive(ctx, chromedp.EmulateViewport(1920, 1080), chromedp.Navigate(s.URL+path))
	s.Eventually(ctx, `document.querySelector('.sum').textContent.includes('down')`)
	s.Shots(ctx, "wall")
	s.Drive(ctx, chromedp.EmulateViewport(390, 700))
	s.Eventually(ctx, `document.documentElement.scrollWidth <= 390`)
	for _, c := range zoo {
		s.Ping(c, monitor.PingSuccess)
	}
	s.Eventually(ctx,
		`(dispatchEvent(new Event("focus")), document.querySelector('.sum').textContent === 'All up' && !document.title.includes('down'))`)
	s.Post("/walls/"+strings.Split(path, "/")[2]+"/remove/", url.Values{})
	s.Eventually(ctx, `(dispatchEvent(new Event("focus")), document.querySelector('#stale').textContent.includes('revoked'))`)
}

// The wall of keys asks the API itself; the keys never leave the browser but for it.
func TestAWallOfKeysInABrowser(t *testing.T) {
	t.Parallel()
	var asked sync.Map
	s := webtest.New(t, db.SQLite, func(d *web.Deps) {
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
	s.Drive(ctx, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(s.URL+"/tv/#shop=Web+shop&wrong=A%20key&theme=light"))
	s.Eventually(ctx,
		`document.querySelectorAll('.project').length === 2 && document.querySelector('.project.down h2').textContent === 'Web shop'
		&& document.querySelector('.bad b').textContent === '<b>broken' && document.querySelectorAll('.calm li').length === 2
		&& document.querySelector('.none').textContent === 'This key opens nothing.' && document.documentElement.className === 'light'
		&& document.title.startsWith('(1 down)')`)
	if err := browser.Screenshot(ctx, "tv-keys", 1280, 800, false); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"/api/v3/checks/ shop", "/api/v3/checks/ wrong"} {
		_, ok := asked.Load(want)
		if !ok {
			t.Errorf("nobody asked %s", want)
		}
	}
}

// What is down fits the screen, or the wall says how many more there are; the others
// stand in columns.
func TestAWallFitsTheScreen(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("jane@example.org")
	var failed []*monitor.Check
	for i := range 90 {
		c := s.AddNamed(p, fmt.Sprintf("Job %02d", i))
		kind := monitor.PingSuccess
		if i < 60 {
			kind = monitor.PingFail
			failed = append(failed, c)
		}
		s.Ping(c, kind)
	}
	path := makesWall(s, p)
	ctx, _ := browser.New(t)
	s.Drive(ctx, chromedp.EmulateViewport(1280, 720), chromedp.Navigate(s.URL+path))
	s.Eventually(ctx, `document.documentElement.scrollHeight <= innerHeight`)
	s.Eventually(ctx, `(() => {
		const shown = [...document.querySelectorAll('.bad li.down')].filter((li) => li.offsetHeight).length;
		return shown > 5 && document.querySelector('.bad .more').textContent === `+"`and ${60 - shown} more are down`"+`;
	})()`)
	s.Shots(ctx, "wall-full")
	s.Drive(ctx, chromedp.EmulateViewport(1920, 1080))
	s.Eventually(ctx, `(dispatchEvent(new Event('resize')), document.documentElement.scrollHeight <= innerHeight)`)
	// a phone scrolls
	s.Drive(ctx, chromedp.EmulateViewport(390, 700))
	s.Eventually(ctx, `(dispatchEvent(new Event('resize')), [...document.querySelectorAll('.bad li.down')].every((li) => li.offsetHeight))`)
	for _, c := range failed {
		s.Ping(c, monitor.PingSuccess)
	}
	s.Drive(ctx, chromedp.EmulateViewport(1280, 720))
	s.Eventually(ctx, `(() => {
		dispatchEvent(new Event('focus'));
		const lefts = new Set([...document.querySelectorAll('.calm li')].filter((li) => li.offsetHeight).map((li) => li.offsetLeft));
		return document.querySelector('.sum').textContent.includes('never been pinged') && lefts.size > 3 && lefts.size < 8;
	})()`)
}
