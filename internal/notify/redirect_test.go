package notify_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"punctual/internal/monitor"
	"punctual/internal/notify"
)

// redirectTo answers with a redirect.
func redirectTo(status int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, status) }
}

// sendWith calls the address with headers of the user's own.
func sendWith(ctx context.Context, t *testing.T, c *notify.Client, method, address string) error {
	t.Helper()
	headers := map[string]string{"Authorization": "Bearer secret", "X-Api-Key": "secret", "Cookie": "id=secret", "User-Agent": "secret/1",
		"Host": "secret.example.org", "Content-Type": "text/x-note"}
	ev := event(monitor.StatusDown, config(t, map[string]any{"method_down": method, "url_down": address, "body_down": "hello",
		"headers_down": headers}))
	_, err := webhookWith(c).Send(ctx, ev)
	return err
}

func TestARedirectThatDropsTheBodyIsNoDelivery(t *testing.T) {
	for _, method := range []string{"POST", "PUT"} {
		for _, status := range []int{301, 302, 303} {
			target, reached := standIn(t, nil)
			base, _ := standIn(t, redirectTo(status, target+"/new?a=1"))
			_, err := call(soon(t), t, client(), base)
			if method == "PUT" {
				err = sendWith(soon(t), t, client(), method, base)
			}
			wantMessage(t, err, "The server redirects without the message. Please put in the address it leads to: "+target+"/new?a=1")
			if len(reached) != 0 {
				t.Errorf("%s, %d: the address was called without the message", method, status)
			}
		}
		for _, status := range []int{307, 308} {
			target, reached := standIn(t, nil)
			base, _ := standIn(t, redirectTo(status, target))
			if err := sendWith(soon(t), t, client(), method, base); err != nil {
				t.Errorf("%s, %d: %v", method, status, err)
				continue
			}
			r := <-reached
			if r.Method != method || r.Body != "hello" || r.Header.Get("Content-Type") != "text/x-note" ||
				r.Header.Get("Idempotency-Key") != "the-key" {
				t.Errorf("%s, %d: arrived as %+v", method, status, r)
			}
		}
	}
	// After one that keeps it, too; and the message keeps its length.
	long := "/" + strings.Repeat("x", 300)
	second, _ := standIn(t, redirectTo(302, long))
	first, _ := standIn(t, redirectTo(307, second))
	_, err := call(soon(t), t, client(), first)
	e := failure(t, err)
	if !strings.Contains(e.Message, second+"/xxx") || len([]rune(e.Message)) > 200 || e.GivenUp() {
		t.Errorf("got %+v", e)
	}
}

func TestARedirectedGETIsFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		target, reached := standIn(t, nil)
		base, _ := standIn(t, redirectTo(status, target+"/new"))
		if err := sendWith(soon(t), t, client(), "GET", base); err != nil {
			t.Errorf("%d: %v", status, err)
		} else if r := <-reached; r.Method != "GET" || r.Path != "/new" {
			t.Errorf("%d: arrived as %+v", status, r)
		}
	}
}

func TestHeadersStayWithTheirHost(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		target, reached := standIn(t, nil)
		base, _ := standIn(t, redirectTo(307, target+"/other"))
		if err := sendWith(soon(t), t, client(), method, base+"/secret-path"); err != nil {
			t.Fatal(err)
		}
		r := <-reached
		text := fmt.Sprint(r.Header)
		if strings.Contains(text, "secret") {
			t.Errorf("%s: another host got %s", method, text)
		}
		if r.Header.Get("User-Agent") != "Punctual/1.2.3" {
			t.Errorf("%s: another host got the user agent %q", method, r.Header.Get("User-Agent"))
		}
	}
	// Within the host they are repeated.
	base, reached := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		}
	})
	if err := sendWith(soon(t), t, client(), "POST", base+"/"); err != nil {
		t.Fatal(err)
	}
	<-reached
	r := <-reached
	if r.Header.Get("X-Api-Key") != "secret" || r.Header.Get("Authorization") == "" || r.Header.Get("Referer") != "" {
		t.Errorf("the same host got %v", r.Header)
	}
}

