package check

import (
	"context"
	"strings"

	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// How much of the output of a failed run stands on the page of its check.
const (
	outputLines = 8
	outputBytes = 1200
)

// failureOutput is the output of the failed run that a check is down by.
type failureOutput struct {
	// of its ping
	N int64
	// the last lines of its body
	Text string
}

// failureOutput is that of the run that end, see lastEnd, has ended; nil where
// that did not fail, or sent nothing that can be shown here.
func (s *Pages) failureOutput(ctx context.Context, c *monitor.Check, end *monitor.Ping) (*failureOutput, error) {
	if end == nil || end.Kind != monitor.PingFail || isMail(end) {
		return nil, nil
	}
	p, err := s.Store.Ping(ctx, c.ID, end.N)
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
	return &failureOutput{p.N, text}, nil
}

// lastLines is the end of a text: whole lines, unless the last one is very long.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n\t "), "\n")
	text = strings.Join(lines[max(0, len(lines)-outputLines):], "\n")
	if len(text) <= outputBytes {
		return text
	}
	text = strings.ToValidUTF8(text[len(text)-outputBytes:], "")
	_, rest, ok := strings.Cut(text, "\n")
	if ok {
		return rest
	}
	return "…" + text
}
