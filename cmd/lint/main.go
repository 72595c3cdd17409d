// Command lint refuses what makes code slow to read and what no linter of golangci-lint finds: comments at the ends of
// lines, several assignments in one statement, lines that are too long. `make lint` runs it over the whole tree.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run checks the directory that args name, "." when they name none, prints what it finds to out, and returns the exit
// status: 0, 1 when something was found, 2 when the tree cannot be read.
func run(args []string, out, errOut io.Writer) int {
	root := "."
	if len(args) > 0 {
		root = args[0]
	}
	findings, err := tree(root)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 2
	}
	for _, f := range findings {
		fmt.Fprintln(out, f)
	}
	if len(findings) > 0 {
		return 1
	}
	return 0
}

// A finding is a line that is refused, and why.
type finding struct {
	file string
	line int
	why  string
}

// String is "web/page.go:12: why", as compilers write it.
func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.why) }

// tree checks all Go files and HTML templates below root.
func tree(root string) ([]finding, error) {
	var all []finding
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != root {
			return skip(d.Name())
		}
		var check func(file, text string) ([]finding, error)
		switch filepath.Ext(file) {
		case ".go":
			check = goFile
		case ".html":
			check = template
		default:
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		found, err := check(file, string(text))
		all = append(all, found...)
		return err
	})
	return all, err
}

// skip leaves out directories that hold nothing of ours.
func skip(dir string) error {
	hidden := len(dir) > 1 && strings.HasPrefix(dir, ".")
	if hidden || dir == "testdata" || dir == "artifacts" || dir == "bin" {
		return fs.SkipDir
	}
	return nil
}
