package check

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/web/ui"
	"punctual/web/ui/checkstate"
	"punctual/web/ui/human"
)

// detailsEvents is how many events the page of a check shows.
const detailsEvents = 30

// detailsPage is the page of one check.
type detailsPage struct {
	ui.BasePage
	Check    *monitor.Check
	CanWrite bool
	PingURL  string
	// how many checks of the project have its slug: with more than one, pings by it are refused
	SameSlug int
	// "" when the check or the project has none
	SlugURL string
	// that takes pings, "" when there is none
	Email string
	// the same by the slug
	SlugMail string
	Examples []example
	// in words
	Schedule string
	Channels []detailsChannel
	Events   []logRow
	// the log has more
	More  bool
	State situation
	// the newest success or failure, also where a resume has made the check forget it
	LastPing time.Time
	// nil: it is not down by a run that sent output
	Output *failureOutput
	Zones  zones
	// nil: it has never been watched
	History *history
	// nil: how long runs take is not known
	Runs    *runTimes
	Version string
	// newest first
	unknown []monitor.UnknownRun
	// of the project
	channels map[uuid.UUID]ui.Channel
	// "10 GB": bodies of new pings are not kept, there are so many; "" = they are
	BodyCap string
}

// detailsChannel is a channel with its switch.
type detailsChannel struct {
	ui.Channel
	On bool
}

// Simple tells whether the check has a period.
func (p *detailsPage) Simple() bool { return p.Check.Kind == schedule.Simple }

// Filtered tells whether any rule of the check differs from the usual.
func (p *detailsPage) Filtered() bool {
	return p.Check.Filter != (monitor.Filter{}) || p.Check.ManualResume
}

// Places names where keywords are looked for, "" when nowhere.
func (p *detailsPage) Places() string {
	var places []string
	f := &p.Check.Filter
	if f.HTTPBody {
		places = append(places, "the body of a request")
	}
	if f.Subject {
		places = append(places, "the subject of a mail")
	}
	if f.Body {
		places = append(places, "the text of a mail")
	}
	n := len(places)
	if n > 1 {
		return strings.Join(places[:n-1], ", ") + " or " + places[n-1]
	}
	return strings.Join(places, "")
}

// Chosen is about the log: nothing is left out of the newest events.
func (p *detailsPage) Chosen() bool { return false }

// Bars are the last runs as a picture.
func (p *detailsPage) Bars() template.HTML { return checkstate.Bars(p.Check.RecentRuns) }

// Share is the part of the last runs that came.
func (p *detailsPage) Share() string { return checkstate.Share(p.Check.RecentRuns) }

// Details shows everything about a check.
func (s *Pages) Details(w http.ResponseWriter, r *http.Request) error {
	c, project, role, err := s.CheckFor(r)
	if err != nil {
		return err
	}
	page := &detailsPage{
		BasePage: ui.ChecksBase(project, c.Title()), Check: c, CanWrite: role.CanWrite(),
		PingURL: s.Site.PingURL(c), Email: s.Site.PingEmail(c.Code.String()),
		Examples: examplesFor(s.Site.PingURL(c), s.Site.PingEmail(c.Code.String()), c),
	}
	// the key opens all checks; readers do not see it
	if project.PingKey != "" && c.Slug != "" && page.CanWrite {
		page.SlugURL = s.Site.PingEndpoint + project.PingKey + "/" + c.Slug
		page.SlugMail = s.Site.PingEmail(project.PingKey + "+" + c.Slug)
	}
	page.BodyCap = s.bodyCap(r, project)
	page.SameSlug, err = s.Store.ChecksWithSlug(r.Context(), project.ID, c.Slug)
	if err != nil {
		return err
	}
	page.Channels, err = s.detailsChannels(r, c, project)
	if err != nil {
		return err
	}
	page.channels = make(map[uuid.UUID]ui.Channel, len(page.Channels))
	for _, h := range page.Channels {
		page.channels[h.ID] = h.Channel
	}
	if err := s.fillState(r, page, project, ""); err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "check/details", page)
}

// bodyCap is how many bytes the bodies of an owner's pings may have, as text, where
// those of new pings of the project are not kept because of it; else "".
func (s *Pages) bodyCap(r *http.Request, project *monitor.Project) string {
	if s.bodiesFull == nil || !s.bodiesFull(r.Context(), project.ID) {
		return ""
	}
	return human.Bytes(s.Site.PingBodyTotal)
}

