package smtpd

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/mail/inbound"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

// Answers to a message.
var (
	accepted   = &smtp.SMTPError{Code: 250, EnhancedCode: smtp.NoEnhancedCode, Message: "OK"}
	errAway    = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The ping was not recorded, try again later"}
	errSlow    = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "The message did not come in time"}
	errLine    = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "A line of the message is too long"}
	errStopped = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "The message ended early"}
)

// session is what a connection has said so far.
type session struct {
	server *Server
	conn   *conn
	// address of the peer
	remote string
	from   string
	// as announced, 0 = not
	size int64
	to   []mailbox
}

func (s *Server) newSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: connOf(c), remote: peer(c.Conn().RemoteAddr())}, nil
}

// peer is the address without the port, "" when it has none.
func peer(a net.Addr) string {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return ""
	}
	return ap.Addr().Unmap().WithZone("").String()
}

// Reset forgets the message begun; the library also calls it once a message has
// been answered.
func (s *session) Reset() {
	s.from = ""
	s.size = 0
	s.to = nil
	s.conn.end()
}

// Logout is the end of the connection.
func (s *session) Logout() error { return nil }

// Mail takes any sender.
func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	s.from = senderOf(from)
	if opts != nil {
		s.size = opts.Size
	}
	return nil
}

// Rcpt takes addresses of our domain that may be a check's. One address twice
// is one ping.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	m, err := parseAddress(to, s.server.cfg.Domain)
	if err != nil {
		return err
	}
	if !slices.Contains(s.to, m) {
		s.to = append(s.to, m)
	}
	s.conn.begin()
	return nil
}

// Data takes the message and answers when its pings are on disk.
func (s *session) Data(r io.Reader) error {
	s.conn.receive()
	raw, err := s.read(r)
	if err != nil {
		return s.unread(err)
	}
	broken := incident.Catch("worker", func() error { err = s.record(raw, s.server.cfg.Now()); return nil })
	if broken != nil {
		s.server.cfg.Log.Error("mail was put off", "remote", s.remote, "error", broken)
		return errAway
	}
	if err == nil {
		s.conn.received()
	}
	return err
}

// read reads the message to its end and returns the part that is kept.
func (s *session) read(r io.Reader) ([]byte, error) {
	keep := s.server.cfg.Limits.Message
	k := int64(s.server.cfg.Limits.Keep)
	if k >= 0 {
		keep = min(keep, k)
	}
	raw, err := readUpTo(r, keep, s.size)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	return raw, err
}

// readUpTo returns the first limit bytes of r in a buffer that is never larger.
// expected is how many there probably are, 0 = unknown.
func readUpTo(r io.Reader, limit, expected int64) ([]byte, error) {
	const first = 16 << 10
	buf := make([]byte, 0, min(limit, max(first, min(expected+1, 1<<20))))
	for int64(len(buf)) < limit {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, min(limit, 2*int64(cap(buf)))), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return buf, nil
}

// unread is the answer to a message that could not be read to its end: nothing
// of it is recorded.
func (s *session) unread(err error) error {
	var netErr net.Error
	var ours *smtp.SMTPError
	switch {
	case errors.As(err, &ours):
		// too large
		err = ours
	case errors.Is(err, smtp.ErrTooLongLine):
		err = errLine
	case errors.As(err, &netErr) && netErr.Timeout():
		err = errSlow
	default:
		err = errStopped
	}
	s.server.cfg.Log.Info("mail was not taken", "remote", s.remote, "from", s.from, "reason", err.Error())
	return err
}

// lookupTime bounds the search for slugs.
const lookupTime = 10 * time.Second

