package check

import (
	"context"
	"regexp"
	"strings"
	"unicode/utf8"

	"punctual/internal/errs"
	"punctual/internal/mail/inbound"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// Bounds of a search in bodies. A check with the usual limits of a hundred pings
// of a hundred kilobytes is searched to the end.
const (
	// bytes of each body, from its beginning
	maxSearchBody = 100_000
	// of all bodies together
	maxSearchBytes = 16_000_000
)

// hit is where a text was found in a body, with what stands around it.
type hit struct{ Before, Text, After string }

// search is what a search in the bodies of a check's pings has found.
type search struct {
	Text string
	// by the n of the ping
	Hits map[int64]hit
	// older pings than this were not searched: it was too much; 0 = all were
	To int64
}

// searchBodies looks for text, in whatever case, in the bodies of at most limit
// pings from minN on. Of a mail it searches the subject and the text as they are
// read, not as they were sent. The database only hands the bodies out, so that
// each finds the same.
func (s *Pages) searchBodies(ctx context.Context, c *monitor.Check, text string, minN int64, limit int) (*search, error) {
	n := utf8.RuneCountInString(text)
	if n > monitor.MaxSearchLength {
		return nil, errs.Invalidf("q", "Search for at most %d characters; these are %d.", monitor.MaxSearchLength, n)
	}
	wanted, err := regexp.Compile(`(?i)` + regexp.QuoteMeta(text))
	if err != nil {
		return nil, errs.Invalidf("q", "Only text in UTF-8 can be searched for.").Because(err)
	}
	found := &search{Text: text, Hits: map[int64]hit{}}
	read := 0
	err = s.Store.ReadBodies(ctx, c.ID, minN, limit, maxSearchBody, func(b *store.PingBody) bool {
		read += len(b.Body)
		if read > maxSearchBytes {
			found.To = b.N + 1
			return false
		}
		body := b.Body
		if b.Scheme == "email" {
			m := inbound.Parse(body)
			body = []byte(m.Subject + "\n" + m.Text)
		}
		at := wanted.FindIndex(body)
		if at != nil {
			found.Hits[b.N] = around(body, at[0], at[1])
		}
		return true
	})
	return found, err
}

// around is the text at body[from:until] with a few words on each side, in one
// line.
func around(body []byte, from, until int) hit {
	const before, after = 40, 120
	line := func(b []byte) string {
		s := strings.Map(func(r rune) rune {
			if r < ' ' || r == utf8.RuneError {
				return ' '
			}
			return r
		}, string(b))
		return strings.Join(strings.Fields(" "+s+" "), " ")
	}
	h := hit{Text: string(body[from:until])}
	start := max(0, from-before)
	end := min(len(body), until+after)
	for start > 0 && start < from && !utf8.RuneStart(body[start]) {
		start++
	}
	for end < len(body) && end > until && !utf8.RuneStart(body[end]) {
		end--
	}
	h.Before = line(body[start:from])
	if start > 0 {
		h.Before = "… " + h.Before
	}
	if from > 0 && isBlank(body[from-1]) {
		h.Before += " "
	}
	h.After = line(body[until:end])
	if end < len(body) {
		h.After += " …"
	}
	if until < len(body) && isBlank(body[until]) {
		h.After = " " + h.After
	}
	return h
}

func isBlank(b byte) bool { return b <= ' ' }
