package ui_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// What the streams send, as far as it is looked at here.
type (
	listNews struct {
		All   bool
		Down  int
		Rows  []string
		After []string
	}
	checkNews    struct{ State, Events string }
	projectsNews struct {
		Down  int
		Cards string
	}
)

// sse is one event of a stream.
type sse struct{ event, id, data string }

// streaming is an open stream.
type streaming struct {
	testing.TB
	// closed when the stream ends
	events chan sse
	header http.Header
	close  func()
}

// listen opens a stream of the site.
func listen(s *webtest.Site, path string, header ...string) *streaming {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	s.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	got := resp.Header.Get("Content-Type")
	if resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		s.Fatalf("%s: %d %s", path, resp.StatusCode, got)
	}
	st := &streaming{TB: s.TB, events: make(chan sse, 1000), header: resp.Header, close: cancel}
	go func() {
		defer close(st.events)
		defer resp.Body.Close()
		var e sse
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 8<<20)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.event = value
			case "id":
				e.id = value
			case "data":
				e.data = value
			case "":
				st.events <- e
				e = sse{}
			}
		}
	}()
	return st
}

// next is the next event, which comes soon. Signs of life are passed over.
func (st *streaming) next() sse {
	st.Helper()
	patience := time.After(30 * time.Second)
	for {
		select {
		case e, open := <-st.events:
			if !open {
				st.Fatal("the stream has ended")
			}
			if e.event != "beat" {
				return e
			}
		case <-patience:
			st.Fatal("nothing comes")
		}
	}
}

// until reads events until one is as wanted.
func until[T any](st *streaming, wanted func(*T) bool) *T {
	st.Helper()
	for {
		var v T
		if err := json.Unmarshal([]byte(st.next().data), &v); err != nil {
			st.Fatal(err)
		}
		if wanted(&v) {
			return &v
		}
	}
}

func (st *streaming) ends() {
	st.Helper()
	patience := time.After(5 * time.Second)
	for {
		select {
		case _, open := <-st.events:
			if !open {
				return
			}
		case <-patience:
			st.Fatal("the stream does not end")
		}
	}
}

func TestStreamsReportPings(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		z := s.Zoo(p)
		c := z["up 9"]
		list := listen(s, ui.ListURL(p.ID)+"live/?v=")
		details := listen(s, "/checks/"+c.Code.String()+"/live/")
		projects := listen(s, "/projects/live/")
		all := until(list, func(u *listNews) bool { return u.All })
		if len(all.Rows) != len(all.After) || len(all.Rows) < 5 || all.After[0] != "" {
			s.Fatalf("the whole list: %d rows after %q", len(all.Rows), all.After)
		}
		until(details, func(u *checkNews) bool { return strings.Contains(u.State, "s-up") })
		before := until(projects, func(u *projectsNews) bool { return u.Cards != "" })

		s.Clock.Advance(time.Second)
		s.Ping(c, monitor.PingFail)
		u := until(list, func(u *listNews) bool { return u.Down == all.Down+1 })
		if u.All || len(u.Rows) == 0 || !slices.ContainsFunc(u.Rows, func(row string) bool {
			return strings.Contains(row, c.Code.String()) && strings.Contains(row, "class=s-down")
		}) {
			s.Errorf("the update of a failed check: %+v", u)
		}
		until(details, func(u *checkNews) bool { return strings.Contains(u.State, "s-down") && u.Events != "" })
		until(projects, func(u *projectsNews) bool { return u.Down == before.Down+1 && u.Cards != before.Cards })

		// A check that is late by the passing of time alone.
		late := s.AddNamed(p, "will be late")
		s.Ping(late, monitor.PingSuccess)
		s.Clock.Set(s.Reload(late).DueAt.Add(time.Second))
		until(list, func(u *listNews) bool {
			return slices.ContainsFunc(u.Rows, func(row string) bool {
				return strings.Contains(row, late.Code.String()) && strings.Contains(row, "class=s-grace")
			})
		})
	})
}

