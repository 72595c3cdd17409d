package api

import "net/http"

// badgesJSON are the addresses of a badge: with two states, and, as the names
// with a 3 say, with three.
type badgesJSON struct {
	SVG      string `json:"svg"`
	SVG3     string `json:"svg3"`
	JSON     string `json:"json"`
	JSON3    string `json:"json3"`
	Shields  string `json:"shields"`
	Shields3 string `json:"shields3"`
}

// wholeProject stands among the tags for the badge over all checks.
const wholeProject = "*"

// badges is GET badges/ (docs/contract.md §2.12): an entry for each tag in use
// and one for the project. Of more than monitor.MaxProjectTags tags the rest is
// left out.
func (a *api) badges(c *call) error {
	tags, err := a.Store.TagsOf(c.Context(), c.project.ID)
	if err != nil {
		return err
	}
	list := make(map[string]badgesJSON, len(tags)+1)
	for _, tag := range append(tags, wholeProject) {
		if err := c.Context().Err(); err != nil {
			return err
		}
		link := func(states int, format string) string { return a.BadgeURL(c.project.BadgeKey, tag, states, format) }
		list[tag] = badgesJSON{
			SVG: link(2, "svg"), SVG3: link(3, "svg"), JSON: link(2, "json"), JSON3: link(3, "json"), Shields: link(2, "shields"),
			Shields3: link(3, "shields"),
		}
	}
	a.json(c.w, http.StatusOK, struct {
		Badges map[string]badgesJSON `json:"badges"`
	}{list})
	return nil
}
