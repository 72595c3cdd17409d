package punctual_test

import (
	"go/ast"
	"punctual/internal/notify/kinds"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// kindsStayInside holds that nothing but internal/notify decides by the name of a
// kind of channel, or looks into a channel's configuration: there are capabilities
// for that.
func kindsStayInside(t *testing.T, ours []pkg) {
	known := map[string]bool{}
	for _, k := range kinds.All() {
		known[strconv.Quote(k.Name)] = true
	}
	for _, p := range ours {
		if under(p.name(), "internal/notify") || under(p.name(), "internal/testkit") {
			continue
		}
		fset, files := parse(t, p)
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				if n == nil {
					return true
				}
				if decidesByKind(n, known) {
					t.Errorf("%s: decides by the name of a kind: let the kind declare what it can", fset.Position(n.Pos()))
				}
				if readsConfig(n) {
					t.Errorf("%s: looks into a channel's configuration: ask its notify.Kind", fset.Position(n.Pos()))
				}
				return true
			})
		}
	}
}

// decidesByKind tells whether something called kind is compared with the name of a
// kind of channel, or a table has these names as its keys.
func decidesByKind(n ast.Node, known map[string]bool) bool {
	named := func(e ast.Expr) bool {
		lit, ok := e.(*ast.BasicLit)
		return ok && known[lit.Value]
	}
	switch n := n.(type) {
	case *ast.BinaryExpr:
		return isKind(n.X) && named(n.Y) || isKind(n.Y) && named(n.X)
	case *ast.SwitchStmt:
		return isKind(n.Tag) && slices.ContainsFunc(n.Body.List, func(s ast.Stmt) bool {
			clause, ok := s.(*ast.CaseClause)
			return ok && slices.ContainsFunc(clause.List, named)
		})
	case *ast.CompositeLit:
		keys := 0
		for _, e := range n.Elts {
			pair, ok := e.(*ast.KeyValueExpr)
			if ok && named(pair.Key) {
				keys++
			}
		}
		return keys > 1
	}
	return false
}

// isKind tells whether an expression ends in the name kind.
func isKind(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return strings.EqualFold(e.Name, "kind")
	case *ast.SelectorExpr:
		return strings.EqualFold(e.Sel.Name, "kind")
	case *ast.CallExpr:
		return isKind(e.Fun)
	}
	return false
}

// readsConfig tells whether a package that takes texts apart is given a field
// Config.
func readsConfig(n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	fn, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	readers := []string{"Unmarshal", "NewDecoder", "Contains", "Cut", "Split", "Index", "NewReader"}
	if !slices.Contains(readers, fn.Sel.Name) {
		return false
	}
	found := false
	for _, arg := range call.Args {
		ast.Inspect(arg, func(n ast.Node) bool {
			sel, is := n.(*ast.SelectorExpr)
			found = found || is && sel.Sel.Name == "Config"
			return !found
		})
	}
	return found
}
