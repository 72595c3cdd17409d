package notify

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Secrets go along within one host and port, and from http to https at the usual
// ports; every other port is somebody else's.
func TestWhereARedirectStays(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		want     bool
	}{
		{"http://a.example/", "http://a.example/other", true},
		{"http://a.example/", "http://A.example:80/", true},
		{"http://a.example:8080/", "http://a.example:8080/", true},
		{"http://a.example/", "https://a.example/", true},
		{"http://a.example:80/", "https://a.example:443/", true},
		{"https://a.example:443/", "https://a.example/", true},
		{"http://a.example/", "https://a.example:8443/", false},
		{"http://a.example:8080/", "https://a.example/", false},
		{"http://a.example:8080/", "https://a.example:8080/", false},
		{"http://a.example/", "http://a.example:8080/", false},
		{"https://a.example/", "http://a.example:443/", false},
		{"http://a.example/", "http://b.example/", false},
	} {
		r := &http.Request{URL: address(t, tc.to)}
		got := stays([]*http.Request{r}, address(t, tc.from))
		if got != tc.want {
			t.Errorf("from %s to %s: stays %v, want %v", tc.from, tc.to, got, tc.want)
		}
	}
}

// The address that would take the message is shown without user and password.
func TestALostBodyRevealsNoPassword(t *testing.T) {
	lost := &lostBody{address(t, "https://jane:hidden@hooks.example.org/new")}
	for _, text := range []string{lost.message(), lost.Error()} {
		if strings.Contains(text, "hidden") || !strings.Contains(text, "hooks.example.org/new") {
			t.Errorf("said: %s", text)
		}
	}
	if strings.Contains(lost.message(), "jane") {
		t.Errorf("said: %s", lost.message())
	}
}
