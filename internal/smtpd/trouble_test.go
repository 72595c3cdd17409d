package smtpd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/smtp"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/smtpd"
	"punctual/internal/store"
)

// stub answers for store and Recorder where a test needs trouble of them.
type stub struct {
	lookup, record error
	mu             sync.Mutex
	recorded       []*store.Arrival
	lost           int
}

func (s *stub) CodeBySlug(context.Context, string, string) (uuid.UUID, error) {
	return uuid.New(), s.lookup
}

func (s *stub) Admit(*store.Arrival) error { return nil }

func (s *stub) Record(a *store.Arrival) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorded = append(s.recorded, a)
	return s.record
}

func (s *stub) Lost(*store.Arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost++
}

func (s *stub) config() smtpd.Config {
	return smtpd.Config{Domain: domain, Checks: s, Recorder: s, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	bySlug := strings.Repeat("x", 22) + "+slug@" + domain
	byCode := uuid.NewString() + "@" + domain
	away := errs.Unavailablef(time.Second, "away")
	for _, tt := range []struct {
		name     string
		stub     *stub
		to       []string
		want     string
		recorded int
		// beside those that the Recorder refuses
		lost int
	}{
		{"while recording", &stub{record: away}, []string{byCode}, "451 4.3.0", 1, 0},
		{"broken while recording", &stub{record: errors.New("disk on fire")}, []string{byCode}, "451 4.3.0", 1, 0},
		{"while looking up", &stub{lookup: away}, []string{byCode, bySlug}, "451 4.3.0", 0, 2},
		{"no", &stub{}, []string{byCode, bySlug}, "250 OK", 2, 0},
	} {
		_, addr := serve(t, tt.stub.config())
		got := hello(t, addr).mail("Subject: x\n\ny", tt.to...)
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %q, want %s", tt.name, got, tt.want)
		}
		n := len(tt.stub.recorded)
		if n != tt.recorded {
			t.Errorf("%s: %d were handed on, want %d", tt.name, n, tt.recorded)
		}
		if tt.stub.lost != tt.lost {
			t.Errorf("%s: %d are known as lost, want %d", tt.name, tt.stub.lost, tt.lost)
		}
	}
}

