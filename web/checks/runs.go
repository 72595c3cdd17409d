package checks

import (
	"fmt"
	"html/template"
	"net/http"

	"punctual/internal/monitor"
	"punctual/web/ui"
	"punctual/web/ui/checkstate"
	"punctual/web/ui/human"
)

// runPings is how many pings are looked at for the recent runs of a check, and
// so how many of them, with starts, are found.
const runPings = 200

// runsPage is the runs behind the bars of a row.
type runsPage struct {
	ui.BasePage
	Check *monitor.Check
	// newest first
	Runs []recentRun
}

// Legend says what the bars mean.
func (p *runsPage) Legend() []checkstate.Bar { return checkstate.Legend() }

// recentRun is a run as people read it.
type recentRun struct {
	monitor.Outcome
	// of the page that shows more: the ping, or what changed the state
	Href string
}

// Bar draws the run alone.
func (r recentRun) Bar() template.HTML { return checkstate.OneBar(r.Kind) }

// Words say how it went: "on time", "late by 4 min".
func (r recentRun) Words() string {
	word := checkstate.RunWord(r.Kind)
	if r.Late > 0 {
		return word + " by " + human.Duration(human.Coarse(r.Late))
	}
	return word
}

// Length is how long it took, "" where that is not known.
func (r recentRun) Length() string {
	if !r.Timed {
		return ""
	}
	return human.Duration(human.Coarse(r.Took))
}

// Runs shows the runs that the bars of a check stand for, one by one.
func (s *Pages) Runs(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.CheckFor(r)
	if err != nil {
		return err
	}
	first, limit, err := s.FirstKept(r.Context(), c, project)
	if err != nil {
		return err
	}
	h, err := s.Store.History(r.Context(), c.ID, first, min(limit, runPings))
	if err != nil {
		return err
	}
	page := &runsPage{BasePage: ui.ChecksBase(project, "Recent runs of "+c.Title()), Check: c}
	for _, o := range monitor.Outcomes(c, h) {
		run := recentRun{Outcome: o}
		switch {
		case o.Ping > 0:
			run.Href = fmt.Sprintf("/checks/%s/pings/%d/", c.Code, o.Ping)
		case o.Kind == monitor.RunUnknown:
			run.Href = fmt.Sprintf("/checks/%s/log/?kind=unknown", c.Code)
		case !o.At.IsZero():
			run.Href = fmt.Sprintf("/checks/%s/log/?kind=flip", c.Code)
		}
		page.Runs = append(page.Runs, run)
	}
	return s.Render(w, r, http.StatusOK, "checks/runs", page)
}
