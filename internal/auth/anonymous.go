package auth

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"punctual/internal/text"
)

// Sessions of nobody. What a visitor without an account leaves behind – the check
// of the welcome page, the theme, a message for the next page – is kept in their
// own cookie, signed, so that strangers cannot fill the database with sessions.
// The cookie is "~", the time, the values and the signature, joined by dots.

// anonymousMark begins such a cookie; no id of a stored session has it.
const anonymousMark = "~"

const purposeAnonymous = "anonymous session"

// maxAnonymous is the longest such cookie: browsers take 4,096 bytes with its name
// and attributes.
const maxAnonymous = 3800

// flashKey is where gorilla/sessions keeps messages.
const flashKey = "_flash"

// anonymousKey is where a session remembers what its cookie had. It is not a
// string and therefore never stored.
type anonymousKey struct{}

type anonymousCookie struct {
	at   time.Time
	data string
}

// mayBeAnonymous tells whether a value means nothing but to the visitor who has
// it: it may be in their hands, and come back more than once.
func mayBeAnonymous(key string) bool {
	switch key {
	case "theme", "demo", "example", "zone", flashKey:
		return true
	}
	return false
}

// isAnonymous tells whether a session is to be kept in a cookie.
func (s *SessionStore) isAnonymous(session *sessions.Session) bool {
	if s.signer == nil || rowOf(session) != nil {
		return false
	}
	for k := range session.Values {
		key, ok := k.(string)
		if ok && !mayBeAnonymous(key) {
			return false
		}
	}
	return true
}

// openAnonymous fills a session from the cookie of a session of nobody. One that
// is not ours, or too old, is none.
func (s *SessionStore) openAnonymous(session *sessions.Session, cookie string) {
	signed, signature, ok := text.CutLast(strings.TrimPrefix(cookie, anonymousMark), ".")
	if !ok || s.signer == nil || !s.signer.Verify(purposeAnonymous, signed, signature) {
		return
	}
	stamp, encoded, _ := strings.Cut(signed, ".")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || s.store.Now().Sub(time.Unix(seconds, 0)) >= SessionLife {
		return
	}
	data, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return
	}
	values := map[string]any{}
	if json.Unmarshal(data, &values) != nil {
		return
	}
	for k, v := range values {
		if mayBeAnonymous(k) {
			session.Values[k] = v
		}
	}
	session.IsNew = false
	session.Values[anonymousKey{}] = anonymousCookie{time.Unix(seconds, 0), string(data)}
}

// saveAnonymous puts the values of a session of nobody into its cookie, where they
// have changed, or the cookie is a day old. What is too much loses its messages.
func (s *SessionStore) saveAnonymous(w http.ResponseWriter, session *sessions.Session, data []byte) error {
	now := s.store.Now()
	before, had := session.Values[anonymousKey{}].(anonymousCookie)
	if had && before.data == string(data) && now.Sub(before.at) < 24*time.Hour {
		return nil
	}
	if string(data) == "{}" {
		if had {
			options := *session.Options
			options.MaxAge = -1
			http.SetCookie(w, sessions.NewCookie(session.Name(), "", &options))
		}
		return nil
	}
	value := s.sealAnonymous(now, data)
	if len(value) > maxAnonymous {
		delete(session.Values, flashKey)
		rest, err := encode(session)
		if err != nil {
			return err
		}
		value = s.sealAnonymous(now, rest)
	}
	if len(value) <= maxAnonymous {
		http.SetCookie(w, sessions.NewCookie(session.Name(), value, session.Options))
	}
	return nil
}

func (s *SessionStore) sealAnonymous(now time.Time, data []byte) string {
	signed := strconv.FormatInt(now.Unix(), 10) + "." + base64.RawURLEncoding.EncodeToString(data)
	return anonymousMark + signed + "." + s.signer.Sign(purposeAnonymous, signed)
}
