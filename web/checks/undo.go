package checks

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/ui"
)

// sessionUndo is the session's value with the last thing done to many checks.
const sessionUndo = "undo"

// An undo can be asked for within undoTime and needs at most undoSize bytes: a
// session is read with each request. It is enough for some ten thousand checks
// paused, or a thousand resumed.
const (
	undoTime = 10 * time.Minute
	undoSize = 64 << 10
)

// undo is what it takes to take back the last thing done to many checks. Checks
// that have changed since are left as they are.
type undo struct {
	// so that the button of an earlier message takes back nothing else
	ID      string    `json:"id"`
	Project uuid.UUID `json:"project"`
	Action  string    `json:"action"`
	At      time.Time `json:"at"`
	Sets    []undoSet `json:"sets"`
}

// undoSet is checks for which the same has changed.
type undoSet struct {
	// status, status and last ping, or tags before
	Was string `json:"was"`
	// tags after, or the channel
	Is string `json:"is,omitempty"`
	// internal ids in order, each as its distance from the one before
	Checks []int64 `json:"checks"`
}

// undoList collects what a change does while it goes on.
type undoList map[undoKey]wasIs

type undoKey struct {
	check int64
	// "" for status and tags
	channel string
}

type wasIs struct{ was, is string }

// note takes up what the change has made of a check's status or tags, and
// returns whether that was anything. A transaction may run again.
func (l undoList) note(changed bool, check int64, was, is string) bool {
	if changed {
		l[undoKey{check: check}] = wasIs{was, is}
	} else {
		delete(l, undoKey{check: check})
	}
	return changed
}

// sets puts those for which the same has changed together.
func (l undoList) sets() []undoSet {
	by := map[wasIs][]int64{}
	for key, v := range l {
		by[v] = append(by[v], key.check)
	}
	out := make([]undoSet, 0, len(by))
	for v, checks := range by {
		out = append(out, undoSet{Was: v.was, Is: v.is, Checks: distances(checks)})
	}
	return out
}

// offerUndo shows the message on the next page, with a button that takes back
// what was done where the session has room for that.
func (s *Pages) offerUndo(v *ui.Visitor, text string, project uuid.UUID, action, back string, list undoList) {
	u := undo{ID: rand.Text(), Project: project, Action: action, At: s.Store.Now(), Sets: list.sets()}
	data, err := json.Marshal(&u)
	if err != nil || len(data) > undoSize || len(list) == 0 {
		delete(v.Session.Values, sessionUndo)
		v.Flash("ok", text)
		return
	}
	v.Session.Values[sessionUndo] = string(data)
	v.FlashUndo(text, ui.ListURL(project)+"undo/?"+url.Values{"id": {u.ID}, "back": {back}}.Encode())
}

// takeUndo is the undo of the session with the id; it can be taken once.
func takeUndo(v *ui.Visitor, project uuid.UUID, id string, now time.Time) (*undo, bool) {
	text, _ := v.Session.Values[sessionUndo].(string)
	var u undo
	if json.Unmarshal([]byte(text), &u) != nil || u.ID != id || u.Project != project || now.Sub(u.At) > undoTime {
		return nil, false
	}
	delete(v.Session.Values, sessionUndo)
	return &u, true
}

// dropOldUndo forgets what cannot be taken back any more.
func dropOldUndo(v *ui.Visitor, now time.Time) {
	text, ok := v.Session.Values[sessionUndo].(string)
	if !ok {
		return
	}
	var u undo
	if json.Unmarshal([]byte(text), &u) != nil || now.Sub(u.At) > undoTime {
		delete(v.Session.Values, sessionUndo)
	}
}

// Undo takes back the last thing done to many checks.
func (s *Pages) Undo(w http.ResponseWriter, r *http.Request) error {
	project, _, err := s.WritableProject(r)
	if err != nil {
		return err
	}
	v := ui.VisitorOf(r)
	u, ok := takeUndo(v, project.ID, ui.Field(r, "id"), s.Store.Now())
	if !ok {
		return errs.Conflictf(
			"This cannot be undone any more: it was undone already, is over %d minutes old, or something else has been done since.",
			int(undoTime.Minutes()))
	}
	total := 0
	back := 0
	for _, set := range u.Sets {
		ids := positions(set.Checks)
		n, err := s.undoSet(r, u, &set, ids)
		if err != nil {
			return err
		}
		total = total + len(ids)
		back = back + n
	}
	switch back {
	case total:
		v.Flash("ok", "Undone.")
	case 0:
		v.Flash("warning", "Nothing was undone: the checks have changed since.")
	default:
		v.Flash("warning", fmt.Sprintf("Undone for %d of %d; the others have changed since.", back, total))
	}
	return s.Redirect(w, r, ui.ListURL(project.ID)+backQuery(r))
}

func (s *Pages) undoSet(r *http.Request, u *undo, set *undoSet, checks []int64) (int, error) {
	switch u.Action {
	case "assign", "unassign":
		channel, err := uuid.Parse(set.Is)
		if err != nil {
			return 0, fmt.Errorf("undo: channel: %w", err)
		}
		changed, err := s.Store.AssignChannels(r.Context(), u.Project, checks, []uuid.UUID{channel}, u.Action == "unassign")
		return len(changed[channel]), err
	case "pause":
		return s.Store.UpdateChecks(r.Context(), u.Project, checks,
			func(c *store.CheckChange) bool { return unpause(c, monitor.Status(set.Was)) })
	case "resume":
		return s.Store.UpdateChecks(r.Context(), u.Project, checks, func(c *store.CheckChange) bool { return pauseAgain(c, set.Was) })
	default:
		return s.Store.UpdateChecks(r.Context(), u.Project, checks, func(c *store.CheckChange) bool {
			same := c.Tags == set.Is
			if same {
				c.Tags = set.Was
			}
			return same
		})
	}
}

// unpause gives a paused check the status it had. Nobody is told: they were told
// when it first got it.
func unpause(c *store.CheckChange, was monitor.Status) bool {
	if c.Status != monitor.StatusPaused {
		return false
	}
	c.Flip = &monitor.Flip{CheckID: c.ID, CreatedAt: c.Now, Old: c.Status, New: was}
	c.Silent = true
	c.Status = was
	return true
}

// beforeResume is what a resume makes a check forget.
func beforeResume(c *monitor.Check) string {
	if c.LastPing.IsZero() {
		return ""
	}
	return strconv.FormatInt(c.LastPing.UnixMicro(), 10)
}

// pauseAgain pauses a check that has had no ping since it was resumed.
func pauseAgain(c *store.CheckChange, lastPing string) bool {
	if c.Status != monitor.StatusNew || c.Started() || !c.LastPing.IsZero() {
		return false
	}
	c.Flip = monitor.Pause(c.Check, c.Now)
	micros, err := strconv.ParseInt(lastPing, 10, 64)
	if err == nil {
		c.LastPing = time.UnixMicro(micros).UTC()
	}
	return true
}

// distances writes ids so that a long list of them is short; positions reads it.
func distances(ids []int64) []int64 {
	ids = slices.Sorted(slices.Values(ids))
	last := int64(0)
	for i, id := range ids {
		ids[i] = id - last
		last = id
	}
	return ids
}

func positions(distances []int64) []int64 {
	out := make([]int64, len(distances))
	at := int64(0)
	for i, d := range distances {
		at += d
		out[i] = at
	}
	return out
}

// backQuery is where in the list a form leads back to: its field "back", a query
// string of the list, without the boxes.
func backQuery(r *http.Request) string {
	f := filterOf(ui.Field(r, "back"))
	return strings.TrimSuffix(f.selecting(false), "?")
}
