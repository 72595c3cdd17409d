package inbound

import (
	"strings"

	"punctual/internal/text"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText is the text a reader of the HTML sees, a line for each block. The
// addresses of links are not part of it: a keyword in one is not what the
// writer said.
func htmlText(source string) string {
	var out strings.Builder
	// inside of an element that is not shown
	hidden := atom.Atom(0)
	for z := html.NewTokenizer(strings.NewReader(source)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return tidy(out.String())
		case html.TextToken:
			if hidden == 0 {
				out.WriteString(strings.ReplaceAll(html.UnescapeString(string(z.Raw())), "\n", " "))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := tagOf(z)
			if hidden == 0 && isHidden(tag) {
				hidden = tag
			}
			if isBlock(tag) {
				out.WriteByte('\n')
			} else if tag == atom.Td || tag == atom.Th {
				out.WriteByte(' ')
			}
		case html.EndTagToken:
			tag := tagOf(z)
			if tag == hidden {
				hidden = 0
			}
			if isBlock(tag) {
				out.WriteByte('\n')
			}
		}
	}
}

func tagOf(z *html.Tokenizer) atom.Atom {
	name, _ := z.TagName()
	return atom.Lookup(name)
}

func isHidden(a atom.Atom) bool {
	return a == atom.Script || a == atom.Style || a == atom.Title || a == atom.Template
}

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.Address, atom.Article, atom.Blockquote, atom.Br, atom.Dd, atom.Div, atom.Dl, atom.Dt, atom.Footer, atom.H1, atom.H2,
		atom.H3, atom.H4, atom.H5, atom.H6, atom.Header, atom.Hr, atom.Li, atom.Main, atom.Ol, atom.P, atom.Pre, atom.Section, atom.Table,
		atom.Tr, atom.Ul:
		return true
	}
	return false
}

// tidy folds blanks and drops empty lines.
func tidy(s string) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		line = text.OneLine(line)
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
