package web

import (
	"net/http"

	"punctual/web/apidoc"
)

// apiPage is the reference of the API.
type apiPage struct {
	BasePage
	Docs []doc
	Doc  *doc
	API  *apidoc.Reference
}

// apiDoc is the entry of the reference among the pages of documentation.
func apiDoc() doc {
	return doc{Name: "api-reference", Title: "API reference", Lead: "Every address with its parameters, its answers, and a command to try."}
}

func (s *Server) docsAPI(w http.ResponseWriter, r *http.Request) error {
	d := apiDoc()
	return s.render(w, r, http.StatusOK, "docs_api", &apiPage{BasePage: BasePage{Title: d.Title, Nav: "docs"}, Docs: s.docs, Doc: &d, API: s.reference})
}
