package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wholeRows are the functions that store all that may change of a row, with
// those that may call them: each of these has locked the row before it read it.
// Whoever else called them would bring back what
// somebody has changed meanwhile.
var wholeRows = map[string][]string{
	"updateChannel": {"ChangeChannel", "Unsubscribe", "AgreeToChannel"},
	"updateProject": {"ChangeProject"},
	"updateUser":    {"ChangeUser", "setEmail"},
	"updateCheck":   {"storeChange", "ClearEvents"},
	"storeChange":   {"UpdateCheck", "UpdateCheckFreeSlug", "UpdateChecks", "UpsertCheck"},
}

// locks are what a caller of a function of wholeRows must call first.
var locks = []string{"lockChannel", "lockProject", "lockUser", "lockCheck", "lockChecks", "forUpdate", "findUnique"}

// unlocked are callers of functions of wholeRows that need no lock of their own:
// their callers, all named in wholeRows, hold it.
var unlocked = []string{"storeChange"}

// manyColumns is how many columns one statement may set to values it is given
// outside of the functions of wholeRows.
const manyColumns = 4

var updates = regexp.MustCompile(`(?s)UPDATE (users|projects|channels|checks|members|walls|account_tokens|credentials) SET (.*?) WHERE`)

// Recorders hold the rows of their checks while they work.
var recorders = []string{"record_sqlite.go", "record_postgres.go"}

func TestAWholeRowIsOnlyStoredWhereItIsLocked(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		name := file.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || slices.Contains(recorders, name) {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok {
				lookForWholeRows(t, f, seen)
			}
		}
	}
	for name := range wholeRows {
		if !seen[name] {
			t.Errorf("nobody calls %s: is this test about the present functions?", name)
		}
	}
}

// lookForWholeRows holds one function to the rules above.
func lookForWholeRows(t *testing.T, f *ast.FuncDecl, seen map[string]bool) {
	name := f.Name.Name
	called := calls(f)
	for _, callee := range called {
		callers, whole := wholeRows[callee]
		if !whole {
			continue
		}
		seen[callee] = true
		if !slices.Contains(callers, name) {
			t.Errorf("%s stores a whole row with %s, which only %v may", name, callee, callers)
		}
		locked := slices.ContainsFunc(called, func(c string) bool { return slices.Contains(locks, c) })
		if !locked && !slices.Contains(unlocked, name) {
			t.Errorf("%s calls %s and locks no row", name, callee)
		}
	}
	_, whole := wholeRows[name]
	if whole {
		return
	}
	ast.Inspect(f, func(n ast.Node) bool {
		text, ok := n.(*ast.BasicLit)
		if !ok || text.Kind != token.STRING {
			return true
		}
		for _, update := range updates.FindAllStringSubmatch(text.Value, -1) {
			columns := strings.Count(update[2], "= $")
			if columns >= manyColumns {
				t.Errorf("%s sets %d columns of %s to what it is given: let it change the row as it is stored", name, columns, update[1])
			}
		}
		return true
	})
}

// calls are the names of the functions that f calls.
func calls(f *ast.FuncDecl) []string {
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch fun := call.Fun.(type) {
		case *ast.Ident:
			names = append(names, fun.Name)
		case *ast.SelectorExpr:
			names = append(names, fun.Sel.Name)
		}
		return true
	})
	return names
}
