package notify

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/text"
)

// shortFact is how long a fact may be to stand beside another.
const shortFact = 40

// CloakedURL is the address of a check as messages carry it: it leads members
// to the check without giving the ping URL away. root is
// SITE_ROOT without a slash at the end.
func CloakedURL(root string, c *monitor.Check) string {
	return root + "/cloaked/" + monitor.UniqueKey(c.Code) + "/"
}

// word is the status as headlines have it.
func word(s monitor.Status) string { return strings.ToUpper(string(s)) }

// Word is what has become of the check, as headlines have it: DOWN, UP or FLAPPING.
func (ev *Event) Word() string {
	if ev.Began() {
		return "FLAPPING"
	}
	return word(ev.Status)
}

// flapping says how often the check went down, and what it is now.
func (ev *Event) flapping() string {
	f := ev.Flaps
	settle := text.Duration(f.Settle)
	often := fmt.Sprintf("%s within %s", times(f.Downs), text.Duration(max(time.Second, ev.Flip.CreatedAt.Sub(f.Since))))
	switch {
	case !f.Over:
		return fmt.Sprintf("It has gone down %s and is %s now. You are told again when it has stayed up or down for %s.", often, ev.Status, settle)
	case f.Downs == 0:
		return fmt.Sprintf("It has been %s for %s.", ev.Status, settle)
	default:
		return fmt.Sprintf("It has been %s for %s, after it went down %s.", ev.Status, settle, often)
	}
}

// times says how often: "once", "twice", "3 times".
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	default:
		return strconv.Itoa(n) + " times"
	}
}

// Sentence says what happened and why.
func (ev *Event) Sentence() string {
	switch {
	case ev.Flaps != nil:
		return ev.flapping()
	case ev.Status == monitor.StatusUp && ev.DownFor > 0:
		return "The job is reporting again. It was down for " + text.Duration(ev.DownFor) + "."
	case ev.Status == monitor.StatusUp:
		return "The job is reporting again."
	case ev.Flip.Reason == monitor.ReasonFail && failedWithStatus(ev):
		return "The job reported a failure: exit status " + monitor.ExitStatusText(*ev.LastPing.ExitStatus) + "."
	case ev.Flip.Reason == monitor.ReasonFail:
		return "The job reported a failure."
	default:
		return "No success signal came in time, and the grace time is over."
	}
}

// failedWithStatus tells whether the last ping came with the exit status of a
// failure, which is negative for some programs of Windows.
func failedWithStatus(ev *Event) bool {
	return ev.LastPing != nil && ev.LastPing.ExitStatus != nil && *ev.LastPing.ExitStatus != 0
}

// ExitStatus is that of the last ping, -1 when it had none.
func (ev *Event) ExitStatus() int {
	if ev.LastPing == nil || ev.LastPing.ExitStatus == nil {
		return -1
	}
	return *ev.LastPing.ExitStatus
}

// Facts are what a reader wants to know of the check beyond its state.
func (ev *Event) Facts() []Fact {
	var out []Fact
	add := func(label, value string) {
		if value != "" {
			out = append(out, Fact{Label: label, Value: Text{Plain(value)}, Short: len(value) <= shortFact})
		}
	}
	c := &ev.Check
	add("Project", ev.Project.Name)
	add("Tags", strings.Join(c.TagList(), ", "))
	if c.Kind == schedule.Simple {
		add("Period", text.Duration(c.Timeout))
	} else {
		add("Schedule", scheduleWords(c))
		add("Time zone", c.TZ)
	}
	add("Grace time", text.Duration(c.Grace))
	add("Total pings", fmt.Sprintf("%d, since %s", c.NPings, c.CreatedAt.In(zone(ev)).Format("2 January 2006")))
	add("Last ping", lastPing(ev))
	return out
}

// scheduleWords describes the schedule and quotes it.
func scheduleWords(c *monitor.Check) string {
	expr := strings.Join(strings.Fields(c.Schedule), " ")
	s, err := schedule.Parse(c.Kind, c.Schedule, c.TZ)
	if err != nil || s.Describe() == "" {
		return expr
	}
	return s.Describe() + " (" + expr + ")"
}

func lastPing(ev *Event) string {
	p := ev.LastPing
	if p == nil {
		return ago(ev.Check.LastPing, ev.Now)
	}
	kind := string(p.Kind)
	switch p.Kind {
	case monitor.PingFail:
		kind = "failure"
	case monitor.PingIgn:
		kind = "ignored"
	}
	text := fmt.Sprintf("%s, %s", kind, ago(p.CreatedAt, ev.Now))
	if p.ExitStatus != nil {
		text += ", exit status " + monitor.ExitStatusText(*p.ExitStatus)
	}
	if p.RemoteAddr != "" {
		text += ", from " + p.RemoteAddr
	}
	return text
}

// ago says how long ago t was, "never" when it is zero.
func ago(t, now time.Time) string {
	switch {
	case t.IsZero():
		return "never"
	case now.Sub(t) < time.Second:
		return "just now"
	default:
		return text.Duration(now.Sub(t)) + " ago"
	}
}

// Others lists the other checks that are down, with the age of their last ping.
func (ev *Event) Others() []Fact {
	out := make([]Fact, 0, len(ev.OtherDown))
	for i := range ev.OtherDown {
		c := &ev.OtherDown[i]
		age := "never pinged"
		if !c.LastPing.IsZero() {
			age = "last ping " + ago(c.LastPing, ev.Now)
		}
		out = append(out, Fact{Label: c.Title(), Value: Text{Plain(age)}})
	}
	return out
}

func zone(ev *Event) *time.Location {
	if ev.OwnerTZ == nil {
		return time.UTC
	}
	return ev.OwnerTZ
}

// When is the time of the event in the zone of the project's owner, in words.
func (ev *Event) When() string {
	return ev.Flip.CreatedAt.In(zone(ev)).Format("Monday, 2 January 2006, 15:04:05 MST")
}

// Proof says when the deadline was and how fast it was judged: "Due 02:05:00 UTC, decided
// 0.2 s later."; "" where no deadline has brought the check down.
func (ev *Event) Proof() string {
	if ev.Flaps != nil || ev.Decided.IsZero() || ev.Status != monitor.StatusDown || ev.Flip.Reason != monitor.ReasonTimeout {
		return ""
	}
	due := ev.Flip.CreatedAt
	return "Due " + due.In(zone(ev)).Format("15:04:05 MST") + ", decided " + text.Lag(ev.Decided.Sub(due)) + " later."
}

// Tail returns at most the last n characters of a ping's body as text that can
// be shown, and whether something was left out before them.
func Tail(body []byte, n int) (shown string, cut bool) {
	shown = strings.TrimSpace(strings.Map(printable, text.Valid(string(body))))
	extra := utf8.RuneCountInString(shown) - n
	if extra > 0 {
		return string([]rune(shown)[extra:]), true
	}
	return shown, false
}

// printable drops control characters that are no white space.
func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' {
		return -1
	}
	return r
}
