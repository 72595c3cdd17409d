// Package apidoc makes the OpenAPI document of the API readable: it turns it into
// the model of a page. The document is the one source of both.
package apidoc

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"go.yaml.in/yaml/v3"
)

// Reference is the whole page, made once.
type Reference struct {
	Intro   template.HTML
	Keys    []Field
	Groups  []Group
	Objects []Object
}

// Group has the operations of one tag.
type Group struct {
	Anchor, Name string
	Intro        template.HTML
	Operations   []Operation
}

// Operation is what one method does at one address.
type Operation struct {
	Anchor, Method string
	// may be broken after each slash
	Path           template.HTML
	Summary        string
	Description    template.HTML
	Extension, Old bool
	AnyMethod      bool
	// which one opens it, "" = none is needed
	Keys        string
	Parameters  []Field
	BodyText    template.HTML
	BodyType    template.HTML
	Body        []Field
	BodyExample string
	Curl        string
	Responses   []Response
}

// Field is a parameter, a field of a body, or a key of an object.
type Field struct {
	// In: path or query, of parameters
	Name, In       string
	Type           template.HTML
	Required       bool
	Extension, Old bool
	Description    template.HTML
}

// Response is one of the answers to an operation.
type Response struct {
	Status      string
	Description template.HTML
	Type        template.HTML
	Examples    []Example
}

// Example is a body as it is sent or answered.
type Example struct{ Title, Text string }

// Object is a schema with keys of its own, which several places name.
type Object struct {
	Anchor, Name string
	Description  template.HTML
	Fields       []Field
}

// reader turns the document into the page.
type reader struct {
	*openAPI
	// the ping endpoint, in front of what follows /ping/
	pings    string
	markdown goldmark.Markdown
	// the first one
	err error
}

// Read makes the page of an OpenAPI document, in YAML, whose server and examples
// have the addresses of this instance; pingEndpoint, with a slash at its end, is
// what ping URLs begin with. It fails when the document cannot be read, names no
// server, or has an operation whose tag is not among its tags.
func Read(document []byte, pingEndpoint string) (*Reference, error) {
	d := &reader{openAPI: &openAPI{}, pings: pingEndpoint, markdown: goldmark.New()}
	if err := yaml.Unmarshal(document, d.openAPI); err != nil {
		return nil, err
	}
	if len(d.Servers) == 0 {
		return nil, fmt.Errorf("the document names no server")
	}
	ref := &Reference{Intro: d.text(d.Info.Description)}
	for _, k := range d.Components.SecuritySchemes {
		ref.Keys = append(ref.Keys, Field{Name: keyHeader(k.Value), Description: d.text(k.Value.Description)})
	}
	for _, tag := range d.Tags {
		ref.Groups = append(ref.Groups, Group{Anchor: groupAnchor(tag.Name), Name: tag.Name, Intro: d.text(tag.Description)})
	}
	for _, path := range d.Paths {
		item := path.Value
		for _, m := range []struct {
			name string
			op   *operation
		}{{"GET", item.Get}, {"POST", item.Post}, {"PUT", item.Put}, {"DELETE", item.Delete}} {
			if m.op == nil || len(m.op.Tags) == 0 {
				continue
			}
			i := slices.IndexFunc(ref.Groups, func(g Group) bool { return g.Name == m.op.Tags[0] })
			if i < 0 {
				return nil, fmt.Errorf("%s %s: the tag %q is not among the tags", m.name, path.Key, m.op.Tags[0])
			}
			ref.Groups[i].Operations = append(ref.Groups[i].Operations, d.operation(path.Key, m.name, &item, m.op))
		}
	}
	for _, s := range d.Components.Schemas {
		fields := d.fields(s.Value)
		if len(fields) > 0 {
			ref.Objects = append(ref.Objects, Object{Anchor: objectAnchor(s.Key), Name: s.Key, Description: d.text(s.Value.Description),
				Fields: fields})
		}
	}
	return ref, d.err
}

// text renders Markdown of the document.
func (d *reader) text(markdown string) template.HTML {
	var html bytes.Buffer
	if err := d.markdown.Convert([]byte(markdown), &html); err != nil {
		d.fail(err)
	}
	return template.HTML(html.String()) //nolint:gosec // our own text
}

func (d *reader) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *reader) json(n *yaml.Node, indent string) string {
	if n == nil {
		return ""
	}
	text, err := jsonOf(n, indent)
	if err != nil {
		d.fail(err)
	}
	return text
}

