package notify

import (
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Unit is what a provider counts.
type Unit func(s string) int

// Runes counts characters, one for each code point.
func Runes(s string) int { return utf8.RuneCountInString(s) }

// UTF16 counts the code units of UTF-16.
func UTF16(s string) int { return len(utf16.Encode([]rune(s))) }

// Bytes counts the bytes of UTF-8.
func Bytes(s string) int { return len(s) }

// Budget is how much of a message a provider takes.
type Budget struct {
	// nil = Runes
	Unit Unit
	// Title and Body are the most that the title and what Render makes may have; 0 = as
	// much as there is.
	Title, Body int
	// Value is how many characters a fact may have, and Excerpt the end of a ping's body;
	// 0 = as many as fit.
	Value, Excerpt int
	// Whole leaves an excerpt out that does not fit, rather than to shorten it.
	Whole bool
	// RenderTitle and Render write the message as it is sent.
	RenderTitle, Render func(*Message) string
}

// In is the budget of a message written in a dialect.
func In(d *Dialect, title, body int, unit Unit) Budget {
	return Budget{
		Unit: unit, Title: title, Body: body,
		RenderTitle: func(m *Message) string { return m.Title.In(d) },
		Render:      func(m *Message) string { return m.In(d) },
	}
}

// Fit is the message with as much data as the budget has room for. It cuts data, and
// never what was written of it: no tag is left open. Title, note and summary come
// first and the first link with them, then the facts in their order, then the
// sections by their weight, then other links.
func (m *Message) Fit(b Budget) Message {
	if b.Unit == nil {
		b.Unit = Runes
	}
	out := *m
	out.Title = shorten(m.Title, func(t Text) bool {
		out.Title = t
		return b.Title == 0 || b.RenderTitle == nil || b.Unit(b.RenderTitle(&out)) <= b.Title
	})
	out.Facts = nil
	out.Sections = nil
	out.Links = m.Links[:min(1, len(m.Links)):min(1, len(m.Links))]
	fits := func() bool { return b.Body == 0 || b.Unit(b.Render(&out)) <= b.Body }
	if !fits() {
		b.squeeze(&out, fits)
		return out
	}
	for _, f := range m.Facts {
		if b.Value > 0 {
			f.Value = f.Value.cut(b.Value)
		}
		out.Facts = append(out.Facts, f)
		if !fits() {
			out.Facts = out.Facts[:len(out.Facts)-1]
		}
	}
	b.addSections(&out, m.Sections, fits)
	for _, l := range m.Links[len(out.Links):] {
		out.Links = append(out.Links, l)
		if !fits() {
			out.Links = out.Links[:len(out.Links)-1]
		}
	}
	return out
}

// squeeze shortens what comes first until it fits.
func (b *Budget) squeeze(m *Message, fits func() bool) {
	m.Summary = shorten(m.Summary, func(t Text) bool {
		m.Summary = t
		return fits()
	})
	if !fits() {
		m.Links = nil
	}
	if !fits() {
		m.Note = nil
	}
}

// shorten is the longest beginning of a text that fits, empty where none does.
func shorten(t Text, fits func(Text) bool) Text {
	if fits(t) {
		return t
	}
	low := 0
	high := len([]rune(t.String()))
	for low+1 < high {
		middle := (low + high) / 2
		if fits(t.cut(middle)) {
			low = middle
		} else {
			high = middle
		}
	}
	short := Text(nil)
	if low > 0 {
		short = t.cut(low)
	}
	fits(short)
	return short
}

// addSections adds what there is room for, the weightiest first, and keeps their
// order.
func (b *Budget) addSections(m *Message, sections []Section, fits func() bool) {
	order := make([]int, len(sections))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return sections[y].Weight - sections[x].Weight })
	chosen := make([]*Section, len(sections))
	try := func(i int, s *Section) bool {
		before := chosen[i]
		chosen[i] = s
		m.Sections = collect(chosen)
		if s == nil || fits() {
			return true
		}
		chosen[i] = before
		m.Sections = collect(chosen)
		return false
	}
	for _, i := range order {
		s := sections[i]
		if s.Pre != "" && b.Excerpt > 0 {
			end := lastRunes(s.Pre, b.Excerpt)
			s.Cut = s.Cut || end != s.Pre
			s.Pre = end
		}
		if try(i, &s) || s.Pre != "" && b.Whole {
			continue
		}
		b.shortenSection(i, s, try)
	}
}

// shortenSection adds the most of a section that fits: lines from the beginning, the
// end of a text.
func (b *Budget) shortenSection(i int, s Section, try func(int, *Section) bool) {
	size := len(s.Lines)
	part := func(n int) *Section {
		p := s
		p.Lines = s.Lines[:n]
		p.More = s.More + len(s.Lines) - n
		return &p
	}
	if s.Pre != "" {
		size = utf8.RuneCountInString(s.Pre)
		part = func(n int) *Section {
			p := s
			p.Pre = lastRunes(s.Pre, n)
			p.Cut = true
			return &p
		}
	}
	low := 0
	high := size
	for low+1 < high {
		middle := (low + high) / 2
		if try(i, part(middle)) {
			low = middle
		} else {
			high = middle
		}
	}
}

func collect(sections []*Section) []Section {
	var out []Section
	for _, s := range sections {
		if s != nil {
			out = append(out, *s)
		}
	}
	return out
}

func lastRunes(s string, n int) string {
	r := []rune(s)
	return string(r[max(0, len(r)-n):])
}
