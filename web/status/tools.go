package status

import (
	"encoding/json"
	"strings"

	"punctual/internal/status"
	"punctual/internal/text"
)

// The shapes of other tools, for whatever already reads them. What they say is
// held against JSON schemas in testdata.

// watchmanState is how django-watchman tells of one thing. It sends a stack
// trace with an error; the key is there, a trace never is.
type watchmanState struct {
	OK         bool    `json:"ok"`
	Error      *string `json:"error,omitempty"`
	Stacktrace *string `json:"stacktrace,omitempty"`
}

func newWatchmanState(ok bool, message string) watchmanState {
	if ok {
		return watchmanState{OK: true}
	}
	return watchmanState{Error: &message, Stacktrace: new(string)}
}

// watchman is the shape of django-watchman: databases and caches are lists of
// objects by alias, other checks an object by name. We have one database, called
// default, and no caches. Its "email" is our check mail.
func (s *Server) watchman(v *view) ([]byte, error) {
	out := map[string]any{}
	if !v.full {
		out["punctual"] = newWatchmanState(v.healthy, "not well")
	}
	if v.full && !v.chosen {
		out["caches"] = []any{}
	}
	for i := range v.entries {
		e := &v.entries[i]
		state := newWatchmanState(e.severity < status.Error, e.message())
		switch e.name {
		case "database":
			out["databases"] = []any{map[string]any{"default": state}}
		case "mail":
			out["email"] = state
		default:
			out[e.name] = state
		}
	}
	return json.Marshal(out)
}

// panopticon is the shape of python-panopticon: each component has healthy,
// status_message, response_time in seconds, and figures of its own beside them.
func (s *Server) panopticon(v *view) ([]byte, error) {
	components := map[string]any{}
	for i := range v.entries {
		e := &v.entries[i]
		c := fieldsOf(e)
		c["healthy"] = e.severity < status.Error
		c["status_message"] = e.message()
		c["response_time"] = seconds(e.took)
		components[e.name] = c
	}
	return json.Marshal(map[string]any{"service_healthy": v.healthy, "timestamp": instant(v.at), "components": components})
}

// healthCheck is the shape of django-health-check 3: "working", or the kind of
// trouble and a message, by the name of the class that looked.
func (s *Server) healthCheck(v *view) ([]byte, error) {
	out := map[string]string{}
	if !v.full {
		out["Punctual"] = healthCheckText(v.severity, "not well")
	}
	for i := range v.entries {
		e := &v.entries[i]
		out[healthCheckName(e.name)] = healthCheckText(e.severity, e.message())
	}
	return json.Marshal(out)
}

func healthCheckText(severity status.Severity, message string) string {
	switch severity {
	case status.OK:
		return "working"
	case status.Warning:
		return "warning: " + message
	default:
		return "unavailable: " + message
	}
}

// healthCheckName is what django-health-check calls a check; ours that it has
// none for get a name after its fashion: send-alerts is SendAlertsHealthCheck.
func healthCheckName(name string) string {
	switch name {
	case "database":
		return "DatabaseBackend"
	case "storage":
		return "DefaultFileStorageHealthCheck"
	case "disk":
		return "DiskUsage"
	case "memory":
		return "MemoryUsage"
	}
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(c rune) bool { return c == '-' || c == '_' || c == ' ' || c == '.' }) {
		b.WriteString(text.UpperFirst(word))
	}
	return b.String() + "HealthCheck"
}
