package project

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/project"
	"punctual/internal/store"
	"punctual/web/ui"
)

// teamView is who works in a project, and what the visitor may do about it.
type teamView struct {
	// address
	Owner     string
	OwnerIsMe bool
	Members   []memberView
	// who has not answered yet, for those who may invite
	Invited []store.Invitation
	// may invite, change and remove
	Manages bool
	// may offer the project
	Owns bool
	// the visitor is a member: may leave
	Me     bool
	Invite *ui.Form
	// addresses to suggest
	Known []string
	// address of the member asked to take the project over, "" = nobody
	Offered     string
	OfferedToMe bool
}

// memberView is a member in the list.
type memberView struct {
	store.Member
	Me bool
}

// team is the team of a project as the visitor sees it; invite is the form of
// an invitation.
func (s *Pages) team(r *http.Request, p *monitor.Project, role monitor.Role, invite *ui.Form) (teamView, error) {
	user := ui.VisitorOf(r).User
	t := teamView{Manages: role.CanManage(), Owns: role == monitor.RoleOwner, OwnerIsMe: p.OwnerID == user.ID, Invite: invite}
	owner, err := s.Store.UserByID(r.Context(), p.OwnerID)
	if err != nil {
		return t, err
	}
	t.Owner = owner.Email
	members, err := s.Store.MembersOf(r.Context(), p.ID)
	if err != nil {
		return t, err
	}
	for _, m := range members {
		me := m.UserID == user.ID
		t.Members = append(t.Members, memberView{Member: m, Me: me})
		t.Me = t.Me || me
		if !m.Offered.IsZero() {
			t.Offered = m.Email
			t.OfferedToMe = me
		}
	}
	if !t.Manages {
		return t, nil
	}
	t.Invited, err = s.Store.InvitationsOf(r.Context(), p.ID)
	if err != nil {
		return t, err
	}
	t.Known, err = s.Store.PeopleKnownTo(r.Context(), user.ID, p.ID)
	return t, err
}

// managedProject is ProjectFor for changes of the team: others get errs.Forbidden.
func (s *Pages) managedProject(r *http.Request) (*monitor.Project, monitor.Role, error) {
	p, role, err := s.ProjectFor(r)
	if err == nil && !role.CanManage() {
		err = errs.Forbiddenf("Only the owner and managers may change the members of this project.")
	}
	return p, role, err
}

