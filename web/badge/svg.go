package badge

import (
	"bytes"
	"encoding/xml"
	"strings"
	"text/template"
)

// picture is a badge of two parts: what it is about, on grey, and how it is, on
// a colour. Without a label the second part stands alone.
type picture struct {
	Label, Message string
	Color          string
}

// padding is the space left and right of a text, in pixels.
const padding = 5

// svg draws the picture, 20 pixels high and flat like the badges people put it
// beside (docs/contract.md §3.3).
//
// Texts are told how long to be, so that the picture is the same in each font.
// What could be style is in attributes: a Content-Security-Policy may forbid
// styles, and ours does where the picture is opened by itself.
func (p picture) svg() ([]byte, error) {
	// as SVG shows it
	p.Label = strings.Join(strings.Fields(p.Label), " ")
	var buf bytes.Buffer
	err := svgTemplate.Execute(&buf, p)
	return buf.Bytes(), err
}

// Title is the picture in words, for those who do not see it.
func (p picture) Title() string {
	if p.Label == "" {
		return p.Message
	}
	return p.Label + ": " + p.Message
}

// Texts are the two texts, each on its part.
func (p picture) Texts() []placed {
	if p.Label == "" {
		return []placed{{p.Message, padding}}
	}
	return []placed{{p.Label, padding}, {p.Message, p.Left() + padding}}
}

// Left is the width of the grey part.
func (p picture) Left() int {
	if p.Label == "" {
		return 0
	}
	return textWidth(p.Label) + 2*padding
}

// Right is the width of the coloured part.
func (p picture) Right() int { return textWidth(p.Message) + 2*padding }

// Straight is how far the coloured part goes before its corners begin.
func (p picture) Straight() int { return p.Right() - 3 }

// Width is the whole width.
func (p picture) Width() int { return p.Left() + p.Right() }

// placed is a text and where it begins.
type placed struct {
	Text string
	X    int
}

// Length is its width in pixels.
func (t placed) Length() int { return textWidth(t.Text) }

// The rounded corners are drawn, not clipped: a clip has an id, and of several
// pictures put into one page each would be clipped like the first. The gradient
// has one too, but it is the same in all of them.
var svgTemplate = template.Must(template.New("svg").Funcs(template.FuncMap{"xml": escape}).Parse(
	`<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="20" role="img" aria-label="{{xml .Title}}">` +
		`<title>{{xml .Title}}</title>` +
		`<linearGradient id="shade" x2="0" y2="1"><stop stop-color="#fff" stop-opacity=".12"/><stop offset="1" stop-opacity=".12"/></linearGradient>` +
		`{{if .Left}}<path fill="#555" d="M{{.Left}} 0H3a3 3 0 0 0-3 3v14a3 3 0 0 0 3 3H{{.Left}}z"/>` +
		`<path fill="{{.Color}}" d="M{{.Left}} 0v20h{{.Straight}}a3 3 0 0 0 3-3V3a3 3 0 0 0-3-3z"/>` +
		`{{else}}<rect width="{{.Width}}" height="20" rx="3" fill="{{.Color}}"/>{{end}}` +
		`<rect width="{{.Width}}" height="20" rx="3" fill="url(#shade)"/>` +
		`<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11" text-rendering="geometricPrecision">` +
		`{{range .Texts}}` +
		`<text x="{{.X}}" y="15" fill="#000" fill-opacity=".3" aria-hidden="true" textLength="{{.Length}}" lengthAdjust="spacingAndGlyphs">{{xml .Text}}</text>` +
		`<text x="{{.X}}" y="14" textLength="{{.Length}}" lengthAdjust="spacingAndGlyphs">{{xml .Text}}</text>` +
		`{{end}}</g></svg>`))

// escape makes text safe between tags and in attributes. What XML cannot hold
// at all, such as control characters, becomes U+FFFD.
func escape(s string) (string, error) {
	var b strings.Builder
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}
