package docs

import (
	"strings"
	"testing"
)

func FuzzSearchOfTheDocumentation(f *testing.F) {
	sections := []docSection{{Heading: "Überschrift <b>", Text: "A job & its ping: “each” day, straße 12 ÄÖÜ ping"},
		{Anchor: "x", Heading: "ping", Text: ""}}
	groups := []docGroup{{"g", []doc{{Name: "page", Title: "Ping & go", Lead: "lead", Sections: sections}}}}
	for _, seed := range []string{"ping", "ä", "ping pin pi", "\xff", "straße ẞ", "day,", "12"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, hit := range searchDocs(groups, query) {
			all := string(hit.Heading + hit.Snippet)
			if strings.Contains(all, "<b>") || strings.Count(all, "<mark>") != strings.Count(all, "</mark>") {
				t.Errorf("%q: %s", query, all)
			}
		}
	})
}
