package notify

import "strings"

// Text is a piece of text in parts that have a style. It never holds markup: what
// somebody called their check stays what it is in every dialect.
type Text []Span

// Span is a part of a Text.
type Span struct {
	S     string
	Style Style
	// of a Linked span
	URL string
}

// Style is how a span looks.
type Style int

// The styles.
const (
	Normal Style = iota
	Strong
	Mono
	Linked
)

// Plain is text without a style.
func Plain(s string) Span { return Span{S: s} }

// Bold is text that stands out.
func Bold(s string) Span { return Span{S: s, Style: Strong} }

// Append is the text with more behind it.
func (t Text) Append(more ...Span) Text { return append(t[:len(t):len(t)], more...) }

// String is the text without its styles.
func (t Text) String() string {
	var out strings.Builder
	for _, s := range t {
		out.WriteString(s.S)
	}
	return out.String()
}

// In is the text as a dialect writes it: the only place where markup is made.
func (t Text) In(d *Dialect) string {
	var out strings.Builder
	for _, s := range t {
		if s.S == "" {
			continue
		}
		escaped := d.Escape(s.S)
		switch s.Style {
		case Strong:
			escaped = d.Bold(escaped)
		case Mono:
			escaped = d.Code(s.S)
		case Linked:
			escaped = d.Link(escaped, s.URL)
		}
		out.WriteString(escaped)
	}
	return out.String()
}

// cut is the text in at most n characters, with an ellipsis in place of the rest.
func (t Text) cut(n int) Text {
	if len([]rune(t.String())) <= n {
		return t
	}
	var out Text
	left := n - 1
	for _, s := range t {
		r := []rune(s.S)
		if len(r) > left {
			s.S = string(r[:max(left, 0)]) + "…"
			return append(out, s)
		}
		out = append(out, s)
		left -= len(r)
	}
	return out
}
