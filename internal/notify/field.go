package notify

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/monitor"
	"punctual/internal/text"
)

// Field is one setting of a kind. Everything that shows, reads or writes the
// setting is made of it.
type Field struct {
	// its name in the stored configuration and in the API
	Key string
	// where it is in the typed configuration
	Value Value
	// in the form
	Label string
	// what stands behind the label, "" = "optional" or nothing
	Hint string
	// a sentence below it in the form, "" = none
	Help string
	// what it is, for programs, "" = Label
	About string
	// its name in the form, "" = Key
	Input string

	Type        InputType
	Placeholder string
	// characters, 0 = as many as one likes
	Max int
	// Required is what to say when it is empty; "" = it may be.
	Required string
	// Pattern must match a text that is not empty, Check says what is wrong with one
	// ("" = nothing), and Choices are all there is to choose from.
	Pattern *regexp.Regexp
	Check   func(value string) string
	Choices []Choice
	// Wrong is what to say when Pattern or Choices do not allow it, or it is too long;
	// "" = a general sentence.
	Wrong string
	// Default is what the form of a new channel has, and a new channel of a program
	// that does not send it: as in a form, "on" for a switch.
	Default string
	// Secret hides the value in logs and in what is shown of answers. With the type
	// Password it is not shown in the form either, and kept when that is left empty.
	Secret bool

	// Notifies makes it a switch for one kind of event, down or up: the channel tells of
	// the event when it is on, not empty, or not Off. Where no field of a kind does
	// that, all events are told.
	Notifies monitor.Status
	Off      string
	// Half is what the setting is for where a kind has one set of settings for down and
	// one for up. Join puts it into one line with the next one, and Folded below a
	// heading that is opened.
	Half   monitor.Status
	Join   bool
	Folded bool
}

// InputType is how a setting is typed.
type InputType string

// The types of input.
const (
	// one line of text
	Line InputType = ""
	// one line of text for machines: a key, an id
	Code InputType = "code"
	// a secret that is not shown again
	Password InputType = "password"
	Mail     InputType = "email"
	URL      InputType = "url"
	// several lines
	Lines InputType = "textarea"
)

// Choice is a value a setting may have.
type Choice struct {
	Value string
	// "" = the value
	Label string
}

// Text is what is shown of a choice.
func (c Choice) Text() string {
	if c.Label == "" {
		return c.Value
	}
	return c.Label
}

// Name is the name of the field in the form.
func (f *Field) Name() string {
	if f.Input != "" {
		return f.Input
	}
	return f.Key
}

// Masked tells whether the value is not shown in the form.
func (f *Field) Masked() bool { return f.Secret && f.Type == Password }

// On tells whether the setting switches on what it tells of.
func (f *Field) On() bool {
	v := f.Value.form()
	return v != "" && v != f.Off
}

// problem says what is wrong with the value, "" when nothing is. was is the value
// before: one that is too long may stay as it was.
func (f *Field) problem(was string) string {
	headers, ok := f.Value.(*headers)
	if ok {
		return headers.problem(f.Max, was)
	}
	v := f.Value.form()
	switch {
	case v == "" && f.Required != "":
		return f.Required
	case v == "" && len(f.Choices) == 0:
		return ""
	case len(f.Choices) > 0 && !slices.ContainsFunc(f.Choices, func(c Choice) bool { return c.Value == v }):
		return f.wrong("The value is none of those to choose from.")
	case f.Pattern != nil && !f.Pattern.MatchString(v):
		return f.wrong("The value does not look right.")
	}
	if f.Check != nil {
		problem := f.Check(v)
		if problem != "" {
			return problem
		}
	}
	if f.Max > 0 && text.Longer(v, f.Max) && v != was {
		return f.wrong(tooLong("The "+noun(f.Label)+" has", f.Max))
	}
	return ""
}

func (f *Field) wrong(general string) string {
	if f.Wrong != "" {
		return f.Wrong
	}
	return general
}

// noun is a label within a sentence.
func noun(label string) string {
	first, size := utf8.DecodeRuneInString(label)
	next, _ := utf8.DecodeRuneInString(label[size:])
	if unicode.IsUpper(next) {
		return label
	}
	return string(unicode.ToLower(first)) + label[size:]
}

// Switches are the two fields of a kind that is told whether to send when a check
// goes down, and when it comes back up. A new channel sends both.
func Switches(up, down *bool) []Field {
	return []Field{
		{
			Key: "up", Value: Bool(up), Label: "When it comes back up", About: "Tell when a check comes up.",
			Default: "on", Notifies: monitor.StatusUp,
		},
		{
			Key: "down", Value: Bool(down), Label: "When a check goes down", About: "Tell when a check goes down.",
			Default: "on", Notifies: monitor.StatusDown,
		},
	}
}

// WebAddress says what is wrong with an address, for Field.Check: it must be http or
// https. Hosts without a dot are fine: they are common inside a network.
func WebAddress(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		return "This is not a valid URL."
	case u.Scheme != "http" && u.Scheme != "https":
		return "The URL must begin with http:// or https://."
	}
	return ""
}

// fieldSet are all fields of a configuration.
type fieldSet []Field

// keys are the names of all settings, sorted.
func (fs fieldSet) keys() []string {
	var keys []string
	for i := range fs {
		keys = append(keys, fs[i].Key)
	}
	slices.Sort(keys)
	return keys
}

func (fs fieldSet) byKey(key string) *Field {
	for i := range fs {
		if fs[i].Key == key {
			return &fs[i]
		}
	}
	return nil
}

// usable tells whether everything that must be there is.
func (fs fieldSet) usable() bool {
	for i := range fs {
		if fs[i].Required != "" && fs[i].Value.form() == "" {
			return false
		}
	}
	return true
}

// on tells whether the switch of an event is on: true where there is no such
// switch at all.
func (fs fieldSet) on(s monitor.Status) bool {
	switched := false
	for i := range fs {
		if fs[i].Notifies == s && fs[i].On() {
			return true
		}
		switched = switched || fs[i].Notifies != ""
	}
	return !switched
}

// validate is an error of kind errs.Invalid that names the first setting that is
// wrong, by the name that name gives it.
func (fs fieldSet) validate(before fieldSet, silent string, name func(*Field) string) error {
	for i := range fs {
		f := &fs[i]
		problem := f.problem(before[i].Value.form())
		if problem != "" {
			return errs.Invalidf(name(f), "%s", problem)
		}
	}
	if fs.on(monitor.StatusDown) || fs.on(monitor.StatusUp) {
		return nil
	}
	if silent == "" {
		silent = "Please choose at least one kind of alert."
	}
	for i := range fs {
		if fs[i].Notifies == monitor.StatusDown {
			return errs.Invalidf(name(&fs[i]), "%s", silent)
		}
	}
	return nil
}

// trim takes from a typed text what nobody means to type.
func trim(typed string, t InputType) string {
	if t == Lines {
		return strings.ReplaceAll(typed, "\r\n", "\n")
	}
	return strings.TrimSpace(typed)
}

// Box tells whether the setting is on or off.
func (f *Field) Box() bool {
	_, box := f.Value.(*flag)
	return box
}

// Headers tells whether the setting is a list of HTTP headers.
func (f *Field) Headers() bool {
	_, is := f.Value.(*headers)
	return is
}

// Host is the host of a web address, with its port where that is not the usual one,
// for Declaration.Destination; "" where it has none.
func Host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return hosts.Of(u)
}