func groupAnchor(name string) string {
	return "group-" + strings.ToLower(strings.ReplaceAll(name, " ", "-"))
}
func objectAnchor(name string) string { return "object-" + strings.ToLower(name) }

// keyHeader is how a key is sent.
func keyHeader(k securityScheme) string {
	if k.Type == "http" {
		return "Authorization: Bearer"
	}
	return k.Name
}

func (d *reader) operation(path, method string, item *pathItem, op *operation) Operation {
	o := Operation{
		Anchor: op.ID, Method: method, Path: breakable(path), Summary: op.Summary, Description: d.text(op.Description),
		Extension: op.Extension, Old: op.Deprecated, AnyMethod: item.AnyMethod,
	}
	var parameters []*parameter
	for _, p := range slices.Concat(item.Parameters, op.Parameters) {
		parameters = append(parameters, d.parameter(p))
	}
	for _, p := range parameters {
		o.Parameters = append(o.Parameters, Field{
			Name: p.Name, In: p.In, Type: d.typeOf(p.Schema), Required: p.Required, Extension: p.Extension, Description: d.text(p.Description),
		})
	}
	security := op.Security
	if security == nil {
		security = d.Security
	}
	key := d.keys(security, &o)
	var sent string
	body := d.body(op.Body)
	if body != nil {
		o.BodyText = d.text(body.Description)
		if len(body.Content) > 0 {
			m := body.Content[0].Value
			if m.Schema != nil {
				o.BodyType = d.typeOf(m.Schema)
			}
			o.Body = d.bodyFields(m.Schema)
			n := d.exampleOf(&m).Node
			if n != nil {
				o.BodyExample = d.json(n, "  ")
				sent = d.curlBody(body.Content[0].Key, n)
			}
		}
	}
	o.Curl = d.curl(path, method, parameters, key, sent)
	for _, r := range op.Responses {
		o.Responses = append(o.Responses, d.answer(r.Key, d.response(r.Value)))
	}
	return o
}

// keys says which keys open the operation, and returns the header for curl.
func (d *reader) keys(security []map[string][]string, o *Operation) (header string) {
	var names []string
	for _, requirement := range security {
		for name := range requirement {
			k := d.Components.SecuritySchemes.get(name)
			names = append(names, keyHeader(k))
			if header == "" {
				header = curlHeader(k)
			}
		}
	}
	o.Keys = strings.Join(names, " or ")
	return header
}

func curlHeader(k securityScheme) string {
	if k.Type == "http" {
		return "Authorization: Bearer $KEY"
	}
	return k.Name + ": $KEY"
}

// bodyFields are the fields of what is sent, unless they are those of an object
// that has a place of its own.
func (d *reader) bodyFields(s *schema) []Field {
	if s == nil || s.Ref != "" {
		return nil
	}
	return d.fields(s)
}

// fields are the keys of an object, those of the schemas it is made of included.
func (d *reader) fields(s *schema) []Field {
	s = d.schema(s)
	if s == nil {
		return nil
	}
	var fields []Field
	for _, p := range s.Properties {
		f := Field{Name: p.Key, Type: d.typeOf(p.Value), Required: slices.Contains(s.Required, p.Key), Extension: p.Value.Extension,
			Old: p.Value.Deprecated}
		text := p.Value.Description
		if text == "" && p.Value.Ref != "" && !d.hasFields(p.Value) {
			text = d.schema(p.Value).Description
		}
		f.Description = d.text(text)
		fields = append(fields, f)
	}
	return fields
}

func (d *reader) hasFields(s *schema) bool { return len(d.fields(s)) > 0 }

var slashes = regexp.MustCompile(`/`)

// breakable lets a long path break after its slashes.
func breakable(path string) template.HTML {
	return template.HTML(slashes.ReplaceAllString(template.HTMLEscapeString(path), "/<wbr>")) //nolint:gosec // escaped
}

