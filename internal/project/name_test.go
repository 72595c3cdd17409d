package project_test

import (
	"strings"
	"testing"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/project"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("é", monitor.MaxProjectName)
	for typed, want := range map[string]string{"a": "a", " a \n b ": "a b", long: long} {
		got, err := project.Name(typed)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", " \t", "a\x00", "a\xff", long + "e"} {
		_, err := project.Name(typed)
		kindIs(t, err, errs.Invalid, "name")
	}
}

// A name from before there was a limit may stay when a form with it is sent.
func TestANameThatIsThereMayStay(t *testing.T) {
	was := strings.Repeat("x", monitor.MaxProjectName) + "  more"
	got, err := project.Rename(was, " "+strings.Replace(was, "  ", " ", 1))
	if err != nil || got != was {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := project.Rename(was, " short  one "); err != nil || got != "short one" {
		t.Errorf("%q, %v", got, err)
	}
	for typed, before := range map[string]string{was + "!": was, "": ""} {
		_, err := project.Rename(before, typed)
		kindIs(t, err, errs.Invalid, "name")
	}
}

func TestRoles(t *testing.T) {
	words := map[monitor.Role]string{monitor.RoleReadonly: "read-only member", monitor.RoleMember: "member", monitor.RoleManager: "manager"}
	for want, word := range words {
		role, err := project.MemberRole(string(want))
		if err != nil || role != want || project.RoleName(role) != word {
			t.Errorf("%q: %q is a %s, %v", want, role, project.RoleName(role), err)
		}
	}
	for _, typed := range []string{"", string(monitor.RoleOwner), "Manager", "admin"} {
		_, err := project.MemberRole(typed)
		kindIs(t, err, errs.Invalid, "role")
	}
	got := project.RoleName(monitor.RoleOwner)
	if got != "owner" {
		t.Errorf("the owner is called %q", got)
	}
}
