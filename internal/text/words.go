package text

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Plural is the number with the word that fits it: "1 check", "2 checks".
func Plural(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + several
}

// UpperFirst is s with a capital at its beginning.
func UpperFirst(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if first == utf8.RuneError {
		return s
	}
	return strings.ToUpper(string(first)) + s[n:]
}

// Sentence is s with a capital at its beginning and a full stop at its end, unless
// it ends like a sentence already; "" stays.
func Sentence(s string) string {
	s = UpperFirst(s)
	if s == "" || strings.HasSuffix(s, "…") || strings.IndexByte(".!?:", s[len(s)-1]) >= 0 {
		return s
	}
	return s + "."
}

// IsASCII tells whether all of s is ASCII.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
