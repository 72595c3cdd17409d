package integrations

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"punctual/internal/notify"
	"punctual/web/ui"
)

// connectMinutes is how long people may take at a provider's site.
const connectMinutes = 15

// stateParam is the parameter that comes back from a provider as it was given.
const stateParam = "state"

// sessionConnect is where the session has who is to come back from a provider.
const sessionConnect = "connect"

// maxLeavings is how many ways to providers one session may have open, in tabs of a
// browser; the latest ones count.
const maxLeavings = 5

// leaving is a visitor on the way to a provider and back. State is random: who brings
// it back is the one who left.
type leaving struct {
	State    string
	Provider string
	Project  uuid.UUID
	User     uuid.UUID
	At       time.Time
}

// rememberLeaving notes in the session who leaves for the provider of a kind, and for
// which project. It returns the state that has to come back.
func (s *Pages) rememberLeaving(v *ui.Visitor, k *notify.Kind, project uuid.UUID) (state string, err error) {
	l := leaving{State: rand.Text(), Provider: k.Connect.Path, Project: project, User: v.User.ID, At: s.Store.Now()}
	open := append(s.leavings(v), l)
	open = open[max(0, len(open)-maxLeavings):]
	return l.State, putLeavings(v, open)
}

// takeLeaving is who left for the provider with the state. It can be taken once, by
// the same user, within connectMinutes.
func (s *Pages) takeLeaving(v *ui.Visitor, k *notify.Kind, state string) (leaving, bool) {
	open := s.leavings(v)
	at := slices.IndexFunc(open, func(l leaving) bool { return subtle.ConstantTimeCompare([]byte(l.State), []byte(state)) == 1 })
	if at < 0 {
		return leaving{}, false
	}
	l := open[at]
	if err := putLeavings(v, slices.Delete(open, at, at+1)); err != nil {
		return leaving{}, false
	}
	return l, l.Provider == k.Connect.Path && v.User != nil && l.User == v.User.ID
}

// leavings are those of the session that may still come back, the oldest first.
func (s *Pages) leavings(v *ui.Visitor) []leaving {
	text, _ := v.Session.Values[sessionConnect].(string)
	var all []leaving
	if json.Unmarshal([]byte(text), &all) != nil {
		return nil
	}
	now := s.Store.Now()
	return slices.DeleteFunc(all, func(l leaving) bool { return now.Sub(l.At) > connectMinutes*time.Minute })
}

func putLeavings(v *ui.Visitor, all []leaving) error {
	if len(all) == 0 {
		delete(v.Session.Values, sessionConnect)
		return nil
	}
	data, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("remember the way back: %w", err)
	}
	v.Session.Values[sessionConnect] = string(data)
	return nil
}
