package docs

import (
	"net/http"

	"punctual/internal/errs"
	"punctual/web/apidoc"
)

// apiPage is the reference of the API.
type apiPage struct {
	docsFrame
	API *apidoc.Reference
}

// apiDoc is the entry of the reference among the pages of documentation.
func apiDoc() doc {
	return doc{Name: "api-reference", Title: "API reference", Lead: "Every address with its parameters, its answers, and a command to try."}
}

// withAPIDoc puts the reference behind the page about the API.
func withAPIDoc(groups []docGroup, ref *apidoc.Reference) []docGroup {
	entry := apiDoc()
	entry.Sections = apiSections(ref)
	for g := range groups {
		for i := range groups[g].Docs {
			if groups[g].Docs[i].Name == "api" {
				groups[g].Docs = append(groups[g].Docs[:i+1:i+1], append([]doc{entry}, groups[g].Docs[i+1:]...)...)
				return groups
			}
		}
	}
	return groups
}

// API answers GET /docs/api-reference/.
func (s *Pages) API(w http.ResponseWriter, r *http.Request) error {
	d, err := s.docs()
	if err != nil {
		return err
	}
	frame, err := s.docsFrame(apiDoc().Title)
	if err != nil {
		return err
	}
	m := &apiPage{docsFrame: frame, API: d.reference}
	if !m.at(apiDoc().Name) {
		return errs.NotFoundf("There is no such page.")
	}
	return s.Render(w, r, http.StatusOK, "docs/api", m)
}
