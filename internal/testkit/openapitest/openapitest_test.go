package openapitest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const document = `
openapi: 3.1.0
info: {title: t, version: '1'}
servers: [{url: 'https://p.example.org/below'}]
security: [{Key: []}]
paths:
  /api/{version}/things/:
    parameters: [{name: version, in: path, required: true, schema: {type: string, enum: [v1, v2]}}]
    get:
      parameters: [{name: n, in: query, schema: {type: integer}}]
      responses:
        '200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
        '401': {description: no}
    post:
      requestBody: {content: {application/json: {schema: {type: object, properties: {name: {type: string}}}}}}
      responses:
        '201': {description: ok, headers: {X-N: {required: true, schema: {type: integer}}}}
        '400': {description: no, content: {text/html: {schema: {type: string}}}}
    options: {security: [], responses: {'204': {description: ok}}}
  /ping/{id}:
    x-any-method: true
    x-final-slash: true
    parameters: [{name: id, in: path, required: true, schema: {type: string, pattern: '^[0-9]{3}$'}}]
    post: {security: [], responses: {'200': {description: ok, content: {text/plain: {schema: {const: OK}}}}}}
components:
  securitySchemes: {Key: {type: apiKey, in: header, name: X-Api-Key}}
  schemas:
    Thing: {type: object, required: [at], properties: {at: {type: [string, 'null']}, deep: {type: array, items: {type: object, properties: {a: {type: integer}}}}}}
`

// recorder is a test that is meant to fail.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// exchange is a request, its answer, and what is to be said of them.
type exchange struct {
	method, path, key, body string
	status                  int
	// header: "Name: value|Name: value"
	header, answer string
	// in the message, "" = passes
	want string
}

func (k *exchange) judged(t *testing.T, failures []string) {
	t.Helper()
	switch {
	case k.want == "" && len(failures) > 0:
		t.Errorf("failed: %s", failures)
	case k.want != "" && (len(failures) != 1 || !strings.Contains(failures[0], k.want)):
		t.Errorf("said %q, want one failure with %q", failures, k.want)
	}
}

