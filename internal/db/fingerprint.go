package db

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// fingerprint is what a schema consists of: the keys of its items and their forms.
type fingerprint map[string]string

// FingerprintDir is where a file system of migrations keeps the fingerprints of
// an engine: NNNNN.txt says what migration NNNNN adds (+) and takes away (-), in
// the lines of Describe.
func FingerprintDir(engine Engine) string { return "fingerprints/" + string(engine) }

// readFingerprints returns the fingerprint of each version, by its number; that
// of version 0 is empty. Without a directory of them, as in tests that bring
// migrations of their own, it returns nil: nothing is known, nothing is compared.
func readFingerprints(fsys fs.FS, engine Engine) ([]fingerprint, error) {
	dir := FingerprintDir(engine)
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("fingerprints of %s: %w", engine, err)
	}
	all := []fingerprint{{}}
	for _, e := range entries {
		name := dir + "/" + e.Name()
		n, err := strconv.Atoi(strings.TrimSuffix(e.Name(), ".txt"))
		if err != nil || n != len(all) {
			return nil, fmt.Errorf("%s: the file of version %d was expected", name, len(all))
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("fingerprints of %s: %w", engine, err)
		}
		next, err := all[n-1].after(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, next)
	}
	return all, nil
}

// after is the fingerprint with the lines of a file applied to it.
func (f fingerprint) after(text string) (fingerprint, error) {
	next := maps.Clone(f)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		item, adds := strings.CutPrefix(line, "+ ")
		gone, takes := strings.CutPrefix(line, "- ")
		switch {
		case adds:
			key, form, _ := strings.Cut(item, ": ")
			next[key] = form
		case takes:
			key, _, _ := strings.Cut(gone, ": ")
			delete(next, key)
		case line != "" && !strings.HasPrefix(line, "#"):
			return nil, fmt.Errorf("cannot read the line %q", line)
		}
	}
	return next, nil
}

// compare says in sentences how the items found differ from the schema of a
// version. Things that no version knows are the operator's own and no difference:
// tables, indexes, columns that may be left out. later are the versions after it.
func (f fingerprint) compare(found []schemaItem, later []fingerprint) []string {
	there := make(fingerprint, len(found))
	for _, i := range found {
		there[i.key] = i.form
	}
	var differences []string
	for _, key := range slices.Sorted(maps.Keys(f)) {
		form, ok := there[key]
		switch {
		case !ok && !f.isInTableUnknownTo(there, key):
			differences = append(differences, missing(key, f[key]))
		case ok && form != f[key]:
			differences = append(differences, fmt.Sprintf("%s is %q instead of %q", key, form, f[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(there)) {
		_, ok := f[key]
		if ok || there.isInTableUnknownTo(f, key) {
			continue
		}
		form := there[key]
		switch {
		case anyHas(later, key):
			differences = append(differences, key+" is of a later version")
		case strings.HasPrefix(key, "column ") && mustBeGiven(form):
			differences = append(differences, fmt.Sprintf("%s (%s) is not ours and has no default, so no row can be added", key, form))
		}
	}
	slices.SortStableFunc(differences, func(a, b string) int { return cmp.Compare(tablesFirst(a), tablesFirst(b)) })
	return differences
}

func tablesFirst(difference string) int {
	if strings.HasPrefix(difference, "table ") {
		return 0
	}
	return 1
}

// missing says that an item is not there, and of an index how to make it.
func missing(key, form string) string {
	name, isIndex := strings.CutPrefix(key, "index ")
	if isIndex {
		return fmt.Sprintf("%s is missing (CREATE INDEX %s ON %s)", key, name, form)
	}
	return key + " is missing"
}

// isInTableUnknownTo tells whether key belongs to a table that other does not have:
// what is to be said about the table says it.
func (f fingerprint) isInTableUnknownTo(other fingerprint, key string) bool {
	table := tableOf(key, f[key])
	_, known := other["table "+table]
	return table != "" && !known
}

func anyHas(versions []fingerprint, key string) bool {
	return slices.ContainsFunc(versions, func(f fingerprint) bool {
		_, ok := f[key]
		return ok
	})
}

// mustBeGiven tells whether each new row needs a value for a column of this form.
func mustBeGiven(form string) bool {
	return strings.Contains(form, "NOT NULL") && !strings.Contains(form, "DEFAULT") && !strings.Contains(form, "IDENTITY")
}

// tableOf is the table that an item is part of, "" for a table itself.
func tableOf(key, form string) string {
	kind, name, _ := strings.Cut(key, " ")
	switch kind {
	case "column":
		name, _, _ = strings.Cut(name, ".")
		return name
	case "primary":
		return strings.TrimPrefix(name, "key ")
	case "unique", "reference":
		name, _, _ = strings.Cut(name, " ")
		return name
	case "index":
		name, _, _ = strings.Cut(form, " ")
		return name
	case "trigger":
		_, name, _ = strings.Cut(form, " ON ")
		name, _, _ = strings.Cut(name, " ")
		return name
	}
	return ""
}
