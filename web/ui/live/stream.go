package live

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzhttp"
)

// The times of a stream.
const (
	// a sign of life, for proxies and for the page
	streamBeat = 20 * time.Second
	// how soon the browser comes back
	streamRetry = time.Second
	// a reader who takes longer for an event has gone
	streamWrite = 10 * time.Second
	// A stream ends after two to three minutes and the browser comes back.
	streamLife = 2 * time.Minute
)

// ContentType is where the type of an answer says that it does not end.
const ContentType = "text/event-stream"

// News is what changed on a page: no Data is nothing. ID is what the page has then
// seen, for look.
type News struct {
	// is sent as JSON
	Data any
	ID   string
	// when to look again although nobody calls; 0 = only then
	Again time.Duration
}

// Look finds out what has changed since the page saw known; first tells that
// nobody has looked for this page before.
type Look func(known string, first bool) (News, error)

// Page is an open page that is kept up to date.
type Page struct {
	User uuid.UUID
	// whose changes it shows
	Projects []uuid.UUID
	// what it has seen already
	Known string
	// for the log
	Route string
	// May tells before anything is sent whether the reader may still see it; where
	// not, the stream ends, and the browser, coming back, is told.
	May  func() error
	Look Look
}

// Serve sends what changes as server-sent events until the reader goes, the
// stream is old or the server stops. The browser, coming back, knows better than
// p.Known. It fails where there are too many pages already (errs.Unavailable), and
// where the first look fails: then nothing is sent yet.
func (l *Hub) Serve(w http.ResponseWriter, r *http.Request, p Page) error {
	v, err := l.join(p.User, p.Projects)
	if err != nil {
		return err
	}
	defer l.leave(v)
	known := p.Known
	last := r.Header.Get("Last-Event-ID")
	if last != "" {
		known = last
	}
	first, err := p.Look(known, true)
	if err != nil {
		// as a page: there is no stream yet
		return err
	}
	out := startStream(w)
	defer out.end()
	if err := out.send(first); err != nil {
		return nil
	}
	if first.Data != nil {
		known = first.ID
	}
	again := after(first.Again)
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	// not all at once
	end := time.After(streamLife + rand.N(streamLife/2))
	for {
		var now News
		look := false
		select {
		case <-r.Context().Done():
			return nil
		case <-l.ended:
			return nil
		case <-end:
			return nil
		case <-beat.C:
		case <-v.calls:
			look = true
		case <-again:
			look = true
		}
		if look {
			now, err = p.Look(known, false)
			if err != nil {
				l.log.Debug("end a live page", "error", err, "route", p.Route)
				// the browser comes back and is told
				return nil
			}
			again = after(now.Again)
			if now.Data == nil {
				continue
			}
			known = now.ID
		}
		if err := p.May(); err != nil {
			l.log.Debug("end a live page", "error", err, "route", p.Route)
			return nil
		}
		if err := out.send(now); err != nil {
			return nil
		}
	}
}

// after is time.After; of 0 it never comes.
func after(d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	return time.After(d)
}

// events writes server-sent events.
type events struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func startStream(w http.ResponseWriter) *events {
	rc := http.NewResponseController(w)
	// that of the server would end the request; nothing more is read
	_ = rc.SetReadDeadline(time.Time{})
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	// nginx would collect events
	h.Set("X-Accel-Buffering", "no")
	h.Set(gzhttp.HeaderNoCompression, "1")
	return &events{w, rc}
}

// end leaves the server time to write the last bytes of the answer. The time for
// the last event has mostly run out by then, and browsers complain of a stream
// that breaks off (ERR_INCOMPLETE_CHUNKED_ENCODING).
func (e *events) end() { _ = e.rc.SetWriteDeadline(time.Now().Add(streamWrite)) }

// send writes the news; of none it sends a sign of life that the page hears.
func (e *events) send(n News) error {
	if err := e.rc.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return fmt.Errorf("live page: %w", err)
	}
	var err error
	if n.Data == nil {
		_, err = fmt.Fprintf(e.w, "retry: %d\nevent: beat\ndata:\n\n", streamRetry.Milliseconds())
	} else {
		var data []byte
		data, err = json.Marshal(n.Data)
		if err != nil {
			return fmt.Errorf("live page: %w", err)
		}
		_, err = fmt.Fprintf(e.w, "retry: %d\nid: %s\ndata: %s\n\n", streamRetry.Milliseconds(), n.ID, data)
	}
	if err != nil {
		return fmt.Errorf("live page: %w", err)
	}
	return e.rc.Flush()
}
