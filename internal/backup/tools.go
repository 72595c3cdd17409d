package backup

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tool is one of PostgreSQL's programs on this machine.
type tool struct {
	path string
	// of its version
	major int
}

// places are where packages of PostgreSQL put their programs beside those in PATH.
var places = []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin"}

// program finds one of PostgreSQL's programs that is fit: of the major version
// best, else the next newer, else the newest. The error says what is there.
func (c *Config) program(ctx context.Context, name string, best int, fit func(tool) bool) (tool, error) {
	found := c.installed(ctx, name)
	if len(found) == 0 && c.PGBin != "" {
		return tool{}, fmt.Errorf("%s is not in %s, which PUNCTUAL_PG_BIN names", name, c.PGBin)
	}
	if len(found) == 0 {
		return tool{}, fmt.Errorf("%s was not found: install the client programs of PostgreSQL %d (Debian: postgresql-client-%d), "+
			"or name their directory with PUNCTUAL_PG_BIN", name, best, best)
	}
	var fitting []tool
	var versions []string
	for _, t := range found {
		versions = append(versions, fmt.Sprintf("%s is of version %d", t.path, t.major))
		if fit(t) {
			fitting = append(fitting, t)
		}
	}
	if len(fitting) == 0 {
		return tool{}, fmt.Errorf("%s does not fit the server, which is PostgreSQL %d: %s. Install the client programs of version %d "+
			"(Debian: postgresql-client-%d), or name their directory with PUNCTUAL_PG_BIN", name, best, strings.Join(versions, ", "), best, best)
	}
	return slices.MinFunc(fitting, func(a, b tool) int { return cmp.Compare(distance(a, best), distance(b, best)) }), nil
}

// distance orders versions: the best one, newer ones, older ones.
func distance(t tool, best int) int {
	if t.major >= best {
		return t.major - best
	}
	return 1000 + best - t.major
}

// installed are all programs of that name, each with its version.
func (c *Config) installed(ctx context.Context, name string) []tool {
	var paths []string
	if c.PGBin != "" {
		paths = append(paths, filepath.Join(c.PGBin, name))
	} else {
		path, err := exec.LookPath(name)
		if err == nil {
			paths = append(paths, path)
		}
		for _, place := range places {
			// the patterns are right
			more, _ := filepath.Glob(filepath.Join(place, name))
			paths = append(paths, more...)
		}
	}
	var found []tool
	for _, path := range paths {
		cmd := exec.CommandContext(ctx, path, "--version")
		cmd.Env = slices.Concat(c.Env, []string{"LC_ALL=C"})
		text, err := cmd.Output()
		if err != nil {
			continue
		}
		_, version, _ := strings.Cut(string(text), "PostgreSQL) ")
		found = append(found, tool{path, majorOf(version)})
	}
	return found
}

var leadingNumber = regexp.MustCompile(`^\d+`)

// majorOf is the number that a version begins with, 0 for none.
func majorOf(version string) int {
	n, _ := strconv.Atoi(leadingNumber.FindString(version))
	return n
}
