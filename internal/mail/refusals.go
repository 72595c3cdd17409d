package mail

import (
	"errors"
	"strings"
	"sync"
)

// refusedAlike is for how many domains the server refuses mail in the same words
// before it is no longer taken for trouble with these addresses.
const refusedAlike = 3

// refusals tells a server that refuses all mail from one that refuses bad addresses:
// it looks at what was refused since a mail was accepted.
type refusals struct {
	mu sync.Mutex
	// what the server says
	message string
	domains map[string]bool
}

// accepted notes that the server has taken a mail.
func (r *refusals) accepted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.message = ""
}

// refused notes why a mail to the address was not taken, and tells whether that is
// now of concern to the operators: once, until a mail is accepted.
func (r *refusals) refused(to string, err error) bool {
	failure, ok := errors.AsType[*SendError](err)
	if !ok || !failure.Unclear {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.message != failure.Message {
		r.message = failure.Message
		r.domains = make(map[string]bool, refusedAlike)
	}
	domain := strings.ToLower(strings.TrimSuffix(to[strings.LastIndex(to, "@")+1:], ">"))
	if len(r.domains) == refusedAlike || r.domains[domain] {
		return false
	}
	r.domains[domain] = true
	return len(r.domains) == refusedAlike
}
