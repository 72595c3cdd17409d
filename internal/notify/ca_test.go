package notify_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// caTest names the server that the process started by the test below is to trust.
const caTest = "PUNCTUAL_TEST_ADDRESS"

// A process reads its certificate authorities once, so that each way to name one
// needs a process of its own: this test, started anew.
func TestAnAuthorityOfOnesOwnIsTrustedBySettingItInTheEnvironment(t *testing.T) {
	address := os.Getenv(caTest)
	if address != "" {
		_, err := call(soon(t), t, client(), address)
		if err != nil {
			t.Error(err)
		}
		return
	}
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "own-ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
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
		cmd.Env = append(os.Environ(), test.setting, caTest+"="+s.URL)
		out, err := cmd.CombinedOutput()
		trusted := err == nil
		if trusted != test.trusted {
			t.Errorf("with %s the server is trusted: %v, want %v\n%s", test.setting, trusted, test.trusted, out)
		}
	}
}
