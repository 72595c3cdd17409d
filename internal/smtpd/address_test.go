package smtpd

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{
		"", "@", "x@hc.example.org", uuid.NewString() + "@hc.example.org", strings.Repeat("x", 22) + "+slug@HC.example.org", "a@b@hc.example.org",
		"\x00@hc.example.org", "{" + uuid.NewString() + "}@hc.example.org",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		m, err := parseAddress(address, "hc.example.org")
		switch {
		case err != nil:
		case m.code != uuid.Nil:
			if m.code.Version() != 4 || !strings.EqualFold(strings.TrimSuffix(address, "."), m.code.String()+"@hc.example.org") {
				t.Errorf("%q is %s", address, m.code)
			}
		case len(m.pingKey) != 22 || m.slug == "" || !monitor.ValidSlug(m.slug):
			t.Errorf("%q is %+v", address, m)
		}
	})
}
