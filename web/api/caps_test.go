package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"punctual/internal/store"
)

// One thing more than the caps of the owner allow is refused as one check too many
// is: 403 and no body.
func TestCapsOfTheOwnerAreForbiddenWithoutABody(t *testing.T) {
	eachExtended(t, func(e *extended) {
		_, token, err := e.auth.CreateToken(e.Context(), e.mine.User, "Terraform", false, "")
		if err != nil {
			t.Fatal(err)
		}
		e.store.SetCaps(store.Caps{Projects: 2, Channels: 3, Members: 1})
		// It comes with a channel to its owner.
		e.objectAs(token, http.StatusCreated, "POST", "/api/v3/projects/", `{"name":"second"}`)
		e.object(http.StatusCreated, "POST", "/api/v3/channels/", hook)
		for _, post := range []struct{ key, path, body string }{
			{token, "/api/v3/projects/", `{"name":"third"}`},
			{rwKey, "/api/v3/channels/", hook},
		} {
			status, text := e.callAs(post.key, "POST", post.path, post.body)
			if status != http.StatusForbidden || text != "" {
				t.Errorf("POST %s: %d %q, want 403 and no body", post.path, status, text)
			}
		}
		projects, err := e.store.ProjectsOf(t.Context(), e.mine.User.ID)
		if err != nil || len(projects) != 2 || projects[0].Channels+projects[1].Channels != 3 {
			t.Errorf("%d projects: %+v, %v", len(projects), projects, err)
		}
	})
}

// A channel sends ten tests in ten minutes, a project sixty in an hour; one more is
// answered 429 and sends nothing.
func TestTestsOfAChannelAreLimited(t *testing.T) {
	eachExtended(t, func(e *extended) {
		tooMany := func(path, retryAfter string) {
			t.Helper()
			before := len(e.sent)
			w := e.send(rwKey, "POST", path, "")
			const want = `{"error": "Too many tests. Please try again later."}`
			if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != retryAfter || w.Body.String() != want {
				t.Errorf("%d %q, Retry-After %q, want 429 and %s", w.Code, w.Body, w.Header().Get("Retry-After"), retryAfter)
			}
			if len(e.sent) != before {
				t.Error("a test was sent nevertheless")
			}
		}
		path := func() string {
			made := e.object(http.StatusCreated, "POST", "/api/v3/channels/", hook)
			return fmt.Sprintf("/api/v3/channels/%v/test", made["id"])
		}
		first := path()
		for range 10 {
			e.object(http.StatusOK, "POST", first, "")
		}
		tooMany(first, "60")
		for range 5 {
			next := path()
			for range 10 {
				e.object(http.StatusOK, "POST", next, "")
			}
		}
		tooMany(path(), "60")
		if len(e.sent) != 60 {
			t.Errorf("%d tests were sent, want 60", len(e.sent))
		}
	})
}
