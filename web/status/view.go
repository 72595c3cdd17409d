package status

import (
	"strings"
	"time"

	"punctual/internal/status"
)

// view is a report as the one who asks may see it: secrets are taken out of
// every text, and without the right to details there are none.
type view struct {
	// details are shown
	full bool
	// of some checks only
	chosen  bool
	healthy bool
	// severity is that of the worst check; without details OK or Error.
	severity status.Severity
	at       time.Time
	took     time.Duration
	entries  []entry
}

// entry is the result of one check.
type entry struct {
	name, title string
	labels      []string
	severity    status.Severity
	fact, err   string
	fields      []status.Field
	took        time.Duration
	at, since   time.Time
}

// maxText bounds a text about a check, in bytes.
const maxText = 500

func (s *Server) view(report status.Report, full, chosen bool) *view {
	v := &view{full: full, chosen: chosen, healthy: report.Healthy(), at: report.At, took: report.Took}
	if !full {
		if !v.healthy {
			v.severity = status.Error
		}
		return v
	}
	v.severity = report.Severity()
	v.entries = entriesOf(report, s.Redact)
	return v
}

// entriesOf are the results without secrets.
func entriesOf(report status.Report, redact func(string) string) []entry {
	var entries []entry
	for _, r := range report.Results {
		e := entry{
			name: r.Name, title: r.Title, labels: r.Labels, severity: r.Severity, fact: safe(r.Fact, redact),
			took: r.Took, at: r.At, since: r.Since,
		}
		if r.Err != nil {
			e.err = safe(r.Err.Error(), redact)
		}
		for _, f := range r.Fields {
			text, ok := f.Value.(string)
			if ok {
				f.Value = safe(text, redact)
			}
			e.fields = append(e.fields, f)
		}
		entries = append(entries, e)
	}
	return entries
}

// safe is a text without secrets. It is one line: what comes after it may be the
// stack of a panic, which is nobody's business.
func safe(text string, redact func(string) string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = redact(strings.TrimSpace(text))
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + " …"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// message is the fact and the error in one line.
func (e *entry) message() string { return joined(e.fact, e.err) }

func joined(fact, err string) string {
	switch {
	case err == "":
		return fact
	case fact == "":
		return err
	}
	return fact + ": " + err
}