func TestLongAndMissingSenders(t *testing.T) {
	t.Parallel()
	s := &stub{}
	_, addr := serve(t, s.config())
	c := hello(t, addr)
	for from, want := range map[string]string{
		"": "Email from <>", "é\xff@x": "Email from é\uFFFD@x", strings.Repeat("ü", 300) + "@x": "Email from " + strings.Repeat("ü", 189),
	} {
		c.command("MAIL FROM:<"+from+">", "250")
		c.command("RCPT TO:<"+uuid.NewString()+"@"+domain+">", "250")
		c.command("DATA", "354")
		c.command("x\r\n.", "250 OK")
		got := s.recorded[len(s.recorded)-1].Ping.UserAgent
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSTARTTLSWithARenewedCertificate(t *testing.T) {
	t.Parallel()
	s := &stub{}
	dir := t.TempDir()
	cfg := s.config()
	cfg.CertFile = filepath.Join(dir, "cert.pem")
	cfg.KeyFile = filepath.Join(dir, "key.pem")
	_, err := smtpd.New(cfg)
	if err == nil || !strings.Contains(err.Error(), "cert.pem") {
		t.Errorf("without the files: %v", err)
	}
	roots := x509.NewCertPool()
	first := writeCertificate(t, cfg, roots, time.Now().Add(-time.Hour))
	_, addr := serve(t, cfg)
	c := hello(t, addr)
	got := c.startTLS(roots)
	if !got.Equal(first) {
		t.Error("another certificate")
	}
	c.command("STARTTLS", "502")
	c.command("AUTH PLAIN AGEAYg==", "5")
	if got := c.mail("Subject: secret\n\nx", uuid.NewString()+"@"+domain); got != "250 OK" || len(s.recorded) != 1 ||
		s.recorded[0].Ping.RemoteAddr != "127.0.0.1" {
		t.Errorf("over TLS: %q, %d recorded", got, len(s.recorded))
	}

	if err := os.WriteFile(cfg.CertFile, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := hello(t, addr).startTLS(roots); !got.Equal(first) {
		t.Error("a broken file must leave the certificate in use")
	}
	second := writeCertificate(t, cfg, roots, time.Now())
	if got := hello(t, addr).startTLS(roots); !got.Equal(second) {
		t.Error("the renewed certificate is not used")
	}
	if got := c.mail("Subject: still there\n\nx", uuid.NewString()+"@"+domain); got != "250 OK" {
		t.Errorf("the old connection: %q", got)
	}
}

// TestOverTLSASenderNeedsNoDomainEither: what is encrypted is read as well, and what
// looks like a command within a message stays as it is.
func TestOverTLSASenderNeedsNoDomainEither(t *testing.T) {
	t.Parallel()
	s := &stub{}
	dir := t.TempDir()
	cfg := s.config()
	cfg.CertFile = filepath.Join(dir, "cert.pem")
	cfg.KeyFile = filepath.Join(dir, "key.pem")
	roots := x509.NewCertPool()
	writeCertificate(t, cfg, roots, time.Now())
	_, addr := serve(t, cfg)
	c := hello(t, addr)
	c.startTLS(roots)
	to := uuid.NewString() + "@" + domain
	for i, message := range []string{"Subject: x\r\n\r\nMAIL FROM:<root>\r\n", "Subject: x\r\n\r\nSTARTTLS\r\n"} {
		c.send("MAIL FROM:<root>\r\nRCPT TO:<" + to + ">\r\nDATA\r\n")
		c.expect("250")
		c.expect("250")
		c.expect("354")
		c.send(message + ".\r\n")
		c.expect("250")
		p := s.recorded[i].Ping
		if p.UserAgent != "Email from root" || string(p.Body) != message {
			t.Errorf("%q, %q", p.UserAgent, p.Body)
		}
	}
}

// TestTLSIsOfferedOnceAndBeginsClean: nothing that was sent in clear behind STARTTLS
// counts as encrypted.
func TestTLSIsOfferedOnceAndBeginsClean(t *testing.T) {
	t.Parallel()
	s := &stub{}
	dir := t.TempDir()
	cfg := s.config()
	cfg.CertFile = filepath.Join(dir, "cert.pem")
	cfg.KeyFile = filepath.Join(dir, "key.pem")
	roots := x509.NewCertPool()
	writeCertificate(t, cfg, roots, time.Now())
	_, addr := serve(t, cfg)
	offered := func(secure bool) bool {
		c, err := smtp.Dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if secure {
			err = c.StartTLS(&tls.Config{RootCAs: roots, ServerName: domain})
			if err != nil {
				t.Fatal(err)
			}
		}
		offered, _ := c.Extension("STARTTLS")
		return offered
	}
	if !offered(false) || offered(true) {
		t.Errorf("STARTTLS is offered in clear: %t, over TLS: %t", offered(false), offered(true))
	}

	c := hello(t, addr)
	c.send("STARTTLS\r\nMAIL FROM:<mallory@example.org>\r\n")
	got := c.answer()
	if strings.HasPrefix(got, "220") {
		t.Errorf("answered %q", got)
	}
}

// writeCertificate makes a self-signed pair, changed at the given time.
func writeCertificate(t *testing.T, cfg smtpd.Config, roots *x509.CertPool, changed time.Time) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(changed.UnixNano()), Subject: pkix.Name{CommonName: domain}, DNSNames: []string{domain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cfg.CertFile: {Type: "CERTIFICATE", Bytes: der},
		cfg.KeyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(cert)
	return cert
}

// Twenty mails of 8 MB at once must not need more than what is kept of them,
// twice at the moment a buffer grows, beside what the test itself sends.
func TestLargeMessagesDoNotFillTheMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("160 MB through the loopback")
	}
	const connections, size, keep = 20, 8 << 20, 1 << 20
	s := &stub{}
	_, addr := serve(t, s.config())
	line := []byte(strings.Repeat("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoK", 2) + "\r\n")
	chunk := []byte(strings.Repeat(string(line), 500))
	var before, peak, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			c := hello(t, addr)
			c.command("MAIL FROM:<a@b>", "250")
			c.command("RCPT TO:<"+uuid.NewString()+"@"+domain+">", "250")
			c.command("DATA", "354")
			c.send(
				"Content-Type: multipart/mixed; boundary=A\r\n\r\n--A\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n")
			for sent := 0; sent < size; sent += len(chunk) {
				_, err := c.raw.Write(chunk)
				if err != nil {
					t.Error(err)
					return
				}
			}
			_, _ = io.WriteString(c.raw, "--A--\r\n.\r\n")
			c.expect("250 OK")
		})
	}
	go func() { wg.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(20 * time.Millisecond):
		}
		if runtime.ReadMemStats(&now); now.HeapAlloc > peak.HeapAlloc {
			peak = now
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&now)
	grown := int64(peak.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d messages of %d MiB, %d KiB kept of each: the heap grew by at most %.1f MiB, %.1f MiB at the end", connections, size>>20,
		keep>>10,
		float64(grown)/(1<<20), float64(now.HeapAlloc-before.HeapAlloc)/(1<<20))
	// far from any threshold: it must not follow the size of the mails
	if grown > connections*size/4 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	for _, a := range s.recorded {
		if cap(a.Ping.Body) > keep {
			t.Errorf("%d bytes are kept in a buffer of %d", len(a.Ping.Body), cap(a.Ping.Body))
		}
	}
}
