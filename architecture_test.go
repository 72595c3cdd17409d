// Package punctual_test holds the house together: who may import whom, and what
// no package may have.
package punctual_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors are the packages, the lowest first. An import goes down;
// what stands on the same floor does not know each other, but for beside. A
// package belongs where its longest prefix stands.
var floors = [][]string{
	{"internal/text"},
	{"internal/errs", "internal/clientip", "internal/hosts", "internal/limit", "internal/logs", "internal/redact", "internal/schedule",
		"internal/boottime", "internal/sockets", "migrations", "static", "templates",
		"internal/testkit/need", "internal/testkit/tempdir", "web/apidoc"},
	{"internal/monitor", "internal/config", "internal/incident", "web/intake"},
	{"internal/checkjson", "internal/db", "internal/mail"},
	{"internal/store", "internal/notify", "internal/backup", "internal/spool"},
	{"internal/notify/kinds"},
	{"internal/auth"},
	{"internal/project"},
	{"internal/channel"},
	{"internal/ping", "internal/alert", "internal/report", "internal/notice", "internal/prune", "internal/road", "internal/smtpd",
		"internal/status", "internal/metrics", "internal/demo", "web/api", "web/badge", "web/projectmetrics"},
	{"web/status", "web/ui/assets", "web/ui/channelstate", "web/ui/checkstate", "web/ui/highlight", "web/ui/human", "web/ui/live"},
	// the kernel of the pages
	{"web/ui"},
	{"web/ui/preview"},
	// its rooms
	{"web/account", "web/admin", "web/check", "web/checks", "web/docs", "web/integrations", "web/project"},
	{"web"},
	{"internal/app"},
	{"cmd/punctual"},
	{
		"internal/db/pgtest", "internal/testkit", "internal/testkit/kindtest", "internal/testkit/testdb", "internal/e2e",
		"internal/conformance", "packaging",
	},
	// a tool of tests
	{"web/webtest"},
	// a tool of developers, not in the product
	{"cmd/bench", "cmd/lint"},
}

// rooms are the pages by groups.
var rooms = []string{"web/account", "web/admin", "web/check", "web/checks", "web/docs", "web/integrations", "web/project"}

// onlyFor are packages that only some may import: the settings and the embedded
// files are handed down as values, tools of tests stay in tests.
var onlyFor = map[string][]string{
	"internal/config": {"internal/app", "cmd/punctual", "cmd/bench"},
	"migrations":      {"internal/app", "cmd/punctual", "internal/testkit/testdb"},
	"static":          {"internal/app", "cmd/punctual"},
	"templates":       {"internal/app", "cmd/punctual"},
	// to profile it
	"internal/app":       {"cmd/punctual", "cmd/bench"},
	"internal/db/pgtest": {"internal/testkit", "cmd/bench"},
	"internal/testkit":   {"internal/testkit", "internal/db/pgtest"},
	// it, alert and web never
	"internal/ping": {"internal/app", "cmd/punctual"},
	// import each other
	"internal/alert":  {"internal/app", "cmd/punctual"},
	"internal/backup": {"internal/app", "cmd/punctual"},
	"web":             {"internal/app", "cmd/punctual"},
	// a room is for the table of routes
	"web/account":      {"web"},
	"web/admin":        {"web"},
	"web/check":        {"web"},
	"web/checks":       {"web"},
	"web/docs":         {"web"},
	"web/integrations": {"web"},
	"web/project":      {"web"},
	"web/ui":           slices.Concat([]string{"internal/app", "web", "web/ui", "web/ui/preview"}, rooms),
	"web/ui/preview":   {"web/checks", "web/docs"},
	"web/webtest":      nil,
	"web/apidoc":       {"web/docs"},
	"web/intake":       {"web/ui", "web/api"},
	// the addresses, for the page of them
	"web/badge": {"internal/app", "web", "web/project"},
	// the page for people is the site's, the JSON the command's, too
	"web/status":          {"internal/app", "web", "web/admin", "cmd/punctual"},
	"database/sql/driver": {"internal/db"},

	"github.com/jackc/pgx": {"internal/db"},
	// batches
	"github.com/jackc/pgx/v5":         {"internal/db", "internal/store"},
	"github.com/jackc/pgx/v5/pgxpool": {"internal/db", "internal/store"},
	"github.com/jackc/pgx/v5/pgtype":  {"internal/db", "internal/store"},
	"github.com/jackc/pgx/v5/stdlib":  {"internal/db"},
	"github.com/jackc/pgx/v5/pgconn":  {"internal/db"},
	"github.com/pressly/goose":        {"internal/db"},
	"modernc.org":                     {"internal/db"},
}

