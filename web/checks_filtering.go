package web

import (
	"net/http"
	"net/url"
	"unicode/utf8"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// filteringPage is the form of the rules that classify pings.
type filteringPage struct {
	BasePage
	Check *monitor.Check
	Form  *Form
}

func (s *Server) filteringForm(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.writableCheck(r)
	if err != nil {
		return err
	}
	form := newForm(url.Values{"methods": {c.Filter.Methods}, "start_kw": {c.Filter.StartKW}, "success_kw": {c.Filter.SuccessKW}, "failure_kw": {c.Filter.FailureKW}})
	for field, on := range map[string]bool{"filter_http_body": c.Filter.HTTPBody, "filter_default_fail": c.Filter.DefaultFail, "manual_resume": c.ManualResume} {
		if on {
			form.Values.Set(field, "on")
		}
	}
	return s.render(w, r, http.StatusOK, "check_filtering", &filteringPage{checksBase(project, "Filtering rules of "+c.Title()), c, form})
}

// saveFiltering stores the rules of HTTP pings; those of e-mail pings stay.
func (s *Server) saveFiltering(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.writableCheck(r)
	if err != nil {
		return err
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	if m := form.Value("methods"); m != "" && m != "POST" {
		form.Fail("methods", "Choose which requests count.")
	}
	keywords := map[string]string{}
	for _, field := range []string{"start_kw", "success_kw", "failure_kw"} {
		keywords[field] = cleanLine(form.Value(field))
		if utf8.RuneCountInString(keywords[field]) > monitor.MaxKeywordLength {
			errf(form, field, "At most %d characters fit here.", monitor.MaxKeywordLength)
		}
	}
	if form.On("filter_http_body") && keywords["start_kw"]+keywords["success_kw"]+keywords["failure_kw"] == "" {
		form.Fail("filter_http_body", "Give at least one keyword to look for.")
	}
	if !form.OK() {
		return s.render(w, r, http.StatusBadRequest, "check_filtering", &filteringPage{checksBase(project, "Filtering rules of "+c.Title()), c, form})
	}
	_, err = s.Store.UpdateCheck(r.Context(), c.Code, func(edit *store.CheckChange) error {
		f := &edit.Filter
		f.Methods, f.HTTPBody, f.DefaultFail = form.Value("methods"), form.On("filter_http_body"), form.On("filter_default_fail")
		f.StartKW, f.SuccessKW, f.FailureKW = keywords["start_kw"], keywords["success_kw"], keywords["failure_kw"]
		edit.ManualResume = form.On("manual_resume")
		return nil
	})
	if err != nil {
		return err
	}
	return s.redirect(w, r, checkURL(c, ""))
}
