package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// counted counts what is read of it.
type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

// A long body is read only for whom a key in the headers lets in. One in the body
// counts where that is as long as a check may be.
func TestLongBodiesAreReadForWhoMayWrite(t *testing.T) {
	each(t, func(c *client) {
		post := func(key, body string) (status, read int) {
			sent := &counted{Reader: strings.NewReader(body)}
			r := httptest.NewRequest(http.MethodPost, "/api/v3/checks/", sent)
			if key != "" {
				r.Header.Set("X-Api-Key", key)
			}
			w := httptest.NewRecorder()
			c.bare.ServeHTTP(w, r)
			return w.Code, sent.read
		}
		const limit = 256 << 10
		long := `{"name":"x","more":"` + strings.Repeat("x", 900<<10) + `"`
		for name, key := range map[string]string{"nobody's": "", "a wrong": strings.Repeat("x", 32), "a read-only": roKey} {
			status, read := post(key, long+"}")
			if status != http.StatusRequestEntityTooLarge || read > limit+1 {
				c.Errorf("%s key: %d, %d bytes read", name, status, read)
			}
		}
		status, _ := post("", long+`,"api_key":"`+rwKey+`"}`)
		if status != http.StatusRequestEntityTooLarge {
			c.Errorf("a key at the end of a long body: %d", status)
		}
		if status, _ := post(rwKey, long+"}"); status != http.StatusCreated {
			c.Errorf("a key in the headers: %d", status)
		}
		desc := strings.Repeat(`\ud83d\ude00`, 10_000)
		if status, _ := post("", `{"desc":"`+desc+`","tags":"`+strings.Repeat("t", 500)+`","api_key":"`+rwKey+
			`"}`); status != http.StatusCreated {
			c.Errorf("a key in the body, with the longest description: %d", status)
		}
	})
}
