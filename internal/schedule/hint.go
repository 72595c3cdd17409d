package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"punctual/internal/text"
)

// Hint is help with an expression that other programs take and that is refused
// here.
type Hint struct {
	// Sentence says why it is refused, "" = there is no hint.
	Sentence string
	// Use is an expression that means the same or comes near, "" = there is none.
	Use string
	// TZ is the time zone that the expression named, "" = none.
	TZ string
}

// HintFor looks for what people bring from other programs: a seconds field, a
// whole line of a crontab, a time zone in the expression, H of Jenkins, ? and L-3
// of Quartz, @reboot and other words with @. It is for expressions that Parse
// has refused. What it offers is an expression that Parse takes.
func HintFor(expr string) Hint {
	h := hintFor(strings.TrimSpace(expr))
	if h.Use == "" {
		return h
	}
	_, err := Parse(Detect(h.Use), h.Use, "UTC")
	if err != nil {
		h.Use = ""
	}
	return h
}

var (
	zonePrefix = regexp.MustCompile(`^(?:CRON_)?TZ=("?)([A-Za-z0-9_+/-]+)"?\s+`)
	// cronField is what a field of cron is made of, in any program.
	cronField = regexp.MustCompile(`(?i)^(?:[0-9*?,/#LWH()-]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT)+$`)
	// hashed is Jenkins's H, H/15, H(0-29) and H(0-29)/10.
	hashed  = regexp.MustCompile(`H(?:\(([0-9]+)-[0-9]+\))?(/[0-9]+)?`)
	yearly  = regexp.MustCompile(`^(?:\*|(?:19|20|21)[0-9]{2}.*)$`)
	fromEnd = regexp.MustCompile(`^L-([0-9]+)$`)
)

func hintFor(expr string) Hint {
	m := zonePrefix.FindStringSubmatch(expr)
	if m != nil {
		return inZone(m[2], strings.TrimSpace(expr[len(m[0]):]))
	}
	if strings.Contains(expr, "\n") || expr == "" {
		return Hint{}
	}
	line, isTimer := strings.CutPrefix(expr, "OnCalendar=")
	if isTimer {
		return Hint{Sentence: "The word OnCalendar= of a timer file does not belong here, only what follows it.", Use: strings.TrimSpace(line)}
	}
	fields := strings.Fields(expr)
	if strings.HasPrefix(expr, "@") {
		return hintAlias(fields)
	}
	if len(fields) > 5 && allCron(fields[:5]) {
		return hintLong(fields)
	}
	if len(fields) == 5 && allCron(fields) {
		return hintWord(fields)
	}
	return Hint{}
}

func allCron(fields []string) bool {
	for _, f := range fields {
		if !cronField.MatchString(f) {
			return false
		}
	}
	return true
}

// inZone is help with an expression that begins with its time zone.
func inZone(zone, rest string) Hint {
	canonical, known := CanonicalZone(zone)
	if !known {
		return Hint{Sentence: fmt.Sprintf("The time zone %q is not known, and it does not belong into the expression: it has a field of its own.",
			zone)}
	}
	h := Hint{
		Sentence: fmt.Sprintf("The time zone does not belong into the expression: choose %s in the field for it.", canonical),
		Use:      rest,
		TZ:       canonical,
	}
	_, err := Parse(Detect(rest), rest, "UTC")
	if err != nil {
		h.Use = HintFor(rest).Use
	}
	return h
}

// hintAlias is help with words that begin with @.
func hintAlias(fields []string) Hint {
	word := fields[0]
	_, known := aliasFields(word)
	if known {
		return Hint{Sentence: "This is a whole line of a crontab: the schedule is its first word, the rest is the command.", Use: word}
	}
	if _, known := aliasFields(strings.ToLower(word)); known {
		return Hint{Sentence: "Words with @ are written in small letters.", Use: strings.ToLower(word)}
	}
	switch strings.ToLower(word) {
	case "@reboot":
		return Hint{Sentence: "@reboot names no time: nobody knows when the machine starts next. For a job that runs all along, choose a " +
			"period and let it ping within that."}
	case "@every":
		return Hint{Sentence: "@every is a period, not an expression: give the check a period" + everyText(fields) + " instead."}
	}
	words := make([]string, len(aliases))
	for i, a := range aliases {
		words[i] = a.word
	}
	return Hint{Sentence: fmt.Sprintf("%s is not known. There are %s.", word, strings.Join(words, ", "))}
}

