package check

import (
	"net/http"
	"strings"

	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// How much of what a failed run said stands on the page of its check.
const (
	saidLines = 8
	saidBytes = 1200
)

// said is what the run said that turned a check down.
type said struct {
	// of its ping
	N int64
	// the last lines of its body
	Text string
}

// lastWords are those of the failed run that check c is down by; nil when it is
// not, or said nothing that can be shown here.
func (s *Pages) lastWords(r *http.Request, c *monitor.Check) (*said, error) {
	end, err := s.lastEnd(r, c)
	if err != nil || end == nil || end.Kind != monitor.PingFail || isMail(end) {
		return nil, err
	}
	p, err := s.Store.Ping(r.Context(), c.ID, end.N)
	// pruned just now
	if errs.KindOf(err) == errs.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(lastLines(string(p.Body)))
	if text == "" || !isText(p.Body) {
		return nil, nil
	}
	return &said{p.N, text}, nil
}

// lastLines is the end of a text: whole lines, unless the last one is very long.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n\t "), "\n")
	text = strings.Join(lines[max(0, len(lines)-saidLines):], "\n")
	if len(text) <= saidBytes {
		return text
	}
	text = strings.ToValidUTF8(text[len(text)-saidBytes:], "")
	_, rest, ok := strings.Cut(text, "\n")
	if ok {
		return rest
	}
	return "…" + text
}
