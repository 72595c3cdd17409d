package docs_test

import (
	"net/http"
	"testing"

	"punctual/internal/db"
	"punctual/internal/notify"
	"punctual/internal/notify/kinds"
	"punctual/internal/testkit/kindtest"
	"punctual/web"
	"punctual/web/webtest"
)

// Each integration has a page, and a line in the list of what there is.
func TestEachIntegrationHasAPage(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite, func(d *web.Deps) { d.Notifiers = kindtest.Registry(notify.Env{}, nil) })
	list := s.Get("/docs/notifications/").Is(http.StatusOK)
	for _, k := range kinds.All() {
		name := "integration-" + k.Name
		s.Get("/docs/"+name+"/").Is(http.StatusOK).Has(k.Label, "What you need", "Set it up")
		if list.Find(`.prose a[href="../`+name+`/"]`).Length() != 1 {
			t.Errorf("the list does not lead to %s", name)
		}
	}
	s.Get("/docs/").Is(http.StatusOK).Has("Integrations")
}
