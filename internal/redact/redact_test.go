package redact_test

import (
	"slices"
	"strings"
	"testing"

	"punctual/internal/redact"
)

func TestAddressesWithoutTheirSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"postgres://u:geheim@db/punctual":                                       "postgres://u:********@db/punctual",
		"postgres://u:geh@im/geheim@db:5432/punctual?sslmode=require":           "postgres://u:********@db:5432/punctual?sslmode=require",
		"postgres://u:geheim?x=geheim#geheim@db/punctual":                       "postgres://u:********@db/punctual",
		"postgres://u:geheim%40%2F@db/punctual":                                 "postgres://u:********@db/punctual",
		"postgres://u:%zzgeheim@db/punctual":                                    "postgres://u:********@db/punctual",
		"postgres:///punctual?host=/run/postgresql&password=geheim&sslmode=no":  "postgres:///punctual?host=/run/postgresql&password=********&sslmode=no",
		"postgres://db/x?pass%77ord=geheim&sslpassword=geheim&options=-cgeheim": "postgres://db/x?pass%77ord=********&sslpassword=********&options=********",
		"host=db user=u password=geheim dbname=x":                               "host=db user=u password=******** dbname=x",
		`host=db password='it\'s geheim, geheim' dbname=x`:                      "host=db password=******** dbname=x",
		"host=db password = 'geheim geheim":                                     "host=db password=********",
		"password=geheim host=db sslpassword=geheim":                            "password=******** host=db sslpassword=********",
		"sqlite:./data/punctual.db":                                             "sqlite:./data/punctual.db",
		"sqlite:/data/punctual.db?_key=geheim":                                  "sqlite:/data/punctual.db?_key=********",
		"mysql://root:geheim@db/x":                                              "mysql://root:********@db/x",
		"https://example.org/health?key=geheim":                                 "https://example.org/health?key=********",
		"https://u:gehe/im@geheim@example.org/x?geheim#geheim":                  "https://u:********@example.org/x?********#********",
		"http://proxy:3128":                                                     "http://proxy:3128",
		"u:geheim@db/punctual":                                                  "********",
		"data/punctual.db":                                                      "data/punctual.db",
		"":                                                                      "",
	} {
		got := redact.Address(text)
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
		if strings.Contains(got, "gehe") {
			t.Errorf("%s shows %s", text, got)
		}
	}
}

func TestSecretsOfAnAddress(t *testing.T) {
	for text, want := range map[string][]string{
		"postgres://u:p%40ss@db/punctual":        {"p%40ss", "p@ss"},
		"postgres://u:half@other/half@db/x":      {"half@other/half", "half", "other"},
		"host=db password='it\\'s' sslmode=off":  {"it's", `'it\'s'`},
		"postgres://db/x?password=a%2Bb":         {"a%2Bb", "a+b"},
		"https://hooks.example.org/x?token=abcd": {"abcd"},
	} {
		got := redact.Secrets(text)
		for _, secret := range append(want, text) {
			if !slices.Contains(got, secret) {
				t.Errorf("%s: %q is not among %q", text, secret, got)
			}
		}
	}
	for _, text := range []string{"postgres://u@db/x", "sqlite:./data/punctual.db", "http://proxy:3128"} {
		got := redact.Secrets(text)
		if len(got) != 0 {
			t.Errorf("%s: %q", text, got)
		}
	}
}
