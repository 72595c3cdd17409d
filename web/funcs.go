package web

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/text"
)

// templateFuncs are what templates may call beside the built-in functions.
func (s *Server) templateFuncs() template.FuncMap {
	return template.FuncMap{
		"path":      s.Site.Path,          // path "/docs/": our address below SITE_ROOT's path
		"asset":     s.assets.url,         // asset "css/app.css": the hashed address of a static file
		"icon":      s.assets.icon,        // icon "mail": a picture from the sprite
		"time":      timeTag,              // time $ .LastPing: "4 hours ago" with the exact time on hover
		"exact":     exact,                // exact $ .LastPing: "Sat, 1 Mar 2026, 12:00:00 EET"
		"clock":     clockTag,             // clock $ .At: "1 Mar 14:00:12", with the zone and its age on hover
		"duration":  duration,             // duration .Timeout: "1 hour", "3 hr 58 min"
		"plural":    text.Plural,          // plural 3 "check" "checks": "3 checks"
		"project":   monitor.ProjectTitle, // project .Name: what the project is called
		"initials":  initials,             // initials "jane.roe@example.org": "JR"
		"many":      many,                 // many .Code: whether it has several lines
		"highlight": highlight,            // highlight "go" .Code: the code as HTML, its parts marked
		"removal":   newRemoval,           // removal .Content "close": for the partial "who-loses"
		"confirm":   newConfirm,           // confirm "rm-7" "/x/7/remove/" "Remove this?" "It is gone for good." "Remove": for the partial "confirm"
	}
}

// many tells whether a text, or HTML, has several lines.
func many(text any) bool { return strings.Contains(fmt.Sprint(text), "\n") }

// icon draws a decorative picture; text beside it, or a label of the button
// around it, says what it means.
func (a *assets) icon(name string) (template.HTML, error) {
	if !a.icons[name] {
		return "", fmt.Errorf("no icon %q: add it to static/build/icons.txt", name)
	}
	sprite, err := a.url("img/icons.svg")
	if err != nil {
		return "", err
	}
	return template.HTML(`<svg class="icon" aria-hidden="true"><use href="` + sprite + `#i-` + name + `"/></svg>`), nil //nolint:gosec // both parts are ours
}

// timeTag says how long ago (or in how long) t is for the reader of page; its
// exact value, in the reader's zone, is shown on hover. The zero time is "never".
func timeTag(page model, t time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s" data-ago>%s</time>`, //nolint:gosec // escaped
		t.UTC().Format("2006-01-02T15:04:05Z"), template.HTMLEscapeString(exact(page, t)), ago(page.base().Now, t)))
}

// exact is the moment in full, in the zone of the page's reader.
func exact(page model, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	b := page.base()
	zone, layout := b.TZ, dateLayouts[""]
	if zone == nil {
		zone = time.UTC
	}
	if b.User != nil && dateLayouts[b.User.DateFormat] != "" {
		layout = dateLayouts[b.User.DateFormat]
	}
	return t.In(zone).Format(layout)
}

// ago tells the distance of t from now in one unit; two between one and six
// hours, where half an hour matters. static/js/app.js does the same.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		if text := distance(-d); text != "" {
			return "in " + text
		}
		return "in a moment"
	}
	if text := distance(d); text != "" {
		return text + " ago"
	}
	return "just now"
}

func distance(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return ""
	case d < time.Hour, d >= time.Hour && d < 6*time.Hour:
		if d < time.Minute {
			return duration(d.Truncate(time.Second))
		}
		return duration(d.Truncate(time.Minute))
	case d < 24*time.Hour:
		return duration(d.Truncate(time.Hour))
	case d < 60*24*time.Hour:
		return duration(d.Truncate(24 * time.Hour))
	case d < 2*365*24*time.Hour:
		return text.Plural(int(d/(30*24*time.Hour)), "month", "months")
	default:
		return text.Plural(int(d/(365*24*time.Hour)), "year", "years")
	}
}

// units are from large to small. A length of a single unit is spelt out, one of
// two is short.
var units = []struct {
	size                time.Duration
	short, one, several string
}{
	{24 * time.Hour, "d", "day", "days"},
	{time.Hour, "hr", "hour", "hours"},
	{time.Minute, "min", "min", "min"},
	{time.Second, "sec", "sec", "sec"},
}

// duration tells a length of time in its two largest units: "15 min", "1 hour",
// "3 hr 58 min". Fractions of a second show only below ten seconds.
func duration(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	if d < 10*time.Second && d%time.Second != 0 {
		if d < time.Second {
			return fmt.Sprintf("%d ms", d.Milliseconds())
		}
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " sec"
	}
	for i, u := range units {
		n := int(d / u.size)
		if n == 0 && i < len(units)-1 {
			continue
		}
		if i+1 < len(units) {
			next := units[i+1]
			if m := int(d % u.size / next.size); m > 0 {
				return strconv.Itoa(n) + " " + u.short + " " + strconv.Itoa(m) + " " + next.short
			}
		}
		return text.Plural(n, u.one, u.several)
	}
	return ""
}

// byteCount is a number of bytes in words, in decimal units as settings have them:
// "10 GB", "1.5 kB", "1 byte".
func byteCount(n int64) string {
	if n < 1000 {
		return text.Plural(int(n), "byte", "bytes")
	}
	value := float64(n)
	unit := ""
	for _, unit = range []string{"kB", "MB", "GB", "TB"} {
		value /= 1000
		if value < 1000 {
			break
		}
	}
	return strconv.FormatFloat(math.Round(value*10)/10, 'f', -1, 64) + " " + unit
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
