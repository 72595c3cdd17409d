package apidoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The part of OpenAPI that our document uses, as it is read for its page.
// Anything may be a reference; resolve follows it.
type (
	openAPI struct {
		Info struct {
			Summary     string
			Description string
		}
		Servers []struct{ URL string }
		Tags    []struct {
			Name        string
			Description string
		}
		Security   []map[string][]string
		Paths      ordered[pathItem]
		Components struct {
			SecuritySchemes ordered[securityScheme] `yaml:"securitySchemes"`
			Parameters      map[string]*parameter
			RequestBodies   map[string]*requestBody `yaml:"requestBodies"`
			Responses       map[string]*response
			Schemas         ordered[*schema]
			Examples        map[string]*example
		}
	}
	securityScheme struct{ Type, Scheme, Name, Description string }
	pathItem       struct {
		AnyMethod              bool `yaml:"x-any-method"`
		Parameters             []*parameter
		Get, Post, Put, Delete *operation
	}
	operation struct {
		ID                   string `yaml:"operationId"`
		Tags                 []string
		Summary, Description string
		Deprecated           bool
		Extension            bool `yaml:"x-extension"`
		Security             []map[string][]string
		Parameters           []*parameter
		Body                 *requestBody `yaml:"requestBody"`
		Responses            ordered[*response]
	}
	parameter struct {
		Ref         string `yaml:"$ref"`
		Name, In    string
		Description string
		Required    bool
		Extension   bool `yaml:"x-extension"`
		Schema      *schema
		Example     node
	}
	requestBody struct {
		Ref         string `yaml:"$ref"`
		Description string
		Content     ordered[media]
	}
	response struct {
		Ref         string `yaml:"$ref"`
		Description string
		Content     ordered[media]
	}
	media struct {
		Schema   *schema
		Example  node
		Examples ordered[*example]
	}
	example struct {
		Ref     string `yaml:"$ref"`
		Summary string
		Value   node
	}
	schema struct {
		Ref                  string `yaml:"$ref"`
		Type                 oneOrMore
		Title, Description   string
		Deprecated           bool
		Extension            bool `yaml:"x-extension"`
		Enum                 []node
		Const, Default       node
		Minimum, Maximum     *int64
		MaxLength            *int64 `yaml:"maxLength"`
		Required             []string
		Properties           ordered[*schema]
		AdditionalProperties others `yaml:"additionalProperties"`
		Items                *schema
		AllOf                []*schema `yaml:"allOf"`
		OneOf                []*schema `yaml:"oneOf"`
		AnyOf                []*schema `yaml:"anyOf"`
	}
)

// others are the keys of an object beyond those that are named: the schema of their
// values, nil where it was true or false.
type others struct{ *schema }

// UnmarshalYAML reads both.
func (o *others) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return nil
	}
	return n.Decode(&o.schema)
}

// ordered is a mapping in the order in which it was written.
type ordered[T any] []entry[T]

type entry[T any] struct {
	Key   string
	Value T
}

// UnmarshalYAML reads a mapping.
func (o *ordered[T]) UnmarshalYAML(n *yaml.Node) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := entry[T]{Key: n.Content[i].Value}
		if err := n.Content[i+1].Decode(&e.Value); err != nil {
			return err
		}
		*o = append(*o, e)
	}
	return nil
}

func (o ordered[T]) get(key string) (value T) {
	for _, e := range o {
		if e.Key == key {
			return e.Value
		}
	}
	return value
}

// node is a value of any kind, its Node nil where it was not written.
type node struct{ *yaml.Node }

// UnmarshalYAML keeps the value as it is.
func (n *node) UnmarshalYAML(v *yaml.Node) error {
	n.Node = v
	return nil
}

// oneOrMore is a word or a list of them.
type oneOrMore []string

// UnmarshalYAML reads both.
func (o *oneOrMore) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*o = []string{n.Value}
		return nil
	}
	return n.Decode((*[]string)(o))
}

// last is the name at the end of a reference.
func last(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

func (d *openAPI) parameter(p *parameter) *parameter {
	if p.Ref != "" {
		return d.Components.Parameters[last(p.Ref)]
	}
	return p
}

func (d *openAPI) body(b *requestBody) *requestBody {
	if b != nil && b.Ref != "" {
		return d.Components.RequestBodies[last(b.Ref)]
	}
	return b
}

func (d *openAPI) response(r *response) *response {
	if r.Ref != "" {
		return d.Components.Responses[last(r.Ref)]
	}
	return r
}

func (d *openAPI) schema(s *schema) *schema {
	if s != nil && s.Ref != "" {
		return d.Components.Schemas.get(last(s.Ref))
	}
	return s
}

func (d *openAPI) example(e *example) *example {
	if e.Ref != "" {
		return d.Components.Examples[last(e.Ref)]
	}
	return e
}

// jsonOf writes a value of the document as JSON, its keys in the order in which
// they are there. An empty indent makes one line.
func jsonOf(n *yaml.Node, indent string) (string, error) {
	var compact bytes.Buffer
	if err := writeJSON(&compact, n); err != nil || indent == "" {
		return compact.String(), err
	}
	var out bytes.Buffer
	err := json.Indent(&out, compact.Bytes(), "", indent)
	return out.String(), err
}

func writeJSON(w *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.AliasNode:
		return writeJSON(w, n.Alias)
	case yaml.MappingNode, yaml.SequenceNode:
		return writeItems(w, n)
	case yaml.ScalarNode:
		var v any
		if err := n.Decode(&v); err != nil {
			return err
		}
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		err := e.Encode(v)
		// the newline
		w.Truncate(w.Len() - 1)
		return err
	default:
		return fmt.Errorf("line %d: no value", n.Line)
	}
}

func writeItems(w *bytes.Buffer, n *yaml.Node) error {
	brackets := "[]"
	if n.Kind == yaml.MappingNode {
		brackets = "{}"
	}
	w.WriteByte(brackets[0])
	for i, item := range n.Content {
		switch {
		case i == 0:
		case n.Kind == yaml.MappingNode && i%2 == 1:
			w.WriteByte(':')
		default:
			w.WriteByte(',')
		}
		if err := writeJSON(w, item); err != nil {
			return err
		}
	}
	w.WriteByte(brackets[1])
	return nil
}
