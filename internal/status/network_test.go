package status_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"punctual/internal/status"
)

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate for 127.0.0.1 that ends then; of a nil authority, one
// that signs others.
func (a *authority) issue(t *testing.T, end time.Time) (*authority, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test " + end.String()},
		NotBefore: end.Add(-time.Hour * 24 * 365 * 10), NotAfter: end,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true,
	}
	c.IsCA = a == nil
	if c.IsCA {
		c.KeyUsage = x509.KeyUsageCertSign
		a = &authority{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{parsed, key}, der
}

func TestTheCertificateOfTheSite(t *testing.T) {
	const day = 24 * time.Hour
	end := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	// its end is the visitors' concern
	root, _ := (*authority)(nil).issue(t, end.Add(-day))
	leaf, der := root.issue(t, end)
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = nil
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: leaf.key}}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	address := srv.Listener.Addr().String()
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)

	for _, c := range []struct {
		left time.Duration
		want status.Severity
		fact string
	}{
		{90 * day, status.OK, "good until 2030-06-01"},
		{14 * day, status.OK, "good until"},
		{14*day - time.Hour, status.Warning, "only good until 2030-06-01: renew it"},
		{3 * day, status.Warning, "renew it"},
		{3*day - time.Hour, status.Error, "renew it"},
		{-time.Hour, status.Error, "has expired on 2030-06-01"},
	} {
		now := func() time.Time { return end.Add(-c.left) }
		want(t, status.Certificate(address, roots, now), c.want, c.fact,
			status.Field{Name: "days_left", Value: int(c.left / day)}, status.Field{Name: "expires", Value: "2030-06-01T12:00:00Z"})
	}
	now := func() time.Time { return end.Add(-90 * day) }
	want(t, status.Certificate(address, x509.NewCertPool(), now), status.Error, "visitors do not trust it")
	_, port, _ := net.SplitHostPort(address)
	want(t, status.Certificate("localhost:"+port, roots, now), status.Error, "visitors do not trust it")
	want(t, status.Certificate("127.0.0.1:1", roots, now), status.Warning, "cannot be reached from here")
	want(t, status.Certificate(listening(t, "").String(), roots, now), status.Warning, "cannot be reached from here")
}

type book map[string]error

func (b book) LookupHost(_ context.Context, host string) ([]string, error) {
	err, found := b[host]
	if !found {
		err = errors.New("asked for " + host)
	}
	return []string{"192.0.2.7"}, err
}

func TestNamesAreLookedUp(t *testing.T) {
	hosts := status.Names(
		status.Host{Name: "punctual.example.org", Bad: status.Warning}, status.Host{Name: "192.0.2.1", Bad: status.Error},
		status.Host{Name: "::1"}, status.Host{Name: "localhost"},
		status.Host{Name: "punctual.localhost"}, status.Host{}, status.Host{Name: "mail.example.org", Bad: status.Error},
		status.Host{Name: "MAIL.example.org", Bad: status.OK},
	)
	if !slices.Equal(hosts, []status.Host{{Name: "punctual.example.org", Bad: status.Warning},
		{Name: "mail.example.org", Bad: status.Error}}) {
		t.Fatalf("names: %+v", hosts)
	}
	no := errors.New("no such host")
	for _, c := range []struct {
		site, mail error
		want       status.Severity
		fact       string
	}{
		{nil, nil, status.OK, "found punctual.example.org, mail.example.org"},
		{no, nil, status.Warning, "cannot find punctual.example.org: no such host"},
		{nil, no, status.Error, "cannot find mail.example.org"},
		{no, no, status.Error, "cannot find punctual.example.org, mail.example.org"},
	} {
		want(t, status.DNS(hosts, book{"punctual.example.org": c.site, "mail.example.org": c.mail}), c.want, c.fact)
	}
}

