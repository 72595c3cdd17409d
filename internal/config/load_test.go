package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"punctual/internal/config"
)

type env = map[string]string

func load(t *testing.T, e env) *config.Config {
	t.Helper()
	c, err := config.Load(e)
	if err != nil {
		t.Fatalf("Load(%v): %v", e, err)
	}
	return c
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsStartAnEmbeddedSite(t *testing.T) {
	c := load(t, nil)
	tests := []struct {
		name      string
		got, want any
	}{
		{"DatabaseURL", c.DatabaseURL, "sqlite:./data/punctual.db"},
		{"DBMaxConns", c.DBMaxConns, 10},
		{"Listen", c.Listen, ":8000"},
		{"PingListen", c.PingListen, ""},
		{"SiteRoot", c.SiteRoot, "http://localhost:8000"},
		{"SiteName", c.SiteName, "Punctual"},
		{"RegistrationOpen", c.RegistrationOpen, true},
		{"MasterBadgeLabel", c.MasterBadgeLabel, "Punctual"},
		{"CheckLimit", c.CheckLimit, 10000},
		{"PingEndpoint", c.PingEndpoint, "http://localhost:8000/ping/"},
		{"PingEmailDomain", c.PingEmailDomain, "localhost"},
		{"PingBodyLimit", c.PingBodyLimit, 100000},
		{"PingBodyTotal", c.PingBodyTotal, int64(10000000000)},
		{"PingLogLimit", c.PingLogLimit, 100},
		{"EmailFrom", c.EmailFrom, "Punctual <punctual@localhost>"},
		{"SMTPPort", c.SMTPPort, 587},
		{"SMTPTLS", c.SMTPTLS, "starttls"},
		{"EmailUseVerification", c.EmailUseVerification, true},
		{"Admins", len(c.Admins), 0},
		{"PrometheusEnabled", c.PrometheusEnabled, true},
		{"WebhooksEnabled", c.WebhooksEnabled, true},
		{"PushoverEmergencyRetryDelay", c.PushoverEmergencyRetryDelay, 300},
		{"PushoverEmergencyExpiration", c.PushoverEmergencyExpiration, 86400},
		{"AllowPrivateIPs", c.AllowPrivateIPs, false},
		{"StatusErrorCode", c.StatusErrorCode, 500},
		{"StatusVersionHeader", c.StatusVersionHeader, false},
		{"LogLevel", c.LogLevel, "info"},
		{"LogFormat", c.LogFormat, "auto"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if len(c.Warnings()) != 0 {
		t.Errorf("warnings without any setting: %q", c.Warnings())
	}
}

func TestEnvironmentOverridesDefaultsAndFlagsOverrideBoth(t *testing.T) {
	c, err := config.LoadWith(
		env{"PUNCTUAL_LISTEN": ":1", "PUNCTUAL_SITE_NAME": "Acme", "PUNCTUAL_CHECK_LIMIT": "", "HOME": "/"},
		map[string]string{"listen": ":2", "registration-open": "false"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != ":2" || c.SiteName != "Acme" || c.CheckLimit != 10000 || c.RegistrationOpen {
		t.Errorf("got listen %q, name %q, limit %d, open %v", c.Listen, c.SiteName, c.CheckLimit, c.RegistrationOpen)
	}
}

func TestBooleansTakeWhatOperatorsWrite(t *testing.T) {
	for text, want := range map[string]bool{
		"true": true, "True": true, "1": true, "yes": true, "on": true,
		"false": false, "False": false, "0": false, "no": false, "OFF": false,
	} {
		got := load(t, env{"PUNCTUAL_ALLOW_PRIVATE_IPS": text}).AllowPrivateIPs
		if got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func TestListsDropBlanks(t *testing.T) {
	got := load(t, env{"PUNCTUAL_ADMINS": " a@x.org, Bob <b@x.org>,, "}).Admins
	want := []string{"a@x.org", "Bob <b@x.org>"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSecretsComeFromFilesToo(t *testing.T) {
	c := load(t, env{
		"PUNCTUAL_SECRET_KEY_FILE":         write(t, "\n  0123456789abcdef \n"),
		"PUNCTUAL_STATUS_TOKENS_FILE":      write(t, "one,two\n"),
		"PUNCTUAL_STATUS_ERROR_CODE":       "503",
		"PUNCTUAL_DATABASE_URL_FILE":       write(t, "postgres://u:p@db/punctual\n"),
		"PUNCTUAL_PUSHOVER_API_TOKEN_FILE": write(t, "token"),
	})
	if c.SecretKey != "0123456789abcdef" || c.DatabaseURL != "postgres://u:p@db/punctual" || c.PushoverAPIToken != "token" {
		t.Errorf("got key %q, url %q, token %q", c.SecretKey, c.DatabaseURL, c.PushoverAPIToken)
	}
	if !slices.Equal(c.StatusTokens, []string{"one", "two"}) {
		t.Errorf("got tokens %q", c.StatusTokens)
	}
	got := c.Warnings()
	if len(got) != 0 {
		t.Errorf("warnings: %q", got)
	}
}

func TestEverySecretHasAFileTwin(t *testing.T) {
	path := write(t, "value")
	for field := range reflect.TypeFor[config.Config]().Fields() {
		if field.Tag.Get("secret") != "true" {
			continue
		}
		c, _ := config.Load(env{config.Variable(field.Tag.Get("name")) + "_FILE": path})
		if reflect.ValueOf(c).Elem().FieldByIndex(field.Index).IsZero() {
			t.Errorf("%s is not read from its file", field.Name)
		}
	}
}

func TestUnknownVariablesAreNamedWithTheNearest(t *testing.T) {
	tests := []struct{ variable, want string }{
		{"PUNCTUAL_SITE_ROOTS", "there is no setting PUNCTUAL_SITE_ROOTS; did you mean PUNCTUAL_SITE_ROOT?"},
		{"PUNCTUAL_STMP_HOST", "there is no setting PUNCTUAL_STMP_HOST; did you mean PUNCTUAL_SMTP_HOST?"},
		{"PUNCTUAL_SECRETKEY_FILE", "there is no setting PUNCTUAL_SECRETKEY_FILE; did you mean PUNCTUAL_SECRET_KEY_FILE?"},
		{"PUNCTUAL_SITE_NAME_FILE", "there is no setting PUNCTUAL_SITE_NAME_FILE; did you mean PUNCTUAL_SITE_NAME?"},
		{"PUNCTUAL_WEATHER", "there is no setting PUNCTUAL_WEATHER"},
		{"PUNCTUAL_", "there is no setting PUNCTUAL_"},
	}
	for _, tt := range tests {
		got := load(t, env{tt.variable: "x"}).Warnings()
		if !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: %q, want %q", tt.variable, got, tt.want)
		}
	}
}

func TestSettingsWithoutEffectAreWarnedOf(t *testing.T) {
	tests := []struct {
		env  env
		want string
	}{
		{env{"PUNCTUAL_SMTP_USERNAME": "u", "PUNCTUAL_SMTP_PASSWORD": "p"}, "PUNCTUAL_SMTP_HOST is not set"},
		{env{"PUNCTUAL_PUSHOVER_SUBSCRIPTION_URL": "https://pushover.net/subscribe/x"}, "PUNCTUAL_PUSHOVER_API_TOKEN is not set"},
	}
	for _, tt := range tests {
		got := load(t, tt.env).Warnings()
		if len(got) != 1 || !strings.Contains(got[0], tt.want) {
			t.Errorf("%v: warnings %q, want one with %q", tt.env, got, tt.want)
		}
	}
}

// Also where an int has 32 bits all that a setting may be fits into it.
func TestTheBoundsOfNumbersFit(t *testing.T) {
	for field := range reflect.TypeFor[config.Config]().Fields() {
		if field.Type.Kind() != reflect.Int {
			continue
		}
		for _, tag := range []string{"default", "min", "max"} {
			text := field.Tag.Get(tag)
			// Some numbers have no default: it follows from other settings.
			if tag == "default" && text == "" {
				continue
			}
			_, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				t.Errorf("%s: its %s: %v", field.Name, tag, err)
			}
		}
	}
	c := load(t, map[string]string{"PUNCTUAL_PING_BODY_TOTAL": "1000000000000000"})
	if c.PingBodyTotal != 1e15 {
		t.Errorf("the most that may be is read as %d", c.PingBodyTotal)
	}
	for _, wrong := range []string{"-1", "1000000000000001", "99999999999999999999", "1e3"} {
		_, err := config.Load(map[string]string{"PUNCTUAL_PING_BODY_TOTAL": wrong})
		if err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}
