package mail

import (
	"bytes"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"strings"
	texttemplate "text/template"
	"unicode"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/text"
)

// The kinds of mail, as stored in the table emails. Each is a pair of templates,
// email/<kind>.html and email/<kind>.txt.
const (
	KindLogin   = "login"
	KindVerify  = "verify"
	KindAlert   = "alert"
	KindDigest  = "digest"
	KindTrouble = "channel-trouble"
	KindBlind   = "blind"
)

// Kinds are all kinds of mail there are.
func Kinds() []string {
	return []string{
		KindLogin, KindVerify, KindAlert, KindDigest, KindTrouble, KindInvite, KindTransfer, KindEmailChange, KindReport, KindNag,
		KindTwoFactor, KindRemoved, KindUnused, KindWelcome, KindSecurity, KindBlind,
	}
}

// Site is what every mail tells of the instance it comes from.
type Site struct {
	Name string
	// full address, without a slash at the end
	Root string
	// "" = none
	SupportEmail string
}

// Composer makes mails from templates. It is safe for concurrent use.
type Composer struct {
	site   Site
	domain string
	pages  map[string]page
}

type page struct {
	html *htmltemplate.Template
	text *texttemplate.Template
}

// NewComposer parses the templates email/*.html and email/*.txt of fsys. domain
// is the right half of message ids: Sender.Domain.
func NewComposer(fsys fs.FS, site Site, domain string) (*Composer, error) {
	c := &Composer{site: site, domain: domain, pages: make(map[string]page)}
	for _, kind := range Kinds() {
		funcs := htmltemplate.FuncMap{"button": newButton, "linked": text.Linked}
		html, err := htmltemplate.New(kind).Funcs(funcs).ParseFS(fsys, "email/layout.html", "email/"+kind+".html")
		if err != nil {
			return nil, fmt.Errorf("parse template of %s mail: %w", kind, err)
		}
		plain, err := texttemplate.ParseFS(fsys, "email/layout.txt", "email/"+kind+".txt")
		if err != nil {
			return nil, fmt.Errorf("parse template of %s mail: %w", kind, err)
		}
		c.pages[kind] = page{html: html, text: plain}
	}
	return c, nil
}

// Login is the mail with a login link, which is valid once and for an hour.
func (c *Composer) Login(to, link string) (*Message, error) {
	return c.compose(KindLogin, to, "Log in to "+c.site.Name, link, nil)
}

// Verify asks the owner of an address whether it may get alerts.
type Verify struct {
	Owned
	To      string
	Project string
	// address of whoever added it, "" = not told
	By   string
	Link string
}

// Verify makes the mail.
func (c *Composer) Verify(v Verify) (*Message, error) {
	return c.compose(KindVerify, v.To, "Confirm this address for alerts from "+c.site.Name, v.Link, v)
}

// Trouble tells a project's owner that alerts do not arrive through a channel.
type Trouble struct {
	Owned
	To string
	// one per channel and day: the same trouble is told once
	Key string
	// nothing more is sent through the channel; else only this alert was given up
	Disabled bool
	Project  string
	// its name or where it leads: "Email to ops@example.org"
	Channel string
	// what the other side said
	Reason string
	// the alert that could not be told
	Check  string
	Status monitor.Status
	// to the project's integrations
	Link string
}

// Trouble makes the mail.
func (c *Composer) Trouble(t Trouble) (*Message, error) {
	m, err := c.compose(KindTrouble, t.To, "Alerts do not arrive: "+t.Channel, t.Link, t)
	if err == nil {
		m.MessageID = t.Key + "@" + c.domain
	}
	return m, err
}

// Alert is one change of a check's status, in words.
type Alert struct {
	Owned
	To string
	// idempotency key, the delivery's code: the same alert has the same Message-ID in every attempt
	Key  string
	Test bool
	// else up
	Down bool
	// Flapping says that it goes down and up again too often to tell of each time.
	Flapping bool

	// of the check
	Name string
	// what happened
	Sentence string
	// moment of the change, in the reader's zone
	When string
	// how fast a deadline was judged; "" = none was
	Proof       string
	Description string
	Facts       []Fact
	// end of the last ping's body
	Body string
	// there was more before it
	BodyCut bool
	// other checks that are down: name, and how long ago they pinged
	OtherDown      []Fact
	OtherDownTotal int

	// to the check
	Link string
	// one click is enough (RFC 8058)
	Unsubscribe string
}

// Word is the status as the subject has it.
func (a Alert) Word() string {
	switch {
	case a.Flapping:
		return "FLAPPING"
	case a.Down:
		return "DOWN"
	default:
		return "UP"
	}
}

// OtherDownRest is how many checks are down beyond those that are named.
func (a Alert) OtherDownRest() int { return a.OtherDownTotal - len(a.OtherDown) }

// Fact is a line of a list: what, and its value.
type Fact struct{ Label, Value string }

// Alert makes the mail.
func (c *Composer) Alert(a Alert) (*Message, error) {
	m, err := c.compose(KindAlert, a.To, a.Word()+" | "+a.Name, a.Link, a)
	if err != nil {
		return nil, err
	}
	c.ofDelivery(m, a.Key, a.Unsubscribe)
	return m, nil
}

// ofDelivery lets bounces of the mail find the delivery with the key, and readers
// unsubscribe with one click.
func (c *Composer) ofDelivery(m *Message, key, unsubscribe string) {
	m.MessageID = key + "@" + c.domain
	delivery, err := uuid.Parse(key)
	if err == nil {
		m.About = AboutDelivery
		m.AboutID = delivery
	}
	m.Headers = unsubscribeHeaders(unsubscribe)
}

// unsubscribeHeaders let mail programs offer a button that needs one click (RFC 8058).
func unsubscribeHeaders(address string) map[string]string {
	return map[string]string{"List-Unsubscribe": "<" + address + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
}

// view is what templates see.
type view struct {
	Site    Site
	Subject string
	To      string
	Link    string
	// the mail's own data
	M any
}

func (c *Composer) compose(kind, to, subject, link string, data any) (*Message, error) {
	v := view{Site: c.site, Subject: oneLine(subject), To: to, Link: link, M: data}
	m := &Message{Link: link, Email: monitor.Email{
		MessageID: uuid.NewString() + "@" + c.domain,
		Kind:      kind,
		To:        to,
		Subject:   v.Subject,
	}}
	owned, ok := data.(interface{ account() uuid.UUID })
	if ok {
		m.Account = owned.account()
	}
	var err error
	m.HTML, err = execute(c.pages[kind].html, v)
	if err != nil {
		return nil, fmt.Errorf("render %s mail: %w", kind, err)
	}
	m.Text, err = execute(c.pages[kind].text, v)
	if err != nil {
		return nil, fmt.Errorf("render %s mail: %w", kind, err)
	}
	return m, nil
}

func execute(t interface {
	ExecuteTemplate(w io.Writer, name string, data any) error
}, v view) (string, error) {
	var buf bytes.Buffer
	err := t.ExecuteTemplate(&buf, "layout", v)
	return buf.String(), err
}

// button is the one thing a mail asks its reader to press.
type button struct{ Text, URL string }

func newButton(text, url string) button { return button{text, url} }

// oneLine makes a header value of text that people wrote.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == ' ' }), " ")
}
