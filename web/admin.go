package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// adminList is what the lists of the admin pages have in common.
type adminList struct {
	BasePage
	Tab    string
	Search string
	Pages  Pages
}

type adminUsersPage struct {
	adminList
	Rows []store.UserRow
}

type adminProjectsPage struct {
	adminList
	Rows []store.ProjectRow
}

type adminChecksPage struct {
	adminList
	Rows []adminCheck
}

// adminCheck is a check with its state now.
type adminCheck struct {
	store.CheckRow
	Now monitor.Status
}

type adminEmailsPage struct {
	adminList
	Status   monitor.EmailStatus
	Statuses []monitor.EmailStatus
	Rows     []monitor.Email
}

type adminDeliveriesPage struct {
	adminList
	Rows []store.FailedDelivery
}

// adminPageSize is how many rows a list shows at a time.
const adminPageSize = 50

// adminQuery is what a list is asked for: what to look for, and which page.
type adminQuery struct {
	r      *http.Request
	search string
	page   int // from 1
}

func (s *adminPages) adminQuery(r *http.Request) (adminQuery, error) {
	if err := s.superuserOnly(r); err != nil {
		return adminQuery{}, err
	}
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || page < 1 || page > 1_000_000 {
		page = 1
	}
	return adminQuery{r: r, search: strings.TrimSpace(r.URL.Query().Get("q")), page: page}, nil
}

// limit is one more than a page has: the last row tells that there is more.
func (q adminQuery) limit() int  { return adminPageSize + 1 }
func (q adminQuery) offset() int { return (q.page - 1) * adminPageSize }

func (q adminQuery) list(s *adminPages, tab, title string, found int) adminList {
	shown := min(found, adminPageSize)
	l := adminList{BasePage: BasePage{Title: title + " · Admin", Nav: "admin"}, Tab: tab, Search: q.search}
	address := func(page int) string {
		query := q.r.URL.Query()
		query.Set("page", strconv.Itoa(page))
		return s.Site.Path("/admin/"+tab+"/") + "?" + query.Encode()
	}
	if q.page > 1 {
		l.Pages.Previous = address(q.page - 1)
	}
	if found > adminPageSize {
		l.Pages.Next = address(q.page + 1)
	}
	if shown > 0 {
		l.Pages.Text = fmt.Sprintf("%d–%d", q.offset()+1, q.offset()+shown)
	}
	return l
}

// atMostAPage drops the row that only told that there is more.
func atMostAPage[T any](rows []T) []T { return rows[:min(len(rows), adminPageSize)] }

func (s *adminPages) adminIndex(w http.ResponseWriter, r *http.Request) error {
	if err := s.superuserOnly(r); err != nil {
		return err
	}
	return s.redirect(w, r, "/admin/users/")
}

func (s *adminPages) adminUsers(w http.ResponseWriter, r *http.Request) error {
	q, err := s.adminQuery(r)
	if err != nil {
		return err
	}
	rows, err := s.Store.Users(r.Context(), strings.ToLower(q.search), q.limit(), q.offset())
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "admin_users", &adminUsersPage{q.list(s, "users", "Users", len(rows)), atMostAPage(rows)})
}

func (s *adminPages) adminProjects(w http.ResponseWriter, r *http.Request) error {
	q, err := s.adminQuery(r)
	if err != nil {
		return err
	}
	rows, err := s.Store.Projects(r.Context(), q.search, q.limit(), q.offset())
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "admin_projects", &adminProjectsPage{q.list(s, "projects", "Projects", len(rows)), atMostAPage(rows)})
}

func (s *adminPages) adminChecks(w http.ResponseWriter, r *http.Request) error {
	q, err := s.adminQuery(r)
	if err != nil {
		return err
	}
	rows, err := s.Store.Checks(r.Context(), q.search, q.limit(), q.offset())
	if err != nil {
		return err
	}
	m := &adminChecksPage{adminList: q.list(s, "checks", "Checks", len(rows))}
	now := s.Store.Now()
	for _, row := range atMostAPage(rows) {
		m.Rows = append(m.Rows, adminCheck{CheckRow: row, Now: row.StatusAt(now)})
	}
	return s.render(w, r, http.StatusOK, "admin_checks", m)
}

