package web

import (
	"net/http"

	"punctual/internal/errs"
)

func (s *Server) index(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) welcomeCheck(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) loginForm(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) login(w http.ResponseWriter, r *http.Request) error     { return errs.NotFoundf("") }
func (s *Server) signup(w http.ResponseWriter, r *http.Request) error    { return errs.NotFoundf("") }
func (s *Server) loginLinkSent(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) checkToken(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) useToken(w http.ResponseWriter, r *http.Request) error   { return errs.NotFoundf("") }
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error     { return errs.NotFoundf("") }
func (s *Server) logoutEverywhere(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) profile(w http.ResponseWriter, r *http.Request) error     { return errs.NotFoundf("") }
func (s *Server) saveProfile(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) appearance(w http.ResponseWriter, r *http.Request) error  { return errs.NotFoundf("") }
func (s *Server) saveAppearance(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) closeAccountForm(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) closeAccount(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) mailbox(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) mailboxMessage(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) addProject(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) projectSettings(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) saveProjectSettings(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) removeProject(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) adminIndex(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) adminUsers(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) adminSetActive(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) adminLoginAs(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) adminProjects(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) adminChecks(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) adminEmails(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) adminEmail(w http.ResponseWriter, r *http.Request) error  { return errs.NotFoundf("") }
func (s *Server) adminDeliveries(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) adminRetryDelivery(w http.ResponseWriter, r *http.Request) error {
	return errs.NotFoundf("")
}
func (s *Server) docsIndex(w http.ResponseWriter, r *http.Request) error { return errs.NotFoundf("") }
func (s *Server) docsPage(w http.ResponseWriter, r *http.Request) error  { return errs.NotFoundf("") }
