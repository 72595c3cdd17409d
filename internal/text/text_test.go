package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"punctual/internal/text"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":              "",
		"plain":         "plain",
		"é\n\t":         "é\n\t",
		"a\x00b":        "ab",
		"a\xff\xfeb":    "a\uFFFDb",
		"\x00\xff\x00":  "\uFFFD",
		"\xed\xa0\x80x": "\uFFFDx",
	} {
		got := text.Clean(in)
		if got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
		if got := text.Storable(in); got != (in == want) {
			t.Errorf("Storable(%q) = %t", in, got)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		in    string
		n     int
		runes string
		bytes string
	}{
		{"abc", 3, "abc", "abc"},
		{"abcd", 3, "abc", "abc"},
		{"ééé", 2, "éé", "é"},
		{"ééé", 3, "ééé", "é"},
		{"a\x00bcd", 3, "abc", "abc"},
		{"😀😀", 1, "😀", ""},
		{"abc", 0, "", ""},
	} {
		got := text.Clip(c.in, c.n)
		if got != c.runes {
			t.Errorf("Clip(%q, %d) = %q, want %q", c.in, c.n, got, c.runes)
		}
		if got := text.ClipBytes(c.in, c.n); got != c.bytes {
			t.Errorf("ClipBytes(%q, %d) = %q, want %q", c.in, c.n, got, c.bytes)
		}
	}
}

func TestEllipsis(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 1, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"ééé", 3, "ééé"},
		{"éééé", 3, "éé…"},
		{"ab", 1, "…"},
	} {
		got := text.Ellipsis(c.in, c.n)
		if got != c.want {
			t.Errorf("Ellipsis(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func TestCutLast(t *testing.T) {
	for _, c := range []struct {
		in, before, after string
		found             bool
	}{
		{"", "", "", false},
		{"abc", "abc", "", false},
		{"a.b.c", "a.b", "c", true},
		{".", "", "", true},
	} {
		before, after, found := text.CutLast(c.in, ".")
		if before != c.before || after != c.after || found != c.found {
			t.Errorf("CutLast(%q) = %q, %q, %t", c.in, before, after, found)
		}
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{"": "", " \n": "", "a": "a", " a \t\r\n b ": "a b", "a\u00a0b": "a b", "é  é": "é é"} {
		got := text.OneLine(in)
		if got != want {
			t.Errorf("OneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestValid(t *testing.T) {
	for in, want := range map[string]string{"": "", "é\x00": "é\x00", "a\xff\xfeb": "a\uFFFDb"} {
		got := text.Valid(in)
		if got != want {
			t.Errorf("Valid(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\x00\xffé", 2)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = min(max(n, 0), 1000)
		for _, got := range []string{text.Clean(s), text.Clip(s, n), text.ClipBytes(s, n)} {
			if !text.Storable(got) {
				t.Fatalf("%q is not storable", got)
			}
		}
		got := utf8.RuneCountInString(text.Clip(s, n))
		if got > n {
			t.Fatalf("%d characters, want at most %d", got, n)
		}
		if got := text.ClipBytes(s, n); len(got) > n || !strings.HasPrefix(text.Clean(s), got) {
			t.Fatalf("%q is not the beginning of %q in %d bytes", got, s, n)
		}
		if text.Longer(s, n) != (utf8.RuneCountInString(s) > n) {
			t.Fatalf("Longer(%q, %d) is wrong", s, n)
		}
	})
}
