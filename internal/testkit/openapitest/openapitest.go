// Package openapitest holds the requests and answers of tests against the
// OpenAPI document. A test puts it around the handler or the transport it
// already uses:
//
//	h = openapitest.Load(t, document).Handler(t, h)
//
// and fails from then on, with the request named, when
//
//   - a request that was answered with success is not one the document describes,
//   - an answer has a status, header, content type or body the document does not
//     describe, a key of a JSON object included,
//   - something is there at an address, or with a method, that is not described.
package openapitest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Document is a parsed document; tests may share it.
type Document struct {
	spec *openapi3.T
	// those with the most letters of their own first
	routes []route
	// the path of the server, in front of all of its addresses
	prefix string
	below  []string
}

// Load parses a document, YAML or JSON, and fails the test when it is not valid
// OpenAPI. The same one is parsed once.
func Load(tb testing.TB, document []byte) *Document {
	tb.Helper()
	load, _ := loaded.LoadOrStore(string(document), sync.OnceValues(func() (*Document, error) { return parse(document) }))
	d, err := load.(func() (*Document, error))()
	if err != nil {
		tb.Fatalf("the OpenAPI document: %v", err)
	}
	return d
}

// loaded are the parsed documents by their text.
var loaded sync.Map

func parse(document []byte) (*Document, error) {
	registerTexts()
	spec, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, err
	}
	if err := spec.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, err
	}
	closeAnswers(spec)
	d := &Document{spec: spec}
	if len(spec.Servers) > 0 {
		d.prefix, err = spec.Servers[0].BasePath()
		if err != nil {
			return nil, err
		}
		d.prefix = strings.TrimSuffix(d.prefix, "/")
	}
	d.routes, d.below = compile(spec.Paths)
	return d, nil
}

// Below restricts the document to addresses that begin with one of the prefixes
// ("/api/"); everything else passes unseen. Without it all addresses that share
// their first part with one of the document are looked at.
func (d *Document) Below(prefixes ...string) *Document {
	c := *d
	c.below = prefixes
	return &c
}

