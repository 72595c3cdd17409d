package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/sessions"

	"punctual/internal/clientip"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

// How long sessions live.
const (
	// SessionLife is how long a session lives after it was last used.
	SessionLife = 14 * 24 * time.Hour
	// sessionMaxAge is when a session ends at the latest, however much it is used,
	// unless the settings say otherwise.
	sessionMaxAge = 90 * 24 * time.Hour
	// touchInterval is how fine the last use is remembered: one write per hour,
	// not one per page.
	touchInterval = time.Hour
)

// The values of a session that name who is logged in, and the superuser who acts
// in their name. They are kept in columns of their own too, for "log out
// everywhere".
const (
	userKey      = "user"
	superuserKey = "superuser"
)

// renewed marks a session that has begun anew with a log-in. It is not a string
// and therefore never stored.
type renewed struct{}

// rowKey is where a session remembers the row it was loaded from. It is not a
// string and therefore never stored.
type rowKey struct{}

// SessionStore keeps browser sessions in the database and implements
// sessions.Store. The cookie holds 32 random bytes, the row their SHA-256.
//
// The values of a session have string keys and what JSON can hold. A session
// without values is not stored and gets no cookie, so that whoever only looks
// around leaves no trace; one of nobody is kept in its cookie, signed.
type SessionStore struct {
	store   *store.Store
	options sessions.Options
	maxAge  time.Duration
	// nil: sessions of nobody are stored too
	signer *Signer
}

// SessionConfig is what a SessionStore needs to know.
type SessionConfig struct {
	// that cookies belong to; "" = "/"
	Path string
	// cookies travel only by https
	Secure bool
	// from log-in to the end of a session, however much it is used; 0 = SessionMaxAge
	MaxAge time.Duration
	// of the cookies that hold sessions of nobody; nil: they are stored too
	Signer *Signer
}

// NewSessionStore makes a store of sessions over s.
func NewSessionStore(s *store.Store, c SessionConfig) *SessionStore {
	if c.Path == "" {
		c.Path = "/"
	}
	if c.MaxAge == 0 {
		c.MaxAge = sessionMaxAge
	}
	return &SessionStore{store: s, maxAge: c.MaxAge, signer: c.Signer, options: sessions.Options{
		Path: c.Path, MaxAge: int(SessionLife.Seconds()), HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode,
	}}
}

// Get returns the session of the request; asked twice it returns the same one.
func (s *SessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New loads the session the cookie of the request names. Where there is no
// cookie, or its session has ended, the session is new and empty. The error is
// the database's; the session can be used nevertheless.
func (s *SessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	out := sessions.NewSession(s, name)
	options := s.options
	out.Options = &options
	out.IsNew = true
	cookie, err := r.Cookie(name)
	if err == nil && strings.HasPrefix(cookie.Value, anonymousMark) {
		s.openAnonymous(out, cookie.Value)
		return out, nil
	}
	if err != nil || len(cookie.Value) != base64.RawURLEncoding.EncodedLen(32) {
		return out, nil //nolint:nilerr // no cookie is no error
	}
	row, err := s.store.SessionByHash(r.Context(), SecretHash(cookie.Value))
	switch {
	case errs.KindOf(err) == errs.NotFound:
		return out, nil
	case err != nil:
		return out, fmt.Errorf("load session: %w", err)
	case !s.store.Now().Before(row.CreatedAt.Add(s.maxAge)):
		// The setting may have become shorter since the row was written.
		return out, nil
	}
	values := map[string]any{}
	if err := json.Unmarshal(row.Data, &values); err != nil {
		return out, fmt.Errorf("decode session: %w", err)
	}
	for k, v := range values {
		out.Values[k] = v
	}
	out.ID = cookie.Value
	out.IsNew = false
	out.Values[rowKey{}] = row
	return out, nil
}

// Save stores the session where it has changed, or was last used over an hour
// ago, and sets the cookie. A negative MaxAge of its options ends it.
func (s *SessionStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Second)
	defer cancel()
	row := rowOf(session)
	if session.Options.MaxAge < 0 {
		return s.end(ctx, w, session, row)
	}
	data, err := encode(session)
	if err != nil {
		return err
	}
	switch {
	case s.isAnonymous(session):
		return s.saveAnonymous(w, session, data)
	case row == nil && string(data) == "{}":
		return nil
	case row != nil && session.ID != "" && string(row.Data) == string(data):
		return s.touch(ctx, r, w, session, row)
	case row != nil && session.ID != "":
		return s.update(ctx, r, w, session, row, data)
	default:
		return s.create(ctx, r, w, session, row, data)
	}
}

