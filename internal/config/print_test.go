package config_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"punctual/internal/config"
)

func TestPrintShowsOriginsAndHidesSecrets(t *testing.T) {
	file := write(t, "geheim-token")
	c, err := config.LoadWith(env{
		"PUNCTUAL_DATABASE_URL":            "postgres://u:geheim@db/punctual?sslmode=disable&password=geheim",
		"PUNCTUAL_SECRET_KEY":              "geheim-geheim-geheim",
		"PUNCTUAL_STATUS_TOKENS":           "geheim1,geheim2",
		"PUNCTUAL_PUSHOVER_API_TOKEN_FILE": file,
		"PUNCTUAL_ADMINS":                  "a@x.org, b@x.org",
	}, map[string]string{"listen": ":9000"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"PUNCTUAL_DATABASE_URL=postgres://u:********@db/punctual?sslmode=disable&password=********  # environment",
		"PUNCTUAL_SECRET_KEY=********  # environment",
		"PUNCTUAL_STATUS_TOKENS=********  # environment",
		"PUNCTUAL_PUSHOVER_API_TOKEN=********  # file " + file,
		"PUNCTUAL_METRICS_KEY=  # default",
		"PUNCTUAL_ADMINS=a@x.org,b@x.org  # environment",
		"PUNCTUAL_LISTEN=:9000  # flag --listen",
		"PUNCTUAL_CHECK_LIMIT=10000  # default",
		"PUNCTUAL_PING_ENDPOINT=http://localhost:9000/ping/  # from other settings",
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("no line %q in\n%s", line, out.String())
		}
	}
	if strings.Contains(out.String(), "geheim") {
		t.Errorf("a secret is printed:\n%s", out.String())
	}
}

// The table in docs/settings.md is what users read; it must not fall behind.
func TestEverySettingIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	for field := range reflect.TypeFor[config.Config]().Fields() {
		name, found := field.Tag.Lookup("name")
		if !found {
			continue
		}
		if field.Tag.Get("help") == "" || field.Tag.Get("group") == "" {
			t.Errorf("%s has no help or no group", field.Name)
		}
		row := rowOf(string(page), config.Variable(name))
		if row == "" {
			t.Errorf("docs/settings.md has no row for %s", config.Variable(name))
			continue
		}
		def := field.Tag.Get("default")
		if !strings.Contains(row, "`"+def+"`") && def != "" {
			t.Errorf("docs/settings.md: default of %s is %q, the row says\n%s", config.Variable(name), def, row)
		}
		secret := field.Tag.Get("secret") != ""
		if secret != strings.Contains(row, "†") {
			t.Errorf("docs/settings.md: the † of %s is wrong", config.Variable(name))
		}
	}
}

func rowOf(page, variable string) string {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| `"+variable+"`") {
			return line
		}
	}
	return ""
}
