package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"punctual/internal/errs"
	"punctual/internal/text"
)

// maxMessage is how long an error's message may be (features §19).
const maxMessage = 200

// errConfig is a channel whose configuration makes no sense: nothing can ever
// be sent through it.
var errConfig = &Error{Message: "The settings of this integration are damaged. Please edit it.", Permanent: true}

func encode(config any) (string, error) {
	data, err := json.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("encode the configuration: %w", err)
	}
	return string(data), nil
}

// checked tells whether a box of the form is ticked.
func checked(form url.Values, name string) bool {
	switch form.Get(name) {
	case "", "0", "false", "off":
		return false
	}
	return true
}

// check ticks a box of the form, or leaves it out as browsers do.
func check(form url.Values, name string, on bool) {
	if on {
		form.Set(name, "on")
	}
}

// fields are the settings of a kind by their names in the stored JSON; the
// values point to where they go: *string, *bool, *int or *map[string]string.
type fields map[string]any

// set takes the values that are sent into their places; the others stay. An
// unknown name, or a value of another type, is an error of kind errs.Invalid
// that names it and what is allowed.
func (f fields) set(sent map[string]json.RawMessage) error {
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		dst, known := f[name]
		if !known {
			return errs.Invalidf(name, "There is no such setting; there are %s.", strings.Join(slices.Sorted(maps.Keys(f)), ", "))
		}
		if want := setField(dst, sent[name]); want != "" {
			return errs.Invalidf(name, "The value must be %s.", want)
		}
	}
	return nil
}

// setField decodes one value; it returns what it should have been, "" when it is.
func setField(dst any, raw json.RawMessage) (want string) {
	if string(raw) == "null" {
		raw = []byte("?") // no value of any type
	}
	switch dst := dst.(type) {
	case *string:
		if json.Unmarshal(raw, dst) != nil || !text.Storable(*dst) {
			return "a text"
		}
	case *bool:
		if json.Unmarshal(raw, dst) != nil {
			return "true or false"
		}
	case *int:
		if json.Unmarshal(raw, dst) != nil {
			return "a whole number"
		}
	case *map[string]string:
		var pointers map[string]*string // to tell null from ""
		if json.Unmarshal(raw, &pointers) != nil {
			return "an object of texts"
		}
		*dst = make(map[string]string, len(pointers)) // what was there goes
		for name, value := range pointers {
			if value == nil || !text.Storable(name) || !text.Storable(*value) {
				return "an object of texts"
			}
			(*dst)[name] = *value
		}
	}
	return ""
}

// inForm gives a complaint about a setting the name its field has in the form,
// where that is another one.
func inForm(err error, names map[string]string) error {
	known, ok := errors.AsType[*errs.Error](err)
	if !ok || names[known.Field] == "" {
		return err
	}
	renamed := *known
	renamed.Field = names[known.Field]
	return &renamed
}
