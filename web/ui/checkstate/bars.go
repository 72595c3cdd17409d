package checkstate

import (
	"html/template"
	"strconv"
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/text"
)

// Share is the part of the runs (outcomes as in monitor.Check.RecentRuns) that came, in
// time or late, those left out of which nobody knows: "96.7%"; "" for none.
func Share(runs string) string {
	known := len(runs) - strings.Count(runs, string(monitor.RunUnknown))
	if known == 0 {
		return ""
	}
	good := strings.Count(runs, string(monitor.RunSuccess)) + strings.Count(runs, string(monitor.RunLate))
	return strings.TrimSuffix(strconv.FormatFloat(100*float64(good)/float64(known), 'f', 1, 64), ".0") + "%"
}

// RunWord names the outcome of a run for people.
func RunWord(outcome byte) string {
	switch outcome {
	case monitor.RunSuccess:
		return "on time"
	case monitor.RunLate:
		return "late"
	case monitor.RunFail:
		return "failed"
	case monitor.RunUnknown:
		return "unknown"
	default:
		return "missed"
	}
}

// Bar is a bar of the legend.
type Bar struct {
	HTML template.HTML
	Word string
}

// Legend is what each bar means, the best first.
func Legend() []Bar {
	var out []Bar
	for _, outcome := range []byte{monitor.RunSuccess, monitor.RunLate, monitor.RunFail, monitor.RunMissed} {
		out = append(out, Bar{OneBar(outcome), RunWord(outcome)})
	}
	return append(out, Bar{OneBar(monitor.RunUnknown), "unknown: we could not hear"})
}

// OneBar draws the bar of one run, as decoration beside its word.
func OneBar(outcome byte) template.HTML {
	b := append([]byte(nil), `<svg class="hist one" viewBox="0 0 5 24" preserveAspectRatio=none aria-hidden=true>`...)
	for i := range bands {
		b = appendBand(b, &bands[i], string(outcome))
	}
	return template.HTML(append(b, "</svg>"...)) //nolint:gosec // numbers and our own words
}

// Bars draws the outcomes of RecentRuns, oldest first, with a description for those who
// cannot see them.
func Bars(runs string) template.HTML {
	return template.HTML(appendBars(nil, runs, describe(runs))) //nolint:gosec // numbers and our own words
}

// bands are the lines that bars are made of. The worse a run went, the taller is
// its bar, of one that did not come there is the top only, and one of which nobody
// knows is hatched: nobody needs the colours. The class has the thickness of the line (static/css/pages/checks.css).
var bands = [...]band{
	{"h-u", "17", "u"}, {"h-l", "14.5", "l"}, {"h-d", "12", "d"}, {"h-m", "4", "m"}, {"h-n", "22", " "},
	{"h-q", "1.5", "?"}, {"h-q", "8.5", "?"}, {"h-q", "15.5", "?"}, {"h-q", "22.5", "?"},
}

// band is a line through the middle, a height of the picture, of the bars of
// some outcomes.
type band struct{ class, middle, outcomes string }

// appendBars draws the outcomes of RecentRuns, oldest first. static/js/checks.js does
// the same for the rows of lists.
//
// A band of colour is a horizontal line as thick as the bars are tall; dashes
// make the bars of it (static/css/pages/checks.css). So equal neighbours are one
// segment, and a picture has a few dozen bytes where thirty shapes would have
// two thousand.
func appendBars(b []byte, runs, label string) []byte {
	b = append(b, `<svg class=hist viewBox="0 0 150 24" preserveAspectRatio=none role=img aria-label="`...)
	b = append(append(b, label...), `">`...)
	padded := runs + noRuns[min(len(runs), len(noRuns)):]
	for i := range bands {
		b = appendBand(b, &bands[i], padded)
	}
	return append(b, "</svg>"...)
}

// noRuns stands for the runs that have not been yet.
var noRuns = strings.Repeat(" ", monitor.MaxRecentRuns)

// barWidth is how much of the picture's width a bar takes with its gap.
const barWidth = 5

// appendBand draws a line through the bars of its outcomes: "M0 12h40m5 0h105".
func appendBand(b []byte, line *band, runs string) []byte {
	// of the segment before
	end := -1
	for i := 0; i < len(runs); i++ {
		if strings.IndexByte(line.outcomes, runs[i]) < 0 {
			continue
		}
		from := i
		for i+1 < len(runs) && strings.IndexByte(line.outcomes, runs[i+1]) >= 0 {
			i++
		}
		if end < 0 {
			b = append(append(b, `<path class=`...), line.class...)
			b = append(b, ` d="M`...)
			b = strconv.AppendInt(b, int64(from*barWidth), 10)
			b = append(append(b, ' '), line.middle...)
		} else {
			b = append(b, 'm')
			b = strconv.AppendInt(b, int64((from-end)*barWidth), 10)
			b = append(b, " 0"...)
		}
		end = i + 1
		b = append(b, 'h')
		b = strconv.AppendInt(b, int64((end-from)*barWidth), 10)
	}
	if end >= 0 {
		b = append(b, `"/>`...)
	}
	return b
}

// describe says what the bars of runs show: "Last 30 runs: 28 on time, 2 late".
func describe(runs string) string {
	if runs == "" {
		return "No runs yet"
	}
	described := "Last " + text.Plural(len(runs), "run", "runs") + ":"
	separator := " "
	for _, outcome := range []byte{monitor.RunSuccess, monitor.RunLate, monitor.RunFail, monitor.RunMissed, monitor.RunUnknown} {
		n := strings.Count(runs, string(outcome))
		if n > 0 {
			described += separator + strconv.Itoa(n) + " " + RunWord(outcome)
			separator = ", "
		}
	}
	return described
}
