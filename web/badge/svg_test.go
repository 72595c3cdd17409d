package badge

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// drawn is a picture as a program reads it.
type drawn struct {
	XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
	Width   int      `xml:"width,attr"`
	Height  int      `xml:"height,attr"`
	Role    string   `xml:"role,attr"`
	Label   string   `xml:"aria-label,attr"`
	Title   string   `xml:"title"`
	Texts   []struct {
		Text   string `xml:",chardata"`
		X      int    `xml:"x,attr"`
		Length int    `xml:"textLength,attr"`
	} `xml:"g>text"`
}

func draw(t *testing.T, label, message string) (drawn, string) {
	t.Helper()
	raw, err := picture{Label: label, Message: message, Color: "#4c1"}.svg()
	if err != nil {
		t.Fatal(err)
	}
	var d drawn
	if err := xml.Unmarshal(raw, &d); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return d, string(raw)
}

func TestPictures(t *testing.T) {
	t.Parallel()
	cases := []struct{ label, want string }{
		{"prod", "prod"},
		{`<a href="x">&'`, `<a href="x">&'`},
		{"two  words\n", "two words"},
		{"bell\a", "bell\uFFFD"},
		{"not \xff UTF-8", "not \uFFFD UTF-8"},
		{"夜間バックアップ 🚀", "夜間バックアップ 🚀"},
		{"]]>", "]]>"},
		{strings.Repeat("long ", 20), strings.TrimSpace(strings.Repeat("long ", 20))},
	}
	for _, c := range cases {
		d, raw := draw(t, c.label, "up")
		if d.Title != c.want+": up" || d.Label != d.Title || d.Role != "img" || d.Height != 20 {
			t.Errorf("%q: title %q, label %q, role %q, height %d", c.label, d.Title, d.Label, d.Role, d.Height)
		}
		left := textWidth(c.want)
		right := textWidth("up")
		if d.Width != left+right+20 {
			t.Errorf("%q is %d px wide, want %d", c.label, d.Width, left+right+20)
		}
		type text struct {
			Text      string
			X, Length int
		}
		var got []text
		for _, x := range d.Texts {
			got = append(got, text{x.Text, x.X, x.Length})
		}
		message := text{"up", left + 15, right}
		// each with its shadow
		diff := cmp.Diff([]text{{c.want, 5, left}, {c.want, 5, left}, message, message}, got)
		if diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.label, diff)
		}
		for _, forbidden := range []string{"href=", "style", "http://", "script", "@import"} {
			rest := strings.ReplaceAll(raw, `xmlns="http://www.w3.org/2000/svg"`, "")
			if !strings.Contains(c.label, forbidden) && strings.Contains(rest, forbidden) {
				t.Errorf("%q: the picture has %s: %s", c.label, forbidden, raw)
			}
		}
	}
}

func TestAPictureWithoutLabel(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"", " \t"} {
		d, raw := draw(t, label, "down")
		if d.Title != "down" || d.Width != textWidth("down")+10 || len(d.Texts) != 2 || strings.Contains(raw, "#555") {
			t.Errorf("%q: %s", label, raw)
		}
	}
}

func TestTextWidth(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "i": 4, "iiiiiiiiii": 31, "mmmmmmmmmm": 107, "up": 14, "down": 30, "Ünïcödé": 45, "Привет": 43,
		"漢字": 22, "🚀": 14, "👩🏽‍🚀": 14, "🇱🇻": 14, "e\u0301": 7, "\u200d": 1,
	} {
		got := textWidth(text)
		if got != want {
			t.Errorf("%q is %d px, want %d", text, got, want)
		}
	}
}

// Whatever a label holds, the picture is one well-formed document that says it.
func FuzzSVG(f *testing.F) {
	for _, s := range []string{"prod", `"<&>'`, "\x00\xff]]>", "👩🏽‍🚀", "\u202eabc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, label string) {
		raw, err := picture{Label: label, Message: "up", Color: "#4c1"}.svg()
		if err != nil {
			t.Fatal(err)
		}
		elements := 0
		for d := xml.NewDecoder(strings.NewReader(string(raw))); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v: %s", err, raw)
			}
			_, ok := token.(xml.StartElement)
			if ok {
				elements++
			}
		}
		if elements != 13 && elements != 10 {
			t.Errorf("%d elements: %s", elements, raw)
		}
	})
}