func (s *Pages) detailsChannels(r *http.Request, c *monitor.Check, project *monitor.Project) ([]detailsChannel, error) {
	all, err := s.Store.ChannelsOf(r.Context(), project.ID)
	if err != nil {
		return nil, err
	}
	assigned, err := s.Store.ChannelsOfCheck(r.Context(), c.ID)
	if err != nil {
		return nil, err
	}
	out := make([]detailsChannel, 0, len(all))
	for i := range all {
		on := slices.ContainsFunc(assigned, func(a monitor.Channel) bool { return a.ID == all[i].ID })
		out = append(out, detailsChannel{s.viewChannel(&all[i]), on})
	}
	return out, nil
}

// fillState loads what changes by itself: the state, the newest events and what
// is counted from them. All but the state is left alone when known is its version.
func (s *Pages) fillState(r *http.Request, page *detailsPage, project *monitor.Project, known string) error {
	ctx := r.Context()
	c := page.Check
	page.Zones = zonesFor(r, c)
	page.TZ = page.Zones.Now.zone
	v, err := s.versionOf(ctx, c)
	if err != nil {
		return err
	}
	end, err := s.lastEnd(ctx, c, v.newest)
	if err != nil {
		return err
	}
	page.Version = v.text
	if page.Version != known || c.LastRunUnknown() {
		page.unknown, err = s.unknownRuns(ctx, c, s.Store.Now().AddDate(0, 0, -7*historyWeeks))
		if err != nil {
			return err
		}
	}
	if page.Version != known {
		page.Output, err = s.failureOutput(ctx, c, end)
		if err != nil {
			return err
		}
		if err := s.fillEvents(r, page, project); err != nil {
			return err
		}
	}
	page.Schedule, err = describeSchedule(c)
	if err != nil {
		page.Schedule = "A schedule that cannot be read"
	}
	page.State = describe(c, s.Store.Reading(), page.TZ, v.newest, end)
	by := describer{c: c, now: page.State.now, tz: page.TZ}
	page.State.Unheard = by.unheard(page.unknown)
	return nil
}

// version is of the events of a check.
type version struct {
	// changes with every ping, every flip, what becomes of alerts, and unknown runs
	text string
	// the newest flip, if any
	newest []monitor.Flip
	// when the next attempt at an alert is due; zero: none waits
	attempt time.Time
}

func (s *Pages) versionOf(ctx context.Context, c *monitor.Check) (version, error) {
	newest, err := s.Store.Flips(ctx, c.ID, store.FlipFilter{Limit: 1})
	if err != nil {
		return version{}, err
	}
	alerts, attempt, err := s.Store.DeliveryMark(ctx, c.ID)
	if err != nil {
		return version{}, err
	}
	flip := int64(0)
	if len(newest) > 0 {
		flip = newest[0].ID
	}
	unknown := strings.Count(c.RecentRuns, string(monitor.RunUnknown))
	text := fmt.Sprintf("%d.%d.%d.%s.%d.%d", c.NPings, c.CreatedAt.UnixMicro(), flip, alerts, c.BlindUntil.Unix(), unknown)
	return version{text, newest, attempt}, nil
}

func (s *Pages) fillEvents(r *http.Request, page *detailsPage, project *monitor.Project) error {
	first, limit, err := s.FirstKept(r.Context(), page.Check, project)
	if err != nil {
		return err
	}
	// More pings than are shown, so that the starts of the runs are among them.
	page.Events, _, err = s.events(r.Context(), page.Check,
		eventQuery{MinN: first, Pings: min(limit, 3*detailsEvents), Others: detailsEvents, Zone: page.TZ,
			Unknown: page.unknown, CanWrite: page.CanWrite, Channels: page.channels})
	if err != nil {
		return err
	}
	if len(page.Events) > detailsEvents {
		page.Events = page.Events[:detailsEvents]
		page.More = true
	}
	page.LastPing, err = s.lastPing(r.Context(), page.Check)
	if err != nil {
		return err
	}
	page.Runs, err = s.loadRuns(r.Context(), page.Check, first, limit)
	if err != nil {
		return err
	}
	page.History, err = s.loadHistory(r.Context(), page.Check, page.TZ, page.unknown)
	return err
}

// ends are the kinds of ping that end a run.
func ends() []monitor.PingKind { return []monitor.PingKind{monitor.PingSuccess, monitor.PingFail} }

