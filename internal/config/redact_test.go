package config_test

import (
	"strings"
	"testing"
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
		"host=db password=geheim sslpassword=geheim":           "host=db password=******** sslpassword=********",
		"SQLite answers in 2 ms, 3 of 4 x at https://db/a/b?":  "SQLite answers in 2 ms, 3 of 4 x at https://db/a/b?",
		"dial tcp db:5432: connect: connection refused mailer": "dial tcp db:5432: connect: connection refused mailer",
	} {
		if got := redact(text); got != want || strings.Contains(got, "geheim") {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}
