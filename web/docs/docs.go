// Package docs is the room of the documentation, and of the reference of the API.
package docs

import (
	"sync"

	"punctual/internal/notify"
	"punctual/web/ui"
)

// Pages are the pages of the documentation.
type Pages struct {
	*ui.Site
	// read when a page of them is asked for first
	docs func() (*docs, error)
}

// New makes them; kinds are the integrations that have a page each. The page of the API is made of apiDocument, nil = there is
// none. It fails where the site has no icon "copy".
func New(site *ui.Site, kinds []*notify.Kind, apiDocument []byte) (*Pages, error) {
	copyIcon, err := site.Assets.Icon("copy")
	if err != nil {
		return nil, err
	}
	return &Pages{Site: site, docs: sync.OnceValues(func() (*docs, error) {
		return loadDocs(site.Templates, &site.Instance, kinds, copyIcon, apiDocument)
	})}, nil
}
