package ui

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/text"
	"punctual/web/ui/highlight"
	"punctual/web/ui/human"
)

// templateFuncs are what templates may call beside the built-in functions.
func (s *Site) templateFuncs() template.FuncMap {
	return template.FuncMap{
		// path "/docs/": our address below SITE_ROOT's path
		"path": s.Path,
		// asset "css/app.css": the hashed address of a static file
		"asset": s.Assets.URL,
		// icon "mail": a picture from the sprite
		"icon": s.Assets.Icon,
		// time $ .LastPing: "4 hours ago" with the exact time on hover
		"time": timeTag,
		// exact $ .LastPing: "Sat, 1 Mar 2026, 12:00:00 EET"
		"exact": exact,
		// clock $ .At: "1 Mar 14:00:12", with the zone and its age on hover
		"clock": clockTag,
		// duration .Timeout: "1 hour", "3 hr 58 min"
		"duration": human.Duration,
		// linked .Description: its parts, with the addresses among them
		"linked": text.Linked,
		// plural 3 "check" "checks": "3 checks"
		"plural": text.Plural,
		// project .Name: what the project is called
		"project": monitor.ProjectTitle,
		// initials "jane.roe@example.org": "JR"
		"initials": initials,
		// many .Code: whether it has several lines
		"many": highlight.Many,
		// highlight "go" .Code: the code as HTML, its parts marked
		"highlight": highlight.Code,
		// removal .Content "close": for the partial "who-loses"
		"removal": newRemoval,
		// confirm "rm-7" "/x/7/remove/" "Remove this?" "It is gone for good." "Remove": for the partial "confirm"
		"confirm": newConfirm,
	}
}

// timeTag says how long ago (or in how long) t is for the reader of page; its
// exact value, in the reader's zone, is shown on hover. The zero time is "never".
func timeTag(page Model, t time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s" data-ago>%s</time>`, //nolint:gosec // escaped
		t.UTC().Format("2006-01-02T15:04:05Z"), template.HTMLEscapeString(exact(page, t)), human.Ago(page.base().Now, t)))
}

// exact is the moment in full, in the zone of the page's reader.
func exact(page Model, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	b := page.base()
	zone := b.TZ
	layout := human.DateLayouts[""]
	if zone == nil {
		zone = time.UTC
	}
	if b.User != nil && human.DateLayouts[b.User.DateFormat] != "" {
		layout = human.DateLayouts[b.User.DateFormat]
	}
	return t.In(zone).Format(layout)
}

// initials are the one or two letters of an avatar.
func initials(email string) string {
	local, _, _ := strings.Cut(email, "@")
	parts := strings.FieldsFunc(local, func(r rune) bool { return strings.ContainsRune("._-+", r) })
	var out []rune
	for _, p := range parts {
		out = append(out, []rune(strings.ToUpper(p))[0])
		if len(out) == 2 {
			break
		}
	}
	return string(out)
}

// clockTag is the moment itself, to the second; the zone, and how long ago it
// is, show on hover.
func clockTag(page Model, t time.Time) template.HTML {
	b := page.base()
	zone := b.TZ
	if zone == nil {
		zone = time.UTC
	}
	format := ""
	if b.User != nil {
		format = b.User.DateFormat
	}
	t = t.In(zone)
	layout := human.ClockLayout(format, t.Year() != b.Now.In(zone).Year())
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s (%s)">%s</time>`, //nolint:gosec // escaped
		t.UTC().Format("2006-01-02T15:04:05Z"), template.HTMLEscapeString(exact(page, t)), human.Ago(b.Now, t), t.Format(layout)))
}
