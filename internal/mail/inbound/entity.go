package inbound

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"regexp"
	"strings"

	"github.com/emersion/go-message/charset"
	"github.com/jhillyerd/enmime/v2/mediatype"
)

// Bounds of a header: of the length of a field that goes over several lines, and of
// how many fields are kept. No mail of a job needs more.
const (
	maxField  = 16 << 10
	maxFields = 500
)

// entity is a mail or a part of one, still encoded.
type entity struct {
	header header
	body   []byte
}

// header has the first field of each name, unfolded, by the name in lower case.
type header map[string]string

func (h header) get(name string) string { return h[strings.ToLower(name)] }

// split takes the header off. It ends at an empty line or at the first line that is
// no field: some programs forget the empty line.
func split(raw []byte) entity {
	e := entity{header: header{}, body: bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))}
	last := ""
	for first := true; len(e.body) > 0; first = false {
		line, rest, _ := bytes.Cut(e.body, []byte("\n"))
		text := strings.TrimRight(string(line), "\r")
		name, value, isField := strings.Cut(text, ":")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		switch {
		case text == "":
			e.body = rest
			return e
		case last != "" && (text[0] == ' ' || text[0] == '\t'):
			if len(e.header[last])+len(text) <= maxField {
				e.header[last] += " " + strings.TrimSpace(text)
			}
		case first && strings.HasPrefix(strings.TrimPrefix(text, ">"), "From "):
			// The line that mbox files put before a mail.
		case isField && isFieldName(name):
			last = name
			_, repeated := e.header[name]
			if repeated {
				// No field has this name: what repeats is read and forgotten.
				last = ":"
			}
			if len(e.header) < maxFields {
				e.header[last] = strings.TrimSpace(value)
			}
		default:
			return e
		}
		e.body = rest
	}
	return e
}

// isFieldName tells whether a header field may have the name: printable ASCII
// without a colon.
func isFieldName(name string) bool {
	for i := range len(name) {
		if name[i] <= ' ' || name[i] > '~' {
			return false
		}
	}
	return name != ""
}

// contentType is the media type in lower case and its parameters. What cannot be
// read, and a type without a subtype, is plain text.
func (h header) contentType() (kind string, params map[string]string) {
	kind, params = readType(h.get("Content-Type"))
	if !strings.Contains(kind, "/") {
		kind = "text/plain"
	}
	return strings.ToLower(kind), params
}

// forgottenSemicolon is a type with a parameter right behind it.
var forgottenSemicolon = regexp.MustCompile(`^\s*([^\s;]+/[^\s;]+)\s+([^\s;])`)

// readType reads a value with parameters.
func readType(value string) (kind string, params map[string]string) {
	value = value[:min(len(value), maxField)]
	value = forgottenSemicolon.ReplaceAllString(value, "$1; $2")
	kind, params, _, err := mediatype.Parse(value)
	if err != nil {
		kind, params = looseType(value)
	}
	return strings.TrimSpace(kind), params
}