// Handler answers as h does, and fails tb when the document says otherwise.
func (d *Document) Handler(tb testing.TB, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tb.Helper()
		sent, err := keepBody(r)
		if err != nil {
			tb.Errorf("openapitest: read the request: %v", err)
			return
		}
		// h may change it
		asked := r.Clone(context.WithoutCancel(r.Context()))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		d.check(tb, asked, sent, &answer{rec.Code, rec.Header(), rec.Body.Bytes()})
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

// Transport sends through next, nil = http.DefaultTransport, and fails tb when
// the document says otherwise.
func (d *Document) Transport(tb testing.TB, next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		tb.Helper()
		sent, err := keepBody(r)
		if err != nil {
			return nil, err
		}
		res, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, errors.Join(err, res.Body.Close())
		}
		if err := res.Body.Close(); err != nil {
			return nil, err
		}
		res.Body = io.NopCloser(bytes.NewReader(body))
		d.check(tb, r, sent, &answer{res.StatusCode, res.Header, body})
		return res, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// keepBody reads the body of r and leaves it there to be read again.
func keepBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := r.Body.Close(); err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (d *Document) check(tb testing.TB, r *http.Request, sent []byte, a *answer) {
	tb.Helper()
	if err := d.judge(r, sent, a); err != nil {
		tb.Errorf("%s %s %s\n\tanswered %d %s\n\tbut the OpenAPI document does not have it so: %v", r.Method, r.URL.RequestURI(), short(sent),
			a.status, short(a.body), indent(err))
	}
}

// judge says what is wrong with a request and its answer, nil = nothing.
func (d *Document) judge(r *http.Request, sent []byte, a *answer) error {
	path, ok := strings.CutPrefix(r.URL.Path, d.prefix)
	if !ok || !slices.ContainsFunc(d.below, func(p string) bool { return strings.HasPrefix(path, p) }) {
		return nil
	}
	found, params := d.find(path)
	switch {
	case found == nil && a.status == http.StatusMovedPermanently && d.has(path+"/"):
		return d.slashAdded(r, a)
	case found == nil && refused(a.status, http.StatusNotFound, http.StatusBadRequest):
		// 400: what has the shape of an address but cannot mean one
		return nil
	case found == nil:
		return errors.New("the address is not described")
	}
	op := found.operation(r.Method)
	if op == nil {
		if refused(a.status, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusForbidden) {
			return nil
		}
		return fmt.Errorf("the method is not described for %s", found.template)
	}
	return d.judgeOperation(found, op, params, r, sent, a)
}

func refused(status int, as ...int) bool { return slices.Contains(as, status) }

func (d *Document) slashAdded(r *http.Request, a *answer) error {
	want := r.URL.EscapedPath() + "/"
	if r.URL.RawQuery != "" {
		want += "?" + r.URL.RawQuery
	}
	got := a.header.Get("Location")
	if got != want {
		return fmt.Errorf("the redirect leads to %q, not to %q", got, want)
	}
	return nil
}

func (d *Document) judgeOperation(found *route, op *openapi3.Operation, params map[string]string, r *http.Request, sent []byte,
	a *answer) error {
	success := a.status < 300
	responses := op.Responses.Status(a.status)
	if responses == nil {
		return fmt.Errorf("the status is not described for %s %s", r.Method, found.template)
	}
	input := &openapi3filter.RequestValidationInput{
		Request:    request(r, sent, op),
		PathParams: params,
		Route:      &routers.Route{Spec: d.spec, Path: found.template, PathItem: found.item, Method: r.Method, Operation: op},
		Options: &openapi3filter.Options{
			AuthenticationFunc:    authenticate(sent),
			IncludeResponseStatus: true,
			SkipSettingDefaults:   true,
		},
	}
	if success {
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			return fmt.Errorf("the request: %w", err)
		}
	}
	if err := found.judgeCORS(a); err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		return nil
	}
	if len(responses.Value.Content) == 0 && len(a.body) > 0 {
		return fmt.Errorf("the body of a %d is empty", a.status)
	}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: a.status, Header: a.header,
		Options: input.Options}
	output.SetBodyBytes(a.body)
	return openapi3filter.ValidateResponse(r.Context(), output)
}

// request is r as the document sees it: JSON and forms are read whatever their
// Content-Type says, and a body nobody looks at is none.
func request(r *http.Request, sent []byte, op *openapi3.Operation) *http.Request {
	r = r.Clone(r.Context())
	r.Body = http.NoBody
	r.ContentLength = 0
	if op.RequestBody == nil {
		return r
	}
	content := op.RequestBody.Value.Content
	if content.Get("application/json") != nil && content["*/*"] == nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if len(sent) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(sent))
		r.ContentLength = int64(len(sent))
	}
	return r
}

// authenticate looks whether there is a key where the document says it is.
// Whether it is the right one is for the answer to tell.
func authenticate(sent []byte) openapi3filter.AuthenticationFunc {
	return func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
		h := in.RequestValidationInput.Request.Header
		switch s := in.SecurityScheme; {
		case s.Type == "apiKey" && s.In == "header" && h.Get(s.Name) != "":
			return nil
		case s.Type == "http" && strings.HasPrefix(strings.ToLower(h.Get("Authorization")), s.Scheme+" "):
			return nil
		case s.Type == "apiKey" && s.In == "header" && bytes.Contains(sent, []byte(`"api_key"`)):
			return nil
		}
		return in.NewError(errors.New("there is no key"))
	}
}

// short is the beginning of a body, for a message.
func short(body []byte) string {
	const most = 600
	if len(body) > most {
		return fmt.Sprintf("%s… (%d bytes)", body[:most], len(body))
	}
	return string(body)
}

func indent(err error) string { return strings.ReplaceAll(err.Error(), "\n", "\n\t\t") }
