package web

import (
	"html"
	"html/template"
	"strings"
	"sync"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

// dialects are the names our samples use for languages that chroma knows by
// another one, or does not know.
var dialects = map[string]string{"": "bash", "crontab": "bash", "curl": "bash", "systemd": "ini", "kubernetes": "yaml", "node": "js"}

// highlighter colours samples of code. It remembers the last it was asked for:
// the reference of the API has a hundred, the same for everybody.
type highlighter struct {
	mu   sync.Mutex
	done map[sample]template.HTML
}

type sample struct{ language, code string }

// maxSamples bounds what is remembered; beyond it memory begins anew.
const maxSamples = 1000

func newHighlighter() *highlighter { return &highlighter{done: make(map[sample]template.HTML)} }

// highlight writes code as HTML in which comments (c), strings (s), words of the
// language (w) and names (v) are marked, by the classes of css/40-parts.css. A
// language that is not known stays as it is.
func (h *highlighter) highlight(language, code string) template.HTML {
	key := sample{language, code}
	h.mu.Lock()
	out, ok := h.done[key]
	h.mu.Unlock()
	if ok {
		return out
	}
	out = colour(language, code)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.done) >= maxSamples {
		clear(h.done)
	}
	h.done[key] = out
	return out
}

func colour(language, code string) template.HTML {
	if known, ok := dialects[language]; ok {
		language = known
	}
	plain := template.HTML(html.EscapeString(code)) //nolint:gosec // escaped
	lexer := lexers.Get(language)
	if lexer == nil {
		return plain
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(&chroma.TokeniseOptions{State: "root"}, code)
	if err != nil {
		return plain
	}
	var out strings.Builder
	rest := code
	for _, token := range tokens.Tokens() {
		value := token.Value[:min(len(token.Value), len(rest))] // some lexers end the last line
		if !strings.HasPrefix(rest, value) {
			return plain // what is copied is what was written
		}
		rest = rest[len(value):]
		text := html.EscapeString(value)
		if class := classOf(token.Type); class != "" && strings.TrimSpace(text) != "" {
			text = `<i class="` + class + `">` + text + `</i>`
		}
		out.WriteString(text)
	}
	return template.HTML(out.String()) //nolint:gosec // escaped
}

// classOf is the class of a kind of token, "" for the text of the page.
func classOf(t chroma.TokenType) string {
	switch {
	case t.InCategory(chroma.Comment):
		return "c"
	case t.InSubCategory(chroma.LiteralString):
		return "s"
	case t.InCategory(chroma.Keyword):
		return "w"
	case t == chroma.NameVariable, t == chroma.NameTag, t == chroma.NameAttribute:
		return "v"
	}
	return ""
}
