package punctual_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// elsewhere is a reference to a document that the repository does not have.
var elsewhere = regexp.MustCompile(`(^|[^./[:alnum:]])([Cc]ontract|[Cc]onformance)(\.md)? §|` +
	`(DESIGN|STYLE|WEB-ROOMS|DEPENDENCIES|features|integrations)(\.md)? ?§|conformance_cases|\bSTYLE\b|WEB-ROOMS|/work/shared`)

// Whoever has the repository has all that its comments refer to.
func TestCommentsReferToWhatIsHere(t *testing.T) {
	t.Parallel()
	kinds := []string{".go", ".js", ".css", ".html", ".yml", ".yaml", ".sh", ".md"}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "testdata" || name == "docs" || name == "artifacts" || len(name) > 1 && name[0] == '.') {
			return fs.SkipDir
		}
		if !slices.Contains(kinds, filepath.Ext(path)) || path == "architecture_words_test.go" {
			return nil
		}
		text, err := os.ReadFile(path)
		for i, line := range strings.Split(string(text), "\n") {
			if found := elsewhere.FindString(line); found != "" {
				t.Errorf("%s:%d: %q refers to a document that is not in the repository", path, i+1, found)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
