// Package checkjson writes a check as JSON, the object that versions 1 to 3 of the
// API answer with and that webhooks send. It reads nothing from anywhere: who calls
// it has the check and the ids of its channels.
package checkjson

import (
	"bytes"
	"slices"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// Versions of the API. Between them is v2, whose objects are as those of V3 but for
// the addresses.
const (
	V1 = "v1"
	V3 = "v3"
)

// TimeLayout is how the API writes a time, which must be in UTC: in whole seconds,
// with +00:00 for the offset.
const TimeLayout = "2006-01-02T15:04:05+00:00"

// Size is about the size of an object, in bytes, without a long description.
const Size = 1200

// Addresses are where the instance is.
type Addresses struct {
	// Site is SITE_ROOT, without a slash at the end.
	Site string
	// Ping is what ping URLs begin with, with a slash at the end.
	Ping string
}

// Writer writes objects for one who looks at checks.
type Writer struct {
	// LeaveOut tells whether the description is left out, so that nothing stands for
	// it at the end of json. Nil: it is not.
	LeaveOut func(json []byte, c *monitor.Check) bool

	version  string
	readonly bool
	at       monitor.Reading

	pings, badges, checks string
}

// For returns the writer for one who asks the version v1, v2 or v3 with a
// read-write or a read-only key. Statuses are those
// read at a time.
func (a Addresses) For(version string, readonly bool, at monitor.Reading) *Writer {
	return &Writer{
		version:  version,
		readonly: readonly,
		at:       at,
		pings:    a.Ping,
		badges:   a.Site + "/b/2/",
		checks:   a.Site + "/api/" + version + "/checks/",
	}
}

// Append appends the object of c to b: what read-write and read-only keys both
// see, then what only one of them does. The ids are those of the channels of the
// check, in the order of Sorted.
func (w *Writer) Append(b []byte, c *monitor.Check, channels []uuid.UUID) []byte {
	o := object{append(b, '{')}
	o.text("name", c.Name)
	o.text("slug", c.Slug)
	o.text("tags", c.Tags)
	o.name("desc")
	if w.LeaveOut == nil || !w.LeaveOut(o.json, c) {
		o.json = AppendText(o.json, c.Description)
	}
	o.number("grace", int64(c.Grace.Seconds()))
	o.number("n_pings", c.NPings)
	o.text("status", w.status(c))
	o.flag("started", c.Started())
	o.moment("last_ping", c.LastPing)
	o.moment("next_ping", c.DueAt)
	o.flag("manual_resume", c.ManualResume)
	o.text("methods", c.Filter.Methods)
	o.filters(&c.Filter)
	o.address("badge_url", w.badges, c.BadgeKey, ".svg")
	if c.LastDuration > 0 {
		o.number("last_duration", int64(c.LastDuration.Seconds()))
	}
	if c.LastRunUnknown() {
		o.text("last_run", "unknown")
	}
	if w.readonly {
		o.text("unique_key", monitor.UniqueKey(c.Code))
	} else {
		o.address("uuid", "", c.Code, "")
		o.address("ping_url", w.pings, c.Code, "")
		o.address("update_url", w.checks, c.Code, "")
		o.address("pause_url", w.checks, c.Code, "/pause")
		o.address("resume_url", w.checks, c.Code, "/resume")
		o.ids("channels", channels)
	}
	if c.Kind == schedule.Simple {
		o.number("timeout", int64(c.Timeout.Seconds()))
	} else {
		o.text("schedule", c.Schedule)
		o.text("tz", c.TZ)
	}
	return append(o.json, '}')
}

// filters writes the filters, by their names of old first.
func (o *object) filters(f *monitor.Filter) {
	var subject, subjectFail string
	if f.Subject {
		subject = f.SuccessKW
		subjectFail = f.FailureKW
	}
	o.text("subject", subject)
	o.text("subject_fail", subjectFail)
	o.text("start_kw", f.StartKW)
	o.text("success_kw", f.SuccessKW)
	o.text("failure_kw", f.FailureKW)
	o.flag("filter_subject", f.Subject)
	o.flag("filter_body", f.Body)
	o.flag("filter_http_body", f.HTTPBody)
	o.flag("filter_default_fail", f.DefaultFail)
}

// status is the status at the present moment. Version 1 alone calls a run under
// way "started", whatever is stored, while it is not overdue.
func (w *Writer) status(c *monitor.Check) string {
	if w.version == V1 && c.Started() && w.at.Heard.Before(c.LastStart.Add(c.Grace)) {
		return "started"
	}
	return string(c.StatusAt(w.at))
}

// Sorted are the ids in the order of their texts, in which objects list them.
func Sorted(ids []uuid.UUID) []uuid.UUID {
	return slices.SortedFunc(slices.Values(ids), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
}
