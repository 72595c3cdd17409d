package api

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// checkJSON is the check object of contract §2.3; nil pointers are absent keys.
type checkJSON struct {
	Name         string  `json:"name"`
	Slug         string  `json:"slug"`
	Tags         string  `json:"tags"`
	Desc         string  `json:"desc"`
	Grace        int64   `json:"grace"`
	NPings       int64   `json:"n_pings"`
	Status       string  `json:"status"`
	Started      bool    `json:"started"`
	LastPing     *string `json:"last_ping"`
	NextPing     *string `json:"next_ping"`
	ManualResume bool    `json:"manual_resume"`
	Methods      string  `json:"methods"`
	Subject      string  `json:"subject"`
	SubjectFail  string  `json:"subject_fail"`
	StartKW      string  `json:"start_kw"`
	SuccessKW    string  `json:"success_kw"`
	FailureKW    string  `json:"failure_kw"`
	FilterSubj   bool    `json:"filter_subject"`
	FilterBody   bool    `json:"filter_body"`
	FilterHTTP   bool    `json:"filter_http_body"`
	FilterFail   bool    `json:"filter_default_fail"`
	BadgeURL     string  `json:"badge_url"`
	LastDuration *int64  `json:"last_duration,omitempty"`

	UniqueKey *string `json:"unique_key,omitempty"` // read-only keys

	UUID      *string `json:"uuid,omitempty"` // read-write keys, down to Channels
	PingURL   *string `json:"ping_url,omitempty"`
	UpdateURL *string `json:"update_url,omitempty"`
	PauseURL  *string `json:"pause_url,omitempty"`
	ResumeURL *string `json:"resume_url,omitempty"`
	Channels  *string `json:"channels,omitempty"`

	Timeout  *int64  `json:"timeout,omitempty"`  // simple
	Schedule *string `json:"schedule,omitempty"` // cron and OnCalendar, with TZ
	TZ       *string `json:"tz,omitempty"`
}

// view is who looks at a check: it decides which keys the object has.
type view struct {
	version  string
	readonly bool
	now      time.Time
}

func (a *API) object(c *monitor.Check, channels []uuid.UUID, v view) checkJSON {
	o := checkJSON{
		Name: c.Name, Slug: c.Slug, Tags: c.Tags, Desc: c.Description,
		Grace: int64(c.Grace.Seconds()), NPings: c.NPings,
		Status: statusText(c, v), Started: c.Started(), LastPing: stamp(c.LastPing), NextPing: stamp(c.DueAt),
		ManualResume: c.ManualResume, Methods: c.Filter.Methods,
		StartKW: c.Filter.StartKW, SuccessKW: c.Filter.SuccessKW, FailureKW: c.Filter.FailureKW,
		FilterSubj: c.Filter.Subject, FilterBody: c.Filter.Body, FilterHTTP: c.Filter.HTTPBody, FilterFail: c.Filter.DefaultFail,
		BadgeURL: a.SiteURL + "/b/2/" + c.BadgeKey.String() + ".svg",
	}
	if c.Filter.Subject {
		o.Subject, o.SubjectFail = c.Filter.SuccessKW, c.Filter.FailureKW
	}
	if c.LastDuration > 0 {
		o.LastDuration = ptr(int64(c.LastDuration.Seconds()))
	}
	if c.Kind == schedule.Simple {
		o.Timeout = ptr(int64(c.Timeout.Seconds()))
	} else {
		o.Schedule, o.TZ = ptr(c.Schedule), ptr(c.TZ)
	}
	if v.readonly {
		o.UniqueKey = ptr(monitor.UniqueKey(c.Code))
		return o
	}
	url := a.SiteURL + "/api/" + v.version + "/checks/" + c.Code.String()
	o.UUID, o.PingURL = ptr(c.Code.String()), ptr(a.PingEndpoint+c.Code.String())
	o.UpdateURL, o.PauseURL, o.ResumeURL = ptr(url), ptr(url+"/pause"), ptr(url+"/resume")
	o.Channels = ptr(joinIDs(channels))
	return o
}

// CheckJSON is the check object as a read-write key sees it through version 3;
// webhooks send it as $JSON.
func (d Deps) CheckJSON(c *monitor.Check, channels []uuid.UUID, now time.Time) []byte {
	a := API{d}
	out, err := json.Marshal(a.object(c, channels, view{version: "v3", now: now}))
	if err != nil {
		return []byte("{}") // not reached: the object has only texts and numbers
	}
	return out
}

// statusText is the status at the present moment; version 1 alone calls a run
// under way "started".
func statusText(c *monitor.Check, v view) string {
	s := c.StatusAt(v.now)
	if v.version == "v1" && c.Started() && s != monitor.StatusDown {
		return "started"
	}
	return string(s)
}

// stamp is a time as the API writes it: UTC, whole seconds, +00:00 for the offset.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return ptr(t.UTC().Format("2006-01-02T15:04:05+00:00"))
}

func joinIDs(ids []uuid.UUID) string {
	texts := make([]string, 0, len(ids))
	for _, id := range ids {
		texts = append(texts, id.String())
	}
	slices.Sort(texts)
	return strings.Join(texts, ",")
}

func ptr[T any](v T) *T { return &v }
