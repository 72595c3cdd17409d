package schedule

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:generate go run zones_gen.go /usr/src/tzdata zones.txt

// zonesText holds a canonical name a line, or an old name and the canonical
// one that replaces it.
//
//go:embed zones.txt
var zonesText string

// ErrZone is wrapped by every error about an unknown time zone.
var ErrZone = errors.New("unknown time zone")

// zoneNames maps every known name to its canonical one. It is never written
// to after it was read.
var zoneNames = sync.OnceValue(func() map[string]string {
	names := make(map[string]string)
	for line := range strings.Lines(zonesText) {
		name, canonical, old := strings.Cut(strings.TrimSpace(line), " ")
		if !old {
			canonical = name
		}
		names[name] = canonical
	}
	return names
})

// loaded remembers zones that were read; a *time.Location never changes.
// name -> *time.Location
var loaded sync.Map

// LoadZone loads a time zone by its canonical IANA name; UTC, GMT and the
// Etc/ names count as canonical, old names do not (docs/contract.md §2.5, see
// CanonicalZone). Names are exact in their case. Any other name gives an error
// that wraps ErrZone. A zone is read once and then kept.
func LoadZone(name string) (*time.Location, error) {
	if zoneNames()[name] != name || name == "" {
		return nil, fmt.Errorf("%w %q", ErrZone, name)
	}
	return loadKnown(name)
}

// loadKnown also takes the old names.
func loadKnown(name string) (*time.Location, error) {
	if loc, ok := loaded.Load(name); ok {
		return loc.(*time.Location), nil
	}
	if zoneNames()[name] == "" {
		return nil, fmt.Errorf("%w %q", ErrZone, name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%w: loading %q: %w", ErrZone, name, err)
	}
	loaded.Store(name, loc)
	return loc, nil
}

// CanonicalZone returns the name under which a zone is stored: itself, or for
// an old name its replacement ("Europe/Kiev" is "Europe/Kyiv"). ok is false
// for a name that is not known (docs/conformance.md §4).
func CanonicalZone(name string) (canonical string, ok bool) {
	canonical, ok = zoneNames()[name]
	return canonical, ok
}

// Zones lists the canonical names in alphabetical order.
func Zones() []string {
	var names []string
	for name, canonical := range zoneNames() {
		if name == canonical {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
