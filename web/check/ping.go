package check

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"punctual/internal/errs"
	"punctual/internal/mail/inbound"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/web/ui"
	"punctual/web/ui/checkstate"
)

// maxShownBody is how much of a body a page shows; the rest can be downloaded.
const maxShownBody = 100_000

// pingPage is one ping.
type pingPage struct {
	ui.BasePage
	Check *monitor.Check
	Zones zones
	Ping  *monitor.Ping
	Times []zoneTime
	// nil: no start or end of a run, or its partner is not known
	Run *pingRun
	// the pings beside it, 0 = there is none
	Prev int64
	Next int64
	// what is shown of it, "" when it is no text
	Body string
	// there is more
	Cut  bool
	Size int
	// of a ping by e-mail, else nil
	Mail *inbound.Message
	// BodyCap is "10 GB" where bodies of new pings are not kept, for there are so many.
	BodyCap string
}

// pingRun is the run that a ping began or ended.
type pingRun struct {
	// the ping is its start
	Began bool
	Other *monitor.Ping
	Took  time.Duration
}

// OtherWhat names the ping at the other end of the run.
func (r *pingRun) OtherWhat() string { return pingLabel(r.Other) }

// zoneTime is a moment in one zone.
type zoneTime struct {
	Zone string
	Text string
}

// What names the ping.
func (p *pingPage) What() string { return pingLabel(p.Ping) }

// ExitStatus is the exit status it came with, "" where it came without.
func (p *pingPage) ExitStatus() string {
	if p.Ping.ExitStatus == nil {
		return ""
	}
	return monitor.ExitStatusText(*p.Ping.ExitStatus)
}

// Source is where it came from.
func (p *pingPage) Source() string { return pingSource(p.Ping) }

// Class is its colour.
func (p *pingPage) Class() checkstate.State {
	return (&logRow{Ping: &store.PingRow{Ping: *p.Ping}}).Class()
}

// Ping shows a ping.
func (s *Pages) Ping(w http.ResponseWriter, r *http.Request) error {
	c, project, p, err := s.pingFor(r)
	if err != nil {
		return err
	}
	return s.showPing(w, r, c, project, p)
}

// LastPing shows the newest ping of a check.
func (s *Pages) LastPing(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.CheckFor(r)
	if err != nil {
		return err
	}
	newest, err := s.Store.Pings(r.Context(), c.ID, store.PingFilter{Limit: 1})
	if err != nil {
		return err
	}
	if len(newest) == 0 {
		return errs.NotFoundf("No ping has come yet.")
	}
	p, err := s.Store.Ping(r.Context(), c.ID, newest[0].N)
	if err != nil {
		return err
	}
	return s.showPing(w, r, c, project, p)
}

// pingFor loads the ping of {check} and {n}; hidden ones are not found.
func (s *Pages) pingFor(r *http.Request) (*monitor.Check, *monitor.Project, *monitor.Ping, error) {
	c, project, _, err := s.CheckFor(r)
	if err != nil {
		return nil, nil, nil, err
	}
	n, err := strconv.ParseInt(chi.URLParam(r, "n"), 10, 64)
	if err != nil {
		return nil, nil, nil, errs.NotFoundf("There is no such ping.")
	}
	first, _, err := s.FirstKept(r.Context(), c, project)
	if err != nil {
		return nil, nil, nil, err
	}
	if n < first {
		return nil, nil, nil, errs.NotFoundf("There is no such ping.")
	}
	p, err := s.Store.Ping(r.Context(), c.ID, n)
	return c, project, p, err
}

func (s *Pages) showPing(w http.ResponseWriter, r *http.Request, c *monitor.Check, project *monitor.Project, p *monitor.Ping) error {
	page := &pingPage{BasePage: ui.ChecksBase(project, fmt.Sprintf("Ping %d of %s", p.N, c.Title())), Check: c, Ping: p, Size: len(p.Body)}
	first, limit, err := s.FirstKept(r.Context(), c, project)
	if err != nil {
		return err
	}
	page.Prev, page.Next, err = s.Store.PingNeighbours(r.Context(), c.ID, first, p.N)
	if err != nil {
		return err
	}
	events, err := s.runEvents(r.Context(), c, first, limit)
	if err != nil {
		return err
	}
	page.Run = runWith(events, p.N)
	page.BodyCap = s.bodyCap(r, project)
	page.Zones = zonesFor(r, c)
	page.TZ = page.Zones.Now.zone
	shownBytes := p.Body
	if len(shownBytes) > maxShownBody {
		shownBytes = shownBytes[:maxShownBody]
		page.Cut = true
	}
	if isMail(p) {
		page.Mail = shownMail(p.Body)
	}
	if isText(p.Body) || page.Mail != nil {
		page.Body = strings.ToValidUTF8(string(shownBytes), "")
	}
	page.Times = zoneTimes(p.CreatedAt, "UTC", ui.VisitorOf(r).User.TZ, c.TZ)
	return s.Render(w, r, http.StatusOK, "check/ping", page)
}

// runWith finds the run that ping n began or ended; nil when there is none.
func runWith(events []monitor.Ping, n int64) *pingRun {
	for _, run := range monitor.Runs(pointers(events)) {
		switch n {
		case run.Start.N:
			return &pingRun{Began: true, Other: run.End, Took: run.Took()}
		case run.End.N:
			return &pingRun{Other: run.Start, Took: run.Took()}
		}
	}
	return nil
}

// zoneTimes writes a moment in each of the zones, each zone once.
func zoneTimes(at time.Time, zones ...string) []zoneTime {
	var out []zoneTime
	for _, name := range zones {
		zone, err := schedule.LoadZone(name)
		if err != nil || slices.ContainsFunc(out, func(z zoneTime) bool { return z.Zone == name }) {
			continue
		}
		out = append(out, zoneTime{name, at.In(zone).Format("Mon, 2 Jan 2006, 15:04:05.000 -07:00")})
	}
	return out
}

// isText tells whether a body can be shown as it is.
func isText(body []byte) bool {
	return utf8.Valid(body) && !slices.ContainsFunc(body, func(b byte) bool {
		return b < 0x20 && b != '\n' && b != '\r' && b != '\t' && b != 0x1b
	})
}

// PingBody sends the body of a ping as a file, exactly as it came.
func (s *Pages) PingBody(w http.ResponseWriter, r *http.Request) error {
	c, _, p, err := s.pingFor(r)
	if err != nil {
		return err
	}
	if len(p.Body) == 0 {
		return errs.NotFoundf("This ping has no body.")
	}
	h := w.Header()
	kind := "text/plain; charset=utf-8"
	ext := "txt"
	if isMail(p) {
		kind = "message/rfc822"
		ext = "eml"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%d.%s"`, c.Code, p.N, ext))
	h.Set("Cache-Control", "no-store")
	// the reader may have gone
	_, _ = w.Write(p.Body)
	return nil
}
