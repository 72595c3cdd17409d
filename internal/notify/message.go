package notify

import (
	"fmt"
	"strings"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/text"
)

// Message is what there is to tell, before it is written down for anybody. It holds
// data and no markup: a Dialect turns it into text.
type Message struct {
	Kind  MessageKind
	Level Level
	// Key is the same for a DOWN and the UP after it, and gives no ping address away:
	// it names the incident at the provider. ID is the delivery's, the same in every
	// attempt.
	Key, ID string

	// “Nightly dump is DOWN”
	Title Text
	// for the screen of a phone: at most 120 characters of GSM 7-bit
	Short string
	// what to know before all else: that it is a test; may be empty
	Note Text
	// what happened and why
	Summary  Text
	Facts    []Fact
	Sections []Section
	// the first leads to the check
	Links []Link
	At    time.Time

	// Items are the single messages of a digest, what is down first and then the latest
	// first; More is how many there are beyond them.
	Items []Message
	More  int
}

// MessageKind is what a message is about.
type MessageKind string

// The kinds of messages.
const (
	Down   MessageKind = "down"
	Up     MessageKind = "up"
	Test   MessageKind = "test"
	Digest MessageKind = "digest"
	// a check goes down and up again too often to tell of each time
	Flapping MessageKind = "flapping"
)

// Level is how much a message matters.
type Level int

// The levels, the most urgent last.
const (
	OK Level = iota
	Critical
)

// Colour is what the message is about as a colour: #RRGGBB.
func (m *Message) Colour() string {
	switch {
	case m.Kind == Test:
		return "#7a869a"
	case m.Level == Critical:
		return "#d64545"
	default:
		return "#2f9e44"
	}
}

// Fact is something to know of the check beyond its state. Short facts may stand
// side by side.
type Fact struct {
	Label string
	Value Text
	Short bool
}

// Section is a part of a message with a heading: lines of text, or a text as a
// program wrote it.
type Section struct {
	Heading string
	Lines   []Text
	// lines there are beyond these
	More int
	// kept as it is, its end rather than its beginning
	Pre string
	// Pre is the end of a longer text
	Cut bool
	// the section with the lowest is left out first
	Weight int
}

// Link leads somewhere.
type Link struct{ Label, URL string }

const (
	// maxExcerpt is how many characters of a ping's body a message has.
	maxExcerpt = 10000
	// maxItems is how many events a digest has at most; a kind names as many as there is room for.
	maxItems = 1000
	// maxShort is how long a text for a phone may be.
	maxShort = 120
)

// compose makes the message of the events, the latest first.
func compose(events []Event, env *Env) Message {
	if len(events) == 1 {
		return composeOne(&events[0], env)
	}
	return composeDigest(events, env)
}

func composeOne(ev *Event, env *Env) Message {
	m := Message{
		Kind: Up, Level: ev.Level(), Key: monitor.UniqueKey(ev.Check.Code), ID: ev.Key, At: ev.Flip.CreatedAt,
		Title:   Text{Plain(ev.Check.Title()), Plain(" is "), Bold(ev.Word())},
		Summary: Text{Plain(ev.Sentence())},
		Facts:   ev.Facts(),
		Links:   []Link{{"Open in " + env.SiteName, CloakedURL(env.SiteRoot, &ev.Check)}},
	}
	switch {
	case ev.Began():
		m.Kind = Flapping
	case ev.Status == monitor.StatusDown:
		m.Kind = Down
	}
	if ev.Test {
		m.Kind = Test
		m.Note = Text{Plain("This is a test notification.")}
	}
	m.Short = text.Ellipsis(GSM(m.Title.String()), maxShort)
	m.Sections = sections(ev)
	return m
}

// sections are the parts of a message about one event that are more than a line.
func sections(ev *Event) []Section {
	var out []Section
	if ev.Check.Description != "" {
		out = append(out, Section{Heading: "Description", Lines: []Text{{Plain(ev.Check.Description)}}, Weight: 2})
	}
	if ev.LastPing != nil {
		body, cut := Tail(ev.LastPing.Body, maxExcerpt)
		if body != "" {
			out = append(out, Section{Heading: "Last output", Pre: body, Cut: cut, Weight: 3})
		}
	}
	others := ev.Others()
	if len(others) > 0 {
		s := Section{Heading: "Also down", Weight: 1, More: max(0, ev.OtherDownTotal-len(others))}
		for _, o := range others {
			s.Lines = append(s.Lines, Text{Bold(o.Label), Plain(" (")}.Append(o.Value...).Append(Plain(")")))
		}
		out = append(out, s)
	}
	return out
}