// typeOf tells what a value may be, with a link to the object it is.
func (d *reader) typeOf(s *schema) template.HTML {
	if s == nil {
		return "anything"
	}
	if s.Ref != "" && d.hasFields(s) {
		name := last(s.Ref)
		return template.HTML(fmt.Sprintf(`<a href="#%s">%s</a>`, objectAnchor(name), template.HTMLEscapeString(name))) //nolint:gosec // escaped
	}
	if s.Ref != "" && last(s.Ref) == "UUID" {
		return "uuid"
	}
	s = d.schema(s)
	switch {
	case s.Const.Node != nil:
		return d.code(s.Const.Node)
	case len(s.Enum) > 0:
		var values []string
		for _, v := range s.Enum {
			values = append(values, string(d.code(v.Node)))
		}
		return template.HTML(strings.Join(values, " ")) //nolint:gosec // escaped
	case len(s.OneOf)+len(s.AnyOf) > 0 && len(s.Properties) == 0:
		var kinds []string
		for _, k := range slices.Concat(s.OneOf, s.AnyOf) {
			kinds = append(kinds, string(d.typeOf(k)))
		}
		return template.HTML(strings.Join(kinds, " or ")) //nolint:gosec // made of the others
	case s.Items != nil:
		return "list of " + d.typeOf(s.Items)
	case s.AdditionalProperties.schema != nil && len(s.Properties) == 0:
		return "object of " + d.typeOf(s.AdditionalProperties.schema)
	case len(s.Type) == 0:
		return "anything"
	}
	text := strings.Join(s.Type, " or ") + limits(s)
	if s.Default.Node != nil {
		text += ", else " + d.json(s.Default.Node, "")
	}
	return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
}

func (d *reader) code(n *yaml.Node) template.HTML {
	return template.HTML("<code>" + template.HTMLEscapeString(d.json(n, "")) + "</code>") //nolint:gosec // escaped
}

func limits(s *schema) string {
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf(" from %d to %d", *s.Minimum, *s.Maximum)
	case s.Minimum != nil && *s.Minimum > 0:
		return fmt.Sprintf(" from %d", *s.Minimum)
	case s.MaxLength != nil:
		return fmt.Sprintf(", at most %d characters", *s.MaxLength)
	default:
		return ""
	}
}

func (d *reader) answer(status string, r *response) Response {
	a := Response{Status: status, Description: d.text(r.Description)}
	for _, c := range r.Content {
		m := c.Value
		if m.Schema != nil && a.Type == "" && c.Key == "application/json" {
			a.Type = d.typeOf(m.Schema)
		}
		if m.Example.Node != nil {
			a.Examples = append(a.Examples, Example{Text: d.shown(m.Example.Node)})
		}
		for _, e := range m.Examples {
			x := d.example(e.Value)
			a.Examples = append(a.Examples, Example{Title: x.Summary, Text: d.shown(x.Value.Node)})
		}
	}
	return a
}

// shown is an example as it comes: text as it is, all else as JSON.
func (d *reader) shown(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		return strings.TrimSuffix(n.Value, "\n")
	}
	return d.json(n, "  ")
}

// exampleOf is the first example of a body.
func (d *reader) exampleOf(m *media) node {
	if m.Example.Node != nil || len(m.Examples) == 0 {
		return m.Example
	}
	return d.example(m.Examples[0].Value).Value
}

// curlBody is the option that sends an example.
func (d *reader) curlBody(contentType string, n *yaml.Node) string {
	if contentType != "application/x-www-form-urlencoded" {
		return " \\\n  -d " + quote(d.json(n, ""))
	}
	var fields string
	for i := 0; i+1 < len(n.Content); i += 2 {
		fields += " -d " + quote(n.Content[i].Value+"="+n.Content[i+1].Value)
	}
	return " \\\n " + fields
}

var variables = regexp.MustCompile(`\{([a-z_]+)\}`)

// curl is the command that asks for an operation, its variables filled with
// their examples and the key in $KEY.
func (d *reader) curl(path, method string, parameters []*parameter, header, sent string) string {
	values := make(map[string]string)
	query := url.Values{}
	for _, p := range parameters {
		n := p.Example.Node
		if n == nil {
			continue
		}
		if n.Kind == yaml.SequenceNode {
			n = n.Content[0]
		}
		values[p.Name] = n.Value
		if p.In == "query" {
			query.Set(p.Name, n.Value)
		}
	}
	address := variables.ReplaceAllStringFunc(path, func(name string) string { return values[strings.Trim(name, "{}")] })
	rest, ok := strings.CutPrefix(address, "/ping/")
	if ok {
		address = d.pings + rest
		// any method will do
		method = "GET"
	} else {
		address = d.Servers[0].URL + address
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	command := "curl -fsS "
	switch {
	case method == "GET", method == "POST" && sent != "":
	default:
		command += "-X " + method + " "
	}
	if strings.ContainsAny(address, "?&") {
		address = quote(address)
	}
	command += address
	if header != "" {
		command += " \\\n  -H \"" + header + `"`
	}
	return command + sent
}

// quote makes a text one word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