func (s *adminPages) adminEmails(w http.ResponseWriter, r *http.Request) error {
	q, err := s.adminQuery(r)
	if err != nil {
		return err
	}
	status := monitor.EmailStatus(r.URL.Query().Get("status"))
	rows, err := s.Store.Emails(r.Context(), store.EmailFilter{Search: q.search, Status: status, Limit: q.limit(), Offset: q.offset()})
	if err != nil {
		return err
	}
	m := &adminEmailsPage{
		adminList: q.list(s, "emails", "Outgoing mail", len(rows)), Rows: atMostAPage(rows), Status: status,
		Statuses: []monitor.EmailStatus{monitor.EmailQueued, monitor.EmailSent, monitor.EmailFailed, monitor.EmailKept},
	}
	return s.render(w, r, http.StatusOK, "admin_emails", m)
}

// linkInText finds the addresses in a mail, and apart from its host what an address
// leads to.
var linkInText = regexp.MustCompile(`(https?://[^/\s"'<>]+)(/[^\s"'<>]*)`)

// longToken is what may be a secret in an address: signatures and tokens have 43
// characters, no word of a path has 20.
var longToken = regexp.MustCompile(`[A-Za-z0-9_-]{20,}`)

// withInertLinks is the text of a mail whose links do not act for its reader.
// Whatever looks like a secret goes, in every link but for ids, so that a kind of
// link that is new cannot be forgotten. Superusers look through somebody's eyes by
// a button that leaves a trace, not by their mail.
func withInertLinks(text string) string {
	return linkInText.ReplaceAllStringFunc(text, func(link string) string {
		parts := linkInText.FindStringSubmatch(link)
		return parts[1] + longToken.ReplaceAllStringFunc(parts[2], func(token string) string {
			const lengthOfID = 36
			if len(token) == lengthOfID && uuid.Validate(token) == nil {
				return token
			}
			return "…"
		})
	})
}

func (s *adminPages) adminMail(r *http.Request) (*monitor.Email, error) {
	if err := s.superuserOnly(r); err != nil {
		return nil, err
	}
	mail, err := s.mailByID(r)
	if err != nil {
		return nil, err
	}
	mail.Text = withInertLinks(mail.Text)
	mail.HTML = withInertLinks(mail.HTML)
	return mail, nil
}

func (s *adminPages) adminEmail(w http.ResponseWriter, r *http.Request) error {
	mail, err := s.adminMail(r)
	if err != nil {
		return err
	}
	m := &mailPage{BasePage: BasePage{Title: mail.Subject, Nav: "admin"}, Mail: mail, Back: "/admin/emails/", List: "Outgoing mail", Admin: true}
	if mail.HTML != "" {
		m.Frame = fmt.Sprintf("/admin/emails/%d/html/", mail.ID)
	}
	return s.render(w, r, http.StatusOK, "mail", m)
}

func (s *adminPages) adminEmailHTML(w http.ResponseWriter, r *http.Request) error {
	mail, err := s.adminMail(r)
	if err != nil {
		return err
	}
	return sendMailHTML(w, mail.HTML)
}

// adminResendEmail queues a mail again that was given up.
func (s *adminPages) adminResendEmail(w http.ResponseWriter, r *http.Request) error {
	mail, err := s.adminMail(r)
	if err != nil {
		return err
	}
	if err := s.Store.ResendEmail(r.Context(), mail.ID); err != nil {
		return hide(err, "This mail was not given up; there is nothing to send again.")
	}
	s.audit(r, "mail queued again", "mail", mail.ID)
	visitorOf(r).flash("ok", "The mail is on its way again.")
	return s.redirect(w, r, fmt.Sprintf("/admin/emails/%d/", mail.ID))
}

func (s *adminPages) adminDeliveries(w http.ResponseWriter, r *http.Request) error {
	q, err := s.adminQuery(r)
	if err != nil {
		return err
	}
	rows, err := s.Store.FailedDeliveries(r.Context(), q.search, q.limit(), q.offset())
	if err != nil {
		return err
	}
	m := &adminDeliveriesPage{q.list(s, "deliveries", "Failed deliveries", len(rows)), atMostAPage(rows)}
	return s.render(w, r, http.StatusOK, "admin_deliveries", m)
}

