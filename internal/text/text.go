// Package text holds the rules for texts that come from outside: what a database
// can keep, how the rest is mended, how a text is made shorter; and the few words
// that texts for people are made of: counts, lengths of time.
//
// PostgreSQL refuses NUL and bytes that are not UTF-8; SQLite would take both.
// So that the two engines keep the same, everything that is stored or looked up
// is Storable: a caller who can say what is wrong refuses other text, everybody
// else cleans it.
package text

import (
	"strings"
	"unicode/utf8"
)

// replacement stands where bytes were that are not UTF-8.
const replacement = "\uFFFD"

// Storable tells whether both engines can keep s: UTF-8 without NUL.
func Storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// Clean is s as both engines can keep it: a run of bytes that are not UTF-8
// becomes one replacement character (U+FFFD), and NUL is dropped.
func Clean(s string) string {
	if Storable(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, replacement), "\x00", "")
}

// Valid is s as text that is shown but not stored: a run of bytes that are not
// UTF-8 becomes one replacement character (U+FFFD).
func Valid(s string) string { return strings.ToValidUTF8(s, replacement) }

// OneLine is s, such as a name that was typed, in one line with one blank between
// each two words and none around.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Clip is the first n characters of s, cleaned.
func Clip(s string, n int) string {
	s = Clean(s)
	if !Longer(s, n) {
		return s
	}
	count := 0
	for i := range s {
		if count == n {
			return s[:i]
		}
		count++
	}
	return s
}

// Ellipsis is s where it has at most n characters, else the first n-1 of them and
// an ellipsis.
func Ellipsis(s string, n int) string {
	if !Longer(s, n) {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// ClipBytes is the beginning of s, cleaned, in at most n bytes of whole characters.
func ClipBytes(s string, n int) string {
	s = Clean(s)
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// CutLast cuts s around the last sep in it, as strings.Cut does around the first.
func CutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Longer tells whether s has more than n characters.
func Longer(s string, n int) bool { return len(s) > n && utf8.RuneCountInString(s) > n }