// A host in between may not send them back to another place of the first one.
func TestHeadersDoNotComeBackFromAnotherHost(t *testing.T) {
	var other string
	base, reached := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, other, http.StatusTemporaryRedirect)
		}
	})
	other, _ = standIn(t, redirectTo(307, base+"/back"))
	if err := sendWith(soon(t), t, client(), "POST", base+"/"); err != nil {
		t.Fatal(err)
	}
	<-reached
	r := <-reached
	if strings.Contains(fmt.Sprint(r.Header), "secret") {
		t.Errorf("back at the first host: %v", r.Header)
	}
}

func TestARedirectFromHTTPSToHTTPIsRefused(t *testing.T) {
	plain, reached := standIn(t, nil)
	s := httptest.NewTLSServer(redirectTo(307, plain))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	_, err := call(soon(t), t, notify.NewClient(notify.ClientConfig{AllowPrivate: true, Roots: roots}), s.URL)
	wantMessage(t, err, "The redirect leads from https to http, where others could read the message.")
	if len(reached) != 0 {
		t.Error("the message was sent in the clear")
	}
}

func TestARedirectWithoutALocationIsARefusal(t *testing.T) {
	for _, status := range []int{300, 304, 307, 308} {
		base, _ := standIn(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		_, err := call(soon(t), t, client(), base)
		wantMessage(t, err, fmt.Sprintf("The server answered with status %d.", status))
	}
}

func TestARedirectInACircleEnds(t *testing.T) {
	base, reached := standIn(t, redirectTo(308, "/"))
	_, err := call(soon(t), t, client(), base)
	wantMessage(t, err, "Too many redirects.")
	if len(reached) != 4 {
		t.Errorf("%d requests, want 4", len(reached))
	}
}

// A Host header of the user's own does not go along, not even where another host
// redirects within itself.
func TestTheHostHeaderStaysWithItsHost(t *testing.T) {
	hosts := make(chan string, 2)
	other, _ := standIn(t, func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.Host
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		}
	})
	base, _ := standIn(t, redirectTo(307, other+"/"))
	if err := sendWith(soon(t), t, client(), "POST", base); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		host := <-hosts
		if host != hostOf(t, other) {
			t.Errorf("the other host was called as %q", host)
		}
	}
}

// The same holds for what the operator has set, of which the error tells no address.
func TestTheOperatorsOwnCallsDoNotRevealWhereARedirectLeads(t *testing.T) {
	base, _ := standIn(t, redirectTo(301, "/hooks/secret"))
	err := client().Call(soon(t), http.MethodPost, base+"/hooks/secret", []byte("{}"))
	if err == nil || strings.Contains(fmt.Sprintf("%+v", err), "secret") ||
		err.Error() != "The server redirects to another address without the message." {
		t.Errorf("got %v", err)
	}
}

// The address guard looks at each hop.
func TestARedirectToAPrivateAddressIsRefused(t *testing.T) {
	inside, reached := standIn(t, nil)
	for _, status := range []int{302, 307} {
		for _, method := range []string{"GET", "POST"} {
			middle, _ := standIn(t, redirectTo(307, inside))
			outside, _ := standIn(t, redirectTo(status, middle))
			c := notify.NewClient(notify.ClientConfig{})
			c.Public(hostOf(t, outside))
			err := sendWith(soon(t), t, c, method, outside)
			e := failure(t, err)
			if status == 307 &&
				(e.Message != "Private and loopback addresses are not allowed. Whoever runs this site can allow them with PUNCTUAL_ALLOW_PRIVATE_IPS." || !e.GivenUp()) {
				t.Errorf("%s, %d: %+v", method, status, e)
			}
			// and the one after it
			c.Public(hostOf(t, middle))
			err = sendWith(soon(t), t, c, "GET", outside)
			if e := failure(t,
				err); e.Message != "Private and loopback addresses are not allowed. Whoever runs this site can allow them with "+
				"PUNCTUAL_ALLOW_PRIVATE_IPS." {
				t.Errorf("the second hop: %+v", e)
			}
		}
	}
	if len(reached) != 0 {
		t.Error("the server inside was reached")
	}
}