// Rotate gives the session a new id when it is saved, so that an id planted
// before it is worth nothing after it. The session ends when it would have ended.
func (s *SessionStore) Rotate(session *sessions.Session) { session.ID = "" }

// Renew is Rotate for somebody who has just shown fully who they are: the
// session's age counts from now.
func (s *SessionStore) Renew(session *sessions.Session) {
	s.Rotate(session)
	session.Values[renewed{}] = true
}

// Hash names the stored session, for the list of sessions; nil when it is not
// stored.
func (s *SessionStore) Hash(session *sessions.Session) []byte {
	row := rowOf(session)
	if row != nil {
		return row.IDHash
	}
	return nil
}

// create stores a new session; old is the row it comes from when it rotates.
func (s *SessionStore) create(ctx context.Context, r *http.Request, w http.ResponseWriter, session *sessions.Session, old *store.Session,
	data []byte) error {
	session.ID = NewSecret()
	now := s.store.Now()
	row := &store.Session{IDHash: SecretHash(session.ID), CreatedAt: now}
	_, anew := session.Values[renewed{}]
	if old != nil && !anew {
		row.CreatedAt = old.CreatedAt
	}
	delete(session.Values, renewed{})
	s.fill(r, row, session, data)
	if err := s.store.SaveSession(ctx, row); err != nil {
		return err
	}
	session.Values[rowKey{}] = row
	session.IsNew = false
	s.setCookie(w, session)
	if old == nil {
		return nil
	}
	return s.store.DeleteSession(ctx, old.IDHash)
}

func (s *SessionStore) update(ctx context.Context, r *http.Request, w http.ResponseWriter, session *sessions.Session, row *store.Session,
	data []byte) error {
	s.fill(r, row, session, data)
	alive, err := s.store.UpdateSession(ctx, row)
	if err != nil || !alive {
		// ended meanwhile, from another device: it must not come back to life
		return err
	}
	s.setCookie(w, session)
	return nil
}

// touch notes that the session is in use, rarely.
func (s *SessionStore) touch(ctx context.Context, r *http.Request, w http.ResponseWriter, session *sessions.Session,
	row *store.Session) error {
	if s.store.Now().Sub(row.LastUsedAt) < touchInterval {
		return nil
	}
	if err := s.update(ctx, r, w, session, row, row.Data); err != nil {
		return err
	}
	if row.UserID == uuid.Nil {
		return nil
	}
	return s.store.NoteActive(ctx, row.UserID)
}

func (s *SessionStore) fill(r *http.Request, row *store.Session, session *sessions.Session, data []byte) {
	user, _ := session.Values[userKey].(string)
	superuser, _ := session.Values[superuserKey].(string)
	// no user: the zero id
	row.UserID, _ = uuid.Parse(user)
	// likewise
	row.SuperuserID, _ = uuid.Parse(superuser)
	row.Data = data
	row.UserAgent = text.ClipBytes(r.UserAgent(), monitor.MaxSessionAgent)
	row.RemoteAddr = clientip.Of(r)
	row.LastUsedAt = s.store.Now()
	row.ExpiresAt = row.LastUsedAt.Add(SessionLife)
	end := row.CreatedAt.Add(s.maxAge)
	if end.Before(row.ExpiresAt) {
		row.ExpiresAt = end
	}
	session.Options.MaxAge = max(1, int(row.ExpiresAt.Sub(row.LastUsedAt).Seconds()))
}

func (s *SessionStore) end(ctx context.Context, w http.ResponseWriter, session *sessions.Session, row *store.Session) error {
	http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
	if row == nil {
		return nil
	}
	return s.store.DeleteSession(ctx, row.IDHash)
}

func (s *SessionStore) setCookie(w http.ResponseWriter, session *sessions.Session) {
	http.SetCookie(w, sessions.NewCookie(session.Name(), session.ID, session.Options))
}

func rowOf(session *sessions.Session) *store.Session {
	row, _ := session.Values[rowKey{}].(*store.Session)
	return row
}

// encode writes the values in the order of their keys, so that equal sessions
// have equal data.
func encode(session *sessions.Session) ([]byte, error) {
	values := map[string]any{}
	for k, v := range session.Values {
		switch key := k.(type) {
		case string:
			values[key] = v
		case rowKey, renewed, anonymousKey:
		default:
			return nil, errors.New("encode session: keys must be strings")
		}
	}
	data, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("encode session: %w", err)
	}
	return data, nil
}

// NewSecret is 32 random bytes in 43 characters that need no escaping.
func NewSecret() string {
	b := make([]byte, 32)
	// never fails
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// SecretHash is what is stored of a secret: its SHA-256.
func SecretHash(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}
