package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"strings"

	"punctual/internal/notify/kinds"
)

// document is the description of everything programs can ask (OpenAPI 3.1).
// Its addresses are those of documentRoot.
//
//go:embed openapi.yaml
var document string

// documentRoot is the SITE_ROOT of the addresses in the document as it is
// written; its ping endpoint is the usual one below it.
const documentRoot = "https://punctual.example.org"

// Document is the OpenAPI document, as YAML, with the addresses of this instance:
// SiteURL in its server and in its examples, PingEndpoint in those of ping URLs.
func (d Deps) Document() []byte {
	all := kinds.All()
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = k.Name
	}
	return []byte(strings.NewReplacer(
		documentRoot+"/ping/", d.PingEndpoint, documentRoot, d.SiteURL,
		"CHANNEL_KINDS", strings.Join(names, ", "), "ChannelConfig: {description: CHANNEL_CONFIG}\n", channelSchemas(all),
	).Replace(document))
}

// openapi answers with the document. Scripts of every site may read it.
func (a *api) openapi() http.HandlerFunc {
	body := a.Document()
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		// ask each time: an update may change it
		h.Set("Cache-Control", "no-cache")
		h.Set("Etag", etag)
		if strings.Contains(r.Header.Get("If-None-Match"), etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", "application/yaml")
		_, _ = bytes.NewReader(body).WriteTo(w)
	}
}
