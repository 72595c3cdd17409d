// Package intake reads the bodies of requests into memory within bounds of size
// and time. Nothing of a body ever lies on disk: what net/http does with forms
// that hold files (ParseMultipartForm, and FormValue, which calls it) is not used
// anywhere.
package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"punctual/internal/errs"
	"punctual/internal/limit"
	"punctual/internal/text"
)

const (
	// DefaultLimit is how many bytes a route takes that says nothing else.
	DefaultLimit = 1 << 20

	// readTime is how long a body may take to arrive.
	readTime = 15 * time.Second

	// restTime is what the rest of the request has after its body: the server
	// watches the connection with the same deadline, and would take one that has
	// passed for a client that has gone.
	restTime = 60 * time.Second

	// maxParts is how many parts a form with files may have.
	maxParts = 100
)

// What can be wrong with a body.
var (
	ErrTooLarge  = errors.New("the body is larger than this address takes")
	ErrTooSlow   = errors.New("the body took too long to arrive")
	ErrMultipart = errors.New("this address takes no files")
	errForm      = errors.New("the body is not a form")
	ErrParts     = fmt.Errorf("the form has more than %d parts", maxParts)
	ErrFull      = errs.Unavailablef(5*time.Second, "Too much is being sent at the same time. Please try again in a few seconds.")
)

type heldKey struct{}

// Share has the bodies that next reads take their bytes from the room, until it has
// answered: a body that finds none fails with ErrFull.
func Share(room *limit.Bytes, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		held := room.Hold()
		defer held.Release()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), heldKey{}, held)))
	})
}

// Read returns the body, of at most limit bytes. It fails with ErrTooLarge, with
// ErrTooSlow, with ErrFull, or as the connection does. One that says from the start that it is
// too large is not read at all.
func Read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		refuse(w)
		return nil, ErrTooLarge
	}
	raw, err := Start(w, r, limit+1)
	if err == nil && int64(len(raw)) > limit {
		refuse(w)
		return nil, ErrTooLarge
	}
	return raw, err
}

// Start returns the first n bytes of the body, or all where there are fewer. It
// fails with ErrTooSlow, with ErrFull, or as the connection does.
func Start(w http.ResponseWriter, r *http.Request, n int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, nil
	}
	// Where a deadline cannot be set there is no connection: in tests.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(readTime))
	held, _ := r.Context().Value(heldKey{}).(*limit.Held)
	raw, err := io.ReadAll(held.Reader(r.Context(), io.LimitReader(r.Body, n)))
	_ = control.SetReadDeadline(time.Now().Add(restTime))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		refuse(w)
		return nil, ErrTooSlow
	}
	if errors.Is(err, limit.ErrBusy) {
		refuse(w)
		return nil, ErrFull
	}
	return raw, err
}

// refuse ends the connection after the answer: what is still to come of the body
// is not worth reading.
func refuse(w http.ResponseWriter) { w.Header().Set("Connection", "close") }

// Form reads the form in the body and the query of the address into r.PostForm
// and r.Form, with all texts as both engines can keep them (text.Clean). Only
// where files is true may it come as multipart/form-data; its files are dropped.
// It fails as Read does, with ErrMultipart, with ErrParts, or with ErrForm.
func Form(w http.ResponseWriter, r *http.Request, limit int64, files bool) error {
	r.Form = url.Values{}
	r.PostForm = url.Values{}
	kind := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Type")))
	if strings.HasPrefix(kind, "multipart/") && !files {
		refuse(w)
		return ErrMultipart
	}
	raw, err := Read(w, r, limit)
	if err != nil {
		return err
	}
	switch {
	case r.Method != http.MethodPost:
	case strings.HasPrefix(kind, "multipart/form-data"):
		err = addParts(r.PostForm, raw, r.Header.Get("Content-Type"))
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		var posted url.Values
		posted, err = url.ParseQuery(string(raw))
		add(r.PostForm, posted)
	}
	if err != nil {
		return errors.Join(errForm, err)
	}
	add(r.Form, r.PostForm)
	add(r.Form, r.URL.Query())
	return nil
}

// add appends the values, cleaned, to those of form.
func add(form, values url.Values) {
	for name, list := range values {
		name = text.Clean(name)
		for _, value := range list {
			form[name] = append(form[name], text.Clean(value))
		}
	}
}

// addParts adds the fields of a form that may hold files. It fails with ErrParts
// where there are too many, files or fields: a form is never read in part.
func addParts(form url.Values, raw []byte, contentType string) error {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	reader := multipart.NewReader(bytes.NewReader(raw), parameters["boundary"])
	for n := 0; ; n++ {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n == maxParts {
			return ErrParts
		}
		if part.FormName() == "" || part.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		add(form, url.Values{part.FormName(): {string(value)}})
	}
}