func TestAStreamGoesOnWhereTheReaderLeft(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	z := s.Zoo(p)
	path := ui.ListURL(p.ID) + "live/?v=&since="
	first := listen(s, path)
	id := first.next().id
	first.close()
	s.Clock.Advance(time.Minute)
	s.Ping(z["up 9"], monitor.PingSuccess)
	u := until(listen(s, path, "Last-Event-ID", id), func(u *listNews) bool { return len(u.Rows) > 0 })
	if u.All || !strings.Contains(strings.Join(u.Rows, ""), z["up 9"].Code.String()) {
		t.Errorf("after coming back: %+v", u)
	}
	header := listen(s, path).header
	if header.Get("Cache-Control") != "no-store" || header.Get("X-Accel-Buffering") != "no" {
		t.Errorf("headers %v", header)
	}
}

func TestStreamsAreForThoseWhoMayLook(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.FirstCheck(p)
	paths := []string{ui.ListURL(p.ID) + "live/", "/checks/" + c.Code.String() + "/live/"}
	stranger := s.OtherBrowser()
	for _, path := range append(paths, "/projects/live/", "/projects/status/") {
		stranger.Get(path).Is(http.StatusSeeOther)
	}
	stranger.Login("stranger@example.org")
	for _, path := range paths {
		stranger.Get(path).Is(http.StatusNotFound)
	}
}

func TestStreamsEndWithTheServer(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	streams := []*streaming{listen(s, ui.ListURL(p.ID)+"live/"), listen(s, "/projects/live/")}
	s.Server.EndStreams()
	for _, st := range streams {
		st.ends()
	}
	// twice is well
	s.Server.EndStreams()
}

func TestAStreamOutlivesTheDeadlinesOfTheServer(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	c := s.FirstCheck(p)
	const deadline = 200 * time.Millisecond
	hasty := httptest.NewUnstartedServer(s.Server)
	hasty.Config.ReadTimeout = deadline
	hasty.Config.WriteTimeout = deadline
	hasty.Start()
	t.Cleanup(hasty.Close)
	t.Cleanup(s.Server.EndStreams)
	// the cookies are those of the host, whatever the port
	s.URL = hasty.URL
	st := listen(s, "/checks/"+c.Code.String()+"/live/")
	st.next()
	<-time.After(3 * deadline)
	s.Ping(c, monitor.PingSuccess)
	until(st, func(u *checkNews) bool { return strings.Contains(u.State, "s-up") })
}

// hurried is a listener whose connections can run out of the time they were
// given for writing.
type hurried struct {
	net.Listener
	conns chan *hurriedConn
}

func (l *hurried) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	h := &hurriedConn{Conn: c}
	l.conns <- h
	return h, nil
}

type hurriedConn struct {
	net.Conn
	bounded, late atomic.Bool
}

func (c *hurriedConn) SetWriteDeadline(t time.Time) error {
	c.bounded.Store(!t.IsZero())
	c.late.Store(false)
	return nil
}

func (c *hurriedConn) Write(p []byte) (int, error) {
	if c.late.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	return c.Conn.Write(p)
}

// Streams that ended long after their last event broke off, which browsers tell
// of as ERR_INCOMPLETE_CHUNKED_ENCODING.
func TestAStreamEndsWhole(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	_, p := s.Login("me@example.org")
	s.FirstCheck(p)
	server := httptest.NewUnstartedServer(s.Server)
	l := &hurried{server.Listener, make(chan *hurriedConn, 10)}
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	resp, err := s.Client.Get(server.URL + "/projects/live/")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	defer resp.Body.Close()
	body := bufio.NewReader(resp.Body)
	if _, err := body.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	conn := <-l.conns
	// the time for this event is over
	conn.late.Store(conn.bounded.Load())
	s.Server.EndStreams()
	if _, err := io.Copy(io.Discard, body); err != nil {
		t.Errorf("the stream ends with %v", err)
	}
}
