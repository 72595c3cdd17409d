package projectmetrics

import (
	"bufio"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

// sample is a check at the moment of a scrape.
type sample struct {
	*store.CheckMetrics
	// {name="…", …}
	labels string
	status monitor.Status
	now    time.Time
}

// family is a metric of each check; value returns false where the check has none.
type family struct {
	name, help string
	value      func(*sample) (float64, bool)
}

// families are the metrics of checks: those of docs/contract.md §4 in its order, and
// extras, our own. Dashboards and alert rules know their names: none is ever
// renamed.
func families() (contract, extras []family) {
	contract = []family{
		{"hc_check_up", "Whether the check is up (1) or down (0).",
			func(s *sample) (float64, bool) { return one(s.status != monitor.StatusDown) }},
		{"hc_check_started", "Whether a run of the job is under way (1) or not (0).",
			func(s *sample) (float64, bool) { return one(s.Started()) }},
		{"hc_check_grace", "Whether the check is late, within its grace time (1), or not (0).",
			func(s *sample) (float64, bool) { return one(s.status == monitor.StatusGrace) }},
		{"hc_check_paused", "Whether the check is paused (1) or not (0).",
			func(s *sample) (float64, bool) { return one(s.status == monitor.StatusPaused) }},
	}
	extras = []family{
		{"hc_check_last_ping_timestamp_seconds", "When the job last reported success or failure, Unix time; absent before the first time.",
			func(s *sample) (float64, bool) { return unix(s.LastPing) }},
		{"hc_check_last_duration_seconds", "How long the last run took; absent when it was not measured.",
			func(s *sample) (float64, bool) { return s.LastDuration.Seconds(), s.LastDuration > 0 }},
		{"hc_check_next_deadline_timestamp_seconds",
			"When the check goes down unless a ping comes, Unix time; absent while it is down or nothing is expected.", deadline},
		{"hc_check_last_exit_status", "The exit status that the last success or failure came with; absent when it came without.", exitStatus},
		{"hc_check_time_in_state_seconds", "Time since the check last went up, down, paused or new; being late is part of being up.",
			timeInState},
	}
	return contract, extras
}

func one(yes bool) (float64, bool) {
	if yes {
		return 1, true
	}
	return 0, true
}

func unix(t time.Time) (float64, bool) { return float64(t.UnixMicro()) / 1e6, !t.IsZero() }

// deadline is the moment of going down. A check that is past it, found so by
// nobody but us yet, has none.
func deadline(s *sample) (float64, bool) {
	if s.DueAt.IsZero() || s.status == monitor.StatusDown {
		return 0, false
	}
	return unix(s.AlertAt)
}

func exitStatus(s *sample) (float64, bool) {
	if s.ExitStatus == nil {
		return 0, false
	}
	return float64(*s.ExitStatus), true
}

// timeInState counts from the change of the stored status. Where time alone has
// brought the check down, that is the deadline.
func timeInState(s *sample) (float64, bool) {
	since := s.StateSince
	if s.status == monitor.StatusDown && s.Status != monitor.StatusDown && s.AlertAt.After(since) {
		since = s.AlertAt
	}
	return max(0, s.now.Sub(since).Seconds()), true
}

// output is the text on its way. It is sent as it is made: of ten thousand checks
// with long tags it has 50 MB.
type output struct {
	*bufio.Writer
	ctx context.Context //nolint:containedctx // of the one scrape that this is the answer to
	// a family stands before
	begun bool
}

// write writes the metrics of the checks, given by their id, as they are read at a time,
// in the Prometheus text format. It fails as w does, or with the error of ctx.
func write(ctx context.Context, w io.Writer, checks []store.CheckMetrics, at monitor.Reading) error {
	out := &output{Writer: bufio.NewWriterSize(w, 64<<10), ctx: ctx}
	samples := make([]sample, len(checks))
	down := 0
	for i := range checks {
		c := &checks[i]
		s := sample{CheckMetrics: c, labels: checkLabels(&c.Check), status: c.StatusAt(at), now: at.Now}
		samples[i] = s
		if s.status == monitor.StatusDown {
			down++
		}
	}
	contract, extras := families()
	err := out.families(contract, samples)
	if err != nil {
		return err
	}
	out.tags(samples)
	out.header("hc_checks_total", "The number of checks.")
	out.line("hc_checks_total", "", float64(len(checks)))
	out.header("hc_checks_down_total", "The number of checks that are down.")
	out.line("hc_checks_down_total", "", float64(down))
	err = out.families(extras, samples)
	if err != nil {
		return err
	}
	return out.Flush()
}

// tags writes how the first monitor.MaxProjectTags tags are.
func (out *output) tags(samples []sample) {
	var first monitor.FirstTags
	for i := range samples {
		first.Add(samples[i].Tags)
	}
	tags := first.List()
	down := make(map[string]bool)
	for i := range samples {
		if samples[i].status != monitor.StatusDown {
			continue
		}
		for tag := range strings.FieldsSeq(samples[i].Tags) {
			_, found := slices.BinarySearch(tags, tag)
			if found {
				down[tag] = true
			}
		}
	}
	out.header("hc_tag_up", "Whether all checks with the tag are up (1) or one is down (0).")
	for _, tag := range tags {
		value, _ := one(!down[tag])
		out.line("hc_tag_up", `{tag="`+escape(tag)+`"}`, value)
	}
}

// families writes the metrics of each check. It ends when whoever asked has gone.
func (out *output) families(list []family, samples []sample) error {
	for _, f := range list {
		err := out.ctx.Err()
		if err != nil {
			return err
		}
		out.header(f.name, f.help)
		for i := range samples {
			value, ok := f.value(&samples[i])
			if ok {
				out.line(f.name, samples[i].labels, value)
			}
		}
	}
	return nil
}

// header begins a family, after an empty line where it is not the first. What goes
// wrong here and in line, Flush tells.
func (out *output) header(name, help string) {
	if out.begun {
		_ = out.WriteByte('\n')
	}
	out.begun = true
	_, _ = out.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " gauge\n")
}

func (out *output) line(name, labels string, value float64) {
	_, _ = out.WriteString(name)
	_, _ = out.WriteString(labels)
	_ = out.WriteByte(' ')
	_, _ = out.Write(strconv.AppendFloat(out.AvailableBuffer(), value, 'f', -1, 64))
	_ = out.WriteByte('\n')
}

// checkLabels tell checks apart, by a name that does not give the ping URL away.
func checkLabels(c *monitor.Check) string {
	return `{name="` + escape(c.Name) + `", tags="` + escape(c.Tags) + `", unique_key="` + monitor.UniqueKey(c.Code) + `"}`
}

// escape makes s a label value of the text format, which is UTF-8 throughout.
func escape(s string) string {
	return escapes.Replace(text.Valid(s))
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
