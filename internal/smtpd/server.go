package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"punctual/internal/store"
)

// Recorder makes pings durable; ping.Recorder does. Record returns nil when the
// ping is on disk, errs.NotFound when there is no such check, errs.TooMany when it
// is one too many. Admit fails likewise and records nothing; a ping it has let in
// is not refused for its number by Record. Lost notes a ping that could not be recorded.
type Recorder interface {
	Admit(a *store.Arrival) error
	Record(a *store.Arrival) error
	Lost(a *store.Arrival)
}

// Checks finds the check that a slug means; store.Store does. It fails with
// errs.NotFound or store.ErrAmbiguousSlug.
type Checks interface {
	CodeBySlug(ctx context.Context, pingKey, slug string) (uuid.UUID, error)
}

// Config is what a Server needs.
type Config struct {
	// of the addresses, in any letter case
	Domain   string
	Checks   Checks
	Recorder Recorder
	Now      func() time.Time
	Log      *slog.Logger

	// PEM; both or neither. With them STARTTLS is offered
	CertFile, KeyFile string
	Limits            Limits
}

// Limits bound what senders can use up. Zero fields take the defaults.
type Limits struct {
	// bytes of a message, 32 MiB; larger ones are refused
	Message int64
	// bytes of it that become the body of the ping, 1 MiB; negative = all
	Keep int
	// at the same time, 100
	Connections int
	// of these from one address, but this machine's, 20
	PerAddress int
	// from the beginning of a connection to its first recipient, 1 min; from there to a text it is Read
	First time.Duration
	// of one message, 100
	Recipients int
	// for a command to come, and for a whole message, 5 min (RFC 5321 §4.5.3.2)
	Read time.Duration
	// for an answer to be taken, 1 min
	Write time.Duration
	// for messages under way when the server stops, 15 s
	Finish time.Duration
}

func (l Limits) withDefaults() Limits {
	l.Message = or(l.Message, 32<<20)
	l.Keep = or(l.Keep, 1<<20)
	l.Connections = or(l.Connections, 100)
	l.PerAddress = or(l.PerAddress, 20)
	l.First = or(l.First, time.Minute)
	l.Recipients = or(l.Recipients, 100)
	l.Read = or(l.Read, 5*time.Minute)
	l.Write = or(l.Write, time.Minute)
	l.Finish = or(l.Finish, 15*time.Second)
	return l
}

func or[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// maxLine is the longest line of a message. The standard has 998 characters,
// but jobs mail their output as it is.
const maxLine = 64 << 10

// Server is an SMTP server for pings.
type Server struct {
	cfg  Config
	smtp *smtp.Server
	// nil: STARTTLS is not offered
	tls *tls.Config

	mu       sync.Mutex
	conns    map[*conn]struct{}
	stopping bool
}

// New makes a server. It fails when the certificate cannot be used.
func New(cfg Config) (*Server, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	s := &Server{cfg: cfg, conns: map[*conn]struct{}{}}
	srv := smtp.NewServer(smtp.BackendFunc(s.newSession))
	srv.Domain = cfg.Domain
	srv.MaxMessageBytes = cfg.Limits.Message
	srv.MaxRecipients = cfg.Limits.Recipients
	srv.MaxLineLength = maxLine
	srv.ReadTimeout = cfg.Limits.Read
	srv.WriteTimeout = cfg.Limits.Write
	srv.EnableSMTPUTF8 = true
	// broken clients are no news
	srv.ErrorLog = slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug)
	if cfg.CertFile != "" {
		c, err := newCertificate(cfg.CertFile, cfg.KeyFile, cfg.Log)
		if err != nil {
			return nil, err
		}
		s.tls = &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}
	}
	s.smtp = srv
	return s, nil
}

// Serve takes connections until Stop, and returns nil then. It closes l.
func (s *Server) Serve(l net.Listener) error {
	if err := s.smtp.Serve(&listener{Listener: l, server: s}); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("smtpd: %w", err)
	}
	return nil
}

// Stop ends the server: idle connections at once, those in the middle of a
// message when it is answered. A message that does not end within Limits.Finish
// is cut off unanswered, so that its sender tries again.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Limits.Finish)
	defer cancel()
	s.mu.Lock()
	s.stopping = true
	for c := range s.conns {
		if !c.busy {
			c.expire()
		}
	}
	s.mu.Unlock()
	err := s.smtp.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return ignoreClosed(err)
	}
	s.mu.Lock()
	left := len(s.conns)
	for c := range s.conns {
		// its sender finds out
		_ = c.Conn.Close()
	}
	s.mu.Unlock()
	s.cfg.Log.Warn("mail connections were cut off", "connections", left)
	return nil
}

// ignoreClosed: a second Stop, or one before Serve, has nothing to do.
func ignoreClosed(err error) error {
	if errors.Is(err, smtp.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