// thirdParty are the only modules of others that a pure package may use.
var thirdParty = map[string][]string{
	"internal/errs":      nil,
	"internal/checkjson": {"github.com/google/uuid"},
	"internal/hosts":     {"golang.org/x/net/idna", "golang.org/x/text/unicode/norm"},
	"internal/clientip":  nil,
	"internal/limit":     nil,
	"internal/logs":      {"github.com/google/uuid", "github.com/lmittmann/tint", "github.com/mattn/go-isatty"},
	"internal/redact":    nil,
	"internal/schedule":  nil,
	"internal/text":      {"mvdan.cc/xurls/v2"},
	"internal/config":    {"golang.org/x/net/publicsuffix"},
	"internal/monitor":   {"github.com/google/uuid", "golang.org/x/text"},
	"migrations":         nil,
	"static":             nil,
	"templates":          nil,
}

type pkg struct {
	ImportPath, Dir        string
	Standard               bool
	GoFiles, Imports, Deps []string
	Module                 *module
}

type module struct {
	Path, Version, GoMod string
	Replace              *struct{ Version string }
}

// name is the path inside the module, "" for packages of others.
func (p pkg) name() string { return own(p.ImportPath) }

func own(path string) string {
	name, ok := strings.CutPrefix(path, "punctual/")
	if !ok {
		return ""
	}
	return name
}

// packages are all packages of the program with what they need.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,Imports,Deps,Module", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestArchitecture(t *testing.T) {
	all := packages(t)
	var ours []pkg
	for _, p := range all {
		if p.name() != "" {
			ours = append(ours, p)
		}
	}
	if len(ours) < 15 {
		t.Fatalf("only %d packages were found", len(ours))
	}
	t.Run("imports go down", func(t *testing.T) { importsGoDown(t, ours) })
	t.Run("some imports are only for some", func(t *testing.T) { importsOnlyForSome(t, ours) })
	t.Run("pure packages stay pure", func(t *testing.T) { purePackages(t, all) })
	t.Run("no state outside of values", func(t *testing.T) { noPackageState(t, ours) })
	t.Run("SQL is where it belongs and runs on both engines", func(t *testing.T) { sharedSQL(t, ours) })
	t.Run("only integrations know kinds of channels", func(t *testing.T) { kindsStayInside(t, ours) })
	t.Run("bodies of requests are read within bounds", func(t *testing.T) { boundedBodies(t, ours) })
	t.Run("modernc.org/libc is the one SQLite was tested with", func(t *testing.T) { pinnedLibc(t, all) })
}

// under tells whether path is prefix or inside of it.
func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// floor finds where a package stands, -1 = nowhere.
func floor(name string) int {
	found := -1
	longest := ""
	for i, names := range floors {
		for _, n := range names {
			if under(name, n) && len(n) > len(longest) {
				found = i
				longest = n
			}
		}
	}
	return found
}

func importsGoDown(t *testing.T, ours []pkg) {
	for _, p := range ours {
		here := floor(p.name())
		if here < 0 {
			t.Errorf("%s has no floor yet: give it one in this test, above all that it imports", p.name())
		}
		for _, path := range p.Imports {
			there := own(path)
			if there != "" && floor(there) >= here && !under(p.name(), "internal/testkit") {
				t.Errorf("%s imports %s, which does not stand below it", p.name(), there)
			}
		}
	}
}

