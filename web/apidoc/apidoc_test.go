package apidoc_test

import (
	"os"
	"strings"
	"testing"

	"punctual/web/apidoc"
)

func read(t *testing.T) *apidoc.Reference {
	t.Helper()
	document, err := os.ReadFile("../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ref, err := apidoc.Read(document, "https://ping.example.net/")
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func operation(t *testing.T, ref *apidoc.Reference, anchor string) apidoc.Operation {
	t.Helper()
	for _, g := range ref.Groups {
		for _, o := range g.Operations {
			if o.Anchor == anchor {
				return o
			}
		}
	}
	t.Fatalf("there is no operation %s", anchor)
	return apidoc.Operation{}
}

// Everything of the document is on the page, and can be linked to.
func TestTheWholeDocument(t *testing.T) {
	t.Parallel()
	ref := read(t)
	seen := map[string]bool{}
	for _, g := range ref.Groups {
		if len(g.Operations) == 0 {
			t.Errorf("the group %s is empty", g.Name)
		}
		for _, o := range g.Operations {
			if o.Anchor == "" || seen[o.Anchor] || o.Summary == "" || o.Curl == "" || len(o.Responses) == 0 {
				t.Errorf("%s %s lacks something, or its name is taken: %+v", o.Method, o.Path, o)
			}
			seen[o.Anchor] = true
			if strings.Contains(o.Curl, "{") && !strings.Contains(o.Curl, "-d") || strings.Contains(o.Curl, "//api") ||
				strings.Contains(o.Curl, "/checks//") {
				t.Errorf("%s: a variable has no example: %s", o.Anchor, o.Curl)
			}
			for _, p := range o.Parameters {
				if p.Type == "" || p.In == "" {
					t.Errorf("%s: the parameter %s lacks its type or place", o.Anchor, p.Name)
				}
			}
		}
	}
	for _, o := range ref.Objects {
		if seen[o.Anchor] || len(o.Fields) == 0 {
			t.Errorf("the object %s has no fields, or its name is taken", o.Name)
		}
		seen[o.Anchor] = true
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	ref := read(t)
	cases := map[string]string{
		"pingStart": `curl -fsS https://ping.example.net/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33/start`,
		"getCheck": `curl -fsS https://punctual.example.org/api/v3/checks/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33 \
  -H "X-Api-Key: $KEY"`,
		"pauseCheck": `curl -fsS -X POST https://punctual.example.org/api/v3/checks/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33/pause \
  -H "X-Api-Key: $KEY"`,
		"updateCheck": `curl -fsS https://punctual.example.org/api/v3/checks/4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33 \
  -H "X-Api-Key: $KEY" \
  -d '{"grace":3600}'`,
		"deliveryStatus": `curl -fsS https://punctual.example.org/api/v3/notifications/5a0b7d3e-3c55-4f0a-9a5e-1f8f3f1d2c66/status \
  -d 'MessageStatus=undelivered'`,
	}
	for name, want := range cases {
		got := operation(t, ref, name).Curl
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	ref := read(t)
	get := operation(t, ref, "getCheck")
	if get.Keys != "X-Api-Key or Authorization: Bearer" {
		t.Errorf("keys: %s", get.Keys)
	}
	r := get.Responses[0]
	if r.Status != "200" || r.Type != `<a href="#object-check">Check</a>` || len(r.Examples) != 2 ||
		!strings.HasPrefix(r.Examples[0].Text, "{\n  \"name\": \"Nightly dump\"") {
		t.Errorf("answer: %+v", r)
	}
	for _, o := range ref.Objects {
		for _, f := range o.Fields {
			if f.Type == "" {
				t.Errorf("%s.%s has no type", o.Name, f.Name)
			}
			if o.Name == "CheckFields" && f.Name == "grace" && f.Type != "integer from 60 to 31536000" {
				t.Errorf("grace: %s", f.Type)
			}
		}
	}
}

func TestABrokenDocument(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "paths: 7", "servers: [{url: x}]\npaths: {/a: {get: {tags: [Unknown]}}}"} {
		_, err := apidoc.Read([]byte(text), "")
		if err == nil {
			t.Errorf("taken: %q", text)
		}
	}
}
