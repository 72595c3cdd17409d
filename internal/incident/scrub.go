package incident

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// removed stands where something may be secret.
const removed = "(removed)"

// shownHeaders are those whose values are shown; of all others only the name is.
var shownHeaders = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Content-Length", "Content-Type", "Hx-Request", "Last-Event-Id",
	"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "User-Agent", "X-Forwarded-Host", "X-Forwarded-Proto",
}

// Request is what a report shows of a request.
type Request struct {
	Method string
	// pattern in the route table, "" = none
	Route string
	Host  string
	// without what may be secret
	URL string
	// "Name: value"
	Headers []string
	// id, "" = nobody is logged in
	User string
	// of the user
	Email string
}

func newRequest(v *visit, route string) *Request {
	r := v.request
	shown := &Request{Method: r.Method, Route: route, Host: r.Host, URL: shownURL(r, route)}
	for name, values := range r.Header {
		value := removed
		if slices.Contains(shownHeaders, name) {
			value = strings.Join(values, ", ")
		}
		shown.Headers = append(shown.Headers, name+": "+value)
	}
	slices.Sort(shown.Headers)
	v.mu.Lock()
	defer v.mu.Unlock()
	shown.Email = v.email
	return shown
}

var plainName = regexp.MustCompile(`^[a-z_-]{1,20}$`)

// shownURL is the address with the pattern of its route in place of the path,
// which holds ping keys, tokens and signatures; where there is no route, only the
// beginning of the path is shown. Of the query the names are.
func shownURL(r *http.Request, route string) string {
	path := strings.TrimSuffix(route, "/*")
	if route == "" {
		first, _, more := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch {
		case !plainName.MatchString(first) && first != "":
			path = "/…"
		case more:
			path = "/" + first + "/…"
		default:
			path = "/" + first
		}
	}
	var query []string
	// what it could read
	values, _ := url.ParseQuery(r.URL.RawQuery)
	for name := range values {
		if !plainName.MatchString(name) {
			name = "…"
		}
		query = append(query, name+"=…")
	}
	slices.Sort(query)
	query = slices.Compact(query)
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	return r.Host + path
}

// shortest is how long a text must be to be looked for as a secret: replacing
// shorter ones would spoil what people are to read.
const shortest = 6

// secretsOf are the texts of a request that must not be in its report, wherever
// they come up.
func secretsOf(r *http.Request) []string {
	var list []string
	// those that are plain names are kept
	parts := strings.Split(r.URL.Path, "/")
	for name, values := range r.Header {
		if slices.Contains(shownHeaders, name) {
			continue
		}
		for _, v := range values {
			list = append(list, v)
			list = append(list, strings.FieldsFunc(v, func(c rune) bool { return strings.ContainsRune(" ;,=\"", c) })...)
			parts = append(parts, strings.FieldsFunc(v, func(c rune) bool { return strings.ContainsRune(" ;,=\"/?&:", c) })...)
		}
	}
	values, _ := url.ParseQuery(r.URL.RawQuery)
	for name, all := range values {
		list = append(list, all...)
		parts = append(parts, name)
	}
	for _, part := range append(parts, r.URL.RawQuery, r.URL.Path) {
		if !plainName.MatchString(part) {
			list = append(list, part)
		}
	}
	return slices.DeleteFunc(list, func(s string) bool {
		return len(s) < shortest || s == r.Host || strings.EqualFold(s, "bearer") || strings.EqualFold(s, "https:")
	})
}

// What is taken out of every text, wherever it comes from.
var (
	// codes of checks are ping keys
	codes     = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	addresses = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://)(?:[^\s"']*@)?([^\s/?#"']+)[^\s"']*`)
	named     = regexp.MustCompile(
		`(?i)\b((?:[a-z0-9_-]*(?:password|passwd|secret|token|api[_-]?key|ping[_-]?key|cookie|authorization|signature))["']?\s*[:=]\s*["']?)(?:(?:bearer|basic)\s+)?[^\s"'&,;]+`)
	// of connection strings made of words
	quoted = regexp.MustCompile(`(?i)\b((?:ssl)?password\s*=\s*)'(?:\\.|[^'\\])*'?`)
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}`)
)

// scrubber takes secrets out of texts.
type scrubber struct{ known *strings.Replacer }

func newScrubber(secrets []string) scrubber {
	secrets = slices.Clone(secrets)
	// the longest first, whole
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range secrets {
		if len(s) >= shortest {
			pairs = append(pairs, s, removed)
		}
	}
	return scrubber{strings.NewReplacer(pairs...)}
}

// text is s without what is or may be secret: the known secrets, codes, what
// follows the host in an address, and what is named like a secret.
func (c scrubber) text(s string) string {
	s = c.known.Replace(s)
	s = addresses.ReplaceAllString(s, "${1}${2}/…")
	s = quoted.ReplaceAllString(s, "${1}"+removed)
	s = codes.ReplaceAllString(s, removed)
	s = bearer.ReplaceAllString(s, "${1} "+removed)
	return named.ReplaceAllString(s, "${1}"+removed)
}

// path is the address without the host and the query.
func (r *Request) path() string {
	path, _, _ := strings.Cut(strings.TrimPrefix(r.URL, r.Host), "?")
	return path
}