func TestJudgement(t *testing.T) {
	t.Parallel()
	d := Load(t, []byte(document))
	cors := "Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: GET, POST, OPTIONS|"
	const things = "/below/api/v1/things/"
	cases := map[string]exchange{
		"right":                  {"GET", things, "k", "", 200, cors + "Content-Type: application/json", `{"at":null}`, ""},
		"null where it may be":   {"GET", things, "k", "", 200, cors + "Content-Type: application/json", `{"at":"x","deep":[{"a":1}]}`, ""},
		"a key is missing":       {"GET", things, "k", "", 200, cors + "Content-Type: application/json", `{}`, "at"},
		"a wrong type":           {"GET", things, "k", "", 200, cors + "Content-Type: application/json", `{"at":7}`, "at"},
		"a key nobody described": {"GET", things, "k", "", 200, cors + "Content-Type: application/json", `{"at":null,"more":1}`, "more"},
		"one deep inside": {"GET", things, "k", "", 200, cors + "Content-Type: application/json", `{"at":null,"deep":[{"b":1}]}`,
			"additional"},
		"another content type":        {"GET", things, "k", "", 200, cors + "Content-Type: text/plain", `{"at":null}`, "Content-Type"},
		"no key, and let in":          {"GET", things, "", "", 200, cors + "Content-Type: application/json", `{"at":null}`, "there is no key"},
		"no key, and refused":         {"GET", things, "", "", 401, cors, "", ""},
		"a body where none is":        {"GET", things, "", "", 401, cors, "go away", "empty"},
		"a bad parameter, and let in": {"GET", things + "?n=x", "k", "", 200, cors + "Content-Type: application/json", `{"at":null}`, `"n"`},
		"a status nobody described":   {"GET", things, "k", "", 500, cors, "", "status"},
		"without the CORS headers":    {"GET", things, "", "", 401, "", "", "browsers"},
		"with more methods than there": {"GET", things, "", "", 401,
			"Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: GET, POST, PUT, OPTIONS", "", "PUT"},
		"JSON without a content type":  {"POST", things, "k", `{"name":"a","other":1}`, 201, cors + "X-N: 1", "", ""},
		"the key in the body":          {"POST", things, "", `{"api_key":"a"}`, 201, cors + "X-N: 1", "", ""},
		"a header is missing":          {"POST", things, "k", `{}`, 201, cors, "", "X-N"},
		"a wrong request, and taken":   {"POST", things, "k", `{"name":1}`, 201, cors + "X-N: 1", "", "the request"},
		"a wrong request, and refused": {"POST", things, "k", `{"name":1}`, 400, cors + "Content-Type: text/html; charset=utf-8", "no", ""},
		"pre-flight":                   {"OPTIONS", things, "", "", 204, cors, "", ""},
		"a method that is not there":   {"PUT", things, "k", "", 405, cors, "", ""},
		"a method, but it works":       {"PUT", things, "k", "", 200, cors, "", "method"},
		"an address not described":     {"GET", "/below/api/v3/things/", "k", "", 200, "", "", "address"},
		"one that is not there":        {"GET", "/below/api/v3/things/", "k", "", 404, "", "", ""},
		"one of somebody else":         {"GET", "/below/docs/", "", "", 200, "", "", ""},
		"without the slash":            {"GET", "/below/api/v1/things?a=b", "", "", 301, "Location: /below/api/v1/things/?a=b", "", ""},
		"without it, gone astray":      {"GET", "/below/api/v1/things?a=b", "", "", 301, "Location: /api/v1/things/", "", "redirect"},
		"any method":                   {"DELETE", "/below/ping/123", "", "x", 200, "Content-Type: text/plain", "OK", ""},
		"with a slash or without":      {"POST", "/below/ping/123/", "", "", 200, "Content-Type: text/plain", "OK", ""},
		"a text that is another":       {"GET", "/below/ping/123", "", "", 200, "Content-Type: text/plain", "Ok", "OK"},
	}
	for name, k := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, _ := io.ReadAll(r.Body)
				if string(got) != k.body {
					t.Errorf("the handler was sent %q", got)
				}
				for line := range strings.SplitSeq(k.header, "|") {
					name, value, ok := strings.Cut(line, ": ")
					if ok {
						w.Header().Set(name, value)
					}
				}
				w.WriteHeader(k.status)
				_, _ = io.WriteString(w, k.answer)
			})
			request := func(base string) *http.Request {
				r := httptest.NewRequestWithContext(t.Context(), k.method, base+k.path, strings.NewReader(k.body))
				if k.key != "" {
					r.Header.Set("X-Api-Key", k.key)
				}
				return r
			}
			judge := &recorder{TB: t}
			w := httptest.NewRecorder()
			d.Handler(judge, h).ServeHTTP(w, request(""))
			if w.Code != k.status || w.Body.String() != k.answer {
				t.Errorf("the answer became %d %q", w.Code, w.Body)
			}
			k.judged(t, judge.failures)

			server := httptest.NewServer(h)
			defer server.Close()
			r := request(server.URL)
			r.RequestURI = ""
			over := &recorder{TB: t}
			res, err := d.Transport(over, &http.Transport{DisableKeepAlives: true}).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			got, _ := io.ReadAll(res.Body)
			if string(got) != k.answer {
				t.Errorf("over the wire the answer became %q", got)
			}
			k.judged(t, over.failures)
		})
	}
}

func TestABrokenDocument(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "openapi: 3.1.0", strings.Replace(document, "[at]", "7", 1),
		strings.Replace(document, "schemas/Thing'", "schemas/Thong'", 1)} {
		_, err := parse([]byte(text))
		if err == nil {
			t.Errorf("taken:\n%s", text)
		}
	}
}