// composeDigest puts what is down before what is up.
func composeDigest(events []Event, env *Env) Message {
	m := Message{Kind: Digest, ID: events[0].Key, Key: "digest-" + events[0].Key, At: events[0].Flip.CreatedAt}
	down := 0
	for _, ev := range Urgent(events) {
		m.Level = max(m.Level, ev.Level())
		if ev.Status == monitor.StatusDown {
			down++
		}
		if len(m.Items) < maxItems {
			m.Items = append(m.Items, composeOne(&ev, env))
		}
	}
	m.More = len(events) - len(m.Items)
	m.Title = Text{Plain(countTitle(down, len(events)-down))}
	m.Short = m.Title.String()
	m.Summary = Text{Plain("Several checks have changed within a short time.")}
	m.Links = []Link{{"Open in " + env.SiteName, env.SiteRoot + "/projects/" + events[0].Project.ID.String() + "/checks/"}}
	lines := Section{Weight: 4, More: m.More}
	for i := range m.Items {
		item := &m.Items[i]
		line := Text{Plain(mark(item.Level) + " ")}.Append(item.Title...).Append(Plain(": "))
		lines.Lines = append(lines.Lines, line.Append(item.Summary...))
	}
	m.Sections = []Section{lines}
	return m
}

// countTitle is the title of a digest: "5 checks are DOWN, 1 is UP".
func countTitle(down, up int) string {
	are := func(n int) string {
		if n == 1 {
			return "is"
		}
		return "are"
	}
	switch {
	case up == 0:
		return fmt.Sprintf("%s %s DOWN", text.Plural(down, "check", "checks"), are(down))
	case down == 0:
		return fmt.Sprintf("%s %s UP", text.Plural(up, "check", "checks"), are(up))
	default:
		return fmt.Sprintf("%s %s DOWN, %d %s UP", text.Plural(down, "check", "checks"), are(down), up, are(up))
	}
}

func mark(l Level) string {
	if l == Critical {
		return "▼"
	}
	return "▲"
}

// Plain is the message without everything that could be the reason to refuse it:
// title, note, summary and the first link, nothing that has a style.
func (m *Message) Plain() Message {
	out := Message{Kind: m.Kind, Level: m.Level, Key: m.Key, ID: m.ID, Short: m.Short, At: m.At}
	out.Title = Text{Plain(m.Title.String())}
	out.Note = Text{Plain(m.Note.String())}
	out.Summary = Text{Plain(m.Summary.String())}
	out.Links = m.Links[:min(1, len(m.Links))]
	if len(m.Items) == 0 {
		return out
	}
	items := Section{More: m.More}
	for i := range m.Items {
		items.Lines = append(items.Lines, Text{Plain(m.Items[i].Title.String())})
	}
	out.Sections = []Section{items}
	return out
}

// In is the message below its title as a dialect writes it: note, summary, facts,
// sections and links, as far as they are there.
func (m *Message) In(d *Dialect) string {
	var parts []string
	head := []string{}
	for _, t := range []Text{m.Note, m.Summary} {
		s := t.In(d)
		if s != "" {
			head = append(head, s)
		}
	}
	for _, f := range m.Facts {
		head = append(head, d.Bold(d.Escape(f.Label+":"))+" "+f.Value.In(d))
	}
	if len(head) > 0 {
		parts = append(parts, strings.Join(head, d.Break))
	}
	for i := range m.Sections {
		parts = append(parts, m.Sections[i].in(d))
	}
	for _, l := range m.Links {
		parts = append(parts, d.Link(d.Escape(l.Label), l.URL))
	}
	return strings.Join(parts, d.Paragraph)
}

func (s *Section) in(d *Dialect) string {
	var lines []string
	if s.Heading != "" {
		lines = append(lines, d.Bold(d.Escape(s.Heading)))
	}
	for _, l := range s.Lines {
		lines = append(lines, l.In(d))
	}
	if s.More > 0 {
		lines = append(lines, d.Escape(fmt.Sprintf("… and %d more", s.More)))
	}
	if s.Pre != "" {
		pre := s.Pre
		if s.Cut {
			pre = "…" + pre
		}
		lines = append(lines, d.Pre(pre))
	}
	return strings.Join(lines, d.Break)
}
