package ui_test

import (
	"net/http"
	"strings"
	"testing"

	"punctual/internal/db"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// All bodies together have a bounded place in memory: a long one that finds none is
// to be sent again, and a short one is read.
func TestBodiesShareARoom(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	const taken = ui.BodiesRoom - 32<<10
	if err := s.Server.Bodies().Take(t.Context(), taken); err != nil {
		t.Fatal(err)
	}
	post := func(size int) *http.Response {
		form := strings.NewReader("identity=x&more=" + strings.Repeat("x", size))
		return s.Send(http.MethodPost, "/accounts/login/", "application/x-www-form-urlencoded", form)
	}
	resp := post(200 << 10)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a long form: %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	if resp := post(1000); resp.StatusCode == http.StatusServiceUnavailable {
		t.Errorf("a short form: %d", resp.StatusCode)
	}
	s.Server.Bodies().Return(taken - 128<<10)
	for range 3 {
		resp := post(100 << 10)
		if resp.StatusCode == http.StatusServiceUnavailable {
			t.Errorf("afterwards: %d", resp.StatusCode)
		}
	}
}
