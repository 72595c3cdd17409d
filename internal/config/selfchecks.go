package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"punctual/internal/redact"
)

// HTTPCheck is an entry of STATUS_HTTP: a web address that is looked at together
// with Punctual itself.
type HTTPCheck struct {
	Name string
	URL  string
	// none = 200 to 299
	Expect  []int
	Timeout time.Duration
}

// CommandCheck is an entry of STATUS_COMMAND: a program that is run to look at
// something.
type CommandCheck struct {
	Name string
	// absolute
	Path    string
	Args    []string
	Timeout time.Duration
}

// The time a self-check of one's own may take. The whole report comes in less than
// two seconds.
const (
	ownTimeout    = time.Second
	minOwnTimeout = 10 * time.Millisecond
	maxOwnTimeout = 1500 * time.Millisecond
)

// Form of the two settings, for error messages.
const (
	httpCheckForm    = `name=https://HOST/PATH expect=200,204 timeout=1s`
	commandCheckForm = `name=/absolute/path arguments timeout=1s`
)

// reservedChecks are the names and labels of the built-in self-checks (a test in
// internal/app compares); one of one's own needs another.
var reservedChecks = []string{
	"database", "migrations", "commits", "backups", "storage", "disk", "takers", "public-address", "sendalerts", "sendreports", "smtpd",
	"outbox", "hold", "ingest", "spool", "mail", "mail-send",
	"clock", "memory", "files", "certificate", "dns", "data", "worker", "queue", "host", "network", "own",
}

// ownName is what a check of one's own may be called.
var ownName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// HTTPChecks are the entries of STATUS_HTTP.
func (c *Config) HTTPChecks() []HTTPCheck {
	// Validate has seen them
	checks, _ := parseEntries(c.StatusHTTP, parseHTTPCheck)
	return checks
}

// CommandChecks are the entries of STATUS_COMMAND.
func (c *Config) CommandChecks() []CommandCheck {
	// Validate has seen them
	checks, _ := parseEntries(c.StatusCommand, parseCommandCheck)
	return checks
}

// ownChecks validates both settings: each entry alone, and that no name is taken.
func (v *validator) ownChecks() {
	seen := slices.Clone(reservedChecks)
	taken := func(variable, name string) {
		if slices.Contains(seen, name) {
			v.note(variable, fmt.Errorf("%q is the name of another check, or a label; give it a name of its own", name))
		}
		seen = append(seen, name)
	}
	noteAll := func(variable string, problems []error) {
		for _, err := range problems {
			v.note(variable, err)
		}
	}
	http, problems := parseEntries(v.config.StatusHTTP, parseHTTPCheck)
	noteAll("PUNCTUAL_STATUS_HTTP", problems)
	for _, c := range http {
		taken("PUNCTUAL_STATUS_HTTP", c.Name)
	}
	commands, problems := parseEntries(v.config.StatusCommand, parseCommandCheck)
	noteAll("PUNCTUAL_STATUS_COMMAND", problems)
	for _, c := range commands {
		taken("PUNCTUAL_STATUS_COMMAND", c.Name)
	}
}

// splitEntries takes the entries of a setting, one in a line or with a semicolon
// between them, without needless blanks.
func splitEntries(text string) (entries []string) {
	for entry := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		entry = strings.Join(strings.Fields(entry), " ")
		if entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}

// parseEntries parses the entries of a setting, and says what is wrong with each of
// the others.
func parseEntries[T any](text string, parse func(name string, words []string) (T, error)) (list []T, problems []error) {
	for _, entry := range splitEntries(text) {
		words := strings.Fields(entry)
		name, first, found := strings.Cut(words[0], "=")
		if !found || !ownName.MatchString(name) {
			problems = append(problems,
				fmt.Errorf("%q does not begin with a name and = (allowed in names: a letter, then letters, digits and -, in lower case, 40 at most)",
					words[0]))
			continue
		}
		words[0] = first
		one, wrong := parse(name, words)
		if wrong != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, wrong))
			continue
		}
		list = append(list, one)
	}
	return list, problems
}

func parseHTTPCheck(name string, words []string) (HTTPCheck, error) {
	c := HTTPCheck{Name: name, URL: words[0], Timeout: ownTimeout}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "" {
		return c, fmt.Errorf("%q is not a web address (allowed: %s)", redact.Address(words[0]), httpCheckForm)
	}
	if u.User != nil {
		return c, fmt.Errorf("%q may hold no user and password: they would be shown; let a command do that", redact.Address(c.URL))
	}
	for _, word := range words[1:] {
		option, value, _ := strings.Cut(word, "=")
		switch option {
		case "expect":
			c.Expect, err = parseCodes(value)
		case "timeout":
			c.Timeout, err = parseOwnTimeout(value)
		default:
			err = fmt.Errorf("%q is not known (allowed: %s)", word, httpCheckForm)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

func parseCodes(text string) ([]int, error) {
	var codes []int
	for word := range strings.SplitSeq(text, ",") {
		code, err := strconv.Atoi(word)
		if err != nil || code < 100 || code > 599 {
			return nil, fmt.Errorf("expect=%s is not allowed (allowed: status codes from 100 to 599, with commas between them)", text)
		}
		codes = append(codes, code)
	}
	return codes, nil
}

func parseOwnTimeout(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < minOwnTimeout || d > maxOwnTimeout {
		return 0, fmt.Errorf("timeout=%s is not allowed (allowed: %s to %s)", text, minOwnTimeout, maxOwnTimeout)
	}
	return d, nil
}

// parseCommandCheck takes the words as they are: there is no shell and no quoting.
func parseCommandCheck(name string, words []string) (CommandCheck, error) {
	c := CommandCheck{Name: name, Path: words[0], Timeout: ownTimeout}
	if !filepath.IsAbs(c.Path) {
		return c, fmt.Errorf("%q is not an absolute path (allowed: %s)", c.Path, commandCheckForm)
	}
	c.Args = words[1:]
	n := len(c.Args)
	if n > 0 {
		value, found := strings.CutPrefix(c.Args[n-1], "timeout=")
		if found {
			var err error
			c.Timeout, err = parseOwnTimeout(value)
			if err != nil {
				return c, err
			}
			c.Args = c.Args[:n-1]
		}
	}
	return c, nil
}
