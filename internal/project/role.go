package project

import (
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// MemberRole reads the role of a member from a form. What is none fails with
// errs.Invalid about role.
func MemberRole(text string) (monitor.Role, error) {
	switch role := monitor.Role(text); role {
	case monitor.RoleReadonly, monitor.RoleMember, monitor.RoleManager:
		return role, nil
	default:
		return monitor.RoleNone, errs.Invalidf("role", "A member is one of read-only, member, manager.")
	}
}

// RoleName is the role in a word.
func RoleName(role monitor.Role) string {
	switch role {
	case monitor.RoleOwner:
		return "owner"
	case monitor.RoleManager:
		return "manager"
	case monitor.RoleMember:
		return "member"
	default:
		return "read-only member"
	}
}

// Rights says what somebody of the role may do in a project, to follow "may". The
// documentation has the same words (templates/docs/teams.md).
func Rights(role monitor.Role) string {
	switch role {
	case monitor.RoleOwner:
		return "do everything"
	case monitor.RoleManager:
		return "do what a member may, and invite, change and remove people"
	case monitor.RoleMember:
		return "see everything, and create, change and remove checks, integrations and keys"
	default:
		return "see checks with their ping URLs, logs, integrations and badges, but no keys, and change nothing"
	}
}
