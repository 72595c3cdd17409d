package smtpd

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// bareSender is a MAIL command of a program that gives its sender no domain, as
// cron and many a sendmail do: MAIL FROM:<root>. The library insists on one.
var bareSender = regexp.MustCompile(`(?i)^(MAIL\s+FROM:\s*<?)([^<>@\s"]+)(>|\s|$)`)

// bareDomain stands in for the missing one on the way through the library.
const bareDomain = "@bare.invalid"

// maxCommand is how much of a line without an end is held back.
const maxCommand = 4096

// commands passes on what a client says, and gives bare senders a domain. It keeps
// its hands off messages.
type commands struct {
	// a message
	raw bool
	// bytes of a BDAT command still to come
	payload int64
	pending []byte
	out     []byte
	// STARTTLS is a command here
	offerTLS bool
	// the client has said it: nothing more is taken
	startTLS bool
	// the client has said EHLO and has no answer yet
	greeting bool
}

// transparent tells whether what comes next is to be passed on as it is.
func (c *commands) transparent() bool { return c.raw && len(c.out) == 0 }

// take adds what was read; what can be passed on is in c.out.
func (c *commands) take(read []byte) {
	for len(read) > 0 {
		switch {
		case c.startTLS:
			c.pending = append(c.pending, read...)
			return
		case c.raw:
			c.out = append(c.out, read...)
			return
		case c.payload > 0:
			n := min(c.payload, int64(len(read)))
			c.out = append(c.out, read[:n]...)
			c.payload -= n
			read = read[n:]
		default:
			read = c.line(read)
		}
	}
}

// line takes a line, or the beginning of one, and returns what is behind it.
func (c *commands) line(read []byte) (rest []byte) {
	end := bytes.IndexByte(read, '\n') + 1
	if end == 0 {
		c.pending = append(c.pending, read...)
		if len(c.pending) > maxCommand {
			c.out = append(c.out, c.pending...)
			c.pending = nil
		}
		return nil
	}
	line := append(c.pending, read[:end]...)
	c.pending = nil
	word, argument, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
	switch strings.ToUpper(word) {
	case "DATA":
		c.raw = true
	case "EHLO":
		c.greeting = true
	case "STARTTLS":
		if c.offerTLS {
			c.startTLS = true
			return read[end:]
		}
	case "BDAT":
		size, _, _ := strings.Cut(strings.TrimSpace(argument), " ")
		c.payload, _ = strconv.ParseInt(size, 10, 64)
	case "MAIL":
		line = bareSender.ReplaceAll(line, []byte("${1}${2}"+bareDomain+"${3}"))
	}
	c.out = append(c.out, line...)
	return read[end:]
}

// answered notes what the server writes, and returns what is to be written: after
// 354 comes a message, after every other answer a command. The answer to EHLO tells
// of STARTTLS.
func (c *commands) answered(answer []byte) []byte {
	c.raw = bytes.HasPrefix(answer, []byte("354"))
	if !c.greeting {
		return answer
	}
	c.greeting = false
	if c.offerTLS && bytes.HasPrefix(answer, []byte("250-")) {
		return append(bytes.Clone(answer), "250-STARTTLS\r\n"...)
	}
	return answer
}

// senderOf undoes the stand-in.
func senderOf(from string) string { return strings.TrimSuffix(from, bareDomain) }
