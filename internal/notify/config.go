package notify

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// maxMessage is how long an error's message may be (features §19).
const maxMessage = 200

// errConfig is a channel whose configuration makes no sense: nothing can ever
// be sent through it.
var errConfig = &Error{Message: "The settings of this integration are damaged. Please edit it.", Permanent: true}

func encode(config any) (string, error) {
	data, err := json.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("encode the configuration: %w", err)
	}
	return string(data), nil
}

// checked tells whether a box of the form is ticked.
func checked(form url.Values, name string) bool {
	switch form.Get(name) {
	case "", "0", "false", "off":
		return false
	}
	return true
}

// check ticks a box of the form, or leaves it out as browsers do.
func check(form url.Values, name string, on bool) {
	if on {
		form.Set(name, "on")
	}
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
