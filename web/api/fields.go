package api

import (
	"bytes"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/text"
)

// parseBody reads a JSON object; nothing at all is an empty one
// (docs/conformance.md §2).
func parseBody(raw []byte) (body, error) {
	if len(raw) == 0 {
		return body{}, nil
	}
	if !json.Valid(raw) {
		raw = nonNumbers.ReplaceAllFunc(raw, replaceNonNumber)
	}
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, errs.Invalidf("", "could not parse request body")
	}
	if bytes.TrimLeft(raw, " \t\r\n")[0] != '{' {
		return nil, validation("value is not an object")
	}
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, errs.Invalidf("", "could not parse request body").Because(err)
	}
	return b, nil
}

// nonNumbers are words that JSON does not have but other parsers take for
// numbers. Clients hear which field is wrong rather than that nothing could be
// read (docs/conformance.md §4). Texts are matched to be left alone.
var nonNumbers = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?Infinity|NaN`)

// replaceNonNumber puts a number there that no field takes.
func replaceNonNumber(match []byte) []byte {
	if match[0] == '"' {
		return match
	}
	return []byte(" 0.5 ")
}

func validation(format string, args ...any) error {
	return errs.Invalidf("", "json validation error: "+format, args...)
}

// fields is what a request wants of a check; nil means "not sent". Their order
// is that of the errors (docs/contract.md §2.5).
type fields struct {
	channels, desc, failureKW                                 *string
	filterSubject, filterBody, filterHTTPBody, filterFailures *bool
	grace                                                     *time.Duration
	manualResume                                              *bool
	methods, name, schedule, slug, startKW                    *string
	subject, subjectFail, successKW, tags                     *string
	timeout                                                   *time.Duration
	tz                                                        *string
	unique                                                    []string

	// kept are texts that only a check may keep that has them already.
	kept []keptText
}

// keptText is a text that no check may get, but one that has it may keep.
type keptText struct {
	field, value string
	err          error
}

// storedText is what the check has in the field of a request.
func storedText(c *monitor.Check, field string) string {
	switch field {
	case "desc":
		return c.Description
	case "failure_kw", "subject_fail":
		return c.Filter.FailureKW
	case "name":
		return c.Name
	case "slug":
		return c.Slug
	case "start_kw":
		return c.Filter.StartKW
	case "subject", "success_kw":
		return c.Filter.SuccessKW
	case "tags":
		return c.Tags
	default:
		return ""
	}
}

// allow fails with the first error about a text of the request that the check
// does not have already: longer ones of before there was a limit may be saved.
func (f *fields) allow(c *monitor.Check) error {
	for _, k := range f.kept {
		if storedText(c, k.field) != k.value {
			return k.err
		}
	}
	return nil
}

// decode reads and validates the fields of a check; the first error in the order
// of docs/contract.md §2.5 is returned. was is the check that is changed; where
// it is not known yet (nil), the caller asks allow when it is.
func (b body) decode(was *monitor.Check) (*fields, error) {
	f := &fields{}
	d := decoder{body: b, was: was, fields: f}
	d.text("channels", &f.channels, 0)
	d.text("desc", &f.desc, monitor.MaxDescriptionLength)
	d.text("failure_kw", &f.failureKW, monitor.MaxKeywordLength)
	d.flag("filter_subject", &f.filterSubject)
	d.flag("filter_body", &f.filterBody)
	d.flag("filter_http_body", &f.filterHTTPBody)
	d.flag("filter_default_fail", &f.filterFailures)
	d.seconds("grace", &f.grace)
	d.flag("manual_resume", &f.manualResume)
	d.methods(&f.methods)
	d.text("name", &f.name, monitor.MaxNameLength)
	d.schedule(&f.schedule)
	d.slug(&f.slug)
	d.text("start_kw", &f.startKW, monitor.MaxKeywordLength)
	d.text("subject", &f.subject, monitor.MaxKeywordLength)
	d.text("subject_fail", &f.subjectFail, monitor.MaxKeywordLength)
	d.text("success_kw", &f.successKW, monitor.MaxKeywordLength)
	d.text("tags", &f.tags, monitor.MaxTagsLength)
	d.seconds("timeout", &f.timeout)
	d.zone(&f.tz)
	d.unique(&f.unique)
	if len(f.kept) > 0 && (d.err != nil || f.uniqueBy() == nil) {
		return nil, f.kept[0].err
	}
	return f, d.err
}

// decoder reads fields one after the other and keeps the first error.
type decoder struct {
	body body
	// nil = not known
	was    *monitor.Check
	fields *fields
	err    error
}

// refuse is fail for a text that a check may keep.
func (d *decoder) refuse(field, value, format string, args ...any) {
	switch {
	case d.was == nil:
		d.fields.kept = append(d.fields.kept, keptText{field, value, validation(format, args...)})
	case storedText(d.was, field) != value:
		d.fail(format, args...)
	}
}

// value returns the JSON of a field, nil when it was not sent or an earlier
// field was wrong.
func (d *decoder) value(name string) json.RawMessage {
	if d.err != nil {
		return nil
	}
	return d.body[name]
}

func (d *decoder) fail(format string, args ...any) { d.err = validation(format, args...) }

// text reads a string of at most limit characters, 0 = any length.
func (d *decoder) text(name string, dst **string, limit int) {
	raw := d.value(name)
	if raw == nil {
		return
	}
	var s string
	switch {
	case raw[0] != '"' || json.Unmarshal(raw, &s) != nil:
		d.fail("%s is not a string", name)
	case strings.ContainsRune(s, 0) && (limit == 0 || !text.Longer(s, limit)):
		d.fail("%s contains a null character", name)
	default:
		*dst = &s
		if limit > 0 && text.Longer(s, limit) {
			d.refuse(name, s, "%s is too long", name)
		}
	}
}

func (d *decoder) flag(name string, dst **bool) {
	switch raw := d.value(name); {
	case raw == nil:
	case string(raw) == "true", string(raw) == "false":
		v := string(raw) == "true"
		*dst = &v
	default:
		d.fail("%s is not a boolean", name)
	}
}

// seconds reads a whole number of seconds in the bounds of docs/contract.md §2.5. A
// JSON true counts as 1, as it always has.
func (d *decoder) seconds(name string, dst **time.Duration) {
	raw := d.value(name)
	if raw == nil {
		return
	}
	n, ok := new(big.Int).SetString(string(raw), 10)
	if string(raw) == "true" || string(raw) == "false" {
		n = big.NewInt(0)
		ok = true
	}
	switch {
	case !ok:
		d.fail("%s is not a number", name)
	case n.Cmp(big.NewInt(monitor.MinSeconds)) < 0:
		d.fail("%s is too small", name)
	case n.Cmp(big.NewInt(monitor.MaxSeconds)) > 0:
		d.fail("%s is too large", name)
	default:
		v := time.Duration(n.Int64()) * time.Second
		*dst = &v
	}
}

func (d *decoder) methods(dst **string) {
	raw := d.value("methods")
	if raw == nil {
		return
	}
	var s string
	if json.Unmarshal(raw, &s) != nil || raw[0] != '"' || s != "" && s != "POST" {
		d.fail("methods has unexpected value")
		return
	}
	*dst = &s
}

func (d *decoder) schedule(dst **string) {
	var s *string
	d.text("schedule", &s, monitor.MaxScheduleLength)
	if s == nil || d.err != nil {
		return
	}
	_, err := schedule.Parse(schedule.Detect(*s), *s, "UTC")
	if err != nil {
		d.fail("schedule is not a valid cron or OnCalendar expression")
		return
	}
	*dst = s
}

func (d *decoder) slug(dst **string) {
	var s *string
	d.text("slug", &s, monitor.MaxSlugLength)
	if s == nil || d.err != nil {
		return
	}
	*dst = s
	if !monitor.ValidSlug(*s) && !text.Longer(*s, monitor.MaxSlugLength) {
		d.refuse("slug", *s, "slug does not match pattern")
	}
}

// zone reads a time zone; names of old are replaced by what they mean now.
func (d *decoder) zone(dst **string) {
	var s *string
	d.text("tz", &s, 0)
	if s == nil || d.err != nil {
		return
	}
	zone, ok := schedule.CanonicalZone(*s)
	if !ok {
		d.fail("tz is not a valid timezone")
		return
	}
	*dst = &zone
}

func (d *decoder) unique(dst *[]string) {
	raw := d.value("unique")
	if raw == nil {
		return
	}
	var items []any
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		d.fail("unique is not an array")
		return
	}
	for _, item := range items {
		s, ok := item.(string)
		if !ok || !slices.Contains([]string{"name", "slug", "tags", "timeout", "grace"}, s) {
			d.fail("an item in 'unique' has unexpected value")
			return
		}
		*dst = append(*dst, s)
	}
}

// apply makes c what the request wants.
func (f *fields) apply(c *monitor.Check, version string) {
	setText := func(dst *string, v *string) {
		if v != nil {
			*dst = *v
		}
	}
	setFlag := func(dst *bool, v *bool) {
		if v != nil {
			*dst = *v
		}
	}
	if f.name != nil && version != "v3" {
		c.Slug = monitor.Slugify(*f.name)
	}
	setText(&c.Name, f.name)
	setText(&c.Slug, f.slug)
	setText(&c.Tags, f.tags)
	setText(&c.Description, f.desc)
	setText(&c.Filter.Methods, f.methods)
	setText(&c.TZ, f.tz)
	setFlag(&c.ManualResume, f.manualResume)
	if f.grace != nil {
		c.Grace = *f.grace
	}
	switch {
	case f.schedule != nil:
		// wins over timeout, which is not even stored then
		c.Kind = schedule.Detect(*f.schedule)
		c.Schedule = *f.schedule
	case f.timeout != nil:
		c.Kind = schedule.Simple
		c.Timeout = *f.timeout
	}

	// subject and subject_fail are the names of old; the new ones win.
	setText(&c.Filter.SuccessKW, f.subject)
	setText(&c.Filter.FailureKW, f.subjectFail)
	if f.subject != nil || f.subjectFail != nil {
		c.Filter.Subject = c.Filter.SuccessKW != "" || c.Filter.FailureKW != ""
	}
	setText(&c.Filter.StartKW, f.startKW)
	setText(&c.Filter.SuccessKW, f.successKW)
	setText(&c.Filter.FailureKW, f.failureKW)
	setFlag(&c.Filter.Subject, f.filterSubject)
	setFlag(&c.Filter.Body, f.filterBody)
	setFlag(&c.Filter.HTTPBody, f.filterHTTPBody)
	setFlag(&c.Filter.DefaultFail, f.filterFailures)
}
