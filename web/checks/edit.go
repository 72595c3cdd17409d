package checks

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui"
)

// nameInput is what a check is called and about.
type nameInput struct{ Name, Slug, Tags, Description string }

// readName reads name, slug, tags and desc from a form and notes there what is
// wrong. Of a check that is there already, was, a text that has not been changed
// stays as it is stored, also where a new one could not be like that.
func readName(form *ui.Form, was *monitor.Check) nameInput {
	in := nameInput{
		Name:        cleanLine(form.Value("name")),
		Slug:        cleanLine(form.Value("slug")),
		Tags:        cleanTags(form.Value("tags")),
		Description: strings.TrimSpace(cleanText(form.Value("desc"))),
	}
	if was == nil {
		was = &monitor.Check{}
	}
	limit := func(field string, value *string, same bool, stored, what string, most int) {
		switch {
		case same:
			*value = stored
		case text.Longer(*value, most):
			errf(form, field, "%s may have at most %d characters.", what, most)
		}
	}
	limit("name", &in.Name, in.Name == cleanLine(was.Name), was.Name, "The name", monitor.MaxNameLength)
	limit("slug", &in.Slug, in.Slug == was.Slug, was.Slug, "The slug", monitor.MaxSlugLength)
	limit("tags", &in.Tags, in.Tags == cleanTags(was.Tags), was.Tags, "The tags together", monitor.MaxTagsLength)
	limit("desc", &in.Description, in.Description == strings.TrimSpace(cleanText(was.Description)), was.Description, "The description",
		monitor.MaxDescriptionLength)
	if form.Error("slug") == "" && in.Slug != was.Slug && !monitor.ValidSlug(in.Slug) {
		errf(form, "slug", "A slug has lower-case letters, digits, dashes and underscores only, such as %q.", suggestSlug(in.Slug, in.Name))
	}
	return in
}

func errf(form *ui.Form, field, format string, args ...any) {
	form.Fail(field, fmt.Sprintf(format, args...))
}

// suggestSlug makes a valid slug of what was meant to be one.
func suggestSlug(slug, name string) string {
	for _, s := range []string{slug, name} {
		s = monitor.Slugify(s)
		if s != "" {
			return s
		}
	}
	return "nightly-backup"
}

// cleanText is what was typed into a field of several lines.
func cleanText(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// cleanLine is cleanText for a field of one line.
func cleanLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, cleanText(s)))
}

// cleanTags are tags with one blank between each two.
func cleanTags(s string) string {
	return strings.Join(strings.Fields(cleanLine(strings.ReplaceAll(s, ",", " "))), " ")
}

func (in *nameInput) set(c *monitor.Check) {
	c.Name = in.Name
	c.Slug = in.Slug
	c.Tags = in.Tags
	c.Description = in.Description
}

// addPage is the form of a new check.
type addPage struct {
	ui.BasePage
	Form   *ui.Form
	Fields scheduleFields
}

// AddForm answers GET /projects/{project}/checks/add/.
func (s *Pages) AddForm(w http.ResponseWriter, r *http.Request) error {
	project, _, err := s.WritableProject(r)
	if err != nil {
		return err
	}
	fresh := monitor.NewCheck(project.ID, s.Store.Now())
	fresh.TZ = ui.VisitorOf(r).User.TZ
	form := ui.NewForm(nil)
	setScheduleValues(form, &fresh)
	return s.showAddForm(w, r, http.StatusOK, project, form)
}

func (s *Pages) showAddForm(w http.ResponseWriter, r *http.Request, status int, project *monitor.Project, form *ui.Form) error {
	fields, err := s.newScheduleFields(r, form, project, nil)
	if err != nil {
		return err
	}
	return s.Render(w, r, status, "checks/add", &addPage{BasePage: ui.ChecksBase(project, "New check"), Form: form, Fields: fields})
}

