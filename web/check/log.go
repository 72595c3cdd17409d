package check

import (
	"strings"
	"time"
	"unicode/utf8"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui/checkstate"
)

// maxLogPings bounds the log page.
const maxLogPings = 1000

// logRow is an event in the log of a check: exactly one of Ping, Flip, Alert and Unknown.
type logRow struct {
	At   time.Time
	Ping *store.PingRow
	Flip *monitor.Flip
	// of a flip to down: who was told of it; nil: not known
	Told  *telling
	Alert *alert
	// a run that was hidden, at its deadline
	Unknown *unknownRun
	// of a ping that ended a run: the one that began it
	Start *store.PingRow
	// where its body holds what is searched for
	Hit *hit
}

// eventKinds are the filters of the log, in their order.
func eventKinds() []string {
	return []string{"success", "fail", "start", "log", "ign", "flip", "alert", "unknown"}
}

// Kind is the filter that shows the event.
func (e *logRow) Kind() string {
	switch {
	case e.Ping != nil:
		return string(e.Ping.Kind)
	case e.Flip != nil:
		return "flip"
	case e.Unknown != nil:
		return "unknown"
	default:
		return "alert"
	}
}

// kindLabel names a filter for people.
func kindLabel(kind string) string {
	switch kind {
	case "success":
		return "Success"
	case "fail":
		return "Failure"
	case "start":
		return "Started"
	case "log":
		return "Log"
	case "ign":
		return "Ignored"
	case "flip":
		return "Status change"
	case "unknown":
		return "Unknown run"
	default:
		return "Alert"
	}
}

// What names a ping or a flip: "Success", "Exit status 3", "Went down".
func (e *logRow) What() string {
	if e.Ping != nil {
		return pingLabel(&e.Ping.Ping)
	}
	return flipLabel(e.Flip)
}

// Took is how long the run lasted that Start began.
func (e *logRow) Took() time.Duration {
	return monitor.Run{Start: &e.Start.Ping, End: &e.Ping.Ping}.Took()
}

// Class is the colour of the event.
func (e *logRow) Class() checkstate.State {
	switch e.Kind() {
	case "success":
		return checkstate.Up
	case "fail":
		return checkstate.Down
	case "start":
		return checkstate.Started
	case "flip":
		return checkstate.State(e.Flip.New)
	case "alert":
		return e.Alert.class()
	default:
		return checkstate.New
	}
}

// Source is where a ping came from: "POST https 198.51.100.7".
func (e *logRow) Source() string { return pingSource(&e.Ping.Ping) }

// Excerpt is the beginning of the body of a ping, or else of that of the start of
// its run, in one line; a body that is no text is only named.
func (e *logRow) Excerpt() string {
	if e.Ping.BodySize == 0 && e.Start != nil {
		return excerpt(e.Start)
	}
	return excerpt(e.Ping)
}

func excerpt(p *store.PingRow) string {
	if p.BodySize == 0 {
		return ""
	}
	body := p.Body
	// it may be cut within a character
	if int64(len(body)) < p.BodySize {
		for range utf8.UTFMax - 1 {
			r, n := utf8.DecodeLastRune(body)
			if r != utf8.RuneError || n != 1 {
				break
			}
			body = body[:len(body)-1]
		}
	}
	if !isText(body) {
		return "(" + text.Plural(int(p.BodySize), "byte", "bytes") + ", not text)"
	}
	return strings.Join(strings.Fields(string(body)), " ")
}

func pingLabel(p *monitor.Ping) string {
	if p.ExitStatus != nil && p.Kind != monitor.PingIgn {
		return "Exit status " + monitor.ExitStatusText(*p.ExitStatus)
	}
	return kindLabel(string(p.Kind))
}

func pingSource(p *monitor.Ping) string {
	return strings.Join(strings.Fields(p.Method+" "+p.Scheme+" "+p.RemoteAddr), " ")
}

func flipLabel(f *monitor.Flip) string {
	switch f.New {
	case monitor.StatusDown:
		switch f.Reason {
		case monitor.ReasonFail:
			return "Went down: failure signal"
		case monitor.ReasonTimeout:
			return "Went down: no ping in time"
		default:
			return "Went down"
		}
	case monitor.StatusUp:
		if f.Old == monitor.StatusDown {
			return "Came back up"
		}
		return "Went up"
	case monitor.StatusPaused:
		return "Paused"
	default:
		if f.Old == monitor.StatusPaused {
			return "Resumed"
		}
		return "Became new"
	}
}
