package docs

import (
	"bytes"
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"

	"punctual/internal/monitor"
	"punctual/internal/text"
	"punctual/web/apidoc"
	"punctual/web/ui"
)

// docSection is a heading of a page with the text up to the next one: what a
// search finds.
type docSection struct {
	// "" = the beginning of the page
	Anchor  string
	Heading string
	// without markup, blanks folded
	Text string
}

// sectionsOf divides a page by its headings.
func sectionsOf(title string, tree ast.Node, source []byte) []docSection {
	sections := []docSection{{Heading: title}}
	for n := tree.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if ok {
			id, _ := h.AttributeString("id")
			anchor, _ := id.([]byte)
			sections = append(sections, docSection{Anchor: string(anchor), Heading: plainText(h, source)})
			continue
		}
		last := &sections[len(sections)-1]
		last.Text = strings.TrimSpace(last.Text + " " + plainText(n, source))
	}
	return sections
}

// plainText is what a reader sees of a node.
func plainText(n ast.Node, source []byte) string {
	var b bytes.Buffer
	// our function never fails
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			if n.Type() == ast.TypeBlock || n.Kind() == east.KindTableCell {
				b.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(source))
			if n.SoftLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			for i := range n.Lines().Len() {
				line := n.Lines().At(i)
				b.Write(line.Value(source))
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// apiSections are what a search finds in the reference of the API.
func apiSections(ref *apidoc.Reference) []docSection {
	sections := []docSection{{Heading: apiDoc().Title, Text: apiDoc().Lead}}
	for _, g := range ref.Groups {
		for i := range g.Operations {
			op := &g.Operations[i]
			path := strings.ReplaceAll(string(op.Path), "<wbr>", "")
			sections = append(sections, docSection{Anchor: op.Anchor, Heading: op.Summary, Text: op.Method + " " + path})
		}
	}
	return sections
}

const (
	maxDocHits = 12
	// of a search
	maxDocWords = 8
	// characters
	snippetLength = 180
	// characters shown before the first word found
	snippetsBefore = 60
)

// docHit is a place that a search found.
type docHit struct {
	// /docs/crontab/#tell-about-failures-at-once
	Path string
	// title
	Page    string
	Heading template.HTML
	Snippet template.HTML

	score int
}

type docsSearchPage struct {
	docsFrame
	Hits []docHit
}

// Search answers GET /docs/search/?q=.
func (s *Pages) Search(w http.ResponseWriter, r *http.Request) error {
	frame, err := s.docsFrame("Search the documentation")
	if err != nil {
		return err
	}
	m := &docsSearchPage{docsFrame: frame}
	m.Query = text.Clip(strings.Join(strings.Fields(ui.Field(r, "q")), " "), monitor.MaxDocSearchLength)
	m.Hits = searchDocs(m.Groups, m.Query)
	return s.Render(w, r, http.StatusOK, "docs/search", m)
}

// searchDocs finds the sections that have all terms of the query, the best
// first: words in the title of a page weigh more than those in a heading, these
// more than those in the text.
func searchDocs(groups []docGroup, query string) []docHit {
	terms := searchTerms(query)
	if len(terms) == 0 {
		return nil
	}
	words := slices.Concat(terms...)
	var hits []docHit
	for _, g := range groups {
		for i := range g.Docs {
			d := &g.Docs[i]
			for _, sec := range d.Sections {
				score := scoreOf(d, &sec, terms)
				if score == 0 {
					continue
				}
				path := "/docs/" + d.Name + "/"
				if sec.Anchor != "" {
					path += "#" + sec.Anchor
				}
				hits = append(hits, docHit{Path: path, Page: d.Title, Heading: marked(sec.Heading, words),
					Snippet: marked(snippet(sec.Text, words), words), score: score})
			}
		}
	}
	slices.SortStableFunc(hits, func(a, b docHit) int { return cmp.Compare(b.score, a.score) })
	return hits[:min(len(hits), maxDocHits)]
}

// scoreOf is 0 when a term is nowhere. What stands in the page's title counts
// for its beginning only, else one page would fill the answer.
func scoreOf(d *doc, sec *docSection, terms []term) int {
	total := 0
	for _, t := range terms {
		best := 0
		inTitle := false
		for i, w := range t {
			// a synonym is as good as the word, but for pages that have both
			score := 2 * scoreOfWord(d, sec, w)
			if i > 0 && score > 0 {
				score--
			}
			best = max(best, score)
			inTitle = inTitle || wordsIn(d.Title, w) > 0
		}
		if best == 0 && !inTitle {
			return 0
		}
		total += best
	}
	return total
}

// scoreOfWord weighs whole words more than those that w is the beginning of.
func scoreOfWord(d *doc, sec *docSection, w string) int {
	score := min(wordsIn(sec.Text, w), 5)
	if sec.Anchor == "" {
		return score + 10*wordsIn(d.Title, w) + 10*wholeWordsIn(d.Title, w) + 8*min(wordsIn(d.Lead+" "+d.Name, w), 1)
	}
	return score + 6*min(wordsIn(sec.Heading, w), 1) + 6*min(wholeWordsIn(sec.Heading, w), 1)
}

// wholeWordsIn counts the words of text that are w or its plural.
func wholeWordsIn(text, w string) (n int) {
	eachWord(text, w, func(from, to int) bool {
		if stem(text[from:to]) == text[from:from+len(w)] {
			n++
		}
		return true
	})
	return n
}

// wordsIn counts the words of text that begin with w.
func wordsIn(text, w string) (n int) {
	eachWord(text, w, func(int, int) bool { n++; return true })
	return n
}

// eachWord calls f with the place of each word that begins with w, whatever its
// case, until f returns false.
func eachWord(text, w string, f func(from, to int) bool) {
	inWord := false
	from := 0
	check := func(to int) bool {
		if !inWord || to-from < len(w) || !strings.EqualFold(text[from:from+len(w)], w) {
			return true
		}
		return f(from, to)
	}
	for i, r := range text {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		switch {
		case letter && !inWord:
			inWord = true
			from = i
		case !letter && inWord:
			if !check(i) {
				return
			}
			inWord = false
		}
	}
	check(len(text))
}

// snippet is a part of all with the first of the words in it.
func snippet(all string, words []string) string {
	first := len(all)
	for _, w := range words {
		eachWord(all, w, func(from, _ int) bool { first = min(first, from); return false })
	}
	if first == len(all) {
		first = 0
	}
	begin := first
	for n := 0; begin > 0 && n < snippetsBefore; n++ {
		_, size := utf8.DecodeLastRuneInString(all[:begin])
		begin -= size
	}
	if begin > 0 {
		blank := strings.IndexByte(all[begin:first], ' ')
		if blank >= 0 {
			begin += blank + 1
		}
	}
	part := text.Clip(all[begin:], snippetLength)
	end := begin + len(part)
	if end < len(all) {
		part = strings.TrimRight(part[:max(strings.LastIndexByte(part, ' '), 0)], " ,;:") + " …"
	}
	if begin > 0 {
		part = "… " + part
	}
	return part
}

// marked is text with the words in <mark>.
func marked(text string, words []string) template.HTML {
	type span struct{ from, to int }
	var spans []span
	for _, w := range words {
		eachWord(text, w, func(from, to int) bool { spans = append(spans, span{from, to}); return true })
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	at := 0
	for _, sp := range spans {
		// found by two words
		if sp.from < at {
			continue
		}
		b.WriteString(template.HTMLEscapeString(text[at:sp.from]))
		b.WriteString("<mark>" + template.HTMLEscapeString(text[sp.from:sp.to]) + "</mark>")
		at = sp.to
	}
	b.WriteString(template.HTMLEscapeString(text[at:]))
	return template.HTML(b.String()) //nolint:gosec // escaped
}
