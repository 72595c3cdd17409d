package api

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// view is who looks at checks: it decides which keys an object has.
type view struct {
	version  string
	readonly bool
	now      time.Time

	badges, checks string // what the addresses of badges and checks begin with

	list *checkList // which the objects are written to, nil = none
}

func (a *API) view(version string, readonly bool, now time.Time) view {
	return view{version: version, readonly: readonly, now: now, badges: a.SiteURL + "/b/2/", checks: a.SiteURL + "/api/" + version + "/checks/"}
}

// appendCheck appends the check object of contract §2.3: what read-write and
// read-only keys both see, then what only one of them does. The ids of the
// channels are in order.
func (a *API) appendCheck(b []byte, c *monitor.Check, channels []uuid.UUID, v *view) []byte {
	o := object{append(b, '{')}
	o.text("name", c.Name)
	o.text("slug", c.Slug)
	o.text("tags", c.Tags)
	o.name("desc")
	if v.list == nil || !v.list.leaveOut(o.json, c) {
		o.json = appendText(o.json, c.Description)
	}
	o.number("grace", int64(c.Grace.Seconds()))
	o.number("n_pings", c.NPings)
	o.text("status", statusText(c, v))
	o.flag("started", c.Started())
	o.moment("last_ping", c.LastPing)
	o.moment("next_ping", c.DueAt)
	o.flag("manual_resume", c.ManualResume)
	o.text("methods", c.Filter.Methods)
	subject, subjectFail := "", "" // the names of old
	if c.Filter.Subject {
		subject, subjectFail = c.Filter.SuccessKW, c.Filter.FailureKW
	}
	o.text("subject", subject)
	o.text("subject_fail", subjectFail)
	o.text("start_kw", c.Filter.StartKW)
	o.text("success_kw", c.Filter.SuccessKW)
	o.text("failure_kw", c.Filter.FailureKW)
	o.flag("filter_subject", c.Filter.Subject)
	o.flag("filter_body", c.Filter.Body)
	o.flag("filter_http_body", c.Filter.HTTPBody)
	o.flag("filter_default_fail", c.Filter.DefaultFail)
	o.address("badge_url", v.badges, c.BadgeKey, ".svg")
	if c.LastDuration > 0 {
		o.number("last_duration", int64(c.LastDuration.Seconds()))
	}
	if v.readonly {
		o.text("unique_key", monitor.UniqueKey(c.Code))
	} else {
		o.address("uuid", "", c.Code, "")
		o.address("ping_url", a.PingEndpoint, c.Code, "")
		o.address("update_url", v.checks, c.Code, "")
		o.address("pause_url", v.checks, c.Code, "/pause")
		o.address("resume_url", v.checks, c.Code, "/resume")
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

// CheckJSON is the check object as a read-write key sees it through version 3;
// webhooks send it as $JSON.
func (d Deps) CheckJSON(c *monitor.Check, channels []uuid.UUID, now time.Time) []byte {
	a := API{d}
	v := a.view("v3", false, now)
	return a.appendCheck(nil, c, inOrder(channels), &v)
}

// statusText is the status at the present moment; version 1 alone calls a run
// under way "started", whatever is stored, while it is not overdue.
func statusText(c *monitor.Check, v *view) string {
	if v.version == "v1" && c.Started() && v.now.Before(c.LastStart.Add(c.Grace)) {
		return "started"
	}
	return string(c.StatusAt(v.now))
}

// stamp is a time as the API writes it: UTC, whole seconds, +00:00 for the offset.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return ptr(t.UTC().Format(stampLayout))
}

const stampLayout = "2006-01-02T15:04:05+00:00"

// inOrder are the ids in the order of their texts.
func inOrder(ids []uuid.UUID) []uuid.UUID {
	return slices.SortedFunc(slices.Values(ids), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
}

func ptr[T any](v T) *T { return &v }
