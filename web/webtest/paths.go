package webtest

import (
	"punctual/internal/monitor"
)

// SessionCookie is the name of the cookie with the session's id.
const SessionCookie = "punctual"

// ProfilePath is the page of the account.
const ProfilePath = "/accounts/profile/"

// SettingsPath is the page where a project is named and its team is chosen.
func SettingsPath(p *monitor.Project) string { return "/projects/" + p.ID.String() + "/settings/" }

// LogURL is the path of the log of a check.
func LogURL(c *monitor.Check) string { return "/checks/" + c.Code.String() + "/log/" }
