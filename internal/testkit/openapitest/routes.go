package openapitest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// route is an address of the document.
type route struct {
	template string
	pattern  *regexp.Regexp
	names    []string
	item     *openapi3.PathItem
	// x-any-method: every method means the one that is described
	any bool
}

var variable = regexp.MustCompile(`\{([a-z_]+)\}`)

// compile makes the addresses ready to be looked for, the most particular one
// first, and collects their first parts.
func compile(paths *openapi3.Paths) (routes []route, first []string) {
	for template, item := range paths.Map() {
		r := route{template: template, item: item, any: item.Extensions["x-any-method"] == true}
		pattern := regexp.QuoteMeta(template)
		for _, m := range variable.FindAllStringSubmatch(template, -1) {
			r.names = append(r.names, m[1])
			pattern = strings.Replace(pattern, regexp.QuoteMeta(m[0]), r.shape(m[1]), 1)
		}
		// with one it is the same address
		if item.Extensions["x-final-slash"] == true {
			pattern += "/?"
		}
		r.pattern = regexp.MustCompile("^" + pattern + "$")
		routes = append(routes, r)
		before, _, _ := strings.Cut(template[1:], "/")
		p := "/" + before + "/"
		if !slices.Contains(first, p) {
			first = append(first, p)
		}
	}
	slices.SortFunc(routes, func(a, b route) int {
		own := func(r route) int { return len(variable.ReplaceAllString(r.template, "")) }
		d := own(b) - own(a)
		if d != 0 {
			return d
		}
		return strings.Compare(a.template, b.template)
	})
	return routes, first
}

// shape is what a variable in an address may look like: a part of a path, or
// what its schema narrows it down to.
func (r *route) shape(name string) string {
	for _, p := range r.item.Parameters {
		if p.Value.Name != name || p.Value.In != openapi3.ParameterInPath || p.Value.Schema == nil {
			continue
		}
		s := p.Value.Schema.Value
		switch {
		case s.Pattern != "":
			return "(" + nonCapturing(strings.TrimSuffix(strings.TrimPrefix(s.Pattern, "^"), "$")) + ")"
		case len(s.Enum) > 0:
			words := make([]string, len(s.Enum))
			for i, v := range s.Enum {
				words[i] = regexp.QuoteMeta(fmt.Sprint(v))
			}
			return "(" + strings.Join(words, "|") + ")"
		case s.Type.Is("integer"):
			return "(-?[0-9]+)"
		}
	}
	return "([^/]+)"
}

// nonCapturing makes the groups of a pattern not count.
func nonCapturing(pattern string) string {
	return strings.ReplaceAll(pattern, "(", "(?:")
}

// find returns the address that path is, and the values of its variables.
func (d *Document) find(path string) (*route, map[string]string) {
	for i := range d.routes {
		r := &d.routes[i]
		m := r.pattern.FindStringSubmatch(path)
		if m == nil {
			continue
		}
		values := make(map[string]string, len(r.names))
		for k, name := range r.names {
			values[name] = m[k+1]
		}
		return r, values
	}
	return nil, nil
}

func (d *Document) has(path string) bool {
	r, _ := d.find(path)
	return r != nil
}

// operation is what the method does at the address, nil = nothing described.
func (r *route) operation(method string) *openapi3.Operation {
	op := r.item.GetOperation(method)
	if op != nil || !r.any {
		return op
	}
	for _, m := range []string{http.MethodPost, http.MethodGet} {
		op := r.item.GetOperation(m)
		if op != nil {
			return op
		}
	}
	return nil
}

// judgeCORS holds the methods an address tells browsers against those that are
// described. Only addresses with a pre-flight request are for browsers, and not
// every refusal has the headers.
func (r *route) judgeCORS(a *answer) error {
	if r.item.Options == nil || a.status == http.StatusNotFound && a.header.Get("Access-Control-Allow-Origin") == "" {
		return nil
	}
	var want []string
	for method := range r.item.Operations() {
		want = append(want, method)
	}
	got := strings.Split(a.header.Get("Access-Control-Allow-Methods"), ", ")
	slices.Sort(want)
	slices.Sort(got)
	for _, m := range got {
		if !slices.Contains(want, m) {
			return fmt.Errorf("browsers are told of %v, described are %v", got, want)
		}
	}
	if !slices.Contains(got, http.MethodOptions) || a.header.Get("Access-Control-Allow-Origin") != "*" {
		return fmt.Errorf("the CORS headers are missing (%v)", a.header)
	}
	return nil
}
