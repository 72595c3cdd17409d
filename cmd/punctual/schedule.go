package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/text"
)

const maxOccurrences = 1000

// scheduleCmd is `punctual schedule`: it explains a period, a cron expression
// or OnCalendar lines and prints when they occur next.
type scheduleCmd struct {
	Expr string `arg:"" help:"A period (\"90\", \"5m\", \"1 day\"), a cron expression of five fields, or OnCalendar lines."`
	TZ   string `name:"tz" default:"UTC" placeholder:"ZONE" help:"IANA time zone of the schedule (${default})."`
	From string `placeholder:"TIME" help:"Start from this time, as 2026-03-29T01:00:00Z, instead of now."`
	N    int    `short:"n" default:"5" help:"How many occurrences, at most 1000 (${default})."`
	JSON bool   `name:"json" help:"Print only the occurrences: a JSON array of UTC times."`
}

// Run prints to stdout. A flag out of range is a usage error; an expression
// that is wrong fails with its reason.
func (c *scheduleCmd) Run(_ context.Context, w *world) error {
	if c.N < 1 || c.N > maxOccurrences {
		return usageError(fmt.Sprintf("-n must be within 1-%d, not %d", maxOccurrences, c.N))
	}
	from := w.now().Truncate(time.Second)
	if c.From != "" {
		var err error
		from, err = time.Parse(time.RFC3339, c.From)
		if err != nil {
			return usageError(fmt.Sprintf("--from must be a time such as 2026-03-29T01:00:00Z, not %q", c.From))
		}
	}
	zone, ok := schedule.CanonicalZone(c.TZ)
	if !ok {
		return usageError(fmt.Sprintf("--tz must be an IANA time zone such as Europe/Berlin, not %q", c.TZ))
	}
	loc, err := schedule.LoadZone(zone)
	if err != nil {
		return err
	}
	kind, s, err := readSchedule(c.Expr, zone)
	if err != nil {
		return err
	}
	times := occurrences(s, from, c.N)
	if c.JSON {
		return printTimes(w, times)
	}
	return explain(w, kind, s, loc, from, times)
}

// readSchedule decides which kind of schedule a text is: five words are cron,
// what reads as a period is one, all else is OnCalendar. It takes what the form
// and the API take, and no more.
func readSchedule(expr, zone string) (schedule.Kind, schedule.Schedule, error) {
	kind := schedule.Detect(expr)
	if kind != schedule.Cron {
		period, err := schedule.ParsePeriod(expr)
		if err == nil {
			return readPeriod(period)
		}
	}
	s, err := schedule.Parse(kind, expr, zone)
	if err == nil {
		return kind, s, nil
	}
	hint := schedule.HintFor(expr)
	if hint.Sentence != "" {
		return "", nil, errors.New(advice(hint))
	}
	if kind == schedule.OnCalendar {
		err = fmt.Errorf("neither a period, nor five cron fields, nor OnCalendar: %w", err)
	}
	return "", nil, err
}

func readPeriod(period time.Duration) (schedule.Kind, schedule.Schedule, error) {
	if period < monitor.MinSeconds*time.Second || period > monitor.MaxSeconds*time.Second {
		return "", nil, fmt.Errorf("a period is at least one minute and at most 365 days, not %s", text.Duration(period))
	}
	return schedule.Simple, schedule.Every(period), nil
}

// advice is a hint in one line, with the command to use instead.
func advice(hint schedule.Hint) string {
	if hint.Use == "" {
		return hint.Sentence
	}
	use := fmt.Sprintf("punctual schedule %q", hint.Use)
	if hint.TZ != "" {
		use += " --tz " + hint.TZ
	}
	return hint.Sentence + " Use: " + use
}

func occurrences(s schedule.Schedule, after time.Time, n int) []time.Time {
	times := []time.Time{}
	for range n {
		t, ok := s.Next(after)
		if !ok {
			break
		}
		times = append(times, t)
		after = t
	}
	return times
}

func printTimes(w *world, times []time.Time) error {
	texts := make([]string, len(times))
	for i, t := range times {
		texts[i] = t.Format(time.RFC3339)
	}
	return json.NewEncoder(w.stdout).Encode(texts)
}

func explain(w *world, kind schedule.Kind, s schedule.Schedule, loc *time.Location, from time.Time, times []time.Time) error {
	kinds := map[schedule.Kind]string{
		schedule.Simple: "period", schedule.Cron: "cron expression", schedule.OnCalendar: "OnCalendar",
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\nKind:       %s\nTime zone:  %s\n", s.Describe(), kinds[kind], loc)
	fmt.Fprintf(&out, "From:       %s\n", from.In(loc).Format("Mon 2006-01-02 15:04:05 MST"))
	for _, warning := range schedule.Warnings(s, from) {
		fmt.Fprintf(&out, "Note:       %s\n", warning)
	}
	out.WriteString("\n")
	if len(times) == 0 {
		out.WriteString("It does not occur again.\n")
	} else {
		table := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
		if loc != time.UTC {
			fmt.Fprintf(table, "%s\tUTC\n", loc)
		} else {
			fmt.Fprintln(table, "UTC")
		}
		for _, t := range times {
			fmt.Fprint(table, t.In(loc).Format("Mon 2006-01-02 15:04:05 MST"))
			if loc != time.UTC {
				fmt.Fprintf(table, "\t%s", t.Format("Mon 2006-01-02 15:04:05"))
			}
			fmt.Fprintln(table)
		}
		if err := table.Flush(); err != nil {
			return fmt.Errorf("printing the occurrences: %w", err)
		}
	}
	_, err := fmt.Fprint(w.stdout, out.String())
	return err
}
