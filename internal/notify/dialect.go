package notify

import (
	"html"
	"punctual/internal/text"
	"regexp"
	"strings"
	"unicode"
)

// Dialect is a way to write a message down. Escape, Code and Pre take text as it is;
// Bold and Link take what is escaped already.
type Dialect struct {
	Escape func(s string) string
	Bold   func(escaped string) string
	Code   func(s string) string
	// a text of several lines as a program wrote it
	Pre  func(s string) string
	Link func(escaped, url string) string
	// Break ends a line, Paragraph ends several that belong together.
	Break, Paragraph string
}

func same(s string) string { return s }

// around puts a sign on both sides of what has something in it.
func around(before, after string) func(string) string {
	return func(s string) string {
		if strings.TrimSpace(s) == "" {
			return s
		}
		return before + s + after
	}
}

// PlainText has no markup at all.
func PlainText() *Dialect {
	return &Dialect{
		Escape: Clean, Bold: same, Code: Clean, Pre: Clean, Break: "\n", Paragraph: "\n\n",
		Link: func(label, url string) string { return label + ": " + url },
	}
}

// SMS is plain text of signs that every phone has, on as few lines as there can be.
func SMS() *Dialect {
	return &Dialect{
		Escape: GSM, Bold: same, Code: GSM, Pre: GSM, Break: "\n", Paragraph: "\n",
		Link: func(_, url string) string { return url },
	}
}

// HTML is what mails, Matrix and others take.
func HTML() *Dialect {
	escape := func(s string) string { return html.EscapeString(Clean(s)) }
	return &Dialect{
		Escape: escape, Bold: around("<b>", "</b>"), Break: "<br>\n", Paragraph: "<br>\n<br>\n",
		Code: func(s string) string { return "<code>" + escape(s) + "</code>" },
		Pre:  func(s string) string { return "<pre>" + escape(s) + "</pre>" },
		Link: func(label, url string) string { return `<a href="` + html.EscapeString(url) + `">` + label + "</a>" },
	}
}

// Telegram is the HTML of Telegram's bots, which knows no <br>.
func Telegram() *Dialect {
	d := HTML()
	d.Break = "\n"
	d.Paragraph = "\n\n"
	return d
}

// Slack is the mrkdwn of Slack. Its stars and underscores have no escape: an
// invisible sign before each keeps it from being one.
func Slack() *Dialect {
	entities := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	joiner := strings.NewReplacer("*", "\u034f*", "_", "\u034f_", "~", "\u034f~", "`", "\u034f`")
	escape := func(s string) string { return joiner.Replace(entities.Replace(Clean(s))) }
	raw := func(s string) string { return strings.ReplaceAll(entities.Replace(Clean(s)), "`", "\u02cb") }
	return &Dialect{
		Escape: escape, Bold: around("*", "*"), Break: "\n", Paragraph: "\n\n",
		Code: func(s string) string { return "`" + strings.ReplaceAll(raw(s), "\n", " ") + "`" },
		Pre:  func(s string) string { return "```\n" + raw(s) + "\n```" },
		Link: func(label, url string) string {
			return "<" + entities.Replace(url) + "|" + strings.ReplaceAll(label, "|", "¦") + ">"
		},
	}
}

var (
	// Signs that are markup anywhere in Markdown, also in that of GitHub, and those
	// that are at the beginning of a line.
	markdownSigns = regexp.MustCompile("[\\\\`*_~|\\[\\]<>#&]")
	lineStart     = regexp.MustCompile(`(?m)^(\s*)([-+=]|\d+[.)])`)
	mention       = regexp.MustCompile(`@`)
	backticks     = regexp.MustCompile("`+")
)

// escapeMarkdown puts a backslash before what would be markup, and parts what would
// call somebody.
func escapeMarkdown(s string) string {
	s = markdownSigns.ReplaceAllString(Clean(s), `\$0`)
	s = lineStart.ReplaceAllStringFunc(s, func(begin string) string {
		last := len(begin) - 1
		return begin[:last] + `\` + begin[last:]
	})
	s = mention.ReplaceAllString(s, "@\u200b")
	// An address that is not a link of ours stays text.
	return strings.ReplaceAll(s, "://", ":\u200b//")
}

// fence is a run of backticks that is longer than any in s, and at least of n.
func fence(s string, n int) string {
	for _, run := range backticks.FindAllString(s, -1) {
		n = max(n, len(run)+1)
	}
	return strings.Repeat("`", n)
}

// Markdown is what Mattermost, Zulip, Gotify, ntfy and others take.
func Markdown() *Dialect {
	return &Dialect{
		Escape: escapeMarkdown, Bold: around("**", "**"), Break: "\n", Paragraph: "\n\n",
		Code: func(s string) string {
			s = strings.ReplaceAll(Clean(s), "\n", " ")
			f := fence(s, 1)
			return f + " " + s + " " + f
		},
		Pre: func(s string) string {
			s = Clean(s)
			f := fence(s, 3)
			return f + "\n" + s + "\n" + f
		},
		Link: func(label, url string) string { return "[" + label + "](" + markdownURL(url) + ")" },
	}
}

func markdownURL(url string) string {
	return strings.NewReplacer("(", "%28", ")", "%29", " ", "%20", "<", "%3C", ">", "%3E", "\n", "").Replace(url)
}

// GitHub is the Markdown of issues, where two blanks at its end break a line.
func GitHub() *Dialect {
	d := Markdown()
	d.Break = "  \n"
	return d
}

// Discord is Markdown whose code blocks no run of backticks may end.
func Discord() *Dialect {
	d := Markdown()
	raw := func(s string) string { return strings.ReplaceAll(Clean(s), "`", "\u02cb") }
	d.Code = func(s string) string { return "`" + strings.ReplaceAll(raw(s), "\n", " ") + "`" }
	d.Pre = func(s string) string { return "```\n" + raw(s) + "\n```" }
	return d
}

// Teams is the Markdown of Adaptive Cards, where an empty line breaks a line; it has
// no code.
func Teams() *Dialect {
	d := Markdown()
	d.Break = "\n\n"
	d.Code = escapeMarkdown
	d.Pre = func(s string) string { return strings.ReplaceAll(escapeMarkdown(s), "\n", "\n\n") }
	return d
}

// Clean is s as every provider takes it: UTF-8 without control characters but for
// line breaks and tabs, and without those that turn the direction of what follows.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return -1
		}
		return printable(r)
	}, text.Valid(s))
}

// gsmSigns are those of the 7-bit alphabet of mobile phones beyond ASCII letters and
// digits; asciiFor has what stands for others.
const gsmSigns = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà\n^{}\\[~]|€"

var asciiFor = strings.NewReplacer(
	"’", "'", "‘", "'", "`", "'",
	"“", `"`, "”", `"`, "„", `"`,
	"–", "-", "—", "-", "−", "-",
	"…", "...", "▼", "DOWN", "▲", "UP", "\t", " ",
)

// GSM is s in the 7-bit alphabet of mobile phones: a sign that it does not have is
// replaced by a similar one, or by a question mark.
func GSM(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)), strings.ContainsRune(gsmSigns, r):
			return r
		case unicode.IsControl(r), unicode.IsMark(r):
			return -1
		default:
			return '?'
		}
	}, asciiFor.Replace(Clean(s)))
}
