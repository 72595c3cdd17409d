package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/checkjson"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// list is GET checks/ (docs/contract.md §2.4), with the parameters of list.go.
func (a *api) list(c *call) error {
	query := c.URL.Query()
	wanted, err := parseList(c.version, query)
	if err != nil {
		a.refuse(c.w, c.Request, err)
		return nil
	}
	channels, err := a.Store.Assignments(c.Context(), c.project.ID)
	if err != nil {
		return err
	}
	slug := query.Get("slug")
	tags := query["tag"]
	at := a.Store.Reading()
	list := newCheckList(c.project.ID)
	objects := a.objects(c, at)
	objects.LeaveOut = list.leaveOut
	out := append(list.last, `{"checks":[`...)
	first := true
	page := wanted.newPage()
	err = a.Store.EachCheckObject(c.Context(), c.project.ID, func(check *monitor.Check) {
		if slug != "" && check.Slug != slug || !hasTags(check, tags) || !wanted.wants(check, at) || !page.take(check) {
			return
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		list.wrote(objects.Append(out, check, channels[check.ID]))
		out = list.last
	})
	if err != nil {
		return err
	}
	page.link(c.w, a.SiteURL+"/api/"+c.version+"/checks/")
	list.last = append(out, "]}"...)
	list.finish()
	a.sendList(c.w, list)
	return nil
}

// objects writes checks as whoever calls is to see them.
func (a *api) objects(c *call, at monitor.Reading) *checkjson.Writer {
	return checkjson.Addresses{Site: a.SiteURL, Ping: a.PingEndpoint}.For(c.version, c.readonly, at)
}

// hasTags tells whether the check has all the tags.
func hasTags(c *monitor.Check, tags []string) bool {
	own := c.TagList()
	for _, tag := range tags {
		if !slices.Contains(own, tag) {
			return false
		}
	}
	return true
}

// answer sends the check object.
func (a *api) answer(c *call, status int, check *monitor.Check) error {
	channels, err := a.channelIDs(c.Context(), check.ID)
	if err != nil {
		return err
	}
	objects := a.objects(c, a.Store.Reading())
	sendJSON(c.w, status, objects.Append(nil, check, checkjson.Sorted(channels)))
	return nil
}

// get is GET checks/<uuid>.
func (a *api) get(c *call) error {
	check, err := a.ownCheck(c)
	if err != nil {
		return err
	}
	return a.answer(c, http.StatusOK, check)
}

// getByUniqueKey is GET checks/<unique_key>.
func (a *api) getByUniqueKey(c *call) error {
	check, err := a.Store.CheckByUniqueKey(c.Context(), chi.URLParam(c.Request, "unique"), c.project.ID)
	if errs.KindOf(err) == errs.NotFound {
		empty(c.w, http.StatusNotFound)
		return nil
	}
	if err != nil {
		return err
	}
	return a.answer(c, http.StatusOK, check)
}

// create is POST checks/: it makes a check, or changes the one that `unique`
// finds (docs/contract.md §2.5–2.7).
func (a *api) create(c *call) error {
	f, channels, err := a.wanted(c, nil)
	if err != nil {
		return err
	}
	fresh := monitor.NewCheck(c.project.ID, a.Store.Now())
	check, created, err := a.Store.UpsertCheck(c.Context(), &fresh, f.uniqueBy(), func(e *store.CheckChange) error {
		if err := f.allow(e.Check); err != nil {
			return err
		}
		f.apply(e.Check, c.version)
		e.Channels = channels
		return nil
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return a.answer(c, status, check)
}

// wanted reads the fields of the request and the channels they name. was is the
// check that is changed, nil = it is not known yet.
func (a *api) wanted(c *call, was *monitor.Check) (*fields, *store.Channels, error) {
	f, err := c.body.decode(was)
	if err != nil || f.channels == nil {
		return f, nil, err
	}
	all, err := a.Store.ChannelsOf(c.Context(), c.project.ID)
	if err != nil {
		return nil, nil, err
	}
	channels, err := chooseChannels(*f.channels, all)
	return f, channels, err
}

// chooseChannels reads the channels field: ids or names, comma-separated, each
// to the letter; "*" for all (docs/contract.md §2.6).
func chooseChannels(text string, all []monitor.Channel) (*store.Channels, error) {
	switch text {
	case "*":
		return &store.Channels{All: true}, nil
	case "":
		return &store.Channels{}, nil
	}
	out := &store.Channels{}
	for item := range strings.SplitSeq(text, ",") {
		var found []uuid.UUID
		for _, ch := range all {
			if item == ch.ID.String() || item == ch.Name {
				found = append(found, ch.ID)
			}
		}
		switch {
		case item == "":
			return nil, errs.Invalidf("channels", "empty channel identifier")
		case len(found) == 0:
			return nil, errs.Invalidf("channels", "invalid channel identifier: %s", item)
		case len(found) > 1:
			return nil, errs.Invalidf("channels", "non-unique channel identifier: %s", item)
		}
		out.IDs = append(out.IDs, found[0])
	}
	return out, nil
}

// uniqueBy is what an upsert looks for: nil when it does not apply, because no
// field is named or a named one was not sent.
func (f *fields) uniqueBy() *store.Unique {
	u := &store.Unique{}
	for _, name := range f.unique {
		sent := false
		switch name {
		case "name":
			u.Name = f.name
			sent = f.name != nil
		case "slug":
			u.Slug = f.slug
			sent = f.slug != nil
		case "tags":
			u.Tags = f.tags
			sent = f.tags != nil
		case "timeout":
			u.Timeout = f.timeout
			sent = f.timeout != nil
		case "grace":
			u.Grace = f.grace
			sent = f.grace != nil
		}
		if !sent {
			return nil
		}
	}
	if len(f.unique) == 0 {
		return nil
	}
	return u
}

// update is POST checks/<uuid>.
func (a *api) update(c *call) error {
	was, err := a.ownCheck(c)
	if err != nil {
		return err
	}
	f, channels, err := a.wanted(c, was)
	if err != nil {
		return err
	}
	return a.change(c, func(e *store.CheckChange) error {
		f.apply(e.Check, c.version)
		e.Channels = channels
		return nil
	})
}

// change changes the check the address names and answers with it.
func (a *api) change(c *call, f func(*store.CheckChange) error) error {
	check, err := a.Store.UpdateCheck(c.Context(), c.code(), f)
	if err != nil {
		return err
	}
	return a.answer(c, http.StatusOK, check)
}

// pause is POST checks/<uuid>/pause; a paused check stays as it is.
func (a *api) pause(c *call) error {
	_, err := a.ownCheck(c)
	if err != nil {
		return err
	}
	return a.change(c, func(e *store.CheckChange) error {
		e.Flip = monitor.Pause(e.Check, e.Now)
		return nil
	})
}

// resume is POST checks/<uuid>/resume.
func (a *api) resume(c *call) error {
	if _, err := a.ownCheck(c); err != nil {
		return err
	}
	check, err := a.Store.UpdateCheck(c.Context(), c.code(), func(e *store.CheckChange) error {
		e.Flip = monitor.Resume(e.Check, e.Now)
		if e.Flip == nil {
			return errNotPaused
		}
		return nil
	})
	if errors.Is(err, errNotPaused) {
		c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
		c.w.WriteHeader(http.StatusConflict)
		c.w.Write([]byte("check is not paused"))
		return nil
	}
	if err != nil {
		return err
	}
	return a.answer(c, http.StatusOK, check)
}

var errNotPaused = errs.Conflictf("check is not paused")

// delete is DELETE checks/<uuid>: it answers with the check as it was, its
// channels already gone (docs/conformance.md §7).
func (a *api) delete(c *call) error {
	if _, err := a.ownCheck(c); err != nil {
		return err
	}
	check, err := a.Store.DeleteCheck(c.Context(), c.code())
	if err != nil {
		return err
	}
	objects := a.objects(c, a.Store.Reading())
	sendJSON(c.w, http.StatusOK, objects.Append(nil, check, nil))
	return nil
}

// channels is GET channels/ (docs/contract.md §2.11).
func (a *api) channels(c *call) error {
	all, err := a.Store.ChannelsOf(c.Context(), c.project.ID)
	if err != nil {
		return err
	}
	type channelJSON struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Kind string `json:"kind"`
	}
	list := make([]channelJSON, 0, len(all))
	for _, ch := range all {
		list = append(list, channelJSON{ch.ID.String(), ch.Name, ch.Kind})
	}
	a.json(c.w, http.StatusOK, struct {
		Channels []channelJSON `json:"channels"`
	}{list})
	return nil
}
