package logs

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// The areas whose level can be set by itself; see docs/logs.md.
const (
	// requests, and what people do on the site and through the API
	HTTP = "http"
	// accounts, log-ins, members
	Auth = "auth"
	// pings by HTTP
	Ping = "ping"
	// watcher and dispatcher
	Alerts = "alerts"
	// outgoing mail
	Mail = "mail"
	// pings by e-mail
	SMTPD = "smtpd"
	// pruning
	Prune = "prune"
)

// areas are all areas.
func areas() []string { return []string{HTTP, Auth, Ping, Alerts, Mail, SMTPD, Prune} }

// Levels say what is logged at least: in an area, and in the rest. The zero
// value is info everywhere.
type Levels struct {
	least slog.Level
	areas map[string]slog.Level
}

// ParseLevels reads a level for all, levels of areas, or both: "warn",
// "info,http=warn,alerts=debug". What has no level of its own has that of the
// rest, which is info unless it is named. The error says what was seen and what
// is allowed.
func ParseLevels(text string) (Levels, error) {
	l := Levels{areas: make(map[string]slog.Level)}
	named := false
	for word := range strings.SplitSeq(text, ",") {
		area, name, isArea := strings.Cut(strings.TrimSpace(word), "=")
		if !isArea {
			name = area
			area = ""
		}
		level, err := parseLevel(name)
		_, twice := l.areas[area]
		switch {
		case err != nil:
			return Levels{}, err
		case isArea && !slices.Contains(areas(), area):
			return Levels{}, fmt.Errorf("%q is not one of the areas %s", area, strings.Join(areas(), ", "))
		case isArea && twice, !isArea && named:
			return Levels{}, fmt.Errorf("%q names a level twice", text)
		case isArea:
			l.areas[area] = level
		default:
			l.least = level
			named = true
		}
	}
	return l, nil
}

func parseLevel(name string) (slog.Level, error) {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[strings.ToLower(strings.TrimSpace(name))]
	if !ok {
		return 0, fmt.Errorf("%q is not one of debug, info, warn, error, alone or for an area, as in info,http=warn", name)
	}
	return level, nil
}

func (l Levels) of(area string) slog.Level {
	level, ok := l.areas[area]
	if ok {
		return level
	}
	return l.least
}
