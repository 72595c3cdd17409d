package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGoFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code string
		want []string
	}{
		"well":          {"// Above.\nx := 1\n_ = x", nil},
		"trailing":      {"x := 1 // behind\n_ = x", []string{"a.go:4: a comment stands above what it explains, not behind it"}},
		"a directive":   {"x := 1 //nolint:all // why\n_ = x", nil},
		"two at once":   {"x, y := 1, 2\n_ = x + y", []string{"a.go:4: one assignment a line"}},
		"in a header":   {"if x, y := 1, 2; x > y {\n}", []string{"a.go:4: one assignment a line"}},
		"a loop":        {"for i, j := 0, 9; i < j; i, j = i+1, j-1 {\n}", nil},
		"a swap":        {"x := []int{1, 2}\nx[0], x[1] = x[1], x[0]", nil},
		"of one call":   {"x, err := f()\n_, _ = x, err", []string{"a.go:5: one assignment a line"}},
		"a long line":   {"x := " + strings.Repeat("1 + ", 40) + "1\n_ = x", []string{"a.go:4: 166 characters, a line has at most 140"}},
		"a long string": {"x := \"" + strings.Repeat("long ", 40) + "\"\n_ = x", nil},
	} {
		found, err := goFile("a.go", "package a\n\nfunc _() {\n"+test.code+"\n}\n")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, texts(found)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := goFile("a.go", "package"); err == nil {
		t.Error("a file that cannot be parsed is no error")
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<p>", 60)
	found, err := template("pages/a.html", "<p>\n"+long+"\n")
	want := []string{"pages/a.html:2: 180 characters, a line of a template has at most 160"}
	if diff := cmp.Diff(want, texts(found)); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s, %v", diff, err)
	}
	if found, _ := template("email/a.html", long); found != nil {
		t.Errorf("a mail: %v", found)
	}
}

// The whole tree holds what `make lint` asks.
func TestTheTree(t *testing.T) {
	t.Parallel()
	found, err := tree("../..")
	if err != nil {
		t.Fatal(err)
	}
	if in, _ := tree("testdata"); len(in) != 2 {
		t.Errorf("in a tree with two lines that are refused, %d are found", len(in))
	}
	for _, f := range found {
		t.Error(f)
	}
}

func texts(found []finding) []string {
	var all []string
	for _, f := range found {
		all = append(all, f.String())
	}
	return all
}