func importsOnlyForSome(t *testing.T, ours []pkg) {
	for _, p := range ours {
		for _, path := range p.Imports {
			if name := own(path); name != "" {
				path = name
			}
			rule := ""
			for guarded := range onlyFor {
				if under(path, guarded) && len(guarded) > len(rule) {
					rule = guarded
				}
			}
			tool := under(p.name(), "internal/testkit") || under(p.name(), "internal/db/pgtest") || p.name() == "internal/e2e" ||
				p.name() == "web/webtest"
			if rule != "" && !tool && !slices.ContainsFunc(onlyFor[rule], func(allowed string) bool { return p.name() == allowed }) {
				t.Errorf("%s imports %s, which is for %v only", p.name(), path, onlyFor[rule])
			}
		}
	}
}

func purePackages(t *testing.T, all []pkg) {
	standard := make(map[string]bool, len(all))
	for _, p := range all {
		standard[p.ImportPath] = p.Standard
	}
	for _, p := range all {
		if p.name() == "internal/ping" && slices.Contains(p.Deps, "html/template") {
			t.Error("internal/ping needs html/template: the way of a ping stays small")
		}
		allowed, pure := thirdParty[p.name()]
		if !pure {
			continue
		}
		for _, path := range p.Imports {
			if own(path) == "" && !standard[path] && !slices.ContainsFunc(allowed, func(a string) bool { return under(path, a) }) {
				t.Errorf("%s imports %s", p.name(), path)
			}
		}
	}
}

// state are package variables that may change, each with its reason.
var state = map[string]string{
	"internal/schedule.loaded": "a cache of what time.LoadLocation returns, which nobody can tell from calling it",
}

func noPackageState(t *testing.T, ours []pkg) {
	for _, p := range ours {
		if under(p.name(), "internal/testkit") || p.name() == "internal/db/pgtest" {
			// a test binary has no other place that all its tests reach
			continue
		}
		written := make(map[string]token.Position)
		vars := make(map[string]*ast.ValueSpec)
		fset, files := parse(t, p)
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				for _, name := range writes(n) {
					written[name] = fset.Position(n.Pos())
				}
				return true
			})
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s: func init: say what is to happen where it is to happen", fset.Position(fn.Pos()))
				}
				collectVars(d, vars)
			}
		}
		for name, spec := range vars {
			if state[p.name()+"."+name] != "" {
				continue
			}
			at, ok := written[name]
			if ok {
				t.Errorf("%s: package variable %s is written to", at, name)
			}
			why := mutable(spec)
			if why != "" {
				t.Errorf("%s: package variable %s %s", fset.Position(spec.Pos()), name, why)
			}
		}
	}
}

func parse(t *testing.T, p pkg) (*token.FileSet, []*ast.File) {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return fset, files
}

// collectVars adds the package variables a declaration makes, but for what is embedded.
func collectVars(d ast.Decl, vars map[string]*ast.ValueSpec) {
	decl, ok := d.(*ast.GenDecl)
	if !ok || decl.Tok != token.VAR {
		return
	}
	for _, s := range decl.Specs {
		spec := s.(*ast.ValueSpec)
		for _, doc := range []*ast.CommentGroup{decl.Doc, spec.Doc} {
			if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed") }) {
				return
			}
		}
		for _, name := range spec.Names {
			if name.Name != "_" {
				vars[name.Name] = spec
			}
		}
	}
}

// writes names the variables that a statement changes. It does not know scopes:
// a local variable with the name of one of the package counts as well, and is
// better called something else.
func writes(n ast.Node) (names []string) {
	var targets []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			targets = n.Lhs
		}
	case *ast.IncDecStmt:
		targets = []ast.Expr{n.X}
	case *ast.CallExpr:
		f, ok := n.Fun.(*ast.Ident)
		if ok && (f.Name == "delete" || f.Name == "clear") && len(n.Args) > 0 {
			targets = n.Args[:1]
		}
	}
	for _, target := range targets {
		name := root(target)
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// root is the variable at the beginning of an expression such as v.f[i].
func root(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	}
	return ""
}

