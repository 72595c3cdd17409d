package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/project"
	"punctual/internal/store"
)

// Projects and their keys, an extension of ours in version 3. A project's API
// key opens one project; these addresses take an account token of the user
// instead, made on the profile page, and do what the user may do.

// accountCall is a request in the name of a user.
type accountCall struct {
	*http.Request
	w    http.ResponseWriter
	user *monitor.User
	// the token may only look
	readonly bool
	// of a POST
	body body
}

// account lets account tokens in: in the header X-Api-Key, or as
// `Authorization: Bearer`, or in the field api_key of a POST. Without one, or
// with one that opens nothing, the answer is 401. One that may only look gets
// 403 for everything but GET.
func (a *api) account(op func(c *accountCall) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := apiKey(r, nil)
		t, user, err := a.tokenUser(r.Context(), token)
		var b body
		if r.Method == http.MethodPost {
			limit := bodyLimit(r, err == nil && !t.Readonly)
			var bodyErr error
			b, bodyErr = readBody(w, r, limit)
			if bodyErr != nil {
				a.failBody(w, r, limit, bodyErr)
				return
			}
			sent := apiKey(r, b)
			if sent != token {
				token = sent
				t, user, err = a.tokenUser(r.Context(), token)
			}
		}
		if token == "" {
			a.error(w, http.StatusUnauthorized, "missing account token")
			return
		}
		if err == nil {
			logs.EventOf(r.Context()).User = user.ID
		}
		switch {
		case errs.KindOf(err) == errs.NotFound:
			a.error(w, http.StatusUnauthorized, "wrong account token; API keys of projects do not open this address")
			return
		case err == nil && t.Readonly && r.Method != http.MethodGet:
			err = errs.Forbiddenf("This account token may only read.")
		case err == nil:
			err = incident.From(op, op(&accountCall{Request: r, w: w, user: user, readonly: t.Readonly, body: b}))
		}
		if err != nil {
			a.refuse(w, r, err)
		}
	}
}

// tokenUser is whom the token opens. It fails with errs.NotFound where that is
// nobody.
func (a *api) tokenUser(ctx context.Context, token string) (*store.AccountToken, *monitor.User, error) {
	if token == "" {
		return nil, nil, errNoKey
	}
	return a.Auth.TokenUser(ctx, token)
}

// refuse answers an error of an extension: always a JSON object whose error
// begins with the name of the field, if one is to blame.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) {
	// as for one check too many
	if errors.Is(err, store.ErrCap) {
		empty(w, http.StatusForbidden)
		return
	}
	status := map[errs.Kind]int{
		errs.Invalid: http.StatusBadRequest, errs.Unauthorized: http.StatusUnauthorized, errs.Forbidden: http.StatusForbidden,
		errs.NotFound: http.StatusNotFound, errs.Conflict: http.StatusConflict, errs.TooMany: http.StatusTooManyRequests,
		errs.Unavailable: http.StatusServiceUnavailable,
	}[errs.KindOf(err)]
	if status == 0 {
		a.broken(w, r, err)
		return
	}
	retryAfter(w, err)
	text := errs.Message(err)
	field := errs.FieldOf(err)
	if field != "" {
		text = field + ": " + text
	}
	a.error(w, status, text)
}

// only refuses fields of a body that are not among the names; api_key may
// always be there.
func (b body) only(names ...string) error {
	for name := range b {
		if name != "api_key" && !slices.Contains(names, name) {
			return errs.Invalidf(name, "There is no such field; there are %s.", strings.Join(names, ", "))
		}
	}
	return nil
}

// text is a field that must be a text. sent is false where it is not there.
func (b body) text(name string) (value string, sent bool, err error) {
	raw, sent := b[name]
	if !sent {
		return "", false, nil
	}
	if string(raw) == "null" || json.Unmarshal(raw, &value) != nil || strings.ContainsRune(value, 0) {
		return "", true, errs.Invalidf(name, "The value must be a text.")
	}
	return value, true, nil
}

// projectJSON is a project as the user of a token sees it.
type projectJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// owner, manager, member, read-only
	Role string `json:"role"`
	// e-mail address
	Owner      string  `json:"owner"`
	Created    *string `json:"created"`
	Checks     int     `json:"checks"`
	ChecksDown int     `json:"checks_down"`
	Channels   int     `json:"channels"`
	// null: the token may not change the project
	Keys *projectKeysJSON `json:"keys"`
}

// projectKeysJSON tells the beginning of each key, null where there is none.
type projectKeysJSON struct {
	APIKey         *string `json:"api_key"`
	APIKeyReadonly *string `json:"api_key_readonly"`
	PingKey        *string `json:"ping_key"`
}

func (c *accountCall) object(p *store.ProjectRow) projectJSON {
	roles := map[monitor.Role]string{
		monitor.RoleOwner: "owner", monitor.RoleManager: "manager", monitor.RoleMember: "member", monitor.RoleReadonly: "read-only",
	}
	out := projectJSON{
		ID: p.ID.String(), Name: p.Name, Role: roles[p.Role], Owner: p.OwnerEmail, Created: stamp(p.CreatedAt),
		Checks: p.Checks, ChecksDown: p.DownChecks, Channels: p.Channels,
	}
	if p.Role.CanWrite() && !c.readonly {
		out.Keys = &projectKeysJSON{
			APIKey: hint(auth.KeyHint(p.APIKey, false)), APIKeyReadonly: hint(auth.KeyHint(p.APIKeyReadonly, true)),
			PingKey: hint(p.PingKey[:min(4, len(p.PingKey))]),
		}
	}
	return out
}

