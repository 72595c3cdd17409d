package web

import (
	"net/http"

	"punctual/internal/errs"
)

func (s *Server) checks(w http.ResponseWriter, r *http.Request) error            { return errs.NotFoundf("page") }
func (s *Server) checksStatus(w http.ResponseWriter, r *http.Request) error      { return errs.NotFoundf("page") }
func (s *Server) addCheckForm(w http.ResponseWriter, r *http.Request) error      { return errs.NotFoundf("page") }
func (s *Server) addCheck(w http.ResponseWriter, r *http.Request) error          { return errs.NotFoundf("page") }
func (s *Server) details(w http.ResponseWriter, r *http.Request) error           { return errs.NotFoundf("page") }
func (s *Server) detailsStatus(w http.ResponseWriter, r *http.Request) error     { return errs.NotFoundf("page") }
func (s *Server) checkLog(w http.ResponseWriter, r *http.Request) error          { return errs.NotFoundf("page") }
func (s *Server) pingDetails(w http.ResponseWriter, r *http.Request) error       { return errs.NotFoundf("page") }
func (s *Server) pingBody(w http.ResponseWriter, r *http.Request) error          { return errs.NotFoundf("page") }
func (s *Server) lastPing(w http.ResponseWriter, r *http.Request) error          { return errs.NotFoundf("page") }
func (s *Server) nameForm(w http.ResponseWriter, r *http.Request) error          { return errs.NotFoundf("page") }
func (s *Server) saveName(w http.ResponseWriter, r *http.Request) error          { return errs.NotFoundf("page") }
func (s *Server) scheduleForm(w http.ResponseWriter, r *http.Request) error      { return errs.NotFoundf("page") }
func (s *Server) saveSchedule(w http.ResponseWriter, r *http.Request) error      { return errs.NotFoundf("page") }
func (s *Server) filteringForm(w http.ResponseWriter, r *http.Request) error     { return errs.NotFoundf("page") }
func (s *Server) saveFiltering(w http.ResponseWriter, r *http.Request) error     { return errs.NotFoundf("page") }
func (s *Server) pauseCheck(w http.ResponseWriter, r *http.Request) error        { return errs.NotFoundf("page") }
func (s *Server) resumeCheck(w http.ResponseWriter, r *http.Request) error       { return errs.NotFoundf("page") }
func (s *Server) removeCheckForm(w http.ResponseWriter, r *http.Request) error   { return errs.NotFoundf("page") }
func (s *Server) removeCheck(w http.ResponseWriter, r *http.Request) error       { return errs.NotFoundf("page") }
func (s *Server) clearEvents(w http.ResponseWriter, r *http.Request) error       { return errs.NotFoundf("page") }
func (s *Server) copyCheck(w http.ResponseWriter, r *http.Request) error         { return errs.NotFoundf("page") }
func (s *Server) toggleChannel(w http.ResponseWriter, r *http.Request) error     { return errs.NotFoundf("page") }
func (s *Server) cronPreview(w http.ResponseWriter, r *http.Request) error       { return errs.NotFoundf("page") }
func (s *Server) oncalendarPreview(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("page") }
func (s *Server) validateSchedule(w http.ResponseWriter, r *http.Request) error  { return errs.NotFoundf("page") }
func (s *Server) cloaked(w http.ResponseWriter, r *http.Request) error           { return errs.NotFoundf("page") }
