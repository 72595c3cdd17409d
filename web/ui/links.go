package ui

import (
	"net/url"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// SafeNext returns a path of ours (without the path of SITE_ROOT) that a login
// may lead to, "" for anything else: other sites, and the pages of logging in.
func SafeNext(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Fragment != "" {
		return ""
	}
	path := u.EscapedPath()
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(text, "\\\r\n\t") {
		return ""
	}
	for _, prefix := range []string{"/accounts/log", "/accounts/check_token/", "/api/", "/static/"} {
		if strings.HasPrefix(path, prefix) {
			return ""
		}
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}

// ListURL is the path of the list of a project's checks.
func ListURL(project uuid.UUID) string { return "/projects/" + project.String() + "/checks/" }

// CheckURL is where a form about a check leads back to: the list when it was
// opened there (from=list), else the check's page.
func CheckURL(c *monitor.Check, from string) string {
	if from == "list" {
		return ListURL(c.ProjectID)
	}
	return "/checks/" + c.Code.String() + "/details/"
}