func TestWebAddressesOfOnesOwn(t *testing.T) {
	hang := make(chan struct{})
	agents := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents <- r.UserAgent()
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/well", http.StatusFound)
		case "/ill":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/hang":
			<-hang
		case "/none":
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(hang) })
	for _, c := range []struct {
		path   string
		expect []int
		want   status.Severity
		fact   string
	}{
		{"/well", nil, status.OK, "answers 200 in"},
		{"/none", nil, status.OK, "answers 204 in"},
		{"/none", []int{200}, status.Error, "answers 204 in"},
		{"/moved", nil, status.Error, "answers 302 in"},
		{"/moved", []int{301, 302}, status.OK, "answers 302 in"},
		{"/ill", nil, status.Error, "answers 503 in"},
		{"/ill", []int{503}, status.OK, "answers 503 in"},
		{"/hang", nil, status.Error, "does not answer in time"},
	} {
		r := want(t, status.HTTP(status.HTTPDependency{Name: "web", URL: srv.URL + c.path, Expect: c.expect, Timeout: 300 * time.Millisecond},
			"Punctual self-check"), c.want, c.fact)
		agent := <-agents
		if r.Name != "web" || r.Title != "web" || agent != "Punctual self-check" {
			t.Errorf("%+v, asked by %q", r, agent)
		}
	}
	want(t, status.HTTP(status.HTTPDependency{Name: "web", URL: "http://127.0.0.1:1/"}, ""), status.Error, "does not answer: ")
}

func TestProgramsOfOnesOwn(t *testing.T) {
	script := filepath.Join(t.TempDir(), "look")
	text := "#!/bin/sh\n" + `case $1 in
ok) echo "fine, $2"; echo more ;;
warning) echo slow; exit 1 ;;
critical) echo broken; exit 2 ;;
unknown) exit 3 ;;
stderr) echo complaint >&2; exit 2 ;;
environment) echo "$PUNCTUAL_SECRET_KEY$GREETING" ;;
long) head -c 100000 /dev/zero | tr '\0' x ;;
ugly) printf 'a\033[31mb\tc\377d\n' ;;
killed) kill -9 $$ ;;
children) sleep 60 >"$2" & sleep 60 ;;
orphans) sleep 2 & echo left one ;;
silent) : ;;
esac
`
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PUNCTUAL_SECRET_KEY", "geheim")
	// at its end when nobody holds it any more
	fifo := filepath.Join(t.TempDir(), "fifo")
	ended := make(chan error, 1)
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := os.ReadFile(fifo)
		ended <- err
	}()
	for _, c := range []struct {
		args []string
		want status.Severity
		fact string
	}{
		{[]string{"ok", "thank you; $HOME"}, status.OK, "fine, thank you; $HOME"},
		{[]string{"warning"}, status.Warning, "slow"},
		{[]string{"critical"}, status.Error, "broken"},
		{[]string{"unknown"}, status.Error, "exit code 3"},
		{[]string{"stderr"}, status.Error, "complaint"},
		{[]string{"environment"}, status.OK, "hello"},
		{[]string{"long"}, status.OK, strings.Repeat("x", 200)},
		{[]string{"ugly"}, status.OK, "a [31mb cd"},
		{[]string{"killed"}, status.Error, "did not end by itself: signal: killed"},
		{[]string{"children", fifo}, status.Error, "did not end in time"},
		{[]string{"orphans"}, status.OK, "left one"},
		{[]string{"silent"}, status.OK, "exit code 0"},
	} {
		r := want(t, status.Command(status.CommandDependency{Name: "look", Path: script, Args: c.args,
			Env: []string{"GREETING=hello", "PATH=/usr/bin:/bin"}, Timeout: time.Second}), c.want, c.fact)
		if r.Err == nil && r.Fact != c.fact {
			t.Errorf("%v: %q, want no more than %q", c.args, r.Fact, c.fact)
		}
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("what the program had started lives on")
	}
	want(t, status.Command(status.CommandDependency{Name: "look", Path: script + "-gone"}), status.Error, "no such file or directory")
}
