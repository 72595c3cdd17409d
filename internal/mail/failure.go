package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// SendError is a mail that was not accepted.
type SendError struct {
	// safe to show, one line
	Message string
	// sending this mail again is useless
	Permanent bool
	// the server does not know the recipient: no mail will ever arrive there
	BadAddress bool
	// only the operator of this instance can mend it
	Operator bool
	// the server says no to this recipient and not why: it may say so to all
	Unclear bool
	// there was no session with the server: no mail leaves at present, whoever it is for
	NoSession bool
	Err       error
}

// Error is the message, followed by what the server or the network said.
func (e *SendError) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap is the cause.
func (e *SendError) Unwrap() error { return e.Err }

// connectFailure says why there is no session with the mail server, in a sentence
// of its own for each thing that an operator can change. All of it is temporary.
func connectFailure(ctx context.Context, err error) *SendError {
	failure := func(message string) *SendError {
		return &SendError{Message: message, Operator: true, NoSession: true, Err: err}
	}
	var (
		unknownName *net.DNSError
		certificate *tls.CertificateVerificationError
		wrongName   x509.HostnameError
		noTLS       tls.RecordHeaderError
		answer      *textproto.Error
	)
	switch text := err.Error(); {
	case errors.As(err, &wrongName):
		return failure("the certificate of the mail server is for another name: PUNCTUAL_SMTP_HOST must be a name that it has")
	case errors.As(err, &certificate):
		return failure("the certificate of the mail server is not trusted: SSL_CERT_FILE may name an authority of your own")
	case errors.As(err, &noTLS):
		return failure("the mail server does not speak TLS on this port: check PUNCTUAL_SMTP_TLS and PUNCTUAL_SMTP_PORT")
	case strings.Contains(text, "does not support STARTTLS"):
		return failure("the mail server does not offer STARTTLS: set PUNCTUAL_SMTP_TLS to tls or none")
	case lacksLogin(err):
		return failure("the mail server offers no login: leave PUNCTUAL_SMTP_USERNAME empty, or check PUNCTUAL_SMTP_PORT and PUNCTUAL_SMTP_TLS")
	case strings.Contains(text, "SMTP AUTH failed"):
		if errors.As(err, &answer) && answer.Code < 500 {
			return failure(fmt.Sprintf("the mail server cannot check logins right now, it answered with code %d", answer.Code))
		}
		return failure("the mail server refuses the login: check PUNCTUAL_SMTP_USERNAME and PUNCTUAL_SMTP_PASSWORD")
	case errors.As(err, &answer):
		return failure(
			fmt.Sprintf("the mail server refuses this machine with code %d: check PUNCTUAL_SMTP_HOST and whom the server takes mail from",
				answer.Code))
	case ctx.Err() != nil:
		return failure("the mail server did not answer in time")
	case errors.As(err, &unknownName) && unknownName.IsNotFound:
		return failure("the name of the mail server is unknown: check PUNCTUAL_SMTP_HOST")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return failure("the mail server closed the connection before its greeting: check PUNCTUAL_SMTP_PORT and PUNCTUAL_SMTP_TLS")
	}
	return failure("the mail server cannot be reached: check PUNCTUAL_SMTP_HOST and PUNCTUAL_SMTP_PORT")
}

// lacksLogin tells whether the server has no way to log in that is allowed.
func lacksLogin(err error) bool {
	return errors.Is(err, gomail.ErrNoSupportedAuthDiscovered) || errors.Is(err, gomail.ErrPlainAuthNotSupported) ||
		errors.Is(err, gomail.ErrLoginAuthNotSupported) || strings.Contains(err.Error(), "server does not support SMTP AUTH")
}

