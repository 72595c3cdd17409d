package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Load reads the settings from env (variable → value, as of os.Environ) and
// checks them; it is LoadWith without flags.
func Load(env map[string]string) (*Config, error) { return LoadWith(env, nil) }

// LoadWith reads the settings from env and from flags (flag name without
// dashes → value), which override env. An empty variable counts as not set.
// It reads the files that PUNCTUAL_*_FILE variables name and touches nothing
// else. Of other variables it looks at STATE_DIRECTORY only, which systemd sets.
// The error joins all problems, one line each: the name, the value seen (never a
// secret) and what is allowed.
func LoadWith(env, flags map[string]string) (*Config, error) {
	c := &Config{origins: map[string]string{}}
	var problems []error
	list := settings(c)
	for _, s := range list {
		text, origin, err := s.find(env, flags)
		if err == nil && text != "" {
			err = s.set(text)
		}
		c.origins[s.variable] = origin
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", c.givenName(s.variable), err))
			c.origins[s.variable] = fromDefault
			s.reset()
		}
	}
	c.warnings = unknownVariables(env, list)
	c.complete(env[stateDirectory])
	return c, errors.Join(append(problems, c.Validate())...)
}

// stateDirectory is the variable in which systemd names the directories of StateDirectory=.
const stateDirectory = "STATE_DIRECTORY"

// reset puts the default back after a wrong value, so that the checks across
// settings do not complain a second time.
func (s setting) reset() {
	s.value.SetZero()
	text := s.tag.Get("default")
	if text != "" {
		if err := s.set(text); err != nil {
			// our own struct; a test loads it
			panic(fmt.Sprintf("config: default of %s: %v", s.variable, err))
		}
	}
}

// find looks for the strongest source of a setting and says which it was.
func (s setting) find(env, flags map[string]string) (text, origin string, err error) {
	file := env[s.variable+fileSuffix]
	switch {
	case flags[s.flag] != "":
		return flags[s.flag], "flag --" + s.flag, nil
	case s.secret != "" && file != "" && env[s.variable] != "":
		return "", "", fmt.Errorf("set it or %s, not both", s.variable+fileSuffix)
	case s.secret != "" && file != "":
		text, err := readSecret(file)
		if err != nil {
			err = fmt.Errorf("the file that %s names: %w", s.variable+fileSuffix, err)
		}
		return text, "file " + file, err
	case env[s.variable] != "":
		return env[s.variable], "environment", nil
	}
	return s.tag.Get("default"), fromDefault, nil
}

func readSecret(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		// names the path itself
		return "", err
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

// unknownVariables warns of PUNCTUAL_ names that mean nothing: most are
// spelling mistakes, and a misspelt setting silently keeps its default.
func unknownVariables(env map[string]string, list []setting) []string {
	var known, warnings []string
	for _, s := range list {
		known = append(known, s.variable)
		if s.secret != "" {
			known = append(known, s.variable+fileSuffix)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !strings.HasPrefix(name, prefix) || slices.Contains(known, name) {
			continue
		}
		warning := "there is no setting " + name
		near := strings.TrimSuffix(name, fileSuffix)
		// else it is no secret and takes no file
		if !slices.Contains(known, near) {
			near = nearest(name, known)
		}
		if near != "" {
			warning += "; did you mean " + near + "?"
		}
		warnings = append(warnings, warning)
	}
	return warnings
}

// nearest is the known name with the fewest typing mistakes to name, or ""
// when none is close enough to be meant: one mistake in three letters.
func nearest(name string, known []string) string {
	best := ""
	fewest := len(name)
	for _, candidate := range known {
		d := distance(name[len(prefix):], candidate[len(prefix):])
		if d < fewest {
			best = candidate
			fewest = d
		}
	}
	if fewest*3 > len(name)-len(prefix) {
		return ""
	}
	return best
}

// distance counts the letters to add, drop or change to get from a to b
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
