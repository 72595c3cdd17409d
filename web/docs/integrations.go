package docs

import (
	"fmt"
	"slices"
	"strings"

	"punctual/internal/notify"
)

// integrationFile is both the page of an integration and the help of its form.
func integrationFile(k *notify.Kind) string { return "integrations/" + k.Name + ".md" }

// integrationDoc is the name of an integration's page in the documentation.
func integrationDoc(k *notify.Kind) string { return "integration-" + k.Name }

// withIntegrations puts a page for each integration behind the groups that end with
// the one that has the page "notifications".
func withIntegrations(groups []docGroup, kinds []*notify.Kind) []docGroup {
	if len(kinds) == 0 {
		return groups
	}
	own := docGroup{Title: "Integrations"}
	for _, k := range kinds {
		own.Docs = append(own.Docs, doc{Name: integrationDoc(k), Lead: k.Blurb, file: integrationFile(k)})
	}
	after := slices.IndexFunc(groups, func(g docGroup) bool {
		return slices.ContainsFunc(g.Docs, func(d doc) bool { return d.Name == "notifications" })
	})
	return slices.Insert(groups, after+1, own)
}

// integrationsTable is what there is to choose from, in Markdown.
func integrationsTable(kinds []*notify.Kind) string {
	var out strings.Builder
	out.WriteString("| Integration | What it does | What you need |\n|---|---|---|\n")
	for _, k := range kinds {
		fmt.Fprintf(&out, "| [%s](../%s/) | %s | %s |\n", k.Label, integrationDoc(k), k.Blurb, k.Needs)
	}
	return out.String()
}
