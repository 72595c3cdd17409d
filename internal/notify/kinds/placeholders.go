package kinds

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/text"
)

// placeholder finds them all in one pass, so that values that contain a $ are
// not expanded again, and takes the longest name: $TAG10 is the tenth tag.
var placeholder = regexp.MustCompile(
	`\$(?:(?:NAME|BODY|TAGS|TAG[1-9][0-9]*)_ESCAPED|NAME_JSON|BODY_JSON|EXITSTATUS|CODE|STATUS|NOW|NAME|SLUG|TAGS|TAG[1-9][0-9]*|JSON|BODY)`)

// placeholders are the values a webhook may mention. Each is computed when it
// is first asked for. An unknown one stays as it is written.
type placeholders struct {
	ev        *notify.Event
	checkJSON func(monitor.Check) []byte
}

func newPlaceholders(ev *notify.Event, checkJSON func(monitor.Check) []byte) *placeholders {
	return &placeholders{ev: ev, checkJSON: checkJSON}
}

// body fills in a request body, where the ping's body is known too.
func (p *placeholders) body(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		switch name {
		case "$BODY":
			return p.pingBody()
		case "$BODY_JSON":
			return quote(p.pingBody())
		case "$BODY_ESCAPED":
			return escape(p.pingBody())
		}
		return p.value(name)
	})
}

// url fills in an URL; values are percent-encoded.
func (p *placeholders) url(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		value := p.value(name)
		if value == name {
			return name
		}
		return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	})
}

// header fills in a header value, which goes out as Latin-1; other characters
// become numeric references and line breaks become blanks.
func (p *placeholders) header(text string) string {
	filled := placeholder.ReplaceAllStringFunc(text, p.value)
	var out strings.Builder
	for _, r := range filled {
		switch {
		case r == '\t':
			out.WriteByte('\t')
		case r < ' ' || r == 0x7f:
			out.WriteByte(' ')
		case r <= 0xff:
			out.WriteByte(byte(r))
		default:
			out.WriteString("&#" + strconv.Itoa(int(r)) + ";")
		}
	}
	return out.String()
}

// value is what a placeholder stands for everywhere; itself when there is no
// such value.
func (p *placeholders) value(name string) string {
	c := &p.ev.Check
	plain, ok := strings.CutSuffix(name, "_ESCAPED")
	if ok {
		value := p.value(plain)
		// there is none
		if value == plain && plain != "$NAME" && plain != "$TAGS" {
			return name
		}
		return escape(value)
	}
	switch name {
	case "$CODE":
		return c.Code.String()
	case "$STATUS":
		return string(p.ev.Status)
	case "$NOW":
		return p.ev.Flip.CreatedAt.UTC().Format("2006-01-02T15:04:05-07:00")
	case "$NAME":
		return c.Name
	case "$NAME_JSON":
		return quote(c.Name)
	case "$SLUG":
		return c.Slug
	case "$TAGS":
		return c.Tags
	case "$JSON":
		return string(p.checkJSON(*c))
	case "$EXITSTATUS":
		return strconv.Itoa(p.ev.ExitStatus())
	}
	if number, ok := strings.CutPrefix(name, "$TAG"); ok {
		tags := c.TagList()
		n, err := strconv.Atoi(number)
		if err == nil && n <= len(tags) {
			return tags[n-1]
		}
	}
	return name
}

func (p *placeholders) pingBody() string {
	if p.ev.LastPing == nil {
		return ""
	}
	return text.Valid(string(p.ev.LastPing.Body))
}

// escape is the text as it stands between the quotation marks of a JSON string.
func escape(text string) string {
	quoted := quote(text)
	return quoted[1 : len(quoted)-1]
}

// quote is the text as a JSON string.
func quote(text string) string {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if e.Encode(text) != nil {
		// a string is always encoded
		return `""`
	}
	return strings.TrimSuffix(buf.String(), "\n")
}
