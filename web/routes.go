package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"punctual/web/status"
)

// routes is the whole table of addresses (features §11). Pings are not in it:
// internal/ping is mounted ahead of everything here.
func (s *Server) routes() http.Handler {
	r := chi.NewRouter()

	// Order: first what must hold for every answer (the log sees what became of
	// a panic), then who is asking, then whether they may send this at all.
	r.Use(withinTime, s.Proxies.Middleware, s.logRequests, s.recoverPanics, s.securityHeaders, storableInput, s.shareRoom, middleware.GetHead)

	// Files and machines: no session.
	r.Get("/static/*", s.assets.serve)
	r.Get("/favicon.ico", s.assets.favicon)
	r.Get("/robots.txt", s.assets.robots)
	if s.Status != nil { // who asks is found out beside the answer: it comes without a database, too
		own := status.New(*s.Status, s.statusVisitor)
		r.Get("/status/", own.Report)
		r.Get("/status", own.Report)
		r.Get("/status/ping/", own.Ping)
		r.Get("/status/bare/", own.Bare)
		r.Get("/livez", own.Live)
		r.Get("/readyz", own.Ready)
	}
	if s.API != nil {
		r.Mount("/api", s.API)
	}
	if s.Badges != nil {
		r.Handle("/badge/*", s.Badges)
		r.Handle("/b/*", s.Badges)
	}
	if s.ProjectMetrics != nil {
		r.Method(http.MethodGet, "/projects/{project}/metrics/", s.ProjectMetrics)
		r.Method(http.MethodGet, "/projects/{project}/metrics/{key}", s.ProjectMetrics)
		r.Method(http.MethodGet, "/projects/{project}/checks/metrics/{key}", s.ProjectMetrics)
	}

	r.Group(func(r chi.Router) {
		r.Use(s.readForm, s.withSession, s.crossOrigin)
		get := func(path string, h handler) { r.Get(path, s.wrap(h)) }
		post := func(path string, h handler) { r.Post(path, s.wrap(h)) }
		onProfile := func(h handler) handler {
			return s.requireRecentAuthOn(func(*http.Request) string { return profilePath }, h)
		}
		onSettings := func(h handler) handler {
			return s.requireRecentAuthOn(func(r *http.Request) string { return "/projects/" + chi.URLParam(r, "project") + "/settings/" }, h)
		}

		// Welcome and accounts.
		get("/", s.index)
		get("/welcome/check/", s.welcomeCheck) // fragment: the demo check's state
		post("/welcome/check/", s.makeWelcomeCheck)
		get("/accounts/login/", s.loginForm)
		post("/accounts/login/", s.login)
		post("/accounts/signup/", s.signup)
		get("/accounts/login_link_sent/", s.loginLinkSent)
		get("/accounts/check_token/{user}/{token}/", s.checkToken)
		post("/accounts/check_token/{user}/{token}/", s.useToken)
		post("/accounts/logout/", s.logout)
		post("/accounts/logout_everywhere/", s.logoutEverywhere)
		get("/accounts/profile/", s.profile)
		post("/accounts/profile/", s.saveProfile)
		post("/accounts/profile/tokens/", onProfile(s.makeToken))
		post("/accounts/profile/tokens/revoke/", onProfile(s.revokeToken))
		get("/accounts/profile/notifications/", s.reports)
		post("/accounts/profile/notifications/", s.saveReports)
		get("/accounts/profile/appearance/", s.appearance)
		post("/accounts/profile/appearance/", s.saveAppearance)
		get("/accounts/login/two_factor/", s.second(s.secondForm))
		post("/accounts/login/two_factor/", s.second(s.passByKey))
		get("/accounts/login/two_factor/totp/", s.second(s.totpStepForm))
		post("/accounts/login/two_factor/totp/", s.second(s.passByTOTP))
		get("/accounts/login/two_factor/recovery/", s.second(s.recoveryStepForm))
		post("/accounts/login/two_factor/recovery/", s.second(s.passByRecovery))
		get("/accounts/two_factor/webauthn/", s.requireRecentAuth(s.newKeyForm))
		post("/accounts/two_factor/webauthn/", s.requireRecentAuth(s.addKey))
		get("/accounts/two_factor/totp/", s.requireRecentAuth(s.totpForm))
		post("/accounts/two_factor/totp/", s.requireRecentAuth(s.addTOTP))
		get("/accounts/two_factor/totp/remove/", s.requireRecentAuth(s.removeTOTPForm))
		post("/accounts/two_factor/totp/remove/", s.requireRecentAuth(s.removeTOTP))
		get("/accounts/two_factor/recovery/", s.requireRecentAuth(s.recoveryCodes))
		post("/accounts/two_factor/recovery/", s.requireRecentAuth(s.newRecoveryCodes))
		get("/accounts/two_factor/{key}/name/", s.requireRecentAuth(s.keyNameForm))
		post("/accounts/two_factor/{key}/name/", s.requireRecentAuth(s.renameKey))
		get("/accounts/two_factor/{key}/remove/", s.requireRecentAuth(s.removeKeyForm))
		post("/accounts/two_factor/{key}/remove/", s.requireRecentAuth(s.removeKey))
		get("/accounts/confirm/", s.confirmForm)
		post("/accounts/confirm/", s.confirmIdentity)
		get("/accounts/set_password/", s.requireRecentAuth(s.passwordForm))
		post("/accounts/set_password/", s.requireRecentAuth(s.savePassword))
		get("/accounts/change_email/", s.requireRecentAuth(s.changeEmailForm))
		post("/accounts/change_email/", s.requireRecentAuth(s.changeEmail))
		get("/accounts/change_email/{user}/{change}/{side}/{signed}/", s.agreeEmailForm)
		post("/accounts/change_email/{user}/{change}/{side}/{signed}/", s.agreeEmail)
		get("/accounts/close/", s.requireRecentAuth(s.closeAccountForm))
		post("/accounts/close/", s.requireRecentAuth(s.closeAccount))
		get("/mailbox/", s.mailbox)
		get("/mailbox/{id}/", s.mailboxMessage)
		get("/mailbox/{id}/html/", s.mailboxHTML)

		// Projects.
		post("/projects/add/", s.addProject)
		get("/projects/status/", s.projectsStatus)
		get("/projects/live/", s.projectsLive)
		get("/projects/{project}/settings/", s.projectSettings)
		post("/projects/{project}/settings/", s.saveProjectSettings)
		get("/projects/{project}/remove/", s.requireRecentAuth(s.removeProjectForm))
		post("/projects/{project}/remove/", s.requireRecentAuth(s.removeProject))
		post("/projects/{project}/members/", onSettings(s.inviteMember))
		post("/projects/{project}/members/{user}/", onSettings(s.changeMember))
		post("/projects/{project}/invitations/{invitation}/withdraw/", onSettings(s.withdrawInvitation))
		post("/invitations/{invitation}/", s.answerInvitation)
		get("/invitations/{invitation}/{token}/", s.invitation)
		post("/invitations/{invitation}/{token}/", s.answerMailed)
		post("/projects/{project}/leave/", onSettings(s.leaveProject))
		post("/projects/{project}/transfer/", onSettings(s.transferProject))
		if s.Badges != nil {
			get("/projects/{project}/badges/", s.badges)
		}

		// Checks.
		get("/projects/{project}/checks/", s.checks)
		get("/projects/{project}/checks/status/", s.checksStatus)
		get("/projects/{project}/checks/live/", s.checksLive)
		get("/projects/{project}/checks/add/", s.addCheckForm)
		post("/projects/{project}/checks/add/", s.addCheck)
		post("/projects/{project}/checks/bulk/", s.bulkChecks)
		post("/projects/{project}/checks/undo/", s.undoBulk)
		post("/projects/{project}/checks/view/", s.chooseView)
		get("/checks/{check}/details/", s.details)
		get("/checks/{check}/status/", s.detailsStatus)
		get("/checks/{check}/live/", s.detailsLive)
		get("/checks/{check}/log/", s.checkLog)
		get("/checks/{check}/pings/{n}/", s.pingDetails)
		get("/checks/{check}/pings/{n}/body/", s.pingBody)
		get("/checks/{check}/pings/{n}/html/", s.pingHTML)
		get("/checks/{check}/last_ping/", s.lastPing)
		post("/checks/{check}/zone/", s.chooseZone)
		get("/checks/{check}/name/", s.nameForm)
		post("/checks/{check}/name/", s.saveName)
		get("/checks/{check}/timeout/", s.scheduleForm)
		post("/checks/{check}/timeout/", s.saveSchedule)
		get("/checks/{check}/filtering_rules/", s.filteringForm)
		post("/checks/{check}/filtering_rules/", s.saveFiltering)
		post("/checks/{check}/pause/", s.pauseCheck)
		post("/checks/{check}/resume/", s.resumeCheck)
		get("/checks/{check}/remove/", s.removeCheckForm)
		post("/checks/{check}/remove/", s.removeCheck)
		post("/checks/{check}/clear_events/", s.clearEvents)
		post("/checks/{check}/copy/", s.copyCheck)
		post("/checks/{check}/channels/{channel}/enabled", s.toggleChannel)
		post("/checks/{check}/schedule_preview/", s.schedulePreview)
		post("/checks/schedule_preview/", s.newSchedulePreview)
		post("/checks/cron_preview/", s.cronPreview)
		post("/checks/oncalendar_preview/", s.oncalendarPreview)
		get("/checks/validate_schedule/", s.validateSchedule)
		get("/cloaked/{key}/", s.cloaked)

		// Integrations.
		get("/projects/{project}/integrations/", s.integrations)
		get("/projects/{project}/add_{kind}/", s.addChannelForm)
		post("/projects/{project}/add_{kind}/", s.addChannel)
		get("/integrations/{channel}/edit/", s.editChannelForm)
		post("/integrations/{channel}/edit/", s.editChannel)
		post("/integrations/{channel}/name/", s.renameChannel)
		post("/integrations/{channel}/test/", s.testChannel)
		post("/integrations/{channel}/resend/", s.resendVerify)
		post("/integrations/{channel}/remove/", s.removeChannel)
		get("/integrations/{channel}/checks/", s.channelChecksForm)
		post("/integrations/{channel}/checks/", s.saveChannelChecks)

		// Administration: superusers only.
		get("/admin/", s.adminIndex)
		get("/admin/users/", s.adminUsers)
		post("/admin/users/{user}/active/", s.requireRecentSuperuser(s.adminSetActive))
		post("/admin/users/{user}/login/", s.requireRecentSuperuser(s.adminLoginAs))
		post("/admin/users/{user}/two_factor/", s.requireRecentSuperuser(s.adminRemoveFactors))
		get("/admin/projects/", s.adminProjects)
		get("/admin/checks/", s.adminChecks)
		get("/admin/emails/", s.adminEmails)
		get("/admin/emails/{id}/", s.adminEmail)
		get("/admin/emails/{id}/html/", s.adminEmailHTML)
		post("/admin/emails/{id}/resend/", s.adminResendEmail)
		get("/admin/deliveries/", s.adminDeliveries)
		post("/admin/deliveries/{id}/retry/", s.adminRetryDelivery)

		// Walls.
		get("/walls/", s.walls)
		post("/walls/", s.makeWall)
		post("/walls/{wall}/remove/", s.removeWall)

		// Documentation.
		get("/docs/", s.docsIndex)
		get("/docs/search/", s.docsSearch)
		get("/docs/example/", s.docsExampleForm)
		post("/docs/example/", s.chooseExample)
		get("/docs/api-reference/", s.docsAPI)
		get("/docs/{page}/", s.docsPage)
	})

	// Walls on screens: no log-in, their address is the permission.
	r.Group(func(r chi.Router) {
		r.Use(s.readForm)
		r.Get("/wall/{wall}/{signature}/", s.wrap(s.wall))
		r.Get("/tv/", s.wrap(s.tv))
	})

	// Links in mails: their signature is the permission. Mail programs post to
	// the unsubscribe address without any cookie or origin (RFC 8058).
	r.Group(func(r chi.Router) {
		r.Use(s.readForm, s.withSession)
		r.Get("/integrations/{channel}/unsub/{signed}/", s.wrap(s.unsubscribeForm))
		r.Post("/integrations/{channel}/unsub/{signed}/", s.wrap(s.unsubscribe))
		r.Get("/accounts/unsubscribe_reports/{signed}/", s.wrap(s.unsubscribeReportsForm))
		r.Post("/accounts/unsubscribe_reports/{signed}/", s.wrap(s.unsubscribeReports))
		r.Get("/integrations/{channel}/verify/{token}/", s.wrap(s.verifyForm))
		r.Post("/integrations/{channel}/verify/{token}/", s.wrap(s.verify))
		r.Get("/integrations/pushover/done/{project}/{signed}/", s.wrap(s.pushoverDone))
	})

	r.NotFound(s.notFound)
	r.MethodNotAllowed(s.methodNotAllowed)
	return r
}
