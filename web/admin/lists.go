package admin

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/ui"
)

// list is what the lists of the admin pages have in common.
type list struct {
	ui.BasePage
	Tab    string
	Search string
	Pages  ui.PageLinks
}

type usersPage struct {
	list
	Rows []store.UserRow
}

type projectsPage struct {
	list
	Rows []store.ProjectRow
}

type checksPage struct {
	list
	Rows []checkRow
}

// checkRow is a check with its state now.
type checkRow struct {
	store.CheckRow
	Now monitor.Status
}

type emailsPage struct {
	list
	Status   monitor.EmailStatus
	Statuses []monitor.EmailStatus
	Rows     []monitor.Email
}

type deliveriesPage struct {
	list
	Rows      []store.FailedDelivery
	HoldTimes []holdTime
}

// pageSize is how many rows a list shows at a time.
const pageSize = 50

// query is what a list is asked for: what to look for, and which page.
type query struct {
	r      *http.Request
	search string
	// from 1
	page int
}

func (s *Pages) query(r *http.Request) (query, error) {
	if err := s.SuperuserOnly(r); err != nil {
		return query{}, err
	}
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || page < 1 || page > 1_000_000 {
		page = 1
	}
	return query{r: r, search: strings.TrimSpace(r.URL.Query().Get("q")), page: page}, nil
}

// limit is one more than a page has: the last row tells that there is more.
func (q query) limit() int  { return pageSize + 1 }
func (q query) offset() int { return (q.page - 1) * pageSize }

func (q query) listOf(s *Pages, tab, title string, found int) list {
	shown := min(found, pageSize)
	l := list{BasePage: ui.BasePage{Title: title + " · Admin", Nav: "admin"}, Tab: tab, Search: q.search}
	address := func(page int) string {
		query := q.r.URL.Query()
		query.Set("page", strconv.Itoa(page))
		return s.Site.Path("/admin/"+tab+"/") + "?" + query.Encode()
	}
	if q.page > 1 {
		l.Pages.Previous = address(q.page - 1)
	}
	if found > pageSize {
		l.Pages.Next = address(q.page + 1)
	}
	if shown > 0 {
		l.Pages.Text = fmt.Sprintf("%d–%d", q.offset()+1, q.offset()+shown)
	}
	return l
}

// atMostAPage drops the row that only told that there is more.
func atMostAPage[T any](rows []T) []T { return rows[:min(len(rows), pageSize)] }

// Index answers GET /admin/.
func (s *Pages) Index(w http.ResponseWriter, r *http.Request) error {
	if err := s.SuperuserOnly(r); err != nil {
		return err
	}
	return s.Redirect(w, r, "/admin/users/")
}

// Users answers GET /admin/users/.
func (s *Pages) Users(w http.ResponseWriter, r *http.Request) error {
	q, err := s.query(r)
	if err != nil {
		return err
	}
	rows, err := s.Store.Users(r.Context(), strings.ToLower(q.search), q.limit(), q.offset())
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "admin/users", &usersPage{q.listOf(s, "users", "Users", len(rows)), atMostAPage(rows)})
}

// Projects answers GET /admin/projects/.
func (s *Pages) Projects(w http.ResponseWriter, r *http.Request) error {
	q, err := s.query(r)
	if err != nil {
		return err
	}
	rows, err := s.Store.Projects(r.Context(), q.search, q.limit(), q.offset())
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "admin/projects", &projectsPage{q.listOf(s, "projects", "Projects", len(rows)), atMostAPage(rows)})
}

// Checks answers GET /admin/checks/.
func (s *Pages) Checks(w http.ResponseWriter, r *http.Request) error {
	q, err := s.query(r)
	if err != nil {
		return err
	}
	rows, err := s.Store.Checks(r.Context(), q.search, q.limit(), q.offset())
	if err != nil {
		return err
	}
	m := &checksPage{list: q.listOf(s, "checks", "Checks", len(rows))}
	at := s.Store.Reading()
	for _, row := range atMostAPage(rows) {
		m.Rows = append(m.Rows, checkRow{CheckRow: row, Now: row.StatusAt(at)})
	}
	return s.Render(w, r, http.StatusOK, "admin/checks", m)
}

// Emails answers GET /admin/emails/.
func (s *Pages) Emails(w http.ResponseWriter, r *http.Request) error {
	q, err := s.query(r)
	if err != nil {
		return err
	}
	status := monitor.EmailStatus(r.URL.Query().Get("status"))
	rows, err := s.Store.Emails(r.Context(), store.EmailFilter{Search: q.search, Status: status, Limit: q.limit(), Offset: q.offset()})
	if err != nil {
		return err
	}
	m := &emailsPage{
		list: q.listOf(s, "emails", "Outgoing mail", len(rows)), Rows: atMostAPage(rows), Status: status,
		Statuses: []monitor.EmailStatus{monitor.EmailQueued, monitor.EmailSent, monitor.EmailFailed, monitor.EmailKept},
	}
	return s.Render(w, r, http.StatusOK, "admin/emails", m)
}

// Deliveries answers GET /admin/deliveries/.
func (s *Pages) Deliveries(w http.ResponseWriter, r *http.Request) error {
	q, err := s.query(r)
	if err != nil {
		return err
	}
	rows, err := s.Store.FailedDeliveries(r.Context(), q.search, q.limit(), q.offset())
	if err != nil {
		return err
	}
	m := &deliveriesPage{q.listOf(s, "deliveries", "Failed deliveries", len(rows)), atMostAPage(rows), holdTimes()}
	return s.Render(w, r, http.StatusOK, "admin/deliveries", m)
}

// RetryDelivery answers POST /admin/deliveries/{id}/retry/.
func (s *Pages) RetryDelivery(w http.ResponseWriter, r *http.Request) error {
	if err := s.SuperuserOnly(r); err != nil {
		return err
	}
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return errs.NotFoundf("There is no such delivery.")
	}
	if err := s.Store.RetryDelivery(r.Context(), id); err != nil {
		return ui.Hide(err, "There is no such failed delivery.")
	}
	s.audit(r, "delivery queued again", "delivery", id)
	ui.VisitorOf(r).Flash("ok", "The delivery is on its way again.")
	return s.Redirect(w, r, "/admin/deliveries/")
}
