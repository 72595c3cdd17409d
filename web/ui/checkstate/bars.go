package checkstate

import (
	"html/template"
	"strconv"
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/text"
)

// Share is the part of the runs (outcomes as in monitor.Check.RecentRuns) that came, in
// time or late: "96.7%"; "" for none.
func Share(runs string) string {
	if runs == "" {
		return ""
	}
	good := strings.Count(runs, string(monitor.RunSuccess)) + strings.Count(runs, string(monitor.RunLate))
	return strings.TrimSuffix(strconv.FormatFloat(100*float64(good)/float64(len(runs)), 'f', 1, 64), ".0") + "%"
}

// Bars is bars with a description for those who cannot see them.
func Bars(runs string) template.HTML {
	var count [256]int
	for i := range len(runs) {
		count[runs[i]]++
	}
	return template.HTML(AppendBars(nil, runs, describeRuns(len(runs), count[monitor.RunSuccess], count[monitor.RunLate],
		count[monitor.RunFail], count[monitor.RunMissed]))) //nolint:gosec // numbers and our own words
}

// AppendBars draws the outcomes of RecentRuns, oldest first. Without a label it is
// decoration beside the share.
//
// A band of colour is a horizontal line as thick as the bars are tall; dashes
// make the bars of it (static/css/pages/checks.css). So equal neighbours are one
// segment, and a picture has a few dozen bytes where thirty shapes would have
// two thousand.
func AppendBars(b []byte, runs, label string) []byte {
	b = append(b, `<svg class=hist viewBox="0 0 150 24" preserveAspectRatio=none`...)
	if label != "" {
		b = append(b, ` role=img aria-label="`...)
		b = append(append(b, label...), '"')
	}
	b = append(b, '>')
	padded := runs + noRuns[min(len(runs), len(noRuns)):]
	for _, band := range [...]struct{ class, height, outcomes string }{
		{"h-u", "12", "u"}, {"h-l", "14.5", "l"}, {"h-d", "12", "dm"}, {"h-n", "20", " "},
	} {
		b = appendBand(b, band.class, band.height, band.outcomes, padded)
	}
	return append(b, "</svg>"...)
}

// noRuns stands for the runs that have not been yet.
var noRuns = strings.Repeat(" ", monitor.MaxRecentRuns)

// barWidth is how much of the picture's width a bar takes with its gap.
const barWidth = 5

// appendBand draws the line through the bars of the outcomes, middle is its
// height: "M0 12h40m5 0h105".
func appendBand(b []byte, class, middle, outcomes, runs string) []byte {
	// of the segment before
	end := -1
	for i := 0; i < len(runs); i++ {
		if strings.IndexByte(outcomes, runs[i]) < 0 {
			continue
		}
		from := i
		for i+1 < len(runs) && strings.IndexByte(outcomes, runs[i+1]) >= 0 {
			i++
		}
		if end < 0 {
			b = append(append(b, `<path class=`...), class...)
			b = append(b, ` d="M`...)
			b = strconv.AppendInt(b, int64(from*barWidth), 10)
			b = append(append(b, ' '), middle...)
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

// describeRuns says what the bars show; what did not happen is left out.
func describeRuns(n, onTime, late, failed, missed int) string {
	if n == 0 {
		return "No runs yet"
	}
	said := "Last " + text.Plural(n, "run", "runs") + ":"
	sep := " "
	add := func(n int, what string) {
		if n > 0 {
			said += sep + strconv.Itoa(n) + " " + what
			sep = ", "
		}
	}
	add(onTime, "on time")
	add(late, "late")
	add(failed, "failed")
	add(missed, "missed")
	return said
}
