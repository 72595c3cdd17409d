package notify

import (
	"errors"
	"net/http"
	"net/url"
	"punctual/internal/text"
	"strings"
)

const maxRedirects = 3

var (
	errRedirects = errors.New("too many redirects")
	errScheme    = errors.New("redirect to an address that is not http or https")
	errPlain     = errors.New("redirect from https to http")
)

// lostBody is the error of a redirect that asks for a GET request in place of one
// with a body. Following it would report a message as delivered that nobody got.
type lostBody struct{ to *url.URL }

func (e *lostBody) Error() string { return "redirect without the body to " + e.to.Redacted() }

// message names the address that would take the message.
func (e *lostBody) message() string {
	to := *e.to
	to.User = nil
	return text.Ellipsis("The server redirects without the message. Please put in the address it leads to: "+to.String(), MaxMessage)
}

// own are the headers of ours that go along to another host; all others are the
// user's, and may be secrets meant for the first host.
var own = []string{"Content-Type", "Idempotency-Key"}

// checkRedirect decides about the request r that follows those of via. Answers 307
// and 308 repeat the request with its body; 301, 302 and 303 ask for a GET request
// without one.
func (c *Client) checkRedirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	last := via[len(via)-1]
	switch {
	case len(via) > maxRedirects:
		return errRedirects
	case r.URL.Scheme != "http" && r.URL.Scheme != "https":
		return errScheme
	case last.URL.Scheme == "https" && r.URL.Scheme == "http":
		return errPlain
	case r.Method != first.Method:
		return &lostBody{r.URL}
	}
	// net/http names the address before, whose path may be a secret.
	r.Header.Del("Referer")
	if stays(append(via[1:len(via):len(via)], r), first.URL) {
		return nil
	}
	header := http.Header{"User-Agent": {c.userAgent}}
	for _, name := range own {
		values := r.Header.Values(name)
		if len(values) > 0 {
			header[name] = values
		}
	}
	// A Host header of the user's is not among them: net/http leaves it out as well.
	r.Header = header
	return nil
}

// stays tells whether all requests go to the host and port of the first address. One
// that moves from http to https at the usual ports has not moved.
func stays(requests []*http.Request, first *url.URL) bool {
	for _, r := range requests {
		secured := first.Scheme == "http" && port(first) == "80" && r.URL.Scheme == "https" && port(r.URL) == "443"
		samePlace := first.Scheme == r.URL.Scheme && port(first) == port(r.URL)
		if !strings.EqualFold(first.Hostname(), r.URL.Hostname()) || !samePlace && !secured {
			return false
		}
	}
	return true
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
