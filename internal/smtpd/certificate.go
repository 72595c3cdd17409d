package smtpd

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a key pair in two files, read again when either changes: the
// tools that renew certificates replace files and tell nobody.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	// of the files as they were tried last
	changed [2]time.Time
}

func newCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.changed = c.times()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("the certificate for STARTTLS: %w", err)
	}
	c.loaded = &pair
	return c, nil
}

// times are when the files were changed; zero for one that cannot be seen.
func (c *certificate) times() (t [2]time.Time) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err == nil {
			t[i] = info.ModTime()
		}
	}
	return t
}

// get is for tls.Config. A pair that cannot be used, such as one half replaced,
// leaves the one in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.times()
	if now != c.changed {
		c.changed = now
		pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
		if err != nil {
			c.log.Error("the renewed certificate for STARTTLS cannot be used, the old one stays", "error", err)
		} else {
			c.loaded = &pair
			c.log.Info("the certificate for STARTTLS was renewed")
		}
	}
	return c.loaded, nil
}
