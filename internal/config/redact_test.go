package config_test

import (
	"slices"
	"strings"
	"testing"

	"punctual/internal/config"
)

func TestRedactorTakesSecretsOut(t *testing.T) {
	const dsn = "postgres://u:geheim%20wort@db:5432/punctual?sslmode=disable"
	redact := load(t, env{
		"PUNCTUAL_DATABASE_URL":       dsn,
		"PUNCTUAL_SECRET_KEY":         "geheim-geheim-geheim",
		"PUNCTUAL_STATUS_TOKENS":      "geheim-1,geheim-12,x",
		"PUNCTUAL_SMTP_USERNAME":      "mailer",
		"PUNCTUAL_SMTP_PASSWORD":      "geheim-post",
		"PUNCTUAL_PUSHOVER_API_TOKEN": "geheim-push",
	}).Redactor()
	for text, want := range map[string]string{
		"cannot open " + dsn + ": refused":                     "cannot open ********: refused",
		"password geheim wort is wrong":                        "password ******** is wrong",
		"geheim%20wort, geheim-12 and geheim-1":                "********, ******** and ********",
		"535 geheim-post geheim-push geheim-geheim-geheim":     "535 ******** ******** ********",
		"mysql://other:geheim@lake/":                           "mysql://other:********@lake/",
		`Get "https://lake/health?key=geheim": EOF`:            `Get "https://lake/health?********": EOF`,
		"postgres://u:gehe@im/geheim@db/x: refused":            "postgres://u:********@db/x: refused",
		`host=db password='geheim geheim' user=u`:              "host=db password=******** user=u",
		"host=db password=geheim sslpassword=geheim":           "host=db password=******** sslpassword=********",
		"SQLite answers in 2 ms, 3 of 4 x at https://db/a/b?":  "SQLite answers in 2 ms, 3 of 4 x at https://db/a/b?",
		"dial tcp db:5432: connect: connection refused mailer": "dial tcp db:5432: connect: connection refused mailer",
	} {
		got := redact(text)
		if got != want || strings.Contains(got, "geheim") {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// What reports of errors must not show comes from the same list as what is hidden
// when the settings are printed.
func TestEverySecretSettingIsAmongTheSecrets(t *testing.T) {
	settings := env{
		"PUNCTUAL_DATABASE_URL":       "postgres://u:p%40ssgeheim@db:5432/punctual?sslpassword=geheim-ssl",
		"PUNCTUAL_SECRET_KEY":         "geheim-schlüssel",
		"PUNCTUAL_STATUS_TOKENS":      "geheim-1,geheim-2",
		"PUNCTUAL_STATUS_HTTP":        "wiki=https://wiki.example.org/health?key=geheim-wiki",
		"PUNCTUAL_SMTP_USERNAME":      "mailer",
		"PUNCTUAL_SMTP_PASSWORD":      "geheim-post",
		"PUNCTUAL_PUSHOVER_API_TOKEN": "geheim-push",
		"PUNCTUAL_METRICS_KEY":        "geheim-metrics",
		"PUNCTUAL_ADMINS_WEBHOOK":     "https://hooks.example.org/services/geheim-hook",
		"PUNCTUAL_HEARTBEAT_URL":      "https://u:geheim-beat@beat.example.org/ping/geheim-uuid?x=geheim-q",
	}

	secrets := load(t, settings).Secrets()
	for _, want := range []string{
		"p%40ssgeheim", "p@ssgeheim", "geheim-ssl", "geheim-schlüssel", "geheim-1", "geheim-2", "geheim-wiki", "geheim-post", "geheim-push",
		"geheim-metrics",
		"https://hooks.example.org/services/geheim-hook", "/services/geheim-hook", "geheim-beat", "/ping/geheim-uuid", "geheim-q",
	} {
		if !slices.Contains(secrets, want) {
			t.Errorf("%q is not among %q", want, secrets)
		}
	}
}

func TestADatabaseURLThatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	for _, address := range []string{
		"postgres://u:geh@im/geheim@db/punctual",
		"postgres://u:12?geheim@db/punctual",
		"postgres://u:12#geheim@db/punctual",
		"host=db user=u password=geheim dbname=punctual",
		`host=db password='it\'s geheim'`,
		"u:geheim@db/punctual",
		"mysql://u:geh/geheim@im@db/x",
	} {
		_, err := config.LoadWith(env{"PUNCTUAL_DATABASE_URL": address}, nil)
		if err == nil || strings.Contains(err.Error(), "gehe") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
