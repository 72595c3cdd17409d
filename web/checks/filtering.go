package checks

import (
	"net/http"
	"net/url"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui"
)

// filteringPage is the form of the rules that classify pings.
type filteringPage struct {
	ui.BasePage
	Check *monitor.Check
	Form  *ui.Form
	// rules of pings by e-mail are shown
	Mail bool
}

// filteringBase is the page of a check; its rules of e-mail pings are shown
// where there can be such pings, or are rules already.
func (s *Pages) filteringBase(c *monitor.Check, project *monitor.Project, form *ui.Form) *filteringPage {
	mail := s.Site.PingEmailDomain != "" || c.Filter.Subject || c.Filter.Body
	return &filteringPage{ui.ChecksBase(project, "Filtering rules of "+c.Title()), c, form, mail}
}

// FilteringForm answers GET /checks/{check}/filtering_rules/.
func (s *Pages) FilteringForm(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	form := ui.NewForm(url.Values{
		"methods":    {c.Filter.Methods},
		"start_kw":   {c.Filter.StartKW},
		"success_kw": {c.Filter.SuccessKW},
		"failure_kw": {c.Filter.FailureKW},
	})
	boxes := map[string]bool{
		"filter_http_body":    c.Filter.HTTPBody,
		"filter_subject":      c.Filter.Subject,
		"filter_body":         c.Filter.Body,
		"filter_default_fail": c.Filter.DefaultFail,
		"manual_resume":       c.ManualResume,
	}
	for field, on := range boxes {
		if on {
			form.Values.Set(field, "on")
		}
	}
	return s.Render(w, r, http.StatusOK, "checks/filtering", s.filteringBase(c, project, form))
}

// SaveFiltering stores the rules; those of e-mail pings stay when the form does
// not show them.
func (s *Pages) SaveFiltering(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	page := s.filteringBase(c, project, form)
	m := form.Value("methods")
	if m != "" && m != "POST" {
		form.Fail("methods", "Choose which requests count.")
	}
	keywords := map[string]string{}
	for _, field := range []string{"start_kw", "success_kw", "failure_kw"} {
		keywords[field] = cleanLine(form.Value(field))
		stored := map[string]string{"start_kw": c.Filter.StartKW, "success_kw": c.Filter.SuccessKW, "failure_kw": c.Filter.FailureKW}[field]
		if text.Longer(keywords[field], monitor.MaxKeywordLength) && keywords[field] != cleanLine(stored) {
			errf(form, field, "At most %d characters fit here.", monitor.MaxKeywordLength)
		}
	}
	looks := form.On("filter_http_body") || page.Mail && (form.On("filter_subject") || form.On("filter_body"))
	if looks && keywords["start_kw"]+keywords["success_kw"]+keywords["failure_kw"] == "" {
		form.Fail("filter_http_body", "Give at least one keyword to look for.")
	}
	if !form.OK() {
		return s.Render(w, r, http.StatusBadRequest, "checks/filtering", page)
	}
	_, err = s.Store.UpdateCheck(r.Context(), c.Code, func(edit *store.CheckChange) error {
		f := &edit.Filter
		f.Methods = form.Value("methods")
		f.HTTPBody = form.On("filter_http_body")
		f.DefaultFail = form.On("filter_default_fail")
		f.StartKW = keywords["start_kw"]
		f.SuccessKW = keywords["success_kw"]
		f.FailureKW = keywords["failure_kw"]
		if page.Mail {
			f.Subject = form.On("filter_subject")
			f.Body = form.On("filter_body")
		}
		edit.ManualResume = form.On("manual_resume")
		return nil
	})
	if err != nil {
		return err
	}
	return s.Redirect(w, r, ui.CheckURL(c, ""))
}
