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
	r.Get("/static/*", s.Assets.serve)
	r.Get("/favicon.ico", s.Assets.favicon)
	r.Get("/robots.txt", s.Assets.robots)
	if s.deps.Status != nil { // who asks is found out beside the answer: it comes without a database, too
		own := status.New(*s.deps.Status, s.admin.statusVisitor)
		r.Get("/status/", own.Report)
		r.Get("/status", own.Report)
		r.Get("/status/ping/", own.Ping)
		r.Get("/status/bare/", own.Bare)
		r.Get("/livez", own.Live)
		r.Get("/readyz", own.Ready)
	}
	if s.deps.API != nil {
		r.Mount("/api", s.deps.API)
	}
	if s.deps.Badges != nil {
		r.Handle("/badge/*", s.deps.Badges)
		r.Handle("/b/*", s.deps.Badges)
	}
	if s.deps.ProjectMetrics != nil {
		r.Method(http.MethodGet, "/projects/{project}/metrics/", s.deps.ProjectMetrics)
		r.Method(http.MethodGet, "/projects/{project}/metrics/{key}", s.deps.ProjectMetrics)
		r.Method(http.MethodGet, "/projects/{project}/checks/metrics/{key}", s.deps.ProjectMetrics)
	}

	r.Group(func(r chi.Router) {
		r.Use(s.readForm, s.withSession, s.crossOrigin)
		get := func(path string, h handler) { r.Get(path, s.wrap(h)) }
		post := func(path string, h handler) { r.Post(path, s.wrap(h)) }
		onProfile := func(h handler) handler {
			return s.account.requireRecentAuthOn(func(*http.Request) string { return profilePath }, h)
		}
		onSettings := func(h handler) handler {
			return s.account.requireRecentAuthOn(func(r *http.Request) string { return "/projects/" + chi.URLParam(r, "project") + "/settings/" }, h)
		}

		// Welcome and accounts.
		get("/", s.home)
		get("/welcome/check/", s.account.welcomeCheck) // fragment: the demo check's state
		post("/welcome/check/", s.account.makeWelcomeCheck)
		get("/accounts/login/", s.account.loginForm)
		post("/accounts/login/", s.account.login)
		post("/accounts/signup/", s.account.signup)
		get("/accounts/login_link_sent/", s.account.loginLinkSent)
		get("/accounts/check_token/{user}/{token}/", s.account.checkToken)
		post("/accounts/check_token/{user}/{token}/", s.account.useToken)
		post("/accounts/logout/", s.account.logout)
		post("/accounts/logout_everywhere/", s.account.logoutEverywhere)
		get("/accounts/profile/", s.account.profile)
		post("/accounts/profile/", s.account.saveProfile)
		post("/accounts/profile/tokens/", onProfile(s.account.makeToken))
		post("/accounts/profile/tokens/revoke/", onProfile(s.account.revokeToken))
		get("/accounts/profile/notifications/", s.account.reports)
		post("/accounts/profile/notifications/", s.account.saveReports)
		get("/accounts/profile/appearance/", s.account.appearance)
		post("/accounts/profile/appearance/", s.account.saveAppearance)
		get("/accounts/login/two_factor/", s.account.second(s.account.secondForm))
		post("/accounts/login/two_factor/", s.account.second(s.account.passByKey))
		get("/accounts/login/two_factor/totp/", s.account.second(s.account.totpStepForm))
		post("/accounts/login/two_factor/totp/", s.account.second(s.account.passByTOTP))
		get("/accounts/login/two_factor/recovery/", s.account.second(s.account.recoveryStepForm))
		post("/accounts/login/two_factor/recovery/", s.account.second(s.account.passByRecovery))
		get("/accounts/two_factor/webauthn/", s.account.requireRecentAuth(s.account.newKeyForm))
		post("/accounts/two_factor/webauthn/", s.account.requireRecentAuth(s.account.addKey))
		get("/accounts/two_factor/totp/", s.account.requireRecentAuth(s.account.totpForm))
		post("/accounts/two_factor/totp/", s.account.requireRecentAuth(s.account.addTOTP))
		get("/accounts/two_factor/totp/remove/", s.account.requireRecentAuth(s.account.removeTOTPForm))
		post("/accounts/two_factor/totp/remove/", s.account.requireRecentAuth(s.account.removeTOTP))
		get("/accounts/two_factor/recovery/", s.account.requireRecentAuth(s.account.recoveryCodes))
		post("/accounts/two_factor/recovery/", s.account.requireRecentAuth(s.account.newRecoveryCodes))
		get("/accounts/two_factor/{key}/name/", s.account.requireRecentAuth(s.account.keyNameForm))
		post("/accounts/two_factor/{key}/name/", s.account.requireRecentAuth(s.account.renameKey))
		get("/accounts/two_factor/{key}/remove/", s.account.requireRecentAuth(s.account.removeKeyForm))
		post("/accounts/two_factor/{key}/remove/", s.account.requireRecentAuth(s.account.removeKey))
		get("/accounts/confirm/", s.account.confirmForm)
		post("/accounts/confirm/", s.account.confirmIdentity)
		get("/accounts/set_password/", s.account.requireRecentAuth(s.account.passwordForm))
		post("/accounts/set_password/", s.account.requireRecentAuth(s.account.savePassword))
		get("/accounts/change_email/", s.account.requireRecentAuth(s.account.changeEmailForm))
		post("/accounts/change_email/", s.account.requireRecentAuth(s.account.changeEmail))
		get("/accounts/change_email/{user}/{change}/{side}/{signed}/", s.account.agreeEmailForm)
		post("/accounts/change_email/{user}/{change}/{side}/{signed}/", s.account.agreeEmail)
		get("/accounts/close/", s.account.requireRecentAuth(s.account.closeAccountForm))
		post("/accounts/close/", s.account.requireRecentAuth(s.account.closeAccount))
		get("/mailbox/", s.admin.mailbox)
		get("/mailbox/{id}/", s.admin.mailboxMessage)
		get("/mailbox/{id}/html/", s.admin.mailboxHTML)

		// Projects.
		post("/projects/add/", s.project.addProject)
		get("/projects/status/", s.project.projectsStatus)
		get("/projects/live/", s.project.projectsLive)
		get("/projects/{project}/settings/", s.project.projectSettings)
		post("/projects/{project}/settings/", s.project.saveProjectSettings)
		get("/projects/{project}/remove/", s.account.requireRecentAuth(s.project.removeProjectForm))
		post("/projects/{project}/remove/", s.account.requireRecentAuth(s.project.removeProject))
		post("/projects/{project}/members/", onSettings(s.project.inviteMember))
		post("/projects/{project}/members/{user}/", onSettings(s.project.changeMember))
		post("/projects/{project}/invitations/{invitation}/withdraw/", onSettings(s.project.withdrawInvitation))
		post("/invitations/{invitation}/", s.account.answerInvitation)
		get("/invitations/{invitation}/{token}/", s.account.invitation)
		post("/invitations/{invitation}/{token}/", s.account.answerMailed)
		post("/projects/{project}/leave/", onSettings(s.project.leaveProject))
		post("/projects/{project}/transfer/", onSettings(s.project.transferProject))
		if s.deps.Badges != nil {
			get("/projects/{project}/badges/", s.project.badges)
		}

		// Checks.
		get("/projects/{project}/checks/", s.checks.checks)
		get("/projects/{project}/checks/status/", s.checks.checksStatus)
		get("/projects/{project}/checks/live/", s.checks.checksLive)
		get("/projects/{project}/checks/add/", s.checks.addCheckForm)
		post("/projects/{project}/checks/add/", s.checks.addCheck)
		post("/projects/{project}/checks/bulk/", s.checks.bulkChecks)
		post("/projects/{project}/checks/undo/", s.checks.undoBulk)
		post("/projects/{project}/checks/view/", s.checks.chooseView)
		get("/checks/{check}/details/", s.check.details)
		get("/checks/{check}/status/", s.check.detailsStatus)
		get("/checks/{check}/live/", s.check.detailsLive)
		get("/checks/{check}/log/", s.check.checkLog)
		get("/checks/{check}/pings/{n}/", s.check.pingDetails)
		get("/checks/{check}/pings/{n}/body/", s.check.pingBody)
		get("/checks/{check}/pings/{n}/html/", s.check.pingHTML)
		get("/checks/{check}/last_ping/", s.check.lastPing)
		post("/checks/{check}/zone/", s.check.chooseZone)
		get("/checks/{check}/name/", s.checks.nameForm)
		post("/checks/{check}/name/", s.checks.saveName)
		get("/checks/{check}/timeout/", s.checks.scheduleForm)
		post("/checks/{check}/timeout/", s.checks.saveSchedule)
		get("/checks/{check}/filtering_rules/", s.checks.filteringForm)
		post("/checks/{check}/filtering_rules/", s.checks.saveFiltering)
		post("/checks/{check}/pause/", s.checks.pauseCheck)
		post("/checks/{check}/resume/", s.checks.resumeCheck)
		get("/checks/{check}/remove/", s.checks.removeCheckForm)
		post("/checks/{check}/remove/", s.checks.removeCheck)
		post("/checks/{check}/clear_events/", s.checks.clearEvents)
		post("/checks/{check}/copy/", s.checks.copyCheck)
		post("/checks/{check}/channels/{channel}/enabled", s.checks.toggleChannel)
		post("/checks/{check}/schedule_preview/", s.checks.schedulePreview)
		post("/checks/schedule_preview/", s.checks.newSchedulePreview)
		post("/checks/cron_preview/", s.checks.cronPreview)
		post("/checks/oncalendar_preview/", s.checks.oncalendarPreview)
		get("/checks/validate_schedule/", s.checks.validateSchedule)
		get("/cloaked/{key}/", s.check.cloaked)

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
		get("/admin/", s.admin.adminIndex)
		get("/admin/users/", s.admin.adminUsers)
		post("/admin/users/{user}/active/", s.account.requireRecentSuperuser(s.admin.adminSetActive))
		post("/admin/users/{user}/login/", s.account.requireRecentSuperuser(s.admin.adminLoginAs))
		post("/admin/users/{user}/two_factor/", s.account.requireRecentSuperuser(s.admin.adminRemoveFactors))
		get("/admin/projects/", s.admin.adminProjects)
		get("/admin/checks/", s.admin.adminChecks)
		get("/admin/emails/", s.admin.adminEmails)
		get("/admin/emails/{id}/", s.admin.adminEmail)
		get("/admin/emails/{id}/html/", s.admin.adminEmailHTML)
		post("/admin/emails/{id}/resend/", s.admin.adminResendEmail)
		get("/admin/deliveries/", s.admin.adminDeliveries)
		post("/admin/deliveries/{id}/retry/", s.admin.adminRetryDelivery)

		// Walls.
		get("/walls/", s.project.walls)
		post("/walls/", s.project.makeWall)
		post("/walls/{wall}/remove/", s.project.removeWall)

		// Documentation.
		get("/docs/", s.docs.docsIndex)
		get("/docs/search/", s.docs.docsSearch)
		get("/docs/example/", s.docs.docsExampleForm)
		post("/docs/example/", s.docs.chooseExample)
		get("/docs/api-reference/", s.docs.docsAPI)
		get("/docs/{page}/", s.docs.docsPage)
	})

	// Walls on screens: no log-in, their address is the permission.
	r.Group(func(r chi.Router) {
		r.Use(s.readForm)
		r.Get("/wall/{wall}/{signature}/", s.wrap(s.project.wall))
		r.Get("/tv/", s.wrap(s.project.tv))
	})

	// Links in mails: their signature is the permission. Mail programs post to
	// the unsubscribe address without any cookie or origin (RFC 8058).
	r.Group(func(r chi.Router) {
		r.Use(s.readForm, s.withSession)
		r.Get("/integrations/{channel}/unsub/{signed}/", s.wrap(s.unsubscribeForm))
		r.Post("/integrations/{channel}/unsub/{signed}/", s.wrap(s.unsubscribe))
		r.Get("/accounts/unsubscribe_reports/{signed}/", s.wrap(s.account.unsubscribeReportsForm))
		r.Post("/accounts/unsubscribe_reports/{signed}/", s.wrap(s.account.unsubscribeReports))
		r.Get("/integrations/{channel}/verify/{token}/", s.wrap(s.verifyForm))
		r.Post("/integrations/{channel}/verify/{token}/", s.wrap(s.verify))
		r.Get("/integrations/pushover/done/{project}/{signed}/", s.wrap(s.pushoverDone))
	})

	r.NotFound(s.notFound)
	r.MethodNotAllowed(s.methodNotAllowed)
	return r
}

// home is the welcome page for visitors, and the projects of a user.
func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	if visitorOf(r).User == nil {
		return s.account.welcome(w, r)
	}
	return s.project.index(w, r)
}