func hint(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// projects is GET projects/: those the user owns or is a member of, by name.
func (a *api) projects(c *accountCall) error {
	rows, err := a.Store.ProjectsOf(c.Context(), c.user.ID)
	if err != nil {
		return err
	}
	objects := make([]projectJSON, len(rows))
	for i := range rows {
		objects[i] = c.object(&rows[i])
	}
	a.json(c.w, http.StatusOK, struct {
		Projects []projectJSON `json:"projects"`
	}{objects})
	return nil
}

// createProject is POST projects/ with name: 201 and the project, which has an
// e-mail channel to the user and no keys yet.
func (a *api) createProject(c *accountCall) error {
	if err := c.body.only("name"); err != nil {
		return err
	}
	name, _, err := c.body.text("name")
	if err != nil {
		return err
	}
	p, err := a.Projects.Add(c.Context(), c.user, name)
	if err != nil {
		return err
	}
	return a.answerProject(c, http.StatusCreated, p.ID)
}

func (a *api) answerProject(c *accountCall, status int, id uuid.UUID) error {
	row, err := a.Store.ProjectOf(c.Context(), c.user.ID, id)
	if err != nil {
		return err
	}
	a.json(c.w, status, c.object(row))
	return nil
}

// ownProject is the project the address names, as the user sees it; what the
// user has no part in is errs.NotFound.
func (a *api) ownProject(c *accountCall) (*store.ProjectRow, error) {
	id := uuid.MustParse(chi.URLParam(c.Request, "project"))
	logs.EventOf(c.Context()).Project = id
	return a.Store.ProjectOf(c.Context(), c.user.ID, id)
}

// writableProject is ownProject for changes: errs.Forbidden for those who may
// only look.
func (a *api) writableProject(c *accountCall) (*store.ProjectRow, error) {
	p, err := a.ownProject(c)
	if err == nil && !p.Role.CanWrite() {
		err = errs.Forbiddenf("You may look at this project, but not change it.")
	}
	return p, err
}

// project is GET projects/<uuid>.
func (a *api) project(c *accountCall) error {
	p, err := a.ownProject(c)
	if err != nil {
		return err
	}
	a.json(c.w, http.StatusOK, c.object(p))
	return nil
}

// updateProject is POST projects/<uuid> with name: 200 and the project.
func (a *api) updateProject(c *accountCall) error {
	p, err := a.writableProject(c)
	if err != nil {
		return err
	}
	if err := c.body.only("name"); err != nil {
		return err
	}
	switch name, sent, err := c.body.text("name"); {
	case err != nil:
		return err
	case sent:
		name, err = project.Rename(p.Name, name)
		if err != nil {
			return err
		}
		changed, err := a.Store.ChangeProject(c.Context(), p.ID, func(p *monitor.Project) error { p.Name = name; return nil })
		if err != nil {
			return err
		}
		p.Project = *changed
	}
	a.json(c.w, http.StatusOK, c.object(p))
	return nil
}

// deleteProject is DELETE projects/<uuid>, for the owner: 200 and the project as
// it was. Its checks and channels go with it, and its members are mailed.
func (a *api) deleteProject(c *accountCall) error {
	p, err := a.ownProject(c)
	switch {
	case err != nil:
		return err
	case p.Role != monitor.RoleOwner:
		return errs.Forbiddenf("Only the owner may remove a project.")
	}
	if err := a.Projects.Remove(c.Context(), &p.Project, c.user); err != nil {
		return err
	}
	a.json(c.w, http.StatusOK, c.object(p))
	return nil
}

// madeKeysJSON has the keys just made in full, and null for the others.
type madeKeysJSON struct {
	Project        string  `json:"project"`
	APIKey         *string `json:"api_key"`
	APIKeyReadonly *string `json:"api_key_readonly"`
	PingKey        *string `json:"ping_key"`
}

// projectKeys is POST projects/<uuid>/keys with the lists revoke and make of
// names of keys. Revoking comes first, so that a name in both lists makes the
// key anew. A key to be made that is there already is 409, and nothing changes.
func (a *api) projectKeys(c *accountCall) error {
	p, err := a.writableProject(c)
	if err != nil {
		return err
	}
	if err := c.body.only("revoke", "make"); err != nil {
		return err
	}
	revoke, err := c.body.keyNames("revoke")
	if err != nil {
		return err
	}
	wanted, err := c.body.keyNames("make")
	if err != nil {
		return err
	}
	out := madeKeysJSON{Project: p.ID.String()}
	places := map[string]**string{project.KeyAPI: &out.APIKey, project.KeyAPIReadonly: &out.APIKeyReadonly, project.KeyPing: &out.PingKey}
	_, err = a.Store.ChangeProject(c.Context(), p.ID, func(p *monitor.Project) error {
		for _, name := range revoke {
			if err := project.RevokeKey(p, name); err != nil {
				return err
			}
		}
		for _, name := range wanted {
			full, err := a.Projects.MakeKey(p, name)
			if err != nil {
				return err
			}
			*places[name] = &full
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.Log.InfoContext(c.Context(), "keys changed", "project", p.ID, "revoked", revoke, "made", wanted, "by", c.user.ID)
	a.json(c.w, http.StatusOK, out)
	return nil
}

// keyNames is a field that lists names of keys, each once; not sent is none.
func (b body) keyNames(field string) ([]string, error) {
	raw, sent := b[field]
	if !sent {
		return nil, nil
	}
	names := []string{project.KeyAPI, project.KeyAPIReadonly, project.KeyPing}
	var list []string
	wrong := errs.Invalidf(field, "The value must be a list of %s.", strings.Join(names, ", "))
	if bytes.Equal(raw, []byte("null")) || json.Unmarshal(raw, &list) != nil {
		return nil, wrong
	}
	for i, name := range list {
		if !slices.Contains(names, name) || slices.Contains(list[:i], name) {
			return nil, wrong
		}
	}
	return list, nil
}
