package webtest

import (
	"punctual/web"
	"punctual/web/api"
)

// WithReference gives the site the page of the API.
func WithReference() func(*web.Deps) {
	return func(d *web.Deps) {
		d.APIDocument = api.Deps{SiteURL: d.Site.Root.String(), PingEndpoint: d.Site.PingEndpoint}.Document()
	}
}