// Add stores a new check, watched through all channels of the project. Without a
// slug of its own it gets the one of its name.
func (s *Pages) Add(w http.ResponseWriter, r *http.Request) error {
	project, _, err := s.WritableProject(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	defaultSchedule(form.Values)
	name := readName(form, nil)
	sched := readSchedule(form)
	if name.Slug == "" {
		name.Slug = slugOf(name.Name)
	}
	// One that follows from the name gets a number where it is taken, so that two
	// checks may have one name; one that a person chose is theirs to change.
	if name.Slug != slugOf(name.Name) {
		if err := s.slugIsFree(r, form, project.ID, name.Slug); err != nil {
			return err
		}
	}
	// a button for browsers without scripts
	if form.OK() && form.On("preview") {
		return s.showAddForm(w, r, http.StatusOK, project, form)
	}
	c := monitor.NewCheck(project.ID, s.Store.Now())
	if form.OK() {
		name.set(&c)
		sched.Set(&c)
		err = s.Store.CreateCheckFreeSlug(r.Context(), &c, store.Channels{All: true})
		if errs.KindOf(err) == errs.Conflict {
			form.Fail("", text.Sentence(errs.Message(err)))
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if !form.OK() {
		return s.showAddForm(w, r, http.StatusBadRequest, project, form)
	}
	return s.Redirect(w, r, ui.CheckURL(&c, ""))
}

// defaultSchedule lets programs post a name alone.
func defaultSchedule(v url.Values) {
	set := func(field, value string, unless ...string) {
		for _, f := range append(unless, field) {
			if v.Has(f) {
				return
			}
		}
		v.Set(field, value)
	}
	set("kind", "simple")
	set("timeout", "86400", "timeout_value")
	set("grace", "3600", "grace_value")
	set("tz", "UTC")
}

// slugIsFree notes in the form where a check of the project has the slug.
func (s *Pages) slugIsFree(r *http.Request, form *ui.Form, project uuid.UUID, slug string) error {
	if form.Error("slug") != "" {
		return nil
	}
	free, err := s.Store.FreeSlug(r.Context(), project, slug)
	if err == nil && free != slug {
		slugTaken(form, slug, free)
	}
	return err
}

func slugTaken(form *ui.Form, slug, free string) {
	errf(form, "slug", "Another check of this project has the slug %q, and pings by it would be refused. %q is free.", slug, free)
}

// slugOf is the slug of a name, as far as a slug may be long.
func slugOf(name string) string {
	slug := monitor.Slugify(name)
	return slug[:min(len(slug), monitor.MaxSlugLength)]
}

// namePage is the form of what a check is called and about.
type namePage struct {
	ui.BasePage
	Check *monitor.Check
	Form  *ui.Form
	From  string
}

// NameForm answers GET /checks/{check}/name/.
func (s *Pages) NameForm(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	form := ui.NewForm(url.Values{"name": {c.Name}, "slug": {c.Slug}, "tags": {c.Tags}, "desc": {c.Description}})
	return s.Render(w, r, http.StatusOK, "checks/name", s.newNamePage(r, c, project, form))
}

func (s *Pages) newNamePage(r *http.Request, c *monitor.Check, project *monitor.Project, form *ui.Form) *namePage {
	return &namePage{BasePage: ui.ChecksBase(project, "Edit "+c.Title()), Check: c, Form: form, From: ui.Field(r, "from")}
}

// SaveName answers POST /checks/{check}/name/.
func (s *Pages) SaveName(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	in := readName(form, c)
	if form.OK() {
		_, err = s.Store.UpdateCheckFreeSlug(r.Context(), c.Code, func(edit *store.CheckChange) error {
			in.set(edit.Check)
			return nil
		})
		taken, ok := errors.AsType[*store.SlugTakenError](err)
		if ok {
			slugTaken(form, taken.Slug, taken.Free)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if !form.OK() {
		return s.Render(w, r, http.StatusBadRequest, "checks/name", s.newNamePage(r, c, project, form))
	}
	return s.Redirect(w, r, ui.CheckURL(c, ui.Field(r, "from")))
}

// Pause stops the watching of a check.
func (s *Pages) Pause(w http.ResponseWriter, r *http.Request) error {
	return s.changeStatus(w, r, monitor.Pause)
}

// Resume ends the pause of a check.
func (s *Pages) Resume(w http.ResponseWriter, r *http.Request) error {
	return s.changeStatus(w, r, monitor.Resume)
}

func (s *Pages) changeStatus(w http.ResponseWriter, r *http.Request, change func(*monitor.Check, time.Time) *monitor.Flip) error {
	c, _, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	_, err = s.Store.UpdateCheck(r.Context(), c.Code, func(edit *store.CheckChange) error {
		edit.Flip = change(edit.Check, edit.Now)
		return nil
	})
	if err != nil {
		return err
	}
	return s.Redirect(w, r, ui.CheckURL(c, ui.Field(r, "from")))
}

// removePage asks before a check is removed.
type removePage struct {
	ui.BasePage
	Check *monitor.Check
}

// Pings is how many pings the check has had.
func (p *removePage) Pings() int { return int(p.Check.NPings) }

// RemoveForm answers GET /checks/{check}/remove/.
func (s *Pages) RemoveForm(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "checks/remove", &removePage{ui.ChecksBase(project, "Remove "+c.Title()), c})
}

// Remove answers POST /checks/{check}/remove/.
func (s *Pages) Remove(w http.ResponseWriter, r *http.Request) error {
	c, _, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	if _, err := s.Store.DeleteCheck(r.Context(), c.Code); err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", "“"+c.Title()+"” has been removed.")
	return s.Redirect(w, r, ui.ListURL(c.ProjectID))
}

// ClearEvents forgets what has happened to a check.
func (s *Pages) ClearEvents(w http.ResponseWriter, r *http.Request) error {
	c, _, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	if err := s.Store.ClearEvents(r.Context(), c.Code); err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", "The events have been cleared. The check waits for its next ping.")
	return s.Redirect(w, r, ui.CheckURL(c, ""))
}

// Copy makes a new check with the same settings and channels.
func (s *Pages) Copy(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	channels, err := s.Store.ChannelsOfCheck(r.Context(), c.ID)
	if err != nil {
		return err
	}
	ids := make([]uuid.UUID, len(channels))
	for i := range channels {
		ids[i] = channels[i].ID
	}
	twin := copyOf(c, monitor.NewCheck(project.ID, s.Store.Now()))
	err = s.Store.CreateCheckFreeSlug(r.Context(), &twin, store.Channels{IDs: ids})
	if errs.KindOf(err) == errs.Conflict {
		ui.VisitorOf(r).Flash("error", text.Sentence(errs.Message(err)))
		return s.Redirect(w, r, ui.CheckURL(c, ""))
	}
	if err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", "This is the copy. It has a ping URL of its own and waits for its first ping.")
	return s.Redirect(w, r, ui.CheckURL(&twin, ""))
}

// copyOf gives fresh the settings of c under a name that says so.
func copyOf(c *monitor.Check, fresh monitor.Check) monitor.Check {
	twin := *c
	twin.ID = 0
	twin.Code = fresh.Code
	twin.BadgeKey = fresh.BadgeKey
	twin.CreatedAt = fresh.CreatedAt
	twin.State = fresh.State
	twin.Name = appendWithin(c.Name, " (copy)", monitor.MaxNameLength)
	twin.Slug = appendWithin(c.Slug, "-copy", monitor.MaxSlugLength)
	return twin
}

// appendWithin adds the suffix to a text that is not empty, shortening it where
// both together are longer than most characters.
func appendWithin(s, suffix string, most int) string {
	if s == "" {
		return ""
	}
	runes := []rune(s)
	room := most - utf8.RuneCountInString(suffix)
	if len(runes) > room {
		runes = runes[:room]
	}
	return string(runes) + suffix
}

// ToggleChannel switches a channel on or off for a check: state=on or off.
func (s *Pages) ToggleChannel(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(chi.URLParam(r, "channel"))
	if err != nil {
		return errs.NotFoundf("There is no such integration.")
	}
	channel, err := s.Store.ChannelByID(r.Context(), id)
	if err != nil {
		return err
	}
	if channel.ProjectID != project.ID {
		return errs.NotFoundf("There is no such integration.")
	}
	if err := s.Store.AssignChannel(r.Context(), c.ID, id, ui.PostedField(r, "state") == "on"); err != nil {
		return err
	}
	// a script, which shows the change itself
	if r.Header.Get("Accept") == "application/json" {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return s.Redirect(w, r, ui.CheckURL(c, ui.Field(r, "from"))+"#channels")
}
