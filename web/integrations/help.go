package integrations

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"punctual/internal/notify"
)

// help is the help of the form of a kind, "" where there is none. It is
// the text of templates/integrations/<kind>.md, which is also the page of the kind in
// the documentation.
func (s *Pages) help(k *notify.Kind) (template.HTML, error) {
	raw, err := fs.ReadFile(s.Templates, "integrations/"+k.Name+".md")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("help of %s: %w", k.Label, err)
	}
	// The form has a title already.
	_, body, _ := strings.Cut(string(raw), "\n\n")
	var out bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.Table)).Convert([]byte(body), &out); err != nil {
		return "", fmt.Errorf("help of %s: %w", k.Label, err)
	}
	// Links of the documentation are below its own address, and tables may be wide.
	html := strings.NewReplacer(
		`href="../`, `href="`+s.Path("/docs/"), "<table>", `<div class="scroll" tabindex="0"><table>`, "</table>", "</table></div>",
	).Replace(out.String())
	return template.HTML(html), nil //nolint:gosec // our own text
}