func (s *adminPages) adminRetryDelivery(w http.ResponseWriter, r *http.Request) error {
	if err := s.superuserOnly(r); err != nil {
		return err
	}
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return errs.NotFoundf("There is no such delivery.")
	}
	if err := s.Store.RetryDelivery(r.Context(), id); err != nil {
		return hide(err, "There is no such failed delivery.")
	}
	s.audit(r, "delivery queued again", "delivery", id)
	visitorOf(r).flash("ok", "The delivery is on its way again.")
	return s.redirect(w, r, "/admin/deliveries/")
}

// adminSetActive lets a user in, or keeps them out from now on: active=1 or 0.
func (s *adminPages) adminSetActive(w http.ResponseWriter, r *http.Request) error {
	user, err := s.otherUser(r)
	if err != nil {
		return err
	}
	active := formValue(r, "active") == "1"
	said := " may log in again."
	if active {
		err = s.auth.Activate(r.Context(), user.ID)
	} else {
		said = " is logged out and cannot log in. Their checks are watched as before."
		err = s.auth.Deactivate(r.Context(), user.ID)
	}
	if err != nil {
		return err
	}
	s.audit(r, "user activated or deactivated", "user", user.Email, "active", active)
	visitorOf(r).flash("ok", user.Email+said)
	return s.redirect(w, r, "/admin/users/?"+url.Values{"q": {formValue(r, "q")}}.Encode())
}

// adminLoginAs lets a superuser look through a user's eyes until they stop. The
// session remembers who it is, every page says so, and the log has a line.
func (s *adminPages) adminLoginAs(w http.ResponseWriter, r *http.Request) error {
	user, err := s.otherUser(r)
	switch {
	case err != nil:
		return err
	case !user.IsActive:
		return errs.Conflictf("%s is deactivated.", user.Email)
	case user.IsSuperuser:
		return errs.Forbiddenf("%s is a superuser too.", user.Email)
	}
	s.audit(r, "superuser logs in as a user", "user", user.Email)
	s.logInAs(visitorOf(r), user)
	return s.welcomeBack(w, r, user, "")
}

// otherUser is the user named in the address, who is not the superuser asking.
func (s *adminPages) otherUser(r *http.Request) (*monitor.User, error) {
	if err := s.superuserOnly(r); err != nil {
		return nil, err
	}
	id, err := uuid.Parse(chi.URLParam(r, "user"))
	if err != nil {
		return nil, errs.NotFoundf("There is no such user.")
	}
	if id == visitorOf(r).User.ID {
		return nil, errs.Conflictf("This is you.")
	}
	user, err := s.Store.UserByID(r.Context(), id)
	return user, hide(err, "There is no such user.")
}

// audit leaves a trace of what a superuser did.
func (s *adminPages) audit(r *http.Request, what string, attrs ...any) {
	s.Log.WarnContext(r.Context(), what, append(attrs, "superuser", visitorOf(r).User.Email)...)
}

// adminPages are the pages of superusers, and the mailbox.
type adminPages struct {
	*Site
	auth       *auth.Service
	mailboxKey mailboxKey
}

// newAdmin makes them.
func newAdmin(site *Site, service *auth.Service) *adminPages {
	return &adminPages{Site: site, auth: service}
}

// adminRemoveFactors lets a user log in with one step again who has lost all
// else. They are told by mail.
func (s *adminPages) adminRemoveFactors(w http.ResponseWriter, r *http.Request) error {
	user, err := s.otherUser(r)
	if err != nil {
		return err
	}
	n, err := s.auth.RemoveFactors(r.Context(), user)
	if err != nil {
		return err
	}
	s.audit(r, "two-factor sign-in of a user removed", "user", user.Email, "factors", n)
	visitorOf(r).flash("ok", user.Email+" logs in with one step now. We have told them by mail.")
	return s.redirect(w, r, "/admin/users/?"+url.Values{"q": {formValue(r, "q")}}.Encode())
}
