package ui

import (
	"html/template"
	"net/url"

	"punctual/internal/errs"
	"punctual/internal/text"
)

// Form is what was typed into a form and what is wrong with it. A page that
// shows a form has one in its model.
type Form struct {
	Values url.Values
	// by field; "" is the form as a whole
	Errors map[string]string
}

// NewForm starts with the values shown first.
func NewForm(values url.Values) *Form {
	if values == nil {
		values = url.Values{}
	}
	return &Form{Values: values, Errors: map[string]string{}}
}

// Note takes an error of kind Invalid up into the form and returns nil; it
// returns every other error.
func (f *Form) Note(err error) error {
	if err == nil || errs.KindOf(err) != errs.Invalid {
		return err
	}
	f.Fail(errs.FieldOf(err), text.Sentence(errs.Message(err)))
	return nil
}

// Fail says what is wrong with a field; the first word counts.
func (f *Form) Fail(field, message string) {
	_, found := f.Errors[field]
	if !found {
		f.Errors[field] = message
	}
}

// OK tells whether nothing is wrong.
func (f *Form) OK() bool { return len(f.Errors) == 0 }

// Value is the first value of a field.
func (f *Form) Value(field string) string { return f.Values.Get(field) }

// Is tells whether a field has the value: for selects and radios.
func (f *Form) Is(field, value string) bool { return f.Values.Get(field) == value }

// On tells whether a checkbox is ticked.
func (f *Form) On(field string) bool {
	switch f.Values.Get(field) {
	case "", "false", "0", "off":
		return false
	default:
		return true
	}
}

// Error is what is wrong with a field, "" = nothing.
func (f *Form) Error(field string) string { return f.Errors[field] }

// Attrs ties an input to its message, when it has one, and lets the browser begin
// at the first such input of the page.
func (f *Form) Attrs(field string) template.HTMLAttr {
	if f.Errors[field] == "" {
		return ""
	}
	return template.HTMLAttr(`autofocus aria-invalid="true" aria-describedby="` + template.HTMLEscapeString(field) +
		`-error"`) //nolint:gosec // escaped
}

// FieldError is for the partial "field-error".
type FieldError struct{ ID, Message string }

// Field is the argument of the partial "field-error".
func (f *Form) Field(field string) FieldError { return FieldError{field + "-error", f.Errors[field]} }

// Confirm is for the partial "confirm": a button that asks before it posts.
type Confirm struct {
	ID, Action, Title, Text, Button string
}

func newConfirm(id, action, title, text, button string) Confirm {
	return Confirm{id, action, title, text, button}
}

// PageLinks is for the partial "pages": where a list goes on.
type PageLinks struct {
	// addresses, "" = there is none
	Previous, Next string
	// "51–100 of 730"
	Text string
}
