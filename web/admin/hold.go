package admin

import (
	"net/http"
	"time"

	"punctual/internal/errs"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui"
)

// holdTime is for how long all alerts may be held.
type holdTime struct {
	// a duration; "" = until they are released
	Value string
	Label string
}

func holdTimes() []holdTime {
	return []holdTime{
		{"30m", "30 minutes"}, {"1h", "1 hour"}, {"2h", "2 hours"}, {"4h", "4 hours"}, {"12h", "12 hours"}, {"24h", "1 day"},
		{"", "Until they are released"},
	}
}

// HoldAlerts answers POST /admin/alerts/hold/: no alert of this site is sent any more.
func (s *Pages) HoldAlerts(w http.ResponseWriter, r *http.Request) error {
	if err := s.SuperuserOnly(r); err != nil {
		return err
	}
	var ends time.Time
	chosen := ui.PostedField(r, "for")
	if chosen != "" {
		d, err := time.ParseDuration(chosen)
		if err != nil || d <= 0 || d > 366*24*time.Hour {
			return errs.Invalidf("for", "Please choose for how long.")
		}
		ends = s.Store.Now().Add(d)
	}
	note := text.Clip(text.OneLine(ui.PostedField(r, "note")), store.MaxHoldNote)
	if err := s.Store.HoldAlerts(r.Context(), ui.VisitorOf(r).User.Email, note, ends); err != nil {
		return err
	}
	s.audit(r, "all alerts are held", "until", ends, "note", note)
	ui.VisitorOf(r).Flash("ok", "All alerts are held.")
	return s.Redirect(w, r, "/admin/deliveries/")
}

// ReleaseAlerts answers POST /admin/alerts/release/.
func (s *Pages) ReleaseAlerts(w http.ResponseWriter, r *http.Request) error {
	if err := s.SuperuserOnly(r); err != nil {
		return err
	}
	released, err := s.Store.ReleaseAlerts(r.Context())
	if err != nil {
		return err
	}
	if released {
		s.audit(r, "alerts are released")
		ui.VisitorOf(r).Flash("ok", "Alerts are released: what is still true is told now.")
	}
	return s.Redirect(w, r, "/admin/deliveries/")
}
