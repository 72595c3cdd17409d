package ui_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// Each kind of error has a page that says what to do, and when.
func TestPagesOfErrors(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	for _, c := range []struct {
		err        error
		status     int
		retryAfter string
		text       []string
	}{
		{errs.NotFoundf("There is no such check."), 404, "", []string{"Nothing here", "There is no such check."}},
		{errs.NotFoundf("check not found"), 404, "", []string{"Check not found."}},
		{errs.Forbiddenf("You may look at this project, but not change it."), 403, "", []string{"Not allowed", "not change it"}},
		{errs.TooManyf(40*time.Second, "Too many tries."), 429, "41", []string{"Too many tries. You can try again in 41 sec."}},
		{errs.TooManyf(150*time.Second, "Too many tries."), 429, "151", []string{"again in 3 min."}},
		{errs.TooManyf(time.Minute, "Please try again in a minute."), 429, "61", []string{"Please try again in a minute. Start page"}},
		{errs.Unavailablef(5*time.Second, "The <disk> is full.").Because(errors.New("hunter2")), 503, "6",
			[]string{"Not available", "The <disk> is full. You can try again in 6 sec."}},
		{errors.New("hunter2"), 500, "", []string{"Something broke", "Please try again in a moment."}},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x/", http.NoBody)
		s.Server.Wrap(func(http.ResponseWriter, *http.Request) error { return c.err }).ServeHTTP(w, r)
		page, err := goquery.NewDocumentFromReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(page.Find("main").Text()), " ")
		if w.Code != c.status || w.Header().Get("Retry-After") != c.retryAfter {
			t.Errorf("%v: %d, Retry-After %q", c.err, w.Code, w.Header().Get("Retry-After"))
		}
		for _, word := range c.text {
			if !strings.Contains(text, word) {
				t.Errorf("%v: the page does not say %q: %s", c.err, word, text)
			}
		}
		if strings.Contains(text, "hunter2") || strings.Contains(text, ui.MessageMark) {
			t.Errorf("%v: the page says too much: %s", c.err, text)
		}
		hasRef := regexp.MustCompile(`number, which is also in the log: [2-7a-z]{8}`).MatchString(text)
		if hasRef != (c.status >= 500) {
			t.Errorf("%v: reference: %v", c.err, hasRef)
		}
	}
}

func TestAnAddressForPostsOnly(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	a := s.Get("/accounts/logout/").Is(http.StatusMethodNotAllowed).Has("takes only POST")
	if a.Header.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	s.Do("DELETE", "/docs/", nil).Is(http.StatusMethodNotAllowed).Has("takes only GET")
}
