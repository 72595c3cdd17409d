package status

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// format is one way to tell a report.
type format struct {
	// of ?format=
	name string
	// of the answer
	contentType string
	// the media types of the Accept header it stands for; none: by its name only
	accepts []string
	// those who read it take another status for a failure of their own
	always200 bool
	// nil: the page for people
	write func(s *Server, v *view) ([]byte, error)
}

// formats are all there are, those first that are preferred where the one who
// asks does not mind. Programs say less often what they want than browsers do.
func formats() []format {
	const jsonType = "application/json"
	return []format{
		{name: "json", contentType: jsonType, accepts: []string{jsonType}, write: (*Server).json},
		{name: "html", accepts: []string{"text/html", "application/xhtml+xml"}},
		{name: "text", contentType: "text/plain; charset=utf-8", accepts: []string{"text/plain"}, write: (*Server).text},
		{name: "openmetrics", contentType: openMetricsType, accepts: []string{"application/openmetrics-text"}, always200: true,
			write: (*Server).openMetrics},
		{name: "rss", contentType: "application/rss+xml; charset=utf-8", accepts: []string{"application/rss+xml"}, always200: true,
			write: (*Server).rss},
		{name: "atom", contentType: "application/atom+xml; charset=utf-8", accepts: []string{"application/atom+xml"}, always200: true,
			write: (*Server).atom},
		{name: "watchman", contentType: jsonType, write: (*Server).watchman},
		{name: "panopticon", contentType: jsonType, write: (*Server).panopticon},
		{name: "health-check", contentType: jsonType, write: (*Server).healthCheck},
	}
}

// negotiate is the format the request asks for, nil when there is none: by
// ?format=, else by the Accept header.
func (s *Server) negotiate(r *http.Request) *format {
	name := r.URL.Query().Get("format")
	if name != "" {
		for i := range s.formats {
			if s.formats[i].name == name {
				return &s.formats[i]
			}
		}
		return nil
	}
	ranges := acceptable(strings.Join(r.Header.Values("Accept"), ","))
	var best *format
	most := 0.0
	for i := range s.formats {
		for _, mediaType := range s.formats[i].accepts {
			q := quality(ranges, mediaType)
			if q > most {
				best = &s.formats[i]
				most = q
			}
		}
	}
	return best
}

// acceptable takes an Accept header apart (RFC 9110 §12.5.1): quality by range.
// No header accepts everything; what is not well-formed is passed over.
func acceptable(header string) map[string]float64 {
	if strings.TrimSpace(header) == "" {
		return map[string]float64{"*/*": 1}
	}
	ranges := map[string]float64{}
	for part := range strings.SplitSeq(header, ",") {
		mediaType, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		text, given := params["q"]
		if given {
			q, err = strconv.ParseFloat(text, 64)
			if err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		ranges[mediaType] = max(ranges[mediaType], q)
	}
	return ranges
}

// quality is what the most specific range that covers the media type says of it.
func quality(ranges map[string]float64, mediaType string) float64 {
	kind, _, _ := strings.Cut(mediaType, "/")
	for _, r := range []string{mediaType, kind + "/*", "*/*"} {
		q, found := ranges[r]
		if found {
			return q
		}
	}
	return 0
}
