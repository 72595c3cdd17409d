package checks

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui"
)

// bulk is an action on several checks of the list.
type bulk struct {
	project *monitor.Project
	// as CheckList has them
	checks []monitor.Check
	form   *ui.Form
	undo   undoList
}

func (b *bulk) ids() []int64 {
	out := make([]int64, len(b.checks))
	for i := range b.checks {
		out[i] = b.checks[i].ID
	}
	return out
}

// filterOf is the filter of a query string of the list.
func filterOf(query string) listFilter {
	// what can be read of it
	q, _ := url.ParseQuery(strings.TrimPrefix(query, "?"))
	return parseListFilter(q)
}

// chosen are the checks a form is about: those it names by "check", or with
// all=1 every one that the list of its field "back" lets through. What has been
// removed meanwhile is passed over.
func (s *Pages) chosen(r *http.Request, project *monitor.Project, form *ui.Form) ([]monitor.Check, error) {
	if form.On("all") {
		return s.letThrough(r.Context(), project.ID, filterOf(form.Value("back")))
	}
	checks, err := s.Store.CheckList(r.Context(), project.ID)
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, code := range form.Values["check"] {
		named[code] = true
	}
	return slices.DeleteFunc(checks, func(c monitor.Check) bool { return !named[c.Code.String()] }), nil
}

