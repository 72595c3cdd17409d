package badge

import (
	"unicode"

	"golang.org/x/text/width"
)

// widths are the advance widths of characters at 11 px, in tenths of a pixel, by
// the first of each range. They are those of DejaVu Sans 2.37 (its hmtx table,
// × 11 px ÷ 2048 units): a free font with the proportions of Verdana. Over a text
// the two differ by some 2 %, which textLength evens out. A 0 is a character that
// is not seen or not in the font. TestWidths holds the table against what
// Chromium measures.
var widths = []struct {
	first rune
	of    []uint8
}{
	{0x0020, []uint8{
		35, 44, 51, 92, 70, 105, 86, 30, 43, 43, 55, 92, 35, 40, 35, 37,
		70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 37, 37, 92, 92, 92, 58,
		110, 75, 75, 77, 85, 70, 63, 85, 83, 32, 32, 72, 61, 95, 82, 87,
		66, 87, 76, 70, 67, 81, 75, 109, 75, 67, 75, 43, 37, 43, 92, 55,
		55, 67, 70, 60, 70, 68, 39, 70, 70, 31, 31, 64, 31, 107, 70, 67,
		70, 70, 45, 57, 43, 70, 65, 90, 65, 65, 58, 70, 37, 70, 92,
	}},
	{0x00A0, []uint8{
		35, 44, 70, 70, 70, 70, 37, 55, 55, 110, 52, 67, 92, 0, 110, 55,
		55, 92, 44, 44, 55, 70, 70, 35, 55, 44, 52, 67, 107, 107, 107, 58,
		75, 75, 75, 75, 75, 75, 107, 77, 70, 70, 70, 70, 32, 32, 32, 32,
		85, 82, 87, 87, 87, 87, 87, 92, 87, 81, 81, 81, 81, 67, 67, 69,
		67, 67, 67, 67, 67, 67, 108, 60, 68, 68, 68, 68, 31, 31, 31, 31,
		67, 70, 67, 67, 67, 67, 67, 92, 67, 70, 70, 70, 70, 65, 70, 65,
		75, 67, 75, 67, 75, 67, 77, 60, 77, 60, 77, 60, 77, 60, 85, 70,
		85, 70, 70, 68, 70, 68, 70, 68, 70, 68, 70, 68, 85, 70, 85, 70,
		85, 70, 85, 70, 83, 70, 101, 76, 32, 31, 32, 31, 32, 31, 32, 31,
		32, 31, 65, 61, 32, 31, 72, 64, 64, 61, 31, 61, 31, 61, 41, 61,
		38, 62, 31, 82, 70, 82, 70, 82, 70, 89, 82, 70, 87, 67, 87, 67,
		87, 67, 118, 113, 76, 45, 76, 45, 76, 45, 70, 57, 70, 57, 70, 57,
		70, 57, 67, 43, 67, 43, 67, 43, 81, 70, 81, 70, 81, 70, 81, 70,
		81, 70, 81, 70, 109, 90, 67, 65, 67, 75, 58, 75, 58, 75, 58, 39,
	}},
	{0x0380, []uint8{
		0, 0, 0, 0, 55, 55, 76, 35, 82, 96, 45, 0, 89, 0, 91, 91,
		37, 75, 75, 61, 75, 70, 75, 83, 87, 32, 72, 75, 95, 82, 70, 87,
		83, 66, 0, 70, 67, 67, 87, 75, 87, 84, 32, 67, 73, 59, 70, 37,
		64, 73, 70, 65, 67, 59, 60, 70, 67, 37, 65, 65, 70, 61, 61, 67,
		66, 70, 65, 70, 66, 64, 73, 64, 73, 92, 37, 64, 67, 64, 92, 72,
	}},
	{0x0400, []uint8{
		70, 70, 86, 67, 77, 70, 32, 32, 32, 120, 115, 86, 78, 82, 67, 83,
		75, 75, 75, 67, 86, 70, 118, 71, 82, 82, 78, 83, 95, 83, 87, 83,
		66, 77, 67, 67, 95, 75, 85, 75, 118, 120, 92, 97, 75, 77, 119, 76,
		67, 68, 65, 58, 76, 68, 99, 58, 71, 71, 66, 70, 83, 72, 67, 72,
		70, 60, 64, 65, 94, 65, 75, 65, 101, 104, 78, 87, 65, 60, 93, 66,
		68, 68, 69, 58, 60, 57, 31, 31, 31, 99, 99, 72, 66, 71, 65, 72,
	}},
	{0x2010, []uint8{
		40, 40, 70, 55, 110, 110, 55, 55, 35, 35, 35, 35, 57, 57, 57, 57,
		55, 55, 65, 65, 37, 73, 110, 35,
	}},
}

// Widths of characters that are in no table, in tenths of a pixel.
const (
	// Chinese, Japanese, Korean: a square
	wideWidth = 110
	// as the colour fonts of most systems have them
	emojiWidth = 137
	// the average of the table
	unknownWidth = 73
)

// makes one picture of two emoji
const joiner = '\u200d'

// textWidth is the width of a text in whole pixels at 11 px, at least 1 where
// there is any.
func textWidth(text string) int {
	tenths := 0
	previous := rune(0)
	for _, r := range text {
		if previous != joiner {
			tenths += runeWidth(r)
		}
		previous = r
	}
	if text == "" {
		return 0
	}
	return max(1, (tenths+9)/10)
}

func runeWidth(r rune) int {
	for _, t := range widths {
		i := int(r - t.first)
		if i >= 0 && i < len(t.of) && t.of[i] > 0 {
			return int(t.of[i])
		}
	}
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), r >= 0x1F3FB && r <= 0x1F3FF:
		// accents, joiners, skin tones: on the character before
		return 0
	case r >= 0x1F1E6 && r <= 0x1F1FF:
		// half a flag
		return emojiWidth / 2
	case r >= 0x1F000 && r <= 0x1FAFF:
		return emojiWidth
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return wideWidth
	default:
		return unknownWidth
	}
}
