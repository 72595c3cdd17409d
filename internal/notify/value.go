package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"punctual/internal/text"
)

// Value is a place in a typed configuration: made by String, Bool, Int or Headers.
type Value interface {
	// json is the value as it is stored.
	json() any
	// stored takes a stored value; it fails when that has another type.
	stored(raw json.RawMessage) error
	// set takes a value of a program; want is what it should have been, "" when it is.
	set(raw json.RawMessage) (want string)
	// parse takes what was typed.
	parse(typed string)
	// form is the value as it is typed; what is no value of the type is there as it was
	// typed.
	form() string
	// Schema is the type in the description of the API.
	Schema() map[string]any
}

// String is a setting that is a text.
func String(p *string) Value { return (*words)(p) }

// Bool is a setting that is on or off.
func Bool(p *bool) Value { return (*flag)(p) }

// Int is a setting that is a whole number.
func Int(p *int) Value { return &number{p: p} }

// Headers is a setting of HTTP headers: an object for programs, one "Name: value" a
// line for people.
func Headers(p *map[string]string) Value { return &headers{p: p} }

// decode takes JSON of the type, but not null.
func decode(raw json.RawMessage, dst any) bool {
	return !bytes.Equal(raw, []byte("null")) && json.Unmarshal(raw, dst) == nil
}

type words string

func (v *words) json() any                        { return string(*v) }
func (v *words) stored(raw json.RawMessage) error { return json.Unmarshal(raw, (*string)(v)) }
func (v *words) parse(typed string)               { *v = words(typed) }
func (v *words) form() string                     { return string(*v) }
func (v *words) Schema() map[string]any           { return map[string]any{"type": "string"} }

func (v *words) set(raw json.RawMessage) (want string) {
	if !decode(raw, (*string)(v)) || !text.Storable(string(*v)) {
		return "a text"
	}
	return ""
}

type flag bool

func (v *flag) json() any                        { return bool(*v) }
func (v *flag) stored(raw json.RawMessage) error { return json.Unmarshal(raw, (*bool)(v)) }
func (v *flag) Schema() map[string]any           { return map[string]any{"type": "boolean"} }

func (v *flag) set(raw json.RawMessage) (want string) {
	if !decode(raw, (*bool)(v)) {
		return "true or false"
	}
	return ""
}

func (v *flag) parse(typed string) {
	switch typed {
	case "", "0", "false", "off":
		*v = false
	default:
		*v = true
	}
}

// form leaves a box that is not ticked out, as browsers do.
func (v *flag) form() string {
	if *v {
		return "on"
	}
	return ""
}

// number is a whole number, or what was typed in its place.
type number struct {
	p   *int
	odd string
}

func (v *number) json() any                        { return *v.p }
func (v *number) stored(raw json.RawMessage) error { return json.Unmarshal(raw, v.p) }
func (v *number) Schema() map[string]any           { return map[string]any{"type": "integer"} }

func (v *number) set(raw json.RawMessage) (want string) {
	if !decode(raw, v.p) {
		return "a whole number"
	}
	return ""
}

func (v *number) parse(typed string) {
	n, err := strconv.Atoi(typed)
	if err != nil {
		v.odd = typed
		return
	}
	*v.p = n
	v.odd = ""
}

func (v *number) form() string {
	if v.odd != "" {
		return v.odd
	}
	return strconv.Itoa(*v.p)
}

// headers are HTTP headers; odd is a line that is none.
type headers struct {
	p   *map[string]string
	odd string
}

func (v *headers) json() any                        { return *v.p }
func (v *headers) stored(raw json.RawMessage) error { return json.Unmarshal(raw, v.p) }

func (v *headers) Schema() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
}

func (v *headers) set(raw json.RawMessage) (want string) {
	// Pointers tell null from "".
	var pointers map[string]*string
	if !decode(raw, &pointers) {
		return "an object of texts"
	}
	// What was there goes.
	*v.p = make(map[string]string, len(pointers))
	for name, value := range pointers {
		if value == nil || !text.Storable(name) || !text.Storable(*value) {
			return "an object of texts"
		}
		(*v.p)[name] = *value
	}
	return ""
}

func (v *headers) parse(typed string) {
	*v.p = make(map[string]string)
	v.odd = ""
	for line := range strings.Lines(typed) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		value = strings.TrimSpace(value)
		if !validHeader(name, value) {
			v.odd = line
			return
		}
		(*v.p)[name] = value
	}
}

func (v *headers) form() string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(*v.p)) {
		lines = append(lines, name+": "+(*v.p)[name])
	}
	return strings.Join(lines, "\n")
}

// problem says what is wrong with headers that were other ones before, "" when
// nothing is.
func (v *headers) problem(limit int, was string) string {
	if v.odd != "" {
		return "Please write each header as “Name: value”, one a line. This is not one: " + text.Ellipsis(v.odd, 60)
	}
	if v.form() == was {
		return ""
	}
	length := 0
	for _, name := range slices.Sorted(maps.Keys(*v.p)) {
		value := (*v.p)[name]
		if !validHeader(name, value) {
			return "This is not the name and the value of a header: " + text.Ellipsis(name+": "+value, 60)
		}
		length += utf8.RuneCountInString(name + ": " + value + "\n")
	}
	// As one would type them: without the last end of line.
	if limit > 0 && length > limit+1 {
		return tooLong("The headers have", limit)
	}
	return ""
}

func validHeader(name, value string) bool {
	return value != "" && httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value)
}

func tooLong(what string, limit int) string {
	return fmt.Sprintf("%s more than %d characters.", what, limit)
}
