package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"punctual/internal/db"
)

// Where pings have a host of their own, each spelling of it that clients and
// proxies send is that host: with the port of its scheme, in capitals, with the
// final dot of a complete name. Other hosts are the site's.
func TestAHostOfPingsHasManySpellings(t *testing.T) {
	e := newEnv(t, db.SQLite).with(env{"PUNCTUAL_PING_ENDPOINT": "https://Ping.example.org:443/"})
	e.start(t, "up")
	code, stdout, stderr := e.run(t, "project", "create", "--owner", "ops@example.org", "--name", "Jobs", "--json")
	if code != 0 {
		t.Fatal(stderr)
	}
	var made struct {
		PingKey string `json:"ping_key"`
	}
	must(t, json.Unmarshal([]byte(stdout), &made))
	ask := func(host string) int {
		r, err := http.NewRequestWithContext(t.Context(), "GET", e.site("/"+made.PingKey+"/job?create=1"), nil)
		must(t, err)
		r.Host = host
		answer, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, answer.Body.Close())
		return answer.StatusCode
	}
	got := ask("ping.example.org")
	if got != http.StatusCreated {
		t.Fatalf("the first ping: %d, want 201", got)
	}
	for _, host := range []string{
		"ping.example.org:443", "ping.example.org:80", "PING.EXAMPLE.ORG", "Ping.Example.org:443", "ping.example.org.", "ping.example.org.:443",
	} {
		got := ask(host)
		if got != http.StatusOK {
			t.Errorf("Host: %s: %d, want 200", host, got)
		}
	}
	for _, host := range []string{"", "ping.example.org:8443", "ping.example.org..", "xping.example.org", "example.org:443",
		"ping.example.org.evil.example"} {
		got := ask(host)
		if got != http.StatusNotFound {
			t.Errorf("Host: %s: %d, want the site's 404", host, got)
		}
	}
}