// mutable tells why a package variable is made to be changed, "" when it is a
// constant in all but name: an error, a compiled expression, a table.
func mutable(spec *ast.ValueSpec) (why string) {
	if len(spec.Values) == 0 {
		return "has no value yet"
	}
	ast.Inspect(spec, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ChanType:
			why = "is a channel"
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.Ident)
			if ok && (f.Name == "make" || f.Name == "new") {
				why = "is made to be filled"
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && (x.Name == "atomic" || x.Name == "sync" && !strings.HasPrefix(n.Sel.Name, "Once")) {
				why = "has a " + x.Name + "." + n.Sel.Name
			}
		}
		return true
	})
	return why
}

var (
	ofOneEngine = regexp.MustCompile(`(?i)\bnow\(\)|::|\bilike\b|\bany\s*\(|\binterval\b`)
	statement   = regexp.MustCompile(`^\s*(SELECT\s.+\sFROM\s|INSERT INTO\s|UPDATE\s\w+\sSET\s|DELETE FROM\s)`)
)

func sharedSQL(t *testing.T, ours []pkg) {
	// The test kit of the store asks what only tests ask.
	// The spool has files of its own.
	withSQL := []string{"cmd/bench", "internal/db", "internal/db/pgtest", "internal/spool", "internal/store", "internal/testkit/testdb"}
	for _, p := range ours {
		fset, files := parse(t, p)
		for _, f := range files {
			file := filepath.Base(fset.Position(f.Pos()).Filename)
			shared := p.name() == "internal/store" && !strings.HasSuffix(file, "_postgres.go") && !strings.HasSuffix(file, "_sqlite.go")
			ast.Inspect(f, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				word := ofOneEngine.FindString(text)
				if shared && word != "" {
					t.Errorf("%s: %q runs on one engine only; shared SQL runs on both", fset.Position(lit.Pos()), word)
				}
				if !slices.Contains(withSQL, p.name()) && statement.MatchString(text) {
					t.Errorf("%s: SQL belongs to internal/store", fset.Position(lit.Pos()))
				}
				return true
			})
		}
	}
}

// pinnedLibc: modernc.org/sqlite is C translated for one version of that module
// and may misbehave with another.
func pinnedLibc(t *testing.T, all []pkg) {
	used := make(map[string]string)
	var sqlite string
	for _, p := range all {
		m := p.Module
		if m == nil {
			continue
		}
		used[m.Path] = m.Version
		if m.Replace != nil {
			used[m.Path] = m.Replace.Version
		}
		if m.Path == "modernc.org/sqlite" {
			sqlite = m.GoMod
		}
	}
	text, err := os.ReadFile(sqlite)
	if err != nil {
		t.Fatal(err)
	}
	wanted := regexp.MustCompile(`modernc\.org/libc (v\S+)`).FindStringSubmatch(string(text))
	if wanted == nil || wanted[1] != used["modernc.org/libc"] {
		t.Errorf("modernc.org/libc is %s, modernc.org/sqlite wants %v", used["modernc.org/libc"], wanted)
	}
}

// unbounded are the methods of net/http that read a body of any size, and put
// files into the temporary directory, where they stay.
var unbounded = []string{"FormValue", "PostFormValue", "FormFile", "ParseForm", "ParseMultipartForm"}

// boundedBodies holds that forms are read by web/intake alone.
func boundedBodies(t *testing.T, ours []pkg) {
	for _, p := range ours {
		for _, file := range p.GoFiles {
			tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if ok && slices.Contains(unbounded, sel.Sel.Name) {
					t.Errorf("%s/%s uses %s: web/intake reads forms", p.name(), file, sel.Sel.Name)
				}
				return true
			})
		}
	}
}