// sendFailure says what it means that a mail was not accepted within a session.
//
// Permanent is only what surely holds for ever: that the address does not exist, or
// that this mail can never be taken. A server that will not relay, that finds our
// sender suspicious, or that only says no, may take the mail once the operator has
// mended something, so the mail has to survive that.
func sendFailure(ctx context.Context, err error) *SendError {
	var refused *gomail.SendError
	if !errors.As(err, &refused) || refused.ErrorCode() == 0 {
		if ctx.Err() != nil {
			return &SendError{Message: "the mail server did not answer in time", Err: err}
		}
		return &SendError{Message: "the connection to the mail server broke", Err: err}
	}
	code := refused.ErrorCode()
	e := &SendError{Message: fmt.Sprintf("the mail server answered with code %d", code), Err: err}
	if code < 500 {
		return e
	}
	answer := err.Error()
	detail := refused.EnhancedStatusCode()
	found := enhancedCode.FindStringSubmatch(answer)
	if detail == "" && found != nil {
		detail = found[1]
	}
	switch {
	case refused.Reason != gomail.ErrSMTPMailFrom && isNoSuchAddress(detail, answer):
		e.Message = fmt.Sprintf("the mail server says that there is no such address (code %d)", code)
		e.Permanent = true
		e.BadAddress = true
	case refused.Reason == gomail.ErrSMTPRcptTo && (code == 552 || strings.HasPrefix(detail, "5.2.")):
		e.Message = fmt.Sprintf("the mail server says that the mailbox is full or closed (code %d)", code)
	case refused.Reason != gomail.ErrSMTPRcptTo && (code == 552 || neverTakes(detail)):
		e.Permanent = true
	case code == 530 || detail == "5.7.0" && refused.Reason == gomail.ErrSMTPMailFrom:
		e.Message = "the mail server wants a login or encryption first: check PUNCTUAL_SMTP_USERNAME and PUNCTUAL_SMTP_TLS"
		e.Operator = true
	case refused.Reason == gomail.ErrSMTPMailFrom:
		e.Message = fmt.Sprintf("the mail server refuses our sender with code %d: check PUNCTUAL_EMAIL_FROM", code)
		e.Operator = true
	default:
		e.Message = fmt.Sprintf("the mail server refuses the mail with code %d, without saying that the address does not exist", code)
		e.Operator = aboutUs.MatchString(answer)
		e.Unclear = !e.Operator
	}
	return e
}

// aboutUs finds in an answer that it is not the recipient who is refused: the server
// does not relay, wants a login or does not like the sender.
var aboutUs = regexp.MustCompile(`(?i)\brelay|\bsender\b|authenticat|\blog ?in\b`)

// enhancedCode finds the status of RFC 3463 in the answer of a server that sends it
// without having announced it.
var enhancedCode = regexp.MustCompile(`\b5\d\d[ -]"?(5\.\d{1,3}\.\d{1,3})\b`)

// isNoSuchAddress tells whether an answer surely means that the address does not
// exist. detail is the enhanced status, which counts where there is one; else the
// words do, and only those that nobody uses for a policy. "Mailbox unavailable" is
// not among them: it is what RFC 5321 calls any refusal with 550.
func isNoSuchAddress(detail, answer string) bool {
	switch detail {
	case "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10":
		return true
	case "", "5.0.0":
	default:
		return false
	}
	answer = strings.ToLower(answer)
	for _, policy := range []string{"relay", "policy", "blocked", "blacklist", "spam", "sender", "denied"} {
		if strings.Contains(answer, policy) {
			return false
		}
	}
	for _, words := range noSuchAddress {
		if strings.Contains(answer, words) {
			return true
		}
	}
	return false
}

var noSuchAddress = []string{
	"user unknown", "unknown user", "no such user", "unknown recipient", "recipient unknown", "no such recipient", "recipient not found",
	"user not found", "mailbox not found", "no mailbox here", "no such mailbox", "unknown mailbox", "no such address", "address unknown",
	"unknown address", "unknown local part", "unrouteable address", "does not exist", "doesn't exist", "invalid recipient",
}

// neverTakes tells whether an enhanced status is about the mail itself: that it is
// too large, or of a form that the server cannot take.
func neverTakes(detail string) bool {
	return detail == "5.2.3" || detail == "5.3.4" || strings.HasPrefix(detail, "5.6.")
}
