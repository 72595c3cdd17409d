package status

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"punctual/internal/status"
)

// Dashboard is the page for people.
type Dashboard struct {
	Heading  string           // one sentence
	Severity string           // ok, warning, error
	Full     bool             // details are shown
	Checks   []DashboardCheck // worst first
	At       time.Time
	Took     string
	Refresh  string // the query that shows this page again
	Formats  []FormatLink
}

// DashboardCheck is a check on it.
type DashboardCheck struct {
	Name, Title, Severity string
	Message               string
	Fields                []DashboardField
	Took                  string
	Since                 time.Time
}

// DashboardField is a figure of a check.
type DashboardField struct{ Name, Value string }

// FormatLink leads to another format of the same.
type FormatLink struct{ Name, Query string }

func (s *Server) dashboard(r *http.Request, v *view) *Dashboard {
	d := &Dashboard{Heading: heading(s.SiteName, v), Severity: v.severity.String(), Full: v.full, At: v.at, Took: milliseconds(v.took), Refresh: withFormat(r.URL.Query(), "html")}
	if !v.full {
		return d
	}
	for i := range v.entries {
		e := &v.entries[i]
		c := DashboardCheck{Name: e.name, Title: e.title, Severity: e.severity.String(), Message: e.message(), Took: milliseconds(e.took), Since: e.since}
		for _, f := range e.fields {
			c.Fields = append(c.Fields, DashboardField{Name: strings.ReplaceAll(f.Name, "_", " "), Value: f.Text()})
		}
		d.Checks = append(d.Checks, c)
	}
	rank := func(c DashboardCheck) int { return slices.Index([]string{"error", "warning", "ok"}, c.Severity) }
	slices.SortStableFunc(d.Checks, func(a, b DashboardCheck) int { return rank(a) - rank(b) })
	for _, f := range s.formats {
		if f.write != nil {
			d.Formats = append(d.Formats, FormatLink{Name: f.name, Query: withFormat(r.URL.Query(), f.name)})
		}
	}
	return d
}

// withFormat is the query with another format.
func withFormat(query url.Values, name string) string {
	query.Set("format", name)
	return "?" + query.Encode()
}

// heading says it all in a sentence.
func heading(site string, v *view) string {
	var broken, doubtful []string
	for i := range v.entries {
		switch e := &v.entries[i]; e.severity {
		case status.Error:
			broken = append(broken, e.title)
		case status.Warning:
			doubtful = append(doubtful, e.title)
		}
	}
	switch {
	case !v.full && v.healthy:
		return site + " is well."
	case !v.full:
		return site + " is not well."
	case len(broken) > 3:
		return fmt.Sprintf("Broken: %d of %d checks.", len(broken), len(v.entries))
	case len(broken) > 0:
		return "Broken: " + enumerate(broken) + "."
	case len(doubtful) > 3:
		return fmt.Sprintf("Everything works, with %d warnings.", len(doubtful))
	case len(doubtful) > 1:
		return "Everything works, with warnings: " + enumerate(doubtful) + "."
	case len(doubtful) > 0:
		return "Everything works, with a warning: " + doubtful[0] + "."
	default:
		return "Everything works."
	}
}

// enumerate joins names: "a, b and c".
func enumerate(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
