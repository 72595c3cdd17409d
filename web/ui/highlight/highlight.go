// Package highlight marks the parts of code by colours.
package highlight

import (
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strings"
	"sync"
)

// dialect is how a language writes what is worth a colour.
type dialect struct {
	// its groups are named by the classes of css/parts.css
	find *regexp.Regexp
	// of the language, among what the group w finds
	words map[string]struct{}
}

// The parts of dialects, as groups of their expressions. Strings end in their
// line: an apostrophe in a text must not colour all that follows.
const (
	hashComment  = `(?m:(?P<c>(?:^|[ \t])#.*))`
	slashComment = `(?m:(?P<c>(?:^|[ \t])//.*))`
	quoted       = `(?P<s>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')`
	backquoted   = `(?P<s>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|` + "`[^`]*`)"
	variable     = `(?P<v>\$(?:\w+|\{[^}\n]*\}|[?!@#*]))`
	word         = `(?P<w>[A-Za-z_]+)`
	// The name before a colon or an equals sign, the title in brackets.
	key = `(?m:^(?:[ \t]|- )*(?P<v>[\w./-]+[ \t]*[:=]|\[\w+\]))`
)

// highlighter colours samples of code. The library for it, chroma, was tried: it
// knows hundreds of languages, and every process would be 21 MB larger for it
// (docs/performance.md).
// by the name of the language
type highlighter map[string]dialect

// colours is the highlighter, made when the first sample is shown.
var colours = sync.OnceValue(newHighlighter)

func newHighlighter() highlighter {
	of := func(words string, parts ...string) dialect {
		d := dialect{find: regexp.MustCompile(strings.Join(parts, "|")), words: map[string]struct{}{}}
		for w := range strings.FieldsSeq(words) {
			d.words[w] = struct{}{}
		}
		return d
	}
	shell := of("if then elif else fi for in do done while until case esac function local export set trap return exit", hashComment, quoted,
		variable, word)
	settings := of("", hashComment, key, quoted, variable)
	python := of(
		"import from as def return try except finally raise if elif else for in while with not and or is None True False pass lambda class",
		hashComment, quoted, word)
	golang := of("package import func return if else for range defer go var const type struct nil true false err", slashComment, backquoted,
		word)
	js := of(
		"const let var function async await return try catch finally throw if else for of in new import from export default null undefined "+
			"true false", slashComment, backquoted, word)
	clike := of(
		"using import package public private static final void class new var int string return try catch finally throw throws if else for "+
			"foreach in await async null true false", slashComment, quoted, word)
	php := of("function return try catch finally throw if else for foreach as new null true false static fn use echo array", slashComment,
		quoted, variable, word)
	ruby := of("require def end do begin rescue ensure raise if elsif else unless while return nil true false then class module", hashComment,
		quoted, word)
	powershell := of("function param try catch finally throw if else foreach for in return exit", hashComment, quoted, variable, word)
	json := of("", `(?P<v>"(?:\\.|[^"\\\n])*"):`, quoted)
	return highlighter{
		"": shell, "sh": shell, "bash": shell, "curl": shell, "crontab": shell,
		"ini": settings, "yaml": settings, "hcl": settings, "systemd": settings, "kubernetes": settings,
		"python": python, "go": golang, "js": js, "node": js, "csharp": clike, "java": clike, "json": json, "php": php, "ruby": ruby,
		"powershell": powershell,
	}
}

// Code is colours().highlight, for templates.
func Code(language, code string) template.HTML { return colours().highlight(language, code) }

// highlight writes code as HTML in which comments (c), strings (s), words of the
// language (w) and names (v) are marked. A language that is not known stays as
// it is.
func (h highlighter) highlight(language, code string) template.HTML {
	d, ok := h[language]
	if !ok {
		return template.HTML(html.EscapeString(code)) //nolint:gosec // escaped
	}
	names := d.find.SubexpNames()
	var out strings.Builder
	end := 0
	for _, m := range d.find.FindAllStringSubmatchIndex(code, -1) {
		for i := 1; i < len(names); i++ {
			from := m[2*i]
			to := m[2*i+1]
			if from < 0 {
				continue
			}
			_, ours := d.words[code[from:to]]
			if names[i] == "w" && !ours {
				continue
			}
			out.WriteString(html.EscapeString(code[end:from]))
			out.WriteString(`<i class="` + names[i] + `">` + html.EscapeString(code[from:to]) + `</i>`)
			end = to
		}
	}
	out.WriteString(html.EscapeString(code[end:]))
	return template.HTML(out.String()) //nolint:gosec // escaped
}

// Many tells whether a text, or HTML, has several lines.
func Many(text any) bool { return strings.Contains(fmt.Sprint(text), "\n") }
