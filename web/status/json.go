package status

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"punctual/internal/status"
)

// document is our own JSON (docs/status.md). Without the right to details it has
// the first two keys only.
type document struct {
	// ok, warning, error
	Status  string   `json:"status"`
	Healthy bool     `json:"healthy"`
	At      string   `json:"checked_at,omitempty"`
	Took    *float64 `json:"took_seconds,omitempty"`
	Version string   `json:"version,omitempty"`
	Checks  []Check  `json:"checks,omitempty"`
}

// Check is the result of one check in our own JSON; `punctual status -v` prints
// the same.
type Check struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	Labels []string `json:"labels"`
	// ok, warning, error
	Status string         `json:"status"`
	Fact   string         `json:"fact"`
	Error  string         `json:"error,omitempty"`
	Fields map[string]any `json:"fields"`
	Took   float64        `json:"took_seconds"`
	// RFC 3339, UTC
	At    string `json:"checked_at"`
	Since string `json:"since"`
}

// Checks are the results of a report, with what redact takes out of their texts
// taken out.
func Checks(report status.Report, redact func(string) string) []Check {
	return checksOf(entriesOf(report, redact))
}

func checksOf(entries []entry) []Check {
	var checks []Check
	for i := range entries {
		e := &entries[i]
		checks = append(checks, Check{
			Name: e.name, Title: e.title, Labels: append([]string{}, e.labels...), Status: e.severity.String(), Fact: e.fact, Error: e.err,
			Fields: fieldsOf(e), Took: seconds(e.took), At: instant(e.at), Since: instant(e.since),
		})
	}
	return checks
}

// Message is the fact and the error in one line.
func (c *Check) Message() string { return joined(c.Fact, c.Error) }

func (s *Server) json(v *view) ([]byte, error) {
	d := document{Status: v.severity.String(), Healthy: v.healthy}
	if v.full {
		took := seconds(v.took)
		d.At = instant(v.at)
		d.Took = &took
		d.Version = s.Version
		d.Checks = checksOf(v.entries)
	}
	body, err := json.MarshalIndent(d, "", "  ")
	return append(body, '\n'), err
}

// fieldsOf are the figures of a check by name. What JSON has no number for is
// left out.
func fieldsOf(e *entry) map[string]any {
	fields := map[string]any{}
	for _, f := range e.fields {
		n, isNumber := f.Number()
		if isNumber && n-n != 0 {
			continue
		}
		fields[f.Name] = f.Value
	}
	return fields
}

// seconds is a length of time to the microsecond.
func seconds(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }

// instant is a moment in RFC 3339, UTC, to the millisecond.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// text is for terminals and keyword monitors: the first line is the whole.
func (s *Server) text(v *view) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintln(&b, strings.ToUpper(v.severity.String()))
	width := 0
	for i := range v.entries {
		width = max(width, len(v.entries[i].name))
	}
	for _, severity := range []status.Severity{status.Error, status.Warning, status.OK} {
		for i := range v.entries {
			e := &v.entries[i]
			if e.severity == severity {
				fmt.Fprintf(&b, "%-7s  %-*s  %6s  %s", severity, width, e.name, milliseconds(e.took), e.message())
				for _, f := range e.fields {
					fmt.Fprintf(&b, " %s=%s", f.Name, f.Text())
				}
				if severity != status.OK {
					fmt.Fprintf(&b, " (since %s)", e.since.UTC().Format(time.RFC3339))
				}
				b.WriteByte('\n')
			}
		}
	}
	return []byte(b.String()), nil
}

// milliseconds is a response time for people: "12 ms".
func milliseconds(d time.Duration) string {
	if d < time.Millisecond {
		return "<1 ms"
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}