// everyText is how long the period of an @every is, as " of 5 minutes"; "" where
// that cannot be read.
func everyText(fields []string) string {
	if len(fields) < 2 {
		return ""
	}
	period, err := time.ParseDuration(fields[1])
	if err != nil || period < time.Minute {
		return ""
	}
	return " of " + text.Duration(period)
}

// hintLong is help with more than five fields.
func hintLong(fields []string) Hint {
	switch {
	case strings.HasPrefix(fields[5], "#"):
		return Hint{Sentence: "A comment does not belong into the schedule.", Use: plain(fields[:5])}
	case !cronField.MatchString(fields[5]):
		return Hint{
			Sentence: "This is a whole line of a crontab: the schedule is its first five fields, the rest is the command.",
			Use:      plain(fields[:5]),
		}
	case len(fields) == 6 && yearly.MatchString(fields[5]) && fields[5] != "*":
		return Hint{Sentence: "A cron expression has five fields here, none for the year.", Use: plain(fields[:5])}
	case len(fields) <= 7:
		return Hint{
			Sentence: fmt.Sprintf(
				"A cron expression has five fields here, and this one has %d: the first is for seconds, which no job is watched by.", len(fields)),
			Use: plain(fields[1:6]),
		}
	}
	return Hint{Sentence: fmt.Sprintf("A cron expression has five fields, this one has %d.", len(fields))}
}

// hintWord is help with five fields that hold what cron does not have.
func hintWord(fields []string) Hint {
	day := strings.ToUpper(fields[2])
	switch {
	case fromEnd.MatchString(day):
		return Hint{Sentence: "L-3 and the like, days before the last of the month, are not in cron; OnCalendar has them.",
			Use: daysFromEnd(fields)}
	case strings.Contains(strings.Join(fields, " "), "?"):
		return Hint{Sentence: "The question mark is of Quartz; here a field for any value is a *.", Use: plain(fields)}
	case strings.Contains(strings.Join(fields[:4], " "), "H") || strings.HasPrefix(fields[4], "H"):
		return Hint{Sentence: "H is of Jenkins, which chooses a time of its own. Name the time, and let the job run then.", Use: plain(fields)}
	case strings.HasSuffix(day, "W") && day != "LW":
		return Hint{Sentence: "W, the workday next to a day of the month, is not known; LW, the last workday, is."}
	}
	return Hint{}
}

// plain writes fields as they are understood here: * for ?, and for H the first
// time it may choose.
func plain(fields []string) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = strings.ReplaceAll(f, "?", "*")
		if !strings.Contains(strings.ReplaceAll(strings.ToUpper(f), "THU", ""), "H") && !strings.Contains(f, "H") {
			continue
		}
		first := "0"
		if i == 2 || i == 3 {
			first = "1"
		}
		out[i] = hashed.ReplaceAllStringFunc(out[i], func(h string) string {
			m := hashed.FindStringSubmatch(h)
			switch {
			case m[2] != "":
				return "*" + m[2]
			case m[1] != "":
				return m[1]
			}
			return first
		})
	}
	return strings.Join(out, " ")
}

// daysFromEnd writes "30 4 L-3 * *" as OnCalendar has it: L-3 is the fourth last
// day. "" where more than that is asked for.
func daysFromEnd(fields []string) string {
	before, err := strconv.Atoi(fromEnd.FindStringSubmatch(strings.ToUpper(fields[2]))[1])
	if err != nil || !isNumber(fields[0]) || !isNumber(fields[1]) {
		return ""
	}
	month := fields[3]
	if month != "*" && !isNumber(month) || strings.Trim(fields[4], "*?") != "" {
		return ""
	}
	return fmt.Sprintf("*-%s~%02d %02d:%02d", month, before+1, atoi(fields[1]), atoi(fields[0]))
}
