package web_test

import (
	"net/http"
	"strings"
	"testing"

	"punctual/internal/auth"
	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/web/webtest"
)

// Every address that needs a secret is without it, whether a mail has it today or not.
func TestNoAddressWithASecretIsShownWhole(t *testing.T) {
	const id = "4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33"
	signer := auth.NewSigner(webtest.Secret)
	seen := 0
	e := newEverything(t, db.SQLite)
	var secrets, links []string
	for _, a := range e.addresses() {
		secret := signer.Sign(a.route, id)
		path := routeParam.ReplaceAllStringFunc(a.route, func(param string) string {
			switch param {
			case "{token}", "{signed}", "{signature}":
				seen++
				return secret
			}
			return id
		})
		secrets = append(secrets, secret)
		links = append(links, "Open https://example.org"+path+"?next=%2F")
	}
	mail := monitor.Email{MessageID: "2@example.org", Kind: "login", To: "jane@example.org", Subject: "Links", Text: strings.Join(links, "\n"),
		CreatedAt: e.Store.Now()}
	if err := e.Store.EnqueueEmail(t.Context(), &mail); err != nil {
		t.Fatal(err)
	}
	shown := strings.Split(e.Get("/admin/emails/2/").Is(http.StatusOK).Find("pre").Text(), "\n")
	if len(shown) != len(links) {
		t.Fatalf("%d lines of %d", len(shown), len(links))
	}
	for i, line := range shown {
		if strings.Contains(line, secrets[i]) || !strings.HasPrefix(line, "Open https://example.org/") {
			t.Errorf("%s: %s", links[i], line)
		}
	}
	if seen < 10 {
		t.Errorf("only %d addresses have a secret", seen)
	}
}