// looseType reads what the parser gives up on: the type before the first semicolon,
// and each parameter by itself, with or without quotation marks.
func looseType(value string) (kind string, params map[string]string) {
	kind, rest, _ := strings.Cut(value, ";")
	params = map[string]string{}
	for field := range strings.SplitSeq(rest, ";") {
		name, value, _ := strings.Cut(field, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		_, repeated := params[name]
		if !repeated {
			params[name] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return strings.TrimSpace(kind), params
}

// disposition is "attachment", "inline" or "", and the name of the file.
func (h header) disposition() (kind, name string) {
	kind, params := readType(h.get("Content-Disposition"))
	return strings.ToLower(kind), params["filename"]
}

// encoding is the transfer encoding in lower case, as in "base64".
func (h header) encoding() string {
	name, _, _ := strings.Cut(h.get("Content-Transfer-Encoding"), ";")
	return strings.ToLower(strings.TrimSpace(name))
}

// size is how long the content is when it is decoded, in bytes.
func (e entity) size() int {
	switch e.header.encoding() {
	case "base64":
		return sizeOfBase64(e.body)
	case "quoted-printable":
		n, _ := io.Copy(io.Discard, quotedprintable.NewReader(bytes.NewReader(e.body)))
		return int(n)
	}
	return len(e.body)
}

// decode is the content of a part without parts, as far as it can be decoded; texts
// are turned into UTF-8 where their charset is known.
func (e entity) decode(kind string, params map[string]string) []byte {
	content := e.body
	switch e.header.encoding() {
	case "base64":
		content = fromBase64(content)
	case "quoted-printable":
		content, _ = io.ReadAll(quotedprintable.NewReader(bytes.NewReader(content)))
	}
	name := strings.Trim(params["charset"], `"' `)
	if !strings.HasPrefix(kind, "text/") || name == "" {
		return content
	}
	r, err := charset.Reader(name, bytes.NewReader(content))
	if err != nil {
		return content
	}
	converted, err := io.ReadAll(r)
	if err != nil {
		return content
	}
	return converted
}

// fromBase64 decodes with and without padding, in both alphabets, and leaves out
// what belongs to neither. Encoded pieces may follow each other.
func fromBase64(encoded []byte) []byte {
	out := make([]byte, 0, base64.RawStdEncoding.DecodedLen(len(encoded)))
	var quantum [4]byte
	n := 0
	flush := func() {
		// A single character is no byte yet; an error is not possible otherwise.
		if n > 1 {
			out, _ = base64.RawStdEncoding.AppendDecode(out, quantum[:n])
		}
		n = 0
	}
	for _, c := range encoded {
		if c == '=' {
			flush()
			continue
		}
		digit, ok := base64Digit(c)
		if !ok {
			continue
		}
		quantum[n] = digit
		n++
		if n == len(quantum) {
			flush()
		}
	}
	flush()
	return out
}

// sizeOfBase64 is the length of what fromBase64 returns.
func sizeOfBase64(encoded []byte) (size int) {
	n := 0
	for _, c := range encoded {
		_, ok := base64Digit(c)
		switch {
		case ok:
			n++
		case c == '=':
			size += n * 6 / 8
			n = 0
		}
	}
	return size + n*6/8
}

// base64Digit is c in the standard alphabet; the one for addresses is taken, too.
func base64Digit(c byte) (digit byte, ok bool) {
	switch {
	case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/':
		return c, true
	case c == '-':
		return '+', true
	case c == '_':
		return '/', true
	}
	return 0, false
}

// parts are the parts of a multipart body, at most limit. Where the boundary is
// missing or never comes, the first line that looks like one stands in.
func parts(body []byte, boundary string, limit int) [][]byte {
	delimiter := "--" + strings.TrimSpace(boundary)
	if boundary == "" || !bytes.Contains(body, []byte(delimiter)) {
		delimiter = guessDelimiter(body)
	}
	if delimiter == "" {
		return nil
	}
	var found [][]byte
	start := -1
	for at := 0; at < len(body); {
		line, _, _ := bytes.Cut(body[at:], []byte("\n"))
		next := min(at+len(line)+1, len(body))
		text := strings.TrimRight(string(line[:min(len(line), len(delimiter)+10)]), " \t\r")
		if text == delimiter || text == delimiter+"--" {
			if start >= 0 && len(found) < limit {
				found = append(found, withoutLineEnd(body[start:at]))
			}
			start = next
			if text != delimiter {
				return found
			}
		}
		at = next
	}
	if start >= 0 && len(found) < limit {
		found = append(found, body[start:])
	}
	return found
}

// withoutLineEnd takes off the line end that belongs to the delimiter behind it.
func withoutLineEnd(part []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(part, []byte("\n")), []byte("\r"))
}

// guessDelimiter is the first line that begins with two dashes and goes on without
// a blank, "" where there is none.
func guessDelimiter(body []byte) string {
	for line := range bytes.Lines(body) {
		text := strings.TrimRight(string(line), " \t\r\n")
		if len(text) > 2 && strings.HasPrefix(text, "--") && text != "---" && !strings.ContainsAny(text, " \t") {
			return text
		}
	}
	return ""
}