// record makes a ping for each recipient and answers for all of them.
func (s *session) record(raw []byte, at time.Time) error {
	// what has arrived counts, the sender may go
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	var codes []uuid.UUID
	// all before any is recorded, so that a database that is away is found out first
	for _, m := range s.to {
		code, err := s.find(ctx, m)
		if err != nil {
			s.lost(at)
			return err
		}
		if code != uuid.Nil {
			codes = append(codes, code)
		}
	}
	m := inbound.Parse(raw)
	words := monitor.MailText{Subject: m.Subject, Text: m.Text, HTML: m.HTMLText()}
	classify := func(f *monitor.Filter) monitor.PingKind {
		return monitor.ClassifyEmail(f, words.Subject, words.Text, words.HTML)
	}

	arrivals := make([]*store.Arrival, len(codes))
	for i, code := range codes {
		arrivals[i] = &store.Arrival{
			Code: code,
			Ping: monitor.Ping{
				CreatedAt: at, Scheme: "email", UserAgent: userAgent(s.from), RemoteAddr: s.remote, Body: bodyOf(raw),
			},
			Classify: classify,
			Mail:     &words,
		}
		// All before any is recorded: a message that is sent again must not ping the others twice.
		if err := s.admit(arrivals[i]); err != nil {
			return err
		}
	}
	failed := make([]bool, len(codes))
	var wg sync.WaitGroup
	// beside each other: they become one batch of the Recorder
	for i, arrival := range arrivals {
		wg.Go(func() { failed[i] = !s.recorded(arrival) })
	}
	wg.Wait()
	if slices.Contains(failed, true) {
		return errAway
	}
	return accepted
}

// lost notes that a message is put off by a fault of ours: who sends it may come back too late.
func (s *session) lost(at time.Time) {
	for _, m := range s.to {
		s.server.cfg.Recorder.Lost(&store.Arrival{
			Code: m.code, PingKey: m.pingKey, Slug: m.slug, Ping: monitor.Ping{CreatedAt: at, Scheme: "email"},
		})
	}
}

// find resolves a recipient; uuid.Nil means that there is nothing to ping.
func (s *session) find(ctx context.Context, m mailbox) (uuid.UUID, error) {
	if m.code != uuid.Nil {
		return m.code, nil
	}
	log := s.server.cfg.Log
	code, err := s.server.cfg.Checks.CodeBySlug(ctx, m.pingKey, m.slug)
	switch {
	case err == nil:
		return code, nil
	case errs.KindOf(err) == errs.NotFound, errors.Is(err, store.ErrAmbiguousSlug):
		log.Info("mail without effect", "remote", s.remote, "from", s.from, "slug", m.slug, "reason", err.Error())
		return uuid.Nil, nil
	default:
		log.Error("mail was put off", "remote", s.remote, "from", s.from, "error", err)
		return uuid.Nil, errAway
	}
}

// admit refuses a ping that is one too many of its check or its project, for now.
func (s *session) admit(a *store.Arrival) error {
	err := s.server.cfg.Recorder.Admit(a)
	if errs.KindOf(err) != errs.TooMany {
		// Record says what else there is to say
		return nil
	}
	s.server.cfg.Log.Info("mail was put off", "remote", s.remote, "from", s.from, "reason", errs.Message(err))
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: errs.Message(err)}
}

// recorded tells whether a ping needs no second try.
func (s *session) recorded(a *store.Arrival) bool {
	err := incident.Catch("worker", func() error { return s.server.cfg.Recorder.Record(a) })
	switch {
	case err == nil:
		return true
	case errs.KindOf(err) == errs.NotFound:
		s.server.cfg.Log.Info("mail without effect", "remote", s.remote, "from", s.from, "reason", "unknown check")
		return true
	default:
		s.server.cfg.Log.Error("mail was put off", "remote", s.remote, "from", s.from, "error", err)
		return false
	}
}

// userAgent is what a ping is said to come from (docs/contract.md §1.11).
func userAgent(from string) string {
	if from == "" {
		// as bounces and automatic answers have it
		from = "<>"
	}
	return text.Clip("Email from "+from, monitor.MaxUserAgent)
}

// bodyOf is nil for nothing, like that of other pings.
func bodyOf(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	return raw
}
