package check

import (
	"net/http"

	"punctual/internal/errs"
	"punctual/internal/mail/inbound"
	"punctual/internal/monitor"
	"punctual/internal/text"
)

// isMail tells whether a ping came by e-mail: its body is a raw message.
func isMail(p *monitor.Ping) bool { return p.Scheme == "email" && len(p.Body) > 0 }

// shownMail takes the mail apart; of a long text the beginning is shown.
func shownMail(raw []byte) *inbound.Message {
	m := inbound.Parse(raw)
	if len(m.Text) > maxShownBody {
		m.Text = text.ClipBytes(m.Text, maxShownBody) + "\n…"
	}
	return m
}

// foreignMailPolicy lets a mail of strangers look as it was meant to, without
// anything from elsewhere: no scripts, no forms, no pictures that tell its
// sender who reads it. A clicked link opens a page of its own.
const foreignMailPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; " +
	"frame-ancestors 'self'; " +
	"sandbox allow-popups allow-popups-to-escape-sandbox"

// PingHTML answers with the HTML part of a ping by e-mail, for the frame of its
// page.
func (s *Pages) PingHTML(w http.ResponseWriter, r *http.Request) error {
	_, _, p, err := s.pingFor(r)
	if err != nil {
		return err
	}
	if !isMail(p) {
		return errs.NotFoundf("This ping is no mail.")
	}
	m := inbound.Parse(p.Body)
	if m.HTML == "" {
		return errs.NotFoundf("This mail has no HTML part.")
	}
	h := w.Header()
	h.Set("Content-Security-Policy", foreignMailPolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	// our address is a secret
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	// the reader may have gone
	_, _ = w.Write([]byte(`<!doctype html><base target="_blank">` + m.HTML))
	return nil
}
