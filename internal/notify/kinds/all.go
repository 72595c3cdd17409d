// Package kinds has the integrations: one file each, which declares what there is
// to know of the kind and how it sends. All is the one list of them.
package kinds

import (
	"sync"

	"punctual/internal/monitor"
	"punctual/internal/notify"
)

// list has the kinds in the order in which they are shown.
func list() []*notify.Kind {
	return []*notify.Kind{
		email(),
		webhook(),
		pushover(),
	}
}

var all = sync.OnceValue(list)

// All lists the kinds in the order in which they are shown. The caller must not
// change them.
func All() []*notify.Kind { return all() }

// Address is the address of a channel that has to agree before anything is sent to
// it, "" where none has to.
func Address(ch *monitor.Channel) string {
	for _, k := range all() {
		if k.Name == ch.Kind {
			return k.Address(ch.Config)
		}
	}
	return ""
}
