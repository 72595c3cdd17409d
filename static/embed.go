// Package static holds the files browsers load: styles, scripts, pictures,
// fonts and vendored code. web serves them under names that hold a hash of
// their content; README.md says how each came here.
package static

import "embed"

// FS has css/, js/, img/, fonts/, tv/ and vendor/.
//
//go:embed css js img fonts tv vendor
var FS embed.FS
