package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"unicode/utf8"
)

// The longest lines, in characters; a tab is one.
const (
	maxGoLine       = 140
	maxTemplateLine = 160
)

// A line with a string of so many characters may be as long as it takes: a statement of SQL, a sentence, a document in
// a test are harder to read in pieces.
const longString = 40

// goFile checks a Go file. Generated files pass.
func goFile(file, text string) ([]finding, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(f) {
		return nil, nil
	}
	lines := strings.Split(text, "\n")
	var all []finding
	add := func(pos token.Pos, why string) {
		all = append(all, finding{file, fset.Position(pos).Line, why})
	}
	for _, group := range f.Comments {
		for _, c := range group.List {
			if trailing(fset.Position(c.Pos()), lines) && !directive(c.Text) {
				add(c.Pos(), "a comment stands above what it explains, not behind it")
			}
		}
	}
	loops := loopHeaders(f)
	ast.Inspect(f, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if ok && len(a.Rhs) > 1 && !loops[a] && !swap(a) {
			add(a.Pos(), "one assignment a line")
		}
		return true
	})
	free := stringLines(fset, f)
	for i, line := range lines {
		if length := utf8.RuneCountInString(line); length > maxGoLine && !free[i+1] {
			all = append(all, finding{file, i + 1, fmt.Sprintf("%d characters, a line has at most %d", length, maxGoLine)})
		}
	}
	return all, nil
}

// trailing tells whether there is code before the position in its line.
func trailing(pos token.Position, lines []string) bool {
	return strings.TrimSpace(lines[pos.Line-1][:pos.Column-1]) != ""
}

// directive tells whether a comment is for a tool, which wants it where it is.
func directive(comment string) bool {
	return strings.HasPrefix(comment, "//nolint") || strings.HasPrefix(comment, "//go:")
}

// loopHeaders are the assignments in the headers of for loops.
func loopHeaders(f *ast.File) map[ast.Stmt]bool {
	headers := map[ast.Stmt]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if loop, ok := n.(*ast.ForStmt); ok {
			headers[loop.Init] = true
			headers[loop.Post] = true
		}
		return true
	})
	return headers
}

// swap tells whether two variables exchange their values, or each takes up what
// the one before it had: it needs one statement. So it is whenever a value
// mentions what the same statement assigns.
func swap(a *ast.AssignStmt) bool {
	for _, left := range a.Lhs {
		name := types.ExprString(left)
		for _, right := range a.Rhs {
			if strings.Contains(types.ExprString(right), name) {
				return true
			}
		}
	}
	return false
}

// stringLines are the lines that hold a long string, or a part of one.
func stringLines(fset *token.FileSet, f *ast.File) map[int]bool {
	lines := map[int]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.BasicLit)
		if !ok || s.Kind != token.STRING || utf8.RuneCountInString(s.Value) < longString {
			return true
		}
		for line := fset.Position(s.Pos()).Line; line <= fset.Position(s.End()).Line; line++ {
			lines[line] = true
		}
		return true
	})
	return lines
}

// template checks an HTML template. Mails pass: their HTML is not written for readers of the source.
func template(file, text string) ([]finding, error) {
	if strings.Contains(file, "email") {
		return nil, nil
	}
	var all []finding
	for i, line := range strings.Split(text, "\n") {
		if length := utf8.RuneCountInString(line); length > maxTemplateLine {
			all = append(all, finding{file, i + 1, fmt.Sprintf("%d characters, a line of a template has at most %d", length, maxTemplateLine)})
		}
	}
	return all, nil
}
