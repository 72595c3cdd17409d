package check

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"punctual/internal/monitor"
	"punctual/templates"
)

// retrying is an option of curl without the one that makes it try again when the
// connection is refused, as it is while a server restarts.
var retrying = regexp.MustCompile(`--retry \d+( [^-|]| --[^r]|$)`)

func TestEveryRetryOutlastsARestart(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, e := range examplesFor("URL", "me@host.example", &monitor.Check{}) {
		texts["example "+e.ID] = e.Code
	}
	collect := func(root fs.FS, under string) {
		err := fs.WalkDir(root, ".", func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".md") && !strings.HasSuffix(path, ".html") {
				return err
			}
			raw, err := fs.ReadFile(root, path)
			texts[under+path] = string(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	collect(templates.FS, "templates/")
	collect(os.DirFS("../../docs"), "docs/")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	texts["README.md"] = string(readme)
	for name, text := range texts {
		for line := range strings.Lines(text) {
			if retrying.MatchString(strings.ReplaceAll(line, "`--retry", "")) {
				t.Errorf("%s: --retry without --retry-connrefused: %s", name, line)
			}
		}
	}
}

// sample is a piece of code that pings PING_URL, of the page of a check or of the
// documentation.
type sample struct {
	name     string
	language string
	code     string
}

// The seconds that the samples wait before each try, as most languages and as shells
// write them.
const (
	pauses      = "0, 1, 2, 4, 8, 16"
	shellPauses = "0 1 2 4 8 16"
)

var fenced = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")

// samples are those of the page of a check, and those of the documentation that try
// again by themselves.
func samples(t *testing.T) (all []sample) {
	t.Helper()
	for _, e := range examplesFor("PING_URL", "", &monitor.Check{}) {
		s := sample{name: e.ID, language: e.ID, code: strings.TrimPrefix(e.Code, "0 3 * * * ")}
		switch e.ID {
		case "crontab", "curl":
			s.language = "sh"
		case "kubernetes":
			_, script, _ := strings.Cut(e.Code, "- |\n")
			s.language = "sh"
			s.code = script
		case "go":
			s.code = goProgram(e.Code)
		}
		all = append(all, s)
	}
	pages, err := fs.Glob(templates.FS, "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		raw, err := fs.ReadFile(templates.FS, page)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range fenced.FindAllStringSubmatch(string(raw), -1) {
			code := strings.ReplaceAll(block[2], "$PING/", "PING_URL/")
			if strings.Contains(code, pauses) || strings.Contains(code, shellPauses) || strings.Contains(code, "Retry(") {
				all = append(all, sample{fmt.Sprintf("%s, block %d", page, i+1), block[1], code})
			}
		}
	}
	return all
}

// goProgram makes a program of an example that is a part of one.
func goProgram(code string) string {
	ping, rest, _ := strings.Cut(code, "\nping(")
	return "package main\n\nimport (\n\t\"log\"\n\t\"net/http\"\n\t\"time\"\n)\n\n" + ping +
		"\nfunc work() error { return nil }\n\nfunc main() {\nping(" + rest + "\n}\n"
}

// The languages that nothing runs here have the same rule as the others.
func TestEveryLoopOfAnExampleHasTheSameRule(t *testing.T) {
	t.Parallel()
	loop := regexp.MustCompile(`\b1,? 2,? 4,? 8,? 16\b`)
	for _, s := range samples(t) {
		if !loop.MatchString(s.code) {
			continue
		}
		before, _, found := strings.Cut(s.code, pauses)
		if !found {
			before, _, found = strings.Cut(s.code, shellPauses)
		}
		if !found || strings.Contains(before, "leep") {
			t.Errorf("%s does not wait before each try", s.name)
		}
		if !strings.Contains(s.code, "429") && !strings.Contains(s.code, "TooManyRequests") {
			t.Errorf("%s does not repeat a ping that was refused with 429", s.name)
		}
	}
}

// The panel of a page 1280 pixels wide has room for some 130 characters.
func TestTheExamplesFitThePage(t *testing.T) {
	t.Parallel()
	url := "https://punctual.example.org/ping/6c1f3f0e-8b7a-4d7e-9a53-0d3f2c1b4a5e"
	for _, e := range examplesFor(url, "", &monitor.Check{}) {
		// One line is not scrolled but broken.
		if !strings.Contains(e.Code, "\n") {
			continue
		}
		for line := range strings.Lines(e.Code) {
			n := len(strings.ReplaceAll(line, "\t", "        "))
			if n > 125 {
				t.Errorf("%s: a line of %d characters: %s", e.ID, n, line)
			}
		}
	}
}
