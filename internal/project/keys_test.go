package project_test

import (
	"strings"
	"testing"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/project"
	"punctual/internal/testkit/testdb"
)

// A key is shown once: of API keys only the hash is stored.
func TestKeysAreMadeAndRevoked(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		for name, prefix := range map[string]string{project.KeyAPI: "hcw_", project.KeyAPIReadonly: "hcr_", project.KeyPing: ""} {
			var full string
			p, err := b.Store.ChangeProject(b.Context(), a.Project.ID, func(p *monitor.Project) (err error) {
				if err := project.RevokeKey(p, name); err != nil {
					return err
				}
				full, err = b.MakeKey(p, name)
				return err
			})
			if err != nil || !strings.HasPrefix(full, prefix) {
				b.Fatalf("%s: %q, %v", name, full, err)
			}
			if name == project.KeyPing && p.PingKey != full {
				b.Errorf("the ping key is %q, told was %q", p.PingKey, full)
			}
			if name != project.KeyPing {
				b.opens(full, p, name == project.KeyAPIReadonly)
			}
			_, err = b.MakeKey(p, name)
			kindIs(b.T, err, errs.Conflict, "")
			if err := project.RevokeKey(p, name); err != nil {
				b.Error(err)
			}
			if again, err := b.MakeKey(p, name); err != nil || again == full {
				b.Errorf("%s after it was revoked: %q, %v", name, again, err)
			}
		}
		_, err := b.MakeKey(a.Project, "badge_key")
		kindIs(b.T, err, errs.NotFound, "")
		kindIs(b.T, project.RevokeKey(a.Project, "badge_key"), errs.NotFound, "")
	})
}

// opens holds that the key opens the project.
func (b *bench) opens(key string, p *monitor.Project, readonly bool) {
	b.Helper()
	found, reads, err := b.Store.ProjectByAPIKey(b.Context(), b.Auth.KeyHash(key))
	if err != nil || found.ID != p.ID || reads != readonly {
		b.Errorf("%s opens %+v, read-only %t, %v", key, found, reads, err)
	}
}
