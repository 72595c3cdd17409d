package text_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/text"
)

func TestLinked(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]text.Part{
		"":                        nil,
		"No address at all.":      {{Text: "No address at all."}},
		"https://example.org/a?b": {{Text: "https://example.org/a?b", URL: "https://example.org/a?b"}},
		"See http://wiki.example.org/run(book). Then call.": {
			{Text: "See "}, {Text: "http://wiki.example.org/run(book)", URL: "http://wiki.example.org/run(book)"}, {Text: ". Then call."},
		},
		"(https://a.example)\nhttps://b.example,": {
			{Text: "("}, {Text: "https://a.example", URL: "https://a.example"}, {Text: ")\n"},
			{Text: "https://b.example", URL: "https://b.example"}, {Text: ","},
		},
		"javascript://example.org and ftp://example.org": {{Text: "javascript://example.org and ftp://example.org"}},
	} {
		got := text.Linked(in)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}

func FuzzLinked(f *testing.F) {
	f.Add("See https://example.org/<b>\"x\".")
	f.Fuzz(func(t *testing.T, s string) {
		var all strings.Builder
		for _, p := range text.Linked(s) {
			all.WriteString(p.Text)
			if p.URL != "" && !strings.HasPrefix(strings.ToLower(p.URL), "http") {
				t.Errorf("%q has the address %q", s, p.URL)
			}
		}
		if all.String() != s {
			t.Errorf("%q became %q", s, all.String())
		}
	})
}
