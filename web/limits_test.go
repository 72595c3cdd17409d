package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// A text that is longer than a new one may be stays when its form is saved.
func TestLongerTextsOfBeforeMayBeSaved(t *testing.T) {
	t.Parallel()
	e := newEverything(t, db.SQLite)
	s := e.jane
	ctx := t.Context()
	desc := strings.Repeat("é", 700_000) + "\n"
	tags := strings.Repeat("tag  ", 200) + "end"
	words := strings.Repeat("w,", 150)
	_, err := s.Store.UpdateCheck(ctx, e.check.Code, func(c *store.CheckChange) error {
		c.Description = desc
		c.Tags = tags
		c.Slug = "Imported-Slug"
		c.Filter.FailureKW = words
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	base := "/checks/" + e.check.Code.String()
	form := func(page string) url.Values {
		values := url.Values{}
		doc := s.Get(base + page).Is(http.StatusOK)
		for _, name := range []string{"name", "slug", "tags", "start_kw", "success_kw", "failure_kw"} {
			field := doc.Find(`main form [name="` + name + `"]`)
			if field.Length() > 0 {
				values.Set(name, field.AttrOr("value", ""))
			}
		}
		field := doc.Find(`main form textarea[name="desc"]`)
		if field.Length() > 0 {
			values.Set("desc", strings.ReplaceAll(field.Text(), "\n", "\r\n"))
		}
		return values
	}
	names := form("/name/")
	names.Set("name", "Another name")
	s.Post(base+"/name/", names).Is(http.StatusSeeOther)
	filters := form("/filtering_rules/")
	filters.Set("filter_http_body", "on")
	s.Post(base+"/filtering_rules/", filters).Is(http.StatusSeeOther)
	c, err := s.Store.CheckByCode(ctx, e.check.Code)
	if err != nil || c.Name != "Another name" || c.Description != desc || c.Tags != tags || c.Slug != "Imported-Slug" || !c.Filter.HTTPBody {
		t.Errorf("saved as %q, %d bytes of description, %d of tags, slug %q, %v", c.Name, len(c.Description), len(c.Tags), c.Slug, err)
	}
	names.Set("desc", names.Get("desc")+"more")
	s.Post(base+"/name/", names).Is(http.StatusBadRequest).Has("The description may have at most 10000 characters.")

	ch := e.channel
	body := strings.Repeat("b", 2000)
	ch.ID = uuid.Nil
	ch.Name = strings.Repeat("n", 150)
	ch.Config = `{"method_down":"POST","url_down":"https://h.example.org/","body_down":"` + body + `","headers_down":{}}`
	if err := s.Store.CreateChannel(ctx, &ch); err != nil {
		t.Fatal(err)
	}
	edit := url.Values{"name": {ch.Name}, "method_down": {"PUT"}, "url_down": {"https://h.example.org/"}, "body_down": {body}}
	s.Post("/integrations/"+ch.ID.String()+"/edit/", edit).Is(http.StatusSeeOther)
	s.Post("/integrations/"+ch.ID.String()+"/name/", url.Values{"name": {ch.Name}}).Is(http.StatusSeeOther)
	s.Post("/integrations/"+ch.ID.String()+"/name/", url.Values{"name": {ch.Name + "n"}}).Is(http.StatusBadRequest)
	edit.Set("body_down", body+"b")
	s.Post("/integrations/"+ch.ID.String()+"/edit/", edit).Is(http.StatusBadRequest).Has("The body has more than 1000 characters.")

	long := strings.Repeat("p", 80)
	if _, err := s.Store.ChangeProject(ctx, e.project.ID, func(p *monitor.Project) error { p.Name = long; return nil }); err != nil {
		t.Fatal(err)
	}
	settings := "/projects/" + e.project.ID.String() + "/settings/"
	s.Post(settings, url.Values{"name": {long}, "show_slugs": {"on"}}).Is(http.StatusSeeOther)
	s.Post(settings, url.Values{"name": {long + "p"}}).Is(http.StatusBadRequest).Has("A project's name has at most 60 characters.")
}