// Invite answers POST /projects/{project}/members/ with email and role.
func (s *Pages) Invite(w http.ResponseWriter, r *http.Request) error {
	p, role, err := s.managedProject(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	as, err := project.MemberRole(form.Value("role"))
	if err == nil {
		err = s.Projects.Invite(r.Context(), ui.VisitorOf(r).User, p, form.Value("email"), as)
	}
	status := http.StatusBadRequest
	switch errs.KindOf(err) {
	case errs.Conflict:
		form.Fail("email", errs.Message(err))
	case errs.TooMany:
		status = http.StatusTooManyRequests
		form.Fail("email", errs.Message(err))
	default:
		if err := form.Note(err); err != nil {
			return err
		}
	}
	if !form.OK() {
		forms := nameForm(p)
		forms.Invite = form
		return s.showProjectSettings(w, r, status, p, role, forms)
	}
	ui.VisitorOf(r).Flash("ok", form.Value("email")+" is invited. They become a member when they accept.")
	return s.Redirect(w, r, teamPath(p))
}

// ChangeMember answers POST /projects/{project}/members/{user}/ with another role, or
// with remove.
func (s *Pages) ChangeMember(w http.ResponseWriter, r *http.Request) error {
	p, role, err := s.managedProject(r)
	if err != nil {
		return err
	}
	v := ui.VisitorOf(r)
	id, err := uuid.Parse(chi.URLParam(r, "user"))
	if err != nil {
		return errs.NotFoundf("There is no such member.")
	}
	member, err := s.Store.MemberOf(r.Context(), p.ID, id)
	if err != nil {
		return ui.Hide(err, "There is no such member.")
	}
	if member.UserID == v.User.ID && role != monitor.RoleOwner {
		return errs.Forbiddenf("You cannot change what you may do yourself. You can leave the project.")
	}
	if ui.Field(r, "remove") != "" {
		if err := s.Store.RemoveMember(r.Context(), p.ID, id); err != nil {
			return ui.Hide(err, "There is no such member.")
		}
		s.Log.InfoContext(r.Context(), "member removed", "project", p.ID, "user", id, "by", v.User.ID)
		v.Flash("ok", member.Email+" is no longer a member of this project.")
		return s.Redirect(w, r, teamPath(p))
	}
	as, err := project.MemberRole(ui.Field(r, "role"))
	if err != nil {
		return err
	}
	if err := s.Store.SetMemberRole(r.Context(), p.ID, id, as); err != nil {
		return ui.Hide(err, "There is no such member.")
	}
	s.Log.InfoContext(r.Context(), "member changed", "project", p.ID, "user", id, "role", as, "by", v.User.ID)
	v.Flash("ok", member.Email+" is a "+project.RoleName(as)+" now.")
	return s.Redirect(w, r, teamPath(p))
}

// Leave answers POST /projects/{project}/leave/. What they have made stays.
func (s *Pages) Leave(w http.ResponseWriter, r *http.Request) error {
	p, _, err := s.ProjectFor(r)
	if err != nil {
		return err
	}
	v := ui.VisitorOf(r)
	err = s.Store.RemoveMember(r.Context(), p.ID, v.User.ID)
	if errs.KindOf(err) == errs.NotFound {
		return errs.Forbiddenf("The owner cannot leave a project: hand it over first, or remove it.")
	}
	if err != nil {
		return err
	}
	s.Log.InfoContext(r.Context(), "member left", "project", p.ID, "user", v.User.ID)
	v.Flash("ok", "You do not work in "+p.Title()+" any more.")
	return s.Redirect(w, r, "/")
}

// Transfer answers POST /projects/{project}/transfer/. The owner sends to (the
// id of a member) or cancel, the member accept or decline. back names the page it
// came from.
func (s *Pages) Transfer(w http.ResponseWriter, r *http.Request) error {
	p, role, err := s.ProjectFor(r)
	if err != nil {
		return err
	}
	if _, err := ui.PostedForm(r); err != nil {
		return err
	}
	switch owns := role == monitor.RoleOwner; {
	case r.PostForm.Has("accept"), r.PostForm.Has("decline"):
		return s.answerTransfer(w, r, p, r.PostForm.Has("accept"))
	case !owns:
		return errs.Forbiddenf("Only the owner may hand a project over.")
	case r.PostForm.Has("cancel"):
		if err := s.Store.CancelTransfer(r.Context(), p.ID); err != nil {
			return err
		}
		ui.VisitorOf(r).Flash("ok", "The project stays with its owner.")
	default:
		to, err := uuid.Parse(r.PostForm.Get("to"))
		if err != nil {
			return errs.Invalidf("to", "Please choose a member.")
		}
		member, err := s.Projects.OfferTransfer(r.Context(), ui.VisitorOf(r).User, p, to)
		if err != nil {
			return ui.Hide(err, "There is no such member.")
		}
		ui.VisitorOf(r).Flash("ok", "We have asked "+member.Email+". Nothing changes until they accept.")
	}
	return s.Redirect(w, r, afterOffer(r, p))
}

// afterOffer is the page that an offer was made on: the settings of the project,
// or one that warns of what a removal takes from its members.
func afterOffer(r *http.Request, p *monitor.Project) string {
	switch r.PostForm.Get("back") {
	case "close":
		return "/accounts/close/"
	case "remove":
		return "/projects/" + p.ID.String() + "/remove/"
	default:
		return teamPath(p)
	}
}

// answerTransfer is of the member the project was offered to, and of nobody
// else, superusers included.
func (s *Pages) answerTransfer(w http.ResponseWriter, r *http.Request, p *monitor.Project, accept bool) error {
	v := ui.VisitorOf(r)
	if v.Admin != nil {
		return errs.Forbiddenf("Only the user may answer an offer.")
	}
	member, err := s.Store.MemberOf(r.Context(), p.ID, v.User.ID)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return err
	}
	if err != nil || member.Offered.IsZero() {
		return errs.Conflictf("The project is not offered to you any more.")
	}
	message := "You have declined. The project stays with its owner."
	if accept {
		message = "The project is yours now."
		err = s.Projects.AcceptTransfer(r.Context(), p, v.User)
	} else {
		err = s.Store.CancelTransfer(r.Context(), p.ID)
	}
	if err != nil {
		return err
	}
	s.Log.InfoContext(r.Context(), "offer of a project answered", "project", p.ID, "accepted", accept, "by", v.User.ID)
	v.Flash("ok", message)
	return s.Redirect(w, r, teamPath(p))
}

func teamPath(p *monitor.Project) string { return settingsPath(p) + "#team" }

// WithdrawInvitation answers POST /projects/{project}/invitations/{invitation}/withdraw/.
func (s *Pages) WithdrawInvitation(w http.ResponseWriter, r *http.Request) error {
	p, _, err := s.managedProject(r)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(chi.URLParam(r, "invitation"))
	if err != nil {
		return errs.NotFoundf("There is no such invitation.")
	}
	if err := s.Store.WithdrawInvitation(r.Context(), p.ID, id); err != nil {
		return ui.Hide(err, "This invitation is over: it was answered, or taken back.")
	}
	v := ui.VisitorOf(r)
	s.Log.InfoContext(r.Context(), "invitation withdrawn", "project", p.ID, "invitation", id, "by", v.User.ID)
	v.Flash("ok", "The invitation is taken back.")
	return s.Redirect(w, r, teamPath(p))
}