// lastEnd is the last success or failure of a check that is down, unless it came
// before the check went down, by newest, its newest flip; nil where there is none.
func (s *Pages) lastEnd(ctx context.Context, c *monitor.Check, newest []monitor.Flip) (*monitor.Ping, error) {
	if c.Status != monitor.StatusDown {
		return nil, nil
	}
	last, err := s.Store.Pings(ctx, c.ID, store.PingFilter{Kinds: ends(), Limit: 1})
	if err != nil || len(last) == 0 || last[0].CreatedAt.Before(sinceFlip(newest, monitor.StatusDown)) {
		return nil, err
	}
	return &last[0].Ping, nil
}

// lastPing is when the newest success or failure of the check came; zero: there was
// none that is kept. A resume makes the check forget it, the log does not.
func (s *Pages) lastPing(ctx context.Context, c *monitor.Check) (time.Time, error) {
	if !c.LastPing.IsZero() || c.NPings == 0 {
		return c.LastPing, nil
	}
	last, err := s.Store.Pings(ctx, c.ID, store.PingFilter{Kinds: ends(), Limit: 1})
	if err != nil || len(last) == 0 {
		return time.Time{}, err
	}
	return last[0].CreatedAt, nil
}

// detailsUpdate is what the script of the page asks for every few seconds.
type detailsUpdate struct {
	Version string `json:"version"`
	Down    int    `json:"down"`
	// the clock of the server, in milliseconds since 1970
	Now int64 `json:"now"`
	// HTML
	State string `json:"state"`
	// HTML, "" = as before
	Facts string `json:"facts,omitempty"`
	// HTML, "" = as before
	Events string `json:"events,omitempty"`
	// HTML, "" = there are none
	Runs    string `json:"runs,omitempty"`
	History string `json:"history,omitempty"`
	// HTML, "" = there is none
	Output string `json:"output,omitempty"`
}

// Status answers what has changed on the page since version ?v=.
func (s *Pages) Status(w http.ResponseWriter, r *http.Request) error {
	c, project, role, err := s.CheckFor(r)
	if err != nil {
		return err
	}
	u, err := s.detailsNews(r, c, project, role, ui.Field(r, "v"))
	if err != nil {
		return err
	}
	return ui.WriteJSON(w, u)
}

// detailsNews is what has changed on the page since version known.
func (s *Pages) detailsNews(r *http.Request, c *monitor.Check, project *monitor.Project, role monitor.Role, known string) (*detailsUpdate,
	error) {
	page := &detailsPage{BasePage: ui.ChecksBase(project, c.Title()), Check: c, CanWrite: role.CanWrite()}
	if err := s.fillState(r, page, project, known); err != nil {
		return nil, err
	}
	if err := s.FillBase(r, &page.BasePage); err != nil {
		return nil, err
	}
	u := &detailsUpdate{Version: page.Version, Down: page.Project.Down, Now: page.Now.UnixMilli()}
	var err error
	u.State, err = s.Part("check/details", "state", page)
	if err != nil {
		return nil, err
	}
	if page.Version == known {
		return u, nil
	}
	for name, into := range map[string]*string{"facts": &u.Facts, "events": &u.Events, "runs": &u.Runs, "history": &u.History,
		"output": &u.Output} {
		*into, err = s.Part("check/details", name, page)
		if err != nil {
			return nil, err
		}
	}
	return u, nil
}

// Cloaked leads from the public name of a check, which alerts carry, to its page.
func (s *Pages) Cloaked(w http.ResponseWriter, r *http.Request) error {
	user := ui.VisitorOf(r).User
	if user == nil {
		return ui.ErrLogin
	}
	c, err := s.checkByUniqueKey(r, user, chi.URLParam(r, "key"))
	if err != nil {
		return err
	}
	return s.Redirect(w, r, ui.CheckURL(c, ""))
}

func (s *Pages) checkByUniqueKey(r *http.Request, user *monitor.User, key string) (*monitor.Check, error) {
	if len(key) != 40 {
		return nil, errs.NotFoundf("There is no such check.")
	}
	if user.IsSuperuser {
		return s.Store.AnyCheckByUniqueKey(r.Context(), key)
	}
	projects, err := s.Store.ProjectsOf(r.Context(), user.ID)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(projects))
	for i := range projects {
		ids[i] = projects[i].ID
	}
	return s.Store.CheckByUniqueKey(r.Context(), key, ids...)
}
