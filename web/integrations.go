package web

import (
	"net/http"

	"punctual/internal/errs"
)

func (s *Server) integrations(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) addChannelForm(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) addChannel(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) editChannelForm(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) editChannel(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) renameChannel(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) testChannel(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) removeChannel(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) channelChecksForm(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) saveChannelChecks(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) unsubscribeForm(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) verifyForm(w http.ResponseWriter, r *http.Request) error  { return errs.NotFoundf("") }
func (s *Server) verify(w http.ResponseWriter, r *http.Request) error      { return errs.NotFoundf("") }
func (s *Server) pushoverDone(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
