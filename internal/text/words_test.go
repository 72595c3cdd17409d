package text_test

import (
	"testing"

	"punctual/internal/text"
)

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 checks", 1: "1 check", 2: "2 checks", -1: "-1 checks"} {
		got := text.Plural(n, "check", "checks")
		if got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestUpperFirst(t *testing.T) {
	for in, want := range map[string]string{"": "", "a": "A", "monthly report": "Monthly report", "über": "Über", "Down": "Down",
		"3 checks": "3 checks", "\xffa": "\xffa"} {
		got := text.UpperFirst(in)
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{"": "", "check not found": "Check not found.", "Gone.": "Gone.", "really?": "Really?",
		"and so on…": "And so on…", "one\xc2": "One\xc2."} {
		got := text.Sentence(in)
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestIsASCII(t *testing.T) {
	for in, want := range map[string]bool{"": true, "a@example.org": true, "\x7f": true, "bücher": false, "\x80": false} {
		got := text.IsASCII(in)
		if got != want {
			t.Errorf("%q: %t", in, got)
		}
	}
}