// Bulk does one thing to many checks: action is pause, resume, tag, untag,
// assign, unassign or remove.
func (s *Pages) Bulk(w http.ResponseWriter, r *http.Request) error {
	project, _, err := s.WritableProject(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	action := form.Value("action")
	act := s.bulkActions()[action]
	if act == nil {
		return errs.Invalidf("action", "The action must be one of pause, resume, tag, untag, assign, unassign and remove.")
	}
	checks, err := s.chosen(r, project, form)
	if err != nil {
		return err
	}
	back := filterOf(form.Value("back"))
	// where there is something to correct
	again := ui.ListURL(project.ID) + back.selecting(true)
	if len(checks) == 0 {
		ui.VisitorOf(r).Flash("warning", "Choose some checks first.")
		return s.Redirect(w, r, again)
	}
	if action == "remove" && !form.On("confirm") {
		return s.Render(w, r, http.StatusOK, "checks/remove_many", newRemoveManyPage(project, checks, back))
	}
	b := &bulk{project: project, checks: checks, form: form, undo: undoList{}}
	text, err := act(r, b)
	if errs.KindOf(err) == errs.Invalid {
		ui.VisitorOf(r).Flash("error", errs.Message(err))
		return s.Redirect(w, r, again)
	}
	if err != nil {
		return err
	}
	s.offerUndo(ui.VisitorOf(r), text, project.ID, action, back.selecting(false), b.undo)
	return s.Redirect(w, r, ui.ListURL(project.ID)+backQuery(r))
}

// bulkActions are what can be done to many checks. Each returns what it has done
// for people to read.
func (s *Pages) bulkActions() map[string]func(*http.Request, *bulk) (string, error) {
	return map[string]func(*http.Request, *bulk) (string, error){
		"pause": s.bulkPause, "resume": s.bulkResume, "tag": s.bulkTag, "untag": s.bulkUntag,
		"assign": s.bulkAssign, "unassign": s.bulkUnassign, "remove": s.bulkRemove,
	}
}

// many is "3 checks", or the name of the only one.
func (b *bulk) many() string {
	if len(b.checks) == 1 {
		return "“" + b.checks[0].Title() + "”"
	}
	return text.Plural(len(b.checks), "check", "checks")
}

// summary says what was done to n of the checks: "Paused 3 checks." Those that
// needed nothing are counted after it, with what they were.
func (b *bulk) summary(n int, done, already string) string {
	rest := len(b.checks) - n
	switch {
	case n == 0:
		return fmt.Sprintf("Nothing to do: %s %s already.", b.many(), already)
	case rest == 0:
		return done + " " + b.many() + "."
	default:
		return fmt.Sprintf("%s %s; %d %s already.", done, text.Plural(n, "check", "checks"), rest, already)
	}
}

func (s *Pages) bulkPause(r *http.Request, b *bulk) (string, error) {
	n, err := s.Store.UpdateChecks(r.Context(), b.project.ID, b.ids(), func(c *store.CheckChange) bool {
		was := c.Status
		c.Flip = monitor.Pause(c.Check, c.Now)
		return b.undo.note(c.Flip != nil, c.ID, string(was), "")
	})
	return b.summary(n, "Paused", "paused"), err
}

func (s *Pages) bulkResume(r *http.Request, b *bulk) (string, error) {
	n, err := s.Store.UpdateChecks(r.Context(), b.project.ID, b.ids(), func(c *store.CheckChange) bool {
		was := beforeResume(c.Check)
		c.Flip = monitor.Resume(c.Check, c.Now)
		return b.undo.note(c.Flip != nil, c.ID, was, "")
	})
	return b.summary(n, "Resumed", "not paused"), err
}

// tags are the tags of the form, one or several.
func (b *bulk) tags() ([]string, error) {
	tags := strings.Fields(cleanLine(strings.ReplaceAll(b.form.Value("tag"), ",", " ")))
	if len(tags) == 0 {
		return nil, errs.Invalidf("tag", "Write at least one tag.")
	}
	if text.Longer(strings.Join(tags, " "), monitor.MaxTagsLength) {
		return nil, errs.Invalidf("tag", "The tags together may have at most %d characters.", monitor.MaxTagsLength)
	}
	return tags, nil
}

func (s *Pages) bulkTag(r *http.Request, b *bulk) (string, error) {
	tags, err := b.tags()
	if err != nil {
		return "", err
	}
	return s.retag(r, b, "Tagged", "had “"+strings.Join(tags, " ")+"”", func(have []string) []string {
		for _, tag := range tags {
			if !slices.Contains(have, tag) {
				have = append(have, tag)
			}
		}
		return have
	})
}

func (s *Pages) bulkUntag(r *http.Request, b *bulk) (string, error) {
	tags, err := b.tags()
	if err != nil {
		return "", err
	}
	return s.retag(r, b, "Took “"+strings.Join(tags, " ")+"” from", "did not have it", func(have []string) []string {
		return slices.DeleteFunc(have, func(tag string) bool { return slices.Contains(tags, tag) })
	})
}

// retag gives each check the tags that change makes of those it has.
func (s *Pages) retag(r *http.Request, b *bulk, done, already string, change func([]string) []string) (string, error) {
	full := map[int64]bool{}
	n, err := s.Store.UpdateChecks(r.Context(), b.project.ID, b.ids(), func(c *store.CheckChange) bool {
		have := c.TagList()
		tags := change(slices.Clone(have))
		was := c.Tags
		now := strings.Join(tags, " ")
		full[c.ID] = text.Longer(now, monitor.MaxTagsLength) && len(now) > len(was)
		changes := !full[c.ID] && !slices.Equal(have, tags)
		if changes {
			c.Tags = now
		}
		return b.undo.note(changes, c.ID, was, now)
	})
	maps.DeleteFunc(full, func(_ int64, yes bool) bool { return !yes })
	if len(full) > 0 {
		return fmt.Sprintf("%s %s; %d have no room for more tags (%d characters).", done, text.Plural(n, "check", "checks"), len(full),
			monitor.MaxTagsLength), err
	}
	return b.summary(n, done, already), err
}

func (s *Pages) bulkAssign(r *http.Request, b *bulk) (string, error) {
	return s.reassign(r, b, true, "Switched alerts on for", "had them")
}

func (s *Pages) bulkUnassign(r *http.Request, b *bulk) (string, error) {
	return s.reassign(r, b, false, "Switched alerts off for", "did not have them")
}

func (s *Pages) reassign(r *http.Request, b *bulk, on bool, done, already string) (string, error) {
	var channels []uuid.UUID
	for _, text := range b.form.Values["channel"] {
		id, err := uuid.Parse(text)
		if err != nil {
			return "", errs.NotFoundf("There is no such integration.")
		}
		channels = append(channels, id)
	}
	if len(channels) == 0 {
		return "", errs.Invalidf("channel", "Choose at least one integration.")
	}
	known, err := s.Store.ChannelsOf(r.Context(), b.project.ID)
	if err != nil {
		return "", err
	}
	for _, id := range channels {
		if !slices.ContainsFunc(known, func(c monitor.Channel) bool { return c.ID == id }) {
			return "", errs.NotFoundf("There is no such integration.")
		}
	}
	changed, err := s.Store.AssignChannels(r.Context(), b.project.ID, b.ids(), channels, on)
	touched := map[int64]bool{}
	for channel, checks := range changed {
		for _, id := range checks {
			b.undo[undoKey{id, channel.String()}] = wasIs{is: channel.String()}
			touched[id] = true
		}
	}
	return b.summary(len(touched), done, already), err
}

func (s *Pages) bulkRemove(r *http.Request, b *bulk) (string, error) {
	n, err := s.Store.DeleteChecks(r.Context(), b.project.ID, b.ids())
	if n == 1 && len(b.checks) == 1 {
		return b.many() + " has been removed.", err
	}
	return text.Plural(n, "check has", "checks have") + " been removed.", err
}

// removeManyPage asks before checks are removed, and names them: what is named
// is what goes, whatever the list shows by then.
type removeManyPage struct {
	ui.BasePage
	Checks []monitor.Check
	// query string of the list
	Back string
}

func newRemoveManyPage(project *monitor.Project, checks []monitor.Check, back listFilter) *removeManyPage {
	slices.SortStableFunc(checks, func(a, b monitor.Check) int {
		return compareNatural(strings.ToLower(a.Title()), strings.ToLower(b.Title()))
	})
	return &removeManyPage{ui.ChecksBase(project, "Remove checks"), checks, back.selecting(false)}
}

// Heading asks the question.
func (p *removeManyPage) Heading() string {
	return "Remove " + text.Plural(len(p.Checks), "check", "checks") + "?"
}
