package text

import (
	"regexp"
	"sync"

	"mvdan.cc/xurls/v2"
)

// Part is a piece of a text: a link where it has a URL.
type Part struct {
	Text string
	// "" = plain text; else an address that begins with http:// or https://
	URL string
}

// addresses finds what begins with http:// or https://, without a full stop or a bracket that belongs to the sentence.
var addresses = sync.OnceValues(func() (*regexp.Regexp, error) { return xurls.StrictMatchingScheme(`https?://`) })

// Linked divides a text into plain parts and addresses of the web, in their order; nil of "". Together the texts of the
// parts are the text.
func Linked(s string) []Part {
	if s == "" {
		return nil
	}
	find, err := addresses()
	if err != nil {
		return []Part{{Text: s}}
	}
	var parts []Part
	end := 0
	for _, at := range find.FindAllStringIndex(s, -1) {
		if at[0] > end {
			parts = append(parts, Part{Text: s[end:at[0]]})
		}
		address := s[at[0]:at[1]]
		parts = append(parts, Part{Text: address, URL: address})
		end = at[1]
	}
	if end < len(s) {
		parts = append(parts, Part{Text: s[end:]})
	}
	return parts
}
