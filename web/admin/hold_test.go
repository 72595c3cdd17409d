package admin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/web/webtest"
)

// Operators see on every page that alerts are held, and nobody else does.
func TestAllAlertsAreHeldAndReleased(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		root := webtest.Superuser(s)
		const banner = "root@example.org holds all alerts"
		root.Post("/admin/alerts/hold/", url.Values{"for": {"2h"}, "note": {"The network  is being moved"}}).LeadsTo("/admin/deliveries/")
		hold, err := s.Store.AlertHold(s.Context())
		if err != nil || hold == nil || !hold.Ends.Equal(s.Clock.Now().Add(2*time.Hour)) || hold.Note != "The network is being moved" {
			t.Fatalf("%+v, %v", hold, err)
		}
		for _, page := range []string{"/", "/admin/users/", "/admin/deliveries/"} {
			got := root.Get(page).Text(".banner.grace")
			if !strings.Contains(got, banner) || !strings.Contains(got, "The network is being moved") {
				s.Errorf("%s: the banner says %q", page, got)
			}
		}
		others := s.Get("/projects/" + p.ID.String() + "/checks/").Text(".banner")
		if others != "" {
			s.Errorf("others see the banner %q", others)
		}
		root.Post("/admin/alerts/release/", nil).LeadsTo("/admin/deliveries/")
		root.Get("/admin/deliveries/").HasNot(banner).Has("Alerts are released", "Hold all alerts of this site")
		root.Post("/admin/alerts/hold/", url.Values{"for": {"yesterday"}}).Is(http.StatusBadRequest)
		root.Post("/admin/alerts/hold/", url.Values{"for": {""}}).LeadsTo("/admin/deliveries/")
		s.Clock.Advance(1000 * time.Hour)
		hold, err = s.Store.AlertHold(s.Context())
		if err != nil || hold == nil || !hold.Ends.IsZero() {
			t.Errorf("%+v, %v", hold, err)
		}
	})
}
