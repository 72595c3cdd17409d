package status

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"punctual/internal/status"
)

// Dashboard is the page for people.
type Dashboard struct {
	// one sentence
	Heading string
	// ok, warning, error
	Severity string
	// details are shown
	Full bool
	// worst first
	Checks []DashboardCheck
	At     time.Time
	Took   string
	// the query that shows this page again
	Refresh string
	Formats []FormatLink
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
	d := &Dashboard{Heading: heading(s.SiteName, v), Severity: v.severity.String(), Full: v.full, At: v.at, Took: milliseconds(v.took),
		Refresh: withFormat(r.URL.Query(), "html")}
	if !v.full {
		return d
	}
	for i := range v.entries {
		e := &v.entries[i]
		c := DashboardCheck{Name: e.name, Title: e.title, Severity: e.severity.String(), Message: e.message(), Took: milliseconds(e.took),
			Since: e.since}
		for _, f := range e.fields {
			c.Fields = append(c.Fields, figure(f))
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

// figure is a field as people read it: the unit goes from its name to its value.
func figure(f status.Field) DashboardField {
	name := f.Name
	value := f.Text()
	n, isNumber := f.Number()
	if isNumber {
		for suffix, unit := range map[string]string{"_bytes": "", "_ms": " ms", "_seconds": " s", "_percent": " %"} {
			bare, found := strings.CutSuffix(name, suffix)
			if !found {
				continue
			}
			name = bare
			value = value + unit
			if unit == "" {
				value = size(n)
			}
			break
		}
	}
	return DashboardField{Name: strings.ReplaceAll(name, "_", " "), Value: value}
}

// size is a number of bytes: "64.5 GiB".
func size(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; n >= 1024 && i < len(units)-1; i++ {
		n /= 1024
	}
	return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) + " " + units[i]
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
