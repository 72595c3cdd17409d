package monitor

import (
	"cmp"
	"time"

	"github.com/google/uuid"
)

// Project holds checks, channels, members and keys.
type Project struct {
	ID      uuid.UUID
	OwnerID uuid.UUID
	Name    string
	// stored form, "" = none (docs/contract.md §2.2)
	APIKey         string
	APIKeyReadonly string
	// clear text, "" = none
	PingKey   string
	BadgeKey  string
	ShowSlugs bool
	CreatedAt time.Time
}

// Title is the name to show.
func (p *Project) Title() string { return ProjectTitle(p.Name) }

// ProjectTitle is the name to show of a project called name, which may be empty.
func ProjectTitle(name string) string { return cmp.Or(name, "Untitled project") }

// Role is what a member may do in a project.
type Role string

// The roles. RoleOwner is never stored: it is the project's owner.
const (
	RoleNone     Role = ""
	RoleReadonly Role = "r"
	RoleMember   Role = "w"
	RoleManager  Role = "m"
	RoleOwner    Role = "o"
)

// CanManage tells whether the role may invite and remove members.
func (r Role) CanManage() bool { return r == RoleManager || r == RoleOwner }

// CanWrite tells whether the role may change checks, channels and keys.
func (r Role) CanWrite() bool { return r == RoleMember || r == RoleManager || r == RoleOwner }
