package api_test

import (
	"net/http"
	"strings"
	"testing"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// The API takes what the forms take; what is longer and is there already may be
// sent back.
func TestTextsHaveLimits(t *testing.T) {
	each(t, func(c *client) {
		for field, limit := range map[string]int{
			"desc": monitor.MaxDescriptionLength, "tags": monitor.MaxTagsLength, "name": monitor.MaxNameLength, "start_kw": monitor.MaxKeywordLength,
			"slug": monitor.MaxSlugLength,
		} {
			long := strings.Repeat("x", limit+1)
			for _, path := range []string{"/api/v3/checks/", "/api/v1/checks/{U}"} {
				status, text := c.call("POST", path, `{"`+field+`":"`+long+`"}`)
				want := `{"error": "json validation error: ` + field + ` is too long"}`
				if status != http.StatusBadRequest || text != want {
					t.Errorf("POST %s, %s of %d: %d %s, want %s", path, field, limit+1, status, text, want)
				}
			}
			status, text := c.call("POST", "/api/v3/checks/{U}", `{"`+field+`":"`+long[1:]+`"}`)
			if status != http.StatusOK {
				t.Errorf("%s of %d: %d %s", field, limit, status, text)
			}
			_, err := c.store.UpdateCheck(t.Context(), c.mine.Check.Code, func(e *store.CheckChange) error {
				e.Name = "x"
				e.Slug = "x"
				e.Tags = ""
				e.Description = ""
				e.Filter.StartKW = ""
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestLongerTextsOfBeforeMayStay(t *testing.T) {
	each(t, func(c *client) {
		// the document has the limits of new texts
		c.api = c.bare
		desc := strings.Repeat("é", 50_000)
		tags := strings.Repeat("tag ", 200) + "end"
		_, err := c.store.UpdateCheck(t.Context(), c.mine.Check.Code, func(e *store.CheckChange) error {
			e.Description = desc
			e.Tags = tags
			e.Slug = "Imported-Slug"
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{
			`{"name":"New name"}`,
			`{"name":"Newer name","desc":"` + desc + `","tags":"` + tags + `","slug":"Imported-Slug"}`,
			`{"name":"Newer name","desc":"` + desc + `","grace":120,"unique":["name"]}`,
		} {
			path := "/api/v3/checks/{U}"
			if strings.Contains(body, "unique") {
				path = "/api/v3/checks/"
			}
			got := c.object(http.StatusOK, "POST", path, body)
			if got["desc"] != desc || got["tags"] != tags || got["slug"] != "Imported-Slug" {
				t.Errorf("%.40s: a text has changed", body)
			}
		}
		for body, want := range map[string]string{
			`{"desc":"` + desc + `x"}`:                                      "desc is too long",
			`{"desc":"` + desc + `","tags":"` + tags + ` more"}`:            "tags is too long",
			`{"slug":"Imported-slug"}`:                                      "slug does not match pattern",
			`{"desc":"` + desc + `","name":1}`:                              "name is not a string",
			`{"desc":"x` + desc + `","name":1}`:                             "desc is too long",
			`{"desc":"` + desc + `","name":"Another","unique":["name"]}`:    "desc is too long",
			`{"desc":"` + desc + `","name":"Newer name","unique":["slug"]}`: "desc is too long",
		} {
			path := "/api/v3/checks/{U}"
			if strings.Contains(body, "unique") {
				path = "/api/v3/checks/"
			}
			status, text := c.call("POST", path, body)
			if status != http.StatusBadRequest || text != `{"error": "json validation error: `+want+`"}` {
				t.Errorf("%s: %d %.200s", want, status, text)
			}
		}
		checks, err := testdb.ChecksOf(t.Context(), c.store, c.mine.Project.ID)
		if err != nil || len(checks) != 1 {
			t.Errorf("%d checks, %v", len(checks), err)
		}
	})
}
