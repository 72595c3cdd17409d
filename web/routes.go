package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"punctual/web/account"
	"punctual/web/status"
	"punctual/web/ui"
)

// routes is the whole table of addresses. Pings are not in it:
// internal/ping is mounted ahead of everything here.
func (s *Server) routes() http.Handler {
	r := chi.NewRouter()

	// Order: first what must hold for every answer (the log sees what became of
	// a panic), then who is asking, then whether they may send this at all.
	r.Use(ui.WithinTime, s.Proxies.Middleware, s.LogRequests, s.RecoverPanics, s.SecurityHeaders)
	r.Use(ui.StorableInput, s.ShareRoom, middleware.GetHead)

	// Files and machines: no session.
	r.Get("/static/*", s.Assets.Serve)
	r.Get("/favicon.ico", s.Assets.Favicon)
	r.Get("/robots.txt", s.Assets.Robots)
	// who asks is found out beside the answer: it comes without a database, too
	if s.deps.Status != nil {
		own := status.New(*s.deps.Status, s.admin.StatusVisitor)
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
		r.Use(s.ReadForm, s.WithSession, s.CrossOrigin)
		get := func(path string, h ui.Handler) { r.Get(path, s.Wrap(h)) }
		post := func(path string, h ui.Handler) { r.Post(path, s.Wrap(h)) }
		onProfile := func(h ui.Handler) ui.Handler {
			return s.account.RequireRecentAuthOn(func(*http.Request) string { return account.ProfilePath }, h)
		}
		onSettings := func(h ui.Handler) ui.Handler {
			return s.account.RequireRecentAuthOn(func(r *http.Request) string { return "/projects/" + chi.URLParam(r, "project") + "/settings/" }, h)
		}

		// Welcome and accounts.
		get("/", s.home)
		// fragment: the demo check's state
		get("/welcome/check/", s.account.WelcomeCheck)
		post("/welcome/check/", s.account.MakeWelcomeCheck)
		get("/accounts/login/", s.account.LoginForm)
		post("/accounts/login/", s.account.Login)
		post("/accounts/signup/", s.account.Signup)
		get("/accounts/login_link_sent/", s.account.LoginLinkSent)
		get("/accounts/check_token/{user}/{token}/", s.account.CheckToken)
		post("/accounts/check_token/{user}/{token}/", s.account.UseToken)
		post("/accounts/logout/", s.account.Logout)
		post("/accounts/logout_everywhere/", s.account.LogoutEverywhere)
		get("/accounts/profile/", s.account.Profile)
		post("/accounts/profile/", s.account.SaveProfile)
		post("/accounts/profile/tokens/", onProfile(s.account.MakeToken))
		post("/accounts/profile/tokens/revoke/", onProfile(s.account.RevokeToken))
		get("/accounts/profile/notifications/", s.account.Reports)
		post("/accounts/profile/notifications/", s.account.SaveReports)
		get("/accounts/profile/appearance/", s.account.Appearance)
		post("/accounts/profile/appearance/", s.account.SaveAppearance)
		get("/accounts/login/two_factor/", s.account.SecondStep(s.account.SecondStepForm))
		post("/accounts/login/two_factor/", s.account.SecondStep(s.account.PassByKey))
		get("/accounts/login/two_factor/totp/", s.account.SecondStep(s.account.TOTPStepForm))
		post("/accounts/login/two_factor/totp/", s.account.SecondStep(s.account.PassByTOTP))
		get("/accounts/login/two_factor/recovery/", s.account.SecondStep(s.account.RecoveryStepForm))
		post("/accounts/login/two_factor/recovery/", s.account.SecondStep(s.account.PassByRecovery))
		get("/accounts/two_factor/webauthn/", s.account.RequireRecentAuth(s.account.NewKeyForm))
		post("/accounts/two_factor/webauthn/", s.account.RequireRecentAuth(s.account.AddKey))
		get("/accounts/two_factor/totp/", s.account.RequireRecentAuth(s.account.TOTPForm))
		post("/accounts/two_factor/totp/", s.account.RequireRecentAuth(s.account.AddTOTP))
		get("/accounts/two_factor/totp/remove/", s.account.RequireRecentAuth(s.account.RemoveTOTPForm))
		post("/accounts/two_factor/totp/remove/", s.account.RequireRecentAuth(s.account.RemoveTOTP))
		get("/accounts/two_factor/recovery/", s.account.RequireRecentAuth(s.account.RecoveryCodes))
		post("/accounts/two_factor/recovery/", s.account.RequireRecentAuth(s.account.NewRecoveryCodes))
		get("/accounts/two_factor/{key}/name/", s.account.RequireRecentAuth(s.account.KeyNameForm))
		post("/accounts/two_factor/{key}/name/", s.account.RequireRecentAuth(s.account.RenameKey))
		get("/accounts/two_factor/{key}/remove/", s.account.RequireRecentAuth(s.account.RemoveKeyForm))
		post("/accounts/two_factor/{key}/remove/", s.account.RequireRecentAuth(s.account.RemoveKey))
		get("/accounts/confirm/", s.account.ConfirmForm)
		post("/accounts/confirm/", s.account.ConfirmIdentity)
		get("/accounts/set_password/", s.account.RequireRecentAuth(s.account.PasswordForm))
		post("/accounts/set_password/", s.account.RequireRecentAuth(s.account.SavePassword))
		get("/accounts/change_email/", s.account.RequireRecentAuth(s.account.ChangeEmailForm))
		post("/accounts/change_email/", s.account.RequireRecentAuth(s.account.ChangeEmail))
		get("/accounts/change_email/{user}/{change}/{side}/{signed}/", s.account.AgreeEmailForm)
		post("/accounts/change_email/{user}/{change}/{side}/{signed}/", s.account.AgreeEmail)
		get("/accounts/close/", s.account.RequireRecentAuth(s.account.CloseAccountForm))
		post("/accounts/close/", s.account.RequireRecentAuth(s.account.CloseAccount))
		get("/mailbox/", s.admin.Mailbox)
		get("/mailbox/{id}/", s.admin.MailboxMessage)
		get("/mailbox/{id}/html/", s.admin.MailboxHTML)

		// Projects.
		post("/projects/add/", s.project.Add)
		get("/projects/status/", s.project.Status)
		get("/projects/live/", s.project.Live)
		get("/projects/{project}/settings/", s.project.Settings)
		post("/projects/{project}/settings/", s.project.SaveSettings)
		get("/projects/{project}/remove/", s.account.RequireRecentAuth(s.project.RemoveForm))
		post("/projects/{project}/remove/", s.account.RequireRecentAuth(s.project.Remove))
		post("/projects/{project}/members/", onSettings(s.project.Invite))
		post("/projects/{project}/members/{user}/", onSettings(s.project.ChangeMember))
		post("/projects/{project}/invitations/{invitation}/withdraw/", onSettings(s.project.WithdrawInvitation))
		post("/invitations/{invitation}/", s.account.AnswerInvitation)
		get("/invitations/{invitation}/{token}/", s.account.Invitation)
		post("/invitations/{invitation}/{token}/", s.account.AnswerMailed)
		post("/projects/{project}/leave/", onSettings(s.project.Leave))
		post("/projects/{project}/transfer/", onSettings(s.project.Transfer))
		if s.deps.Badges != nil {
			get("/projects/{project}/badges/", s.project.Badges)
		}

		// Checks.
		get("/projects/{project}/checks/", s.checks.List)
		get("/projects/{project}/checks/status/", s.checks.Status)
		get("/projects/{project}/checks/live/", s.checks.Live)
		get("/projects/{project}/checks/add/", s.checks.AddForm)
		post("/projects/{project}/checks/add/", s.checks.Add)
		post("/projects/{project}/checks/bulk/", s.checks.Bulk)
		post("/projects/{project}/checks/undo/", s.checks.Undo)
		post("/projects/{project}/checks/view/", s.checks.ChooseView)
		get("/checks/{check}/details/", s.check.Details)
		get("/checks/{check}/status/", s.check.Status)
		get("/checks/{check}/live/", s.check.Live)
		get("/checks/{check}/log/", s.check.EventLog)
		get("/checks/{check}/pings/{n}/", s.check.Ping)
		get("/checks/{check}/pings/{n}/body/", s.check.PingBody)
		get("/checks/{check}/pings/{n}/html/", s.check.PingHTML)
		get("/checks/{check}/last_ping/", s.check.LastPing)
		post("/checks/{check}/zone/", s.check.ChooseZone)
		get("/checks/{check}/runs/", s.checks.Runs)
		get("/checks/{check}/name/", s.checks.NameForm)
		post("/checks/{check}/name/", s.checks.SaveName)
		get("/checks/{check}/timeout/", s.checks.ScheduleForm)
		post("/checks/{check}/timeout/", s.checks.SaveSchedule)
		get("/checks/{check}/filtering_rules/", s.checks.FilteringForm)
		post("/checks/{check}/filtering_rules/", s.checks.SaveFiltering)
		post("/checks/{check}/pause/", s.checks.Pause)
		post("/checks/{check}/resume/", s.checks.Resume)
		get("/checks/{check}/remove/", s.checks.RemoveForm)
		post("/checks/{check}/remove/", s.checks.Remove)
		post("/checks/{check}/clear_events/", s.checks.ClearEvents)
		post("/checks/{check}/copy/", s.checks.Copy)
		post("/checks/{check}/channels/{channel}/enabled", s.checks.ToggleChannel)
		post("/checks/{check}/schedule_preview/", s.checks.SchedulePreview)
		post("/checks/schedule_preview/", s.checks.NewSchedulePreview)
		post("/checks/cron_preview/", s.checks.CronPreview)
		post("/checks/oncalendar_preview/", s.checks.OnCalendarPreview)
		get("/checks/validate_schedule/", s.checks.ValidateSchedule)
		get("/cloaked/{key}/", s.check.Cloaked)
		post("/checks/{check}/unknown-runs/{run}/", s.check.SetVerdict)
		// links in mails: their signature is the permission
		get("/unknown-runs/{run}/{verdict}/{signed}/", s.check.VerdictForm)
		post("/unknown-runs/{run}/{verdict}/{signed}/", s.check.VerdictByLink)

		// Integrations.
		get("/projects/{project}/integrations/", s.integrations.List)
		get("/projects/{project}/add_{kind}/", s.integrations.AddForm)
		post("/projects/{project}/add_{kind}/", s.integrations.Add)
		get("/integrations/{channel}/edit/", s.integrations.EditForm)
		post("/integrations/{channel}/edit/", s.integrations.Edit)
		post("/integrations/{channel}/name/", s.integrations.Rename)
		post("/integrations/{channel}/test/", s.integrations.Test)
		post("/integrations/{channel}/resend/", s.integrations.AskAgain)
		post("/integrations/{channel}/remove/", s.integrations.Remove)
		get("/integrations/{channel}/checks/", s.integrations.ChecksForm)
		post("/integrations/{channel}/checks/", s.integrations.SaveChecks)
		get("/integrations/{provider}/done/", s.integrations.Connected)

		// Administration: superusers only.
		get("/admin/", s.admin.Index)
		get("/admin/users/", s.admin.Users)
		post("/admin/users/{user}/active/", s.account.RequireRecentSuperuser(s.admin.SetActive))
		post("/admin/users/{user}/login/", s.account.RequireRecentSuperuser(s.admin.LoginAs))
		post("/admin/users/{user}/two_factor/", s.account.RequireRecentSuperuser(s.admin.RemoveFactors))
		get("/admin/projects/", s.admin.Projects)
		get("/admin/checks/", s.admin.Checks)
		get("/admin/emails/", s.admin.Emails)
		get("/admin/emails/{id}/", s.admin.Email)
		get("/admin/emails/{id}/html/", s.admin.EmailHTML)
		post("/admin/emails/{id}/resend/", s.admin.ResendEmail)
		get("/admin/deliveries/", s.admin.Deliveries)
		post("/admin/alerts/hold/", s.admin.HoldAlerts)
		post("/admin/alerts/release/", s.admin.ReleaseAlerts)
		post("/admin/deliveries/{id}/retry/", s.admin.RetryDelivery)

		// Walls.
		get("/walls/", s.project.Walls)
		post("/walls/", s.project.MakeWall)
		post("/walls/{wall}/remove/", s.project.RemoveWall)

		// Documentation.
		get("/docs/", s.docs.Index)
		get("/docs/search/", s.docs.Search)
		get("/docs/example/", s.docs.ExampleForm)
		post("/docs/example/", s.docs.ChooseExample)
		get("/docs/api-reference/", s.docs.API)
		get("/docs/{page}/", s.docs.Page)
	})

	// Walls on screens: no log-in, their address is the permission.
	r.Group(func(r chi.Router) {
		r.Use(s.ReadForm)
		r.Get("/wall/{wall}/{signature}/", s.Wrap(s.project.Wall))
		r.Get("/tv/", s.Wrap(s.project.TV))
	})

	// Links in mails: their signature is the permission. Mail programs post to
	// the unsubscribe address without any cookie or origin (RFC 8058).
	r.Group(func(r chi.Router) {
		r.Use(s.ReadForm, s.WithSession)
		r.Get("/integrations/{channel}/unsub/{signed}/", s.Wrap(s.integrations.UnsubscribeForm))
		r.Post("/integrations/{channel}/unsub/{signed}/", s.Wrap(s.integrations.Unsubscribe))
		r.Get("/accounts/unsubscribe_reports/{signed}/", s.Wrap(s.account.UnsubscribeReportsForm))
		r.Post("/accounts/unsubscribe_reports/{signed}/", s.Wrap(s.account.UnsubscribeReports))
		r.Get("/integrations/{channel}/verify/{token}/", s.Wrap(s.integrations.VerifyForm))
		r.Post("/integrations/{channel}/verify/{token}/", s.Wrap(s.integrations.Verify))
		r.Get("/integrations/{provider}/done/{project}/{signed}/", s.Wrap(s.integrations.ConnectedBefore))
	})

	r.NotFound(s.NotFound)
	r.MethodNotAllowed(s.MethodNotAllowed)
	return r
}

// home is the welcome page for visitors, and the projects of a user.
func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	if ui.VisitorOf(r).User == nil {
		return s.account.Welcome(w, r)
	}
	return s.project.List(w, r)
}
