package check

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/web/ui"
	"punctual/web/ui/human"
)

// sessionZone is which zone the pages of a check use: "utc", "check", or "mine",
// which is meant where there is none.
const sessionZone = "zone"

// zoneChoice is a zone the times on the pages of a check can be shown in.
type zoneChoice struct {
	// utc, mine, check
	Key string
	// of the zone: Europe/Riga
	Name string
	// whose it is
	Note string
	On   bool
	zone *time.Location
}

// zones is the switch between them, for the partial "zones"; Choices are fewer
// than two where there is nothing to choose.
type zones struct {
	Choices []zoneChoice
	// where the form goes
	Action string
	// and where it leads
	Next string
	Now  zoneChoice
	// the one in use is not the reader's, so times carry it; a script that knows the
	// zone of the browser knows better
	Foreign bool
}

// Tag is the zone of a moment, to stand behind it where the zone is not the
// reader's.
func (z *zones) Tag(t time.Time) template.HTML { return zoneTag(t.In(z.Now.zone)) }

// ShortClock is the moment t in the row of another moment: its time alone, where
// both are of one day. format is how the reader has dates written, see human.DateLayouts.
func (z *zones) ShortClock(t, other time.Time, format string) string {
	t = t.In(z.Now.zone)
	other = other.In(z.Now.zone)
	layout := human.ClockLayout(format, t.Year() != other.Year())
	if dayNumber(t) == dayNumber(other) {
		layout = "15:04:05"
		if format == "us" {
			layout = "3:04:05 PM"
		}
	}
	return t.Format(layout)
}

// zoneTag is the zone of a moment as an element that is seen where the zone of the
// page is not the reader's: " EET", " UTC+05:45".
func zoneTag(t time.Time) template.HTML {
	name, _ := t.Zone()
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		name = "UTC" + t.Format("-07:00")
	}
	return sentence(`<span class="tz"> %s</span>`, name)
}

// zonesFor are the zones for the pages of check c, each zone once, and the one
// in use.
func zonesFor(r *http.Request, c *monitor.Check) zones {
	v := ui.VisitorOf(r)
	chosen, _ := v.Session.Values[sessionZone].(string)
	z := zones{Action: "/checks/" + c.Code.String() + "/zone/", Next: r.URL.RequestURI()}
	add := func(key, name, note string) {
		zone, err := schedule.LoadZone(name)
		if err != nil {
			return
		}
		i := slices.IndexFunc(z.Choices, func(o zoneChoice) bool { return o.Name == name })
		if i >= 0 {
			if key == chosen {
				// the same under another name
				chosen = z.Choices[i].Key
			}
			return
		}
		z.Choices = append(z.Choices, zoneChoice{Key: key, Name: name, Note: note, zone: zone})
	}
	add("mine", v.User.TZ, "Your time zone")
	add("utc", "UTC", "Coordinated universal time")
	if c.Kind != schedule.Simple {
		add("check", c.TZ, "The time zone of the schedule")
	}
	// UTC is always there
	on := max(0, slices.IndexFunc(z.Choices, func(o zoneChoice) bool { return o.Key == chosen }))
	z.Choices[on].On = true
	z.Now = z.Choices[on]
	z.Foreign = z.Now.Name != v.User.TZ
	return z
}

// ChooseZone remembers in the session which zone the pages of checks use.
func (s *Pages) ChooseZone(w http.ResponseWriter, r *http.Request) error {
	c, _, _, err := s.CheckFor(r)
	if err != nil {
		return err
	}
	switch key := ui.PostedField(r, "zone"); key {
	case "utc", "mine", "check":
		ui.VisitorOf(r).Session.Values[sessionZone] = key
	default:
		return errs.Invalidf("zone", "There is no time zone %q to choose; there are utc, mine and check.", key)
	}
	next := ui.SafeNext(ui.PostedField(r, "next"))
	if !strings.HasPrefix(next, "/checks/"+c.Code.String()+"/") {
		next = ui.CheckURL(c, "")
	}
	return s.Redirect(w, r, next)
}
