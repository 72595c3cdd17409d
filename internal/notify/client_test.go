package notify_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/notify"
)

// call sends one webhook to the address.
func call(ctx context.Context, t *testing.T, c *notify.Client, address string) (notify.Result, error) {
	t.Helper()
	ev := event(monitor.StatusDown, config(t, map[string]any{"method_down": "POST", "url_down": address, "body_down": "hello"}))
	return webhookWith(c).Send(ctx, ev)
}

func wantMessage(t *testing.T, err error, message string) {
	t.Helper()
	e := failure(t, err)
	if e.Message != message || e.Permanent() {
		t.Errorf("got %+v, want %q", e, message)
	}
}

func TestThreeRedirectsAreFollowed(t *testing.T) {
	hops := func(n int) string {
		base, _ := standIn(t, func(w http.ResponseWriter, r *http.Request) {
			if len(r.URL.Path) <= n {
				http.Redirect(w, r, r.URL.Path+"x", http.StatusTemporaryRedirect)
			}
		})
		return base + "/"
	}
	if _, err := call(soon(t), t, client(), hops(3)); err != nil {
		t.Errorf("three: %v", err)
	}
	_, err := call(soon(t), t, client(), hops(4))
	wantMessage(t, err, "Too many redirects.")
}

func TestARedirectLeadsToHTTPOnly(t *testing.T) {
	base, _ := standIn(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	_, err := call(soon(t), t, client(), base)
	wantMessage(t, err, "The redirect leads to an address that is not http or https.")
}

func TestCertificatesAreVerified(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = nil
	s.StartTLS()
	defer s.Close()
	_, err := call(soon(t), t, client(), s.URL)
	wantMessage(t, err, "The TLS handshake failed.")
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	if _, err := call(soon(t), t, notify.NewClient(notify.ClientConfig{AllowPrivate: true, Roots: roots}), s.URL); err != nil {
		t.Errorf("trusted: %v", err)
	}
	plain, _ := standIn(t, nil)
	_, err = call(soon(t), t, client(), strings.Replace(plain, "http:", "https:", 1))
	wantMessage(t, err, "The TLS handshake failed.")
}

// listen is a server that does with each connection what handle does.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handle(conn)
		}
	}()
	return "http://" + l.Addr().String()
}

func TestDeadServersAreLeft(t *testing.T) {
	silent := func(conn net.Conn) { t.Cleanup(func() { conn.Close() }) }
	t.Run("silent, until the context ends", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := call(ctx, t, client(), listen(t, silent))
		wantMessage(t, err, "The server did not answer in time.")
	})
	t.Run("silent, until the client's patience ends", func(t *testing.T) {
		impatient := notify.NewClient(notify.ClientConfig{AllowPrivate: true, Timeout: 50 * time.Millisecond})
		_, err := call(soon(t), t, impatient, listen(t, silent))
		wantMessage(t, err, "The server did not answer in time.")
	})
	t.Run("closing", func(t *testing.T) {
		_, err := call(soon(t), t, client(), listen(t, func(conn net.Conn) { conn.Close() }))
		wantMessage(t, err, "The connection failed.")
	})
	t.Run("not there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		_, err = call(soon(t), t, client(), "http://"+l.Addr().String())
		wantMessage(t, err, "The server refused the connection.")
	})
	t.Run("no such name", func(t *testing.T) {
		_, err := call(soon(t), t, client(), "http://nowhere.invalid/")
		wantMessage(t, err, "The host name could not be resolved.")
		// What goes there waits until something arrives.
		if e := failure(t, err); e.Away != notify.DestinationAway {
			t.Errorf("away is %v", e.Away)
		}
	})
}

// An endless answer must not fill the memory or take forever.
func TestAnEndlessAnswerIsCut(t *testing.T) {
	base, _ := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, err := w.Write(make([]byte, 1<<12))
			if err != nil {
				return
			}
		}
	})
	res, err := call(soon(t), t, client(), base)
	if err != nil || len(res.Response) != 500 {
		t.Errorf("%d bytes, %v", len(res.Response), err)
	}
}

// endless is the body of an answer that never ends; it counts what is read.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }
func (*endless) Close() error                 { return nil }

func (e *endless) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: e, Request: r}, nil
}

// Of an answer 64 KiB are read, whatever comes.
func TestOfAnAnswerTheBeginningIsRead(t *testing.T) {
	body := &endless{}
	_, err := call(soon(t), t, notify.NewClient(notify.ClientConfig{Instead: body}), "https://hooks.example.org/")
	if err != nil || body.read != 64<<10 {
		t.Errorf("%d bytes were read, %v", body.read, err)
	}
}

// What the operator has set may be a secret: an error of it has no cause, which
// would name the address.
func TestAnErrorOfTheOperatorsOwnCallHasNoCause(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	err = client().Call(soon(t), http.MethodPost, "http://"+l.Addr().String()+"/secret", nil)
	if err == nil || err.Error() != "The server refused the connection." || errors.Unwrap(err) != nil {
		t.Errorf("got %v, because of %v", err, errors.Unwrap(err))
	}
}

// Said gives nothing away but the name of the host, in one short line.
func TestWhatIsKeptOfAnAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	c := notify.NewClient(notify.ClientConfig{AllowPrivate: true})
	res, err := call(soon(t), t, c, "http://user:hidden@"+host+"/secret?token=secret")
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Said; got != host+" 202 Accepted" {
		t.Errorf("said %q", got)
	}
	long := notify.Said("mx.example.org", "250 2.0.0\r\nOk:\x00 queued "+strings.Repeat("é", 300))
	if !strings.HasPrefix(long, "mx.example.org 250 2.0.0 Ok: queued é") || len([]rune(long)) != notify.MaxMessage {
		t.Errorf("said %q", long)
	}
}
