package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"punctual/internal/db"
	"punctual/templates"
)

// TestDocumentedCommands runs what our documentation tells people to run.
func TestDocumentedCommands(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		users := make(map[string]func(*user))
		for _, page := range []string{"crontab", "signalling", "clients"} {
			users[page] = func(u *user) { followPage(u, page) }
		}
		withUsers(t, engine, users)
	})
}

// example is a block of code of a page.
type example struct {
	language string
	code     string
}

// interpreters run an example of a language. Others, configurations for
// instance, are not run.
func interpreters() map[string][]string {
	return map[string][]string{
		"sh": {"sh", "-ec"}, "python": {"python3", "-c"}, "js": {"node", "--input-type=module", "-e"},
		"php": {"php", "-r"}, "ruby": {"ruby", "-e"},
	}
}

// followPage runs all examples of a page. Each that pings must be heard.
func followPage(u *user, page string) {
	required(u.T, "curl")
	required(u.T, "wget")
	raw, err := templates.FS.ReadFile("docs/" + page + ".md")
	if err != nil {
		u.Fatal(err)
	}
	job := filepath.Join(u.TempDir(), "backup.sh")
	if err := os.WriteFile(job, []byte("#!/bin/sh\necho 1,203 rows copied\nexit $1\n"), 0o700); err != nil { //nolint:gosec // it is run
		u.Fatal(err)
	}
	c := u.check()
	fill := strings.NewReplacer("PING_URL", c.URL, "PING_ENDPOINT", u.site("/ping/"), "PING_BASE", u.site("/ping"), "SITE_ROOT", u.site(""),
		"your-uuid-here", c.UUID, "your-ping-key", u.PingKey, "your-api-key", u.APIKey, "your-read-only-key", u.APIKeyReadonly,
		// it pings when the job fails
		"/usr/local/bin/backup.sh ||", job+" 1 ||",
		"/usr/local/bin/backup.sh", job, "$(uuidgen)", "$(cat /proc/sys/kernel/random/uuid)")
	ran := 0
	for _, e := range examplesOf(raw) {
		interpreter := interpreters()[e.language]
		if interpreter == nil {
			continue
		}
		ran++
		u.Run(e.language, func(t *testing.T) {
			optional(t, interpreter[0])
			if strings.Contains(e.code, "import requests") && !hasRequests(t) {
				t.Skip("Python has no requests")
			}
			before := c.load().NPings
			code, output := program(t, t.TempDir(), interpreter[0], append(interpreter[1:], fill.Replace(e.code))...)
			if code != 0 {
				t.Fatalf("exit %d\n%s\n%s", code, e.code, output)
			}
			if strings.Contains(e.code, "PING_URL") && c.load().NPings == before {
				t.Errorf("no ping came from\n%s\n%s", e.code, output)
			}
		})
	}
	if ran == 0 {
		u.Error("the page has no example to run")
	}
}

func hasRequests(t *testing.T) bool {
	code, _ := program(t, t.TempDir(), "python3", "-c", "import requests")
	return code == 0
}

var (
	cronFields = regexp.MustCompile(`^[\d*/,-]+ [\d*/,-]+ [\d*/,-]+ [\d*/,-]+ [\d*/,-]+ `)
	requestURL = regexp.MustCompile(`^PING_ENDPOINT`)
)

// examplesOf are the blocks of code of a page; a line of a crontab is an example of its
// own, without the fields of its schedule.
func examplesOf(page []byte) (all []example) {
	ast.Walk(goldmark.New().Parser().Parse(text.NewReader(page)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.FencedCodeBlock:
			all = append(all, example{string(n.Language(page)), code(n.Lines(), page)})
		case *ast.CodeBlock:
			all = append(all, indented(code(n.Lines(), page))...)
		}
		return ast.WalkContinue, nil
	})
	return all
}

func code(lines *text.Segments, page []byte) string {
	var b strings.Builder
	for i := range lines.Len() {
		line := lines.At(i)
		b.Write(line.Value(page))
	}
	return b.String()
}

// indented tells the language of a block that does not say it.
func indented(code string) (all []example) {
	switch {
	case cronFields.MatchString(code):
		for line := range strings.Lines(code) {
			all = append(all, example{"sh", cronFields.ReplaceAllString(line, "")})
		}
	case strings.HasPrefix(code, "import "):
		all = append(all, example{"python", code})
	case strings.HasPrefix(code, "Invoke-"):
	case requestURL.MatchString(code):
		all = append(all, example{"sh", "curl -fsS '" + strings.TrimSpace(code) + "?create=1'"})
	default:
		all = append(all, example{"sh", code})
	}
	return all
}
