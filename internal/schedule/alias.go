package schedule

import (
	"slices"
	"strings"
)

// aliases are the words of crontabs for five fields, in the order they are shown.
var aliases = []struct{ word, fields string }{
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"},
}

// aliasFields returns the five fields that an alias of cron stands for. Blanks
// around it do not matter, its letter case does.
func aliasFields(expr string) (fields string, ok bool) {
	expr = strings.TrimSpace(expr)
	for _, a := range aliases {
		if a.word == expr {
			return a.fields, true
		}
	}
	return "", false
}

// withoutBlankLines drops the lines that hold nothing.
func withoutBlankLines(text string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
	return strings.Join(lines, "\n")
}
