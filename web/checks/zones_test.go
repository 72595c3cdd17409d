package checks_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"punctual/static"
)

// The script that finds zones by their old names knows those that the server knows.
func TestTheScriptKnowsTheOldNamesOfZones(t *testing.T) {
	t.Parallel()
	script, err := fs.ReadFile(static.FS, "js/zones.js")
	if err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadFile("../../internal/schedule/zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	old := map[string][]string{}
	for line := range strings.Lines(string(names)) {
		name, canonical, renamed := strings.Cut(strings.TrimSpace(line), " ")
		if renamed && !strings.HasPrefix(name, "Etc/") {
			old[canonical] = append(old[canonical], name)
		}
	}
	for canonical, names := range old {
		want := "  '" + canonical + "': '" + strings.Join(names, " ") + "',\n"
		if !strings.Contains(string(script), want) {
			t.Errorf("js/zones.js lacks %s", want)
		}
	}
}
