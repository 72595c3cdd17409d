package mail_test

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"punctual/internal/mail"
	"punctual/internal/testkit/smtpsink"
)

// caTest names the server that the process started by the test below is to trust.
const caTest = "PUNCTUAL_TEST_SMTP_PORT"

// A process reads its certificate authorities once, so that each way to name one
// needs a process of its own: this test, started anew.
func TestAnAuthorityOfOnesOwnIsTrustedBySettingItInTheEnvironment(t *testing.T) {
	if port, err := strconv.Atoi(os.Getenv(caTest)); err == nil {
		s := sender(t, mail.Settings{Host: "127.0.0.1", Port: port, TLS: mail.TLSFull})
		if err := s.Probe(soon(t)); err != nil {
			t.Error(err)
		}
		return
	}
	sink := smtpsink.New(t, smtpsink.Options{TLS: mail.TLSFull})
	conn, err := tls.Dial("tcp", net.JoinHostPort(sink.Host(), strconv.Itoa(sink.Port())),
		&tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is ours
	if err != nil {
		t.Fatal(err)
	}
	certificate := conn.ConnectionState().PeerCertificates[0]
	conn.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "own-ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		setting string
		trusted bool
	}{
		{"SSL_CERT_FILE=" + file, true},
		{"SSL_CERT_DIR=" + dir + ":/etc/ssl/certs", true},
		{"SSL_CERT_DIR=/etc/ssl/certs", false},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), test.setting, caTest+"="+strconv.Itoa(sink.Port()))
		out, err := cmd.CombinedOutput()
		trusted := err == nil
		if trusted != test.trusted {
			t.Errorf("with %s the server is trusted: %v, want %v\n%s", test.setting, trusted, test.trusted, out)
		}
	}
}
