package ping

import (
	"strings"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// target is what the path of a ping URL says, after the ping endpoint
// (docs/contract.md §1.1).
type target struct {
	// the check, when byCode
	code   uuid.UUID
	byCode bool
	// with slug, when not byCode
	pingKey string
	slug    string

	kind monitor.PingKind
	// exit is the exit status, nil where there is none or it is not one that a
	// program can have, which badExit tells.
	exit    *int
	badExit bool
}

// parseTarget reads path, the decoded URL path behind the ping endpoint. It
// returns false for what is no ping URL at all.
func parseTarget(path string) (t target, ok bool) {
	first, rest, more := strings.Cut(path, "/")
	if isCode(first) {
		t, ok = parseCodeTarget(first, rest)
		if ok {
			return t, true
		}
	}
	if !more || !isWord(first) {
		return target{}, false
	}
	slug, suffix, more := strings.Cut(rest, "/")
	if !isWord(slug) {
		return target{}, false
	}
	t = target{pingKey: first, slug: slug, kind: monitor.PingSuccess}
	if more && !t.action(suffix) {
		return target{}, false
	}
	return t, true
}

func parseCodeTarget(code, rest string) (target, bool) {
	t := target{code: uuid.MustParse(code), byCode: true, kind: monitor.PingSuccess}
	return t, rest == "" || t.action(rest)
}

// action reads the last part of the path: start, fail, log or an exit status.
func (t *target) action(s string) bool {
	switch s {
	case "start":
		t.kind = monitor.PingStart
	case "fail":
		t.kind = monitor.PingFail
	case "log":
		t.kind = monitor.PingLog
	default:
		return t.exitStatus(s)
	}
	return true
}

func (t *target) exitStatus(s string) bool {
	if !monitor.IsExitStatus(s) {
		return false
	}
	status, ok := monitor.ParseExitStatus(s)
	if !ok {
		t.badExit = true
		return true
	}
	t.exit = &status
	if status != 0 {
		t.kind = monitor.PingFail
	}
	return true
}

// validFormat refuses what is a ping URL by its shape but cannot mean a check:
// a slug with capitals. It is looked at before the check.
func (t *target) validFormat() bool { return strings.ToLower(t.slug) == t.slug }

// validExit refuses an exit status no program can have. It is looked at after
// the check has been found.
func (t *target) validExit() bool { return !t.badExit }

// isCode tells whether s is a uuid in canonical form: 8-4-4-4-12, lower-case.
func isCode(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

// isWord tells whether s may be a ping key or a slug: [-a-zA-Z0-9_]+.
func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

// parseRunID reads the last rid parameter of a raw query: none is fine, an
// invalid one is not (docs/contract.md §1.2).
func parseRunID(values []string) (rid uuid.NullUUID, ok bool) {
	if len(values) == 0 {
		return rid, true
	}
	s := strings.ToLower(values[len(values)-1])
	if !isCode(s) {
		return rid, false
	}
	return uuid.NullUUID{UUID: uuid.MustParse(s), Valid: true}, true
}
