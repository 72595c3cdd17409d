package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-message"
	"github.com/google/uuid"
)

// About is what a mail that may come back was about.
type About string

// What mails are about; the value is part of the address.
const (
	// an alert: the id is the delivery's code
	AboutDelivery About = "n"
	// a report or nag: the id is the user's
	AboutReport About = "r"
)

// ReturnPathTime is how long a return path is valid (docs/contract.md §5).
const ReturnPathTime = 48 * time.Hour

// signatureLength is in hex digits. With it a local part is 64 bytes long, as
// long as one may be (RFC 5321).
const signatureLength = 16

// ReturnPaths makes the addresses that mail comes back to when it cannot be
// delivered, and reads what comes. An address says what the mail was about and
// when it was made, and is signed, so that nobody else can make one.
type ReturnPaths struct {
	key []byte
	// keys that signed addresses of before
	former [][]byte
	domain string
}

// NewReturnPaths makes return paths at a domain whose mail is passed on to
// bounces/ of the API; without one, none are given. Those made with one of the
// former secret keys are read, too.
func NewReturnPaths(secretKey, domain string, former ...string) *ReturnPaths {
	p := &ReturnPaths{key: returnPathKey(secretKey), domain: domain}
	for _, old := range former {
		p.former = append(p.former, returnPathKey(old))
	}
	return p
}

func returnPathKey(secretKey string) []byte {
	key := sha256.Sum256([]byte("punctual return paths\x00" + secretKey))
	return key[:]
}

// Address is the return path of a mail about id that is sent now; "" when
// bounces have nowhere to go.
func (p *ReturnPaths) Address(about About, id uuid.UUID, now time.Time) string {
	if p.domain == "" {
		return ""
	}
	signed := fmt.Sprintf("%s.%s.%x", about, id, now.Unix())
	return signed + "." + signReturnPath(p.key, signed) + "@" + p.domain
}

func signReturnPath(key []byte, text string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))[:signatureLength]
}

// signed tells whether the signature is ours.
func (p *ReturnPaths) signed(text, signature string) bool {
	right := hmac.Equal([]byte(signature), []byte(signReturnPath(p.key, text)))
	for _, key := range p.former {
		right = hmac.Equal([]byte(signature), []byte(signReturnPath(key, text))) || right
	}
	return right
}

// open takes the local part of an address apart, if it is ours and not too old.
func (p *ReturnPaths) open(local string, now time.Time) (about About, id uuid.UUID, ok bool) {
	// some servers do not keep the case
	local = strings.ToLower(local)
	dot := strings.LastIndexByte(local, '.')
	if dot < 0 || !p.signed(local[:dot], local[dot+1:]) {
		return "", uuid.Nil, false
	}
	parts := strings.Split(local[:dot], ".")
	if len(parts) != 3 {
		return "", uuid.Nil, false
	}
	id, err := uuid.Parse(parts[1])
	seconds, err2 := strconv.ParseInt(parts[2], 16, 64)
	if err != nil || err2 != nil || now.Sub(time.Unix(seconds, 0)) > ReturnPathTime {
		return "", uuid.Nil, false
	}
	return About(parts[0]), id, true
}

// Bounce is a mail that came back.
type Bounce struct {
	About About
	ID    uuid.UUID
	// the enhanced status code, as 5.1.1; "" when the mail does not report one
	Status string
	// what the other server said, one line; often ""
	Diagnostic string
}

// Permanent tells whether no mail will ever arrive at the address.
func (b Bounce) Permanent() bool {
	return strings.HasPrefix(b.Status, "5.") && b.Status != unroutable
}

// Transient tells whether later mail may arrive.
func (b Bounce) Transient() bool { return strings.HasPrefix(b.Status, "4.") || b.Status == unroutable }

// unroutable is reported when the domain cannot be looked up, which passes.
const unroutable = "5.4.4"

// ErrNotOurs is returned for mail that is not addressed to a valid return path.
var ErrNotOurs = errors.New("the mail is not addressed to one of our return paths")

// Read reads a mail that came to a return path. It fails with ErrNotOurs where
// the address was not made by us or more than ReturnPathTime ago; nothing but
// the header has been read then.
func (p *ReturnPaths) Read(r io.Reader, now time.Time) (Bounce, error) {
	mail, err := message.Read(r)
	if mail == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return Bounce{}, ErrNotOurs
	}
	to, err := netmail.ParseAddressList(mail.Header.Get("To"))
	if err != nil {
		return Bounce{}, ErrNotOurs
	}
	local, _, _ := strings.Cut(to[0].Address, "@")
	about, id, ok := p.open(local, now)
	if !ok {
		return Bounce{}, ErrNotOurs
	}
	b := Bounce{About: about, ID: id}
	b.findReport(mail, 0)
	return b, nil
}
