package ui

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/text"
)

// maxPath bounds the path in a log line.
const maxPath = 200

// safePath is the path of a request for the log, below SITE_ROOT. Keys, tokens
// and signatures in it stay the names they have in the route table, {token}; a
// check goes by its unique key, as in the log lines of alerts, because its code
// is its ping URL.
func safePath(r *http.Request) string {
	route := routeOf(r)
	path := r.URL.Path
	switch {
	case route == "/static/*":
	case route == "" || strings.HasSuffix(route, "*"):
		// not in the table, or not in full
		path = withoutSecrets(path)
	default:
		// made of the route: what the route does not name cannot slip in
		end := ""
		if strings.HasSuffix(path, "/") && !strings.HasSuffix(route, "/") {
			end = "/"
		}
		path = fillRoute(route, func(name string) string { return shownParam(route, name, chi.URLParam(r, name)) }) + end
	}
	if len(path) > maxPath {
		path = text.ClipBytes(path, maxPath) + "…"
	}
	return path
}

// shownParam is a part of an address for the log. What nobody has said to be
// harmless is taken for a secret.
func shownParam(route, name, value string) string {
	hidden := "{" + name + "}"
	switch name {
	case "change", "channel", "invitation", "project", "unique", "user", "wall":
		return value
	case "id", "kind", "n", "page", "provider", "side", "version":
		return withoutSecrets(value)
	case "check", "code":
		// the code of a delivery, as in its log line
		if strings.Contains(route, "/notifications/") {
			return value
		}
		code, err := uuid.Parse(value)
		if err == nil {
			return monitor.UniqueKey(code)
		}
	}
	return hidden
}

// fillRoute puts values into the {names} of a route; those may have a pattern behind
// a colon, with braces of its own.
func fillRoute(route string, value func(name string) string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(route, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		end := 0
		for open := 1; open > 0 && end < len(rest); end++ {
			switch rest[end] {
			case '{':
				open++
			case '}':
				open--
			}
		}
		name, _, _ := strings.Cut(rest[:end-1], ":")
		out.WriteString(value(name))
		route = rest[end:]
	}
}

// harmless are the parts of unknown addresses that may be shown: words, and what
// is too short for a secret.
var harmless = regexp.MustCompile(`^([a-z_.-]{0,32}|[0-9A-Za-z_.-]{0,8})$`)

// withoutSecrets leaves out all parts of a path that could be secrets.
func withoutSecrets(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if !harmless.MatchString(part) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}
