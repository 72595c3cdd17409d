package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"punctual/internal/config"
)

func TestWrongValuesAreNamedShownAndExplained(t *testing.T) {
	tests := []struct{ variable, value, want string }{
		{"DATABASE_URL", "mysql://u:geheim@h/db", `"mysql://u:********@h/db" is not a database (allowed: sqlite:PATH, postgres`},
		{"DATABASE_URL", "postgres://u:geh%zz@h/db", "is not a well-formed address"},
		{"DATABASE_URL", "sqlite:", `"sqlite:" names no file`},
		{"DATABASE_URL", "sqlite://", `"sqlite://" names no file`},
		{"DB_MAX_CONNS", "0", "0 is not allowed (allowed: 1 to 1000)"},
		{"BACKUP_EVERY", "daily", `"daily" is not a time (allowed: 10m to 366d, as in 24h, 90m or 7d)`},
		{"BACKUP_EVERY", "1m", `"1m" is not allowed (allowed: 10m to 366d)`},
		{"BACKUP_EVERY", "-3d", `"-3d" is not allowed`},
		{"BACKUP_KEEP", "-1", "-1 is not allowed (allowed: 0 to 100000)"},
		{"LISTEN", "8000", `"8000" is not an address to listen on (allowed: HOST:PORT or :PORT, port 0 to 65535)`},
		{"LISTEN", ":99999", `":99999" is not an address`},
		{"PING_LISTEN", "x:y", `"x:y" is not an address`},
		{"METRICS_LISTEN", "9090", `"9090" is not an address`},
		{"STATSD_ADDRESS", "localhost", `"localhost" is not an address to send to (allowed: HOST:PORT`},
		{"STATSD_ADDRESS", ":8125", `":8125" is not an address to send to`},
		{"STATSD_FORMAT", "graphite", "dogstatsd"},
		{"STATSD_PREFIX", "a..b", `"a..b" is not a prefix`},
		{"STATSD_TAGS", "prod", `"prod" is not a tag (allowed: KEY:VALUE`},
		{"PING_LISTEN", ":8000", `":8000" is already listened on`},
		{"SITE_ROOT", "ftp://example.org", `"ftp://example.org" is not a web address (allowed: http://HOST/PATH or https://HOST/PATH)`},
		{"SITE_ROOT", "example.org", `"example.org" is not a web address`},
		{"SITE_ROOT", "http://[::1", `"http://[::1" is not a web address`},
		{"SITE_ROOT", "https://example.org/?a=b", "may hold a host and a path only"},
		{"PING_ENDPOINT", "ping.example.org", `"ping.example.org/" is not a web address`},
		{"SITE_NAME", "two\nlines", `"two\nlines" is not a name`},
		{"SITE_NAME", strings.Repeat("x", 101), "is not a name (allowed: 1 to 100 characters in one line)"},
		{"MASTER_BADGE_LABEL", " ", `" " is not a name`},
		{"PING_EMAIL_DOMAIN", "a@b", `"a@b" is not a host name`},
		{"SMTPD_LISTEN", "25", `"25" is not an address to listen on`},
		{"SMTPD_LISTEN", ":8000", `":8000" is already listened on`},
		{"SMTPD_MAX_MESSAGE", "100", "100 is not allowed (allowed: 10000 to 1073741824)"},
		{"SMTPD_MAX_CONNECTIONS", "0", "0 is not allowed (allowed: 1 to 10000)"},
		{"SMTPD_MAX_RECIPIENTS", "many", `"many" is not a whole number (allowed: 1 to 1000)`},
		{"PING_EMAIL_LIMIT", "-1", "-1 is not allowed"},
		{"SUPPORT_EMAIL", "nobody", `"nobody" is not an e-mail address`},
		{"EMAIL_FROM", "Punctual", `"Punctual" is not an e-mail address`},
		{"ADMINS", "a@x.org,b", `"b" is not an e-mail address`},
		{"SMTP_HOST", "mail.example.org:25", `"mail.example.org:25" is not a host name`},
		{"SMTP_PORT", "0", "0 is not allowed (allowed: 1 to 65535)"},
		{"SMTP_PORT", "smtp", `"smtp" is not a whole number (allowed: 1 to 65535)`},
		{"SMTP_TLS", "ssl", `"ssl" is not one of starttls, tls, none`},
		{"TRUSTED_PROXIES", "10.0.0.0/8,proxy", `"proxy" is not a network (allowed: 10.0.0.0/8, 192.0.2.7, loopback, private, or none alone)`},
		{"REGISTRATION_OPEN", "maybe", `"maybe" is not true or false`},
		{"PING_BODY_LIMIT", "10kB", `"10kB" is not a whole number`},
		{"PING_BODY_LIMIT", "-1", "-1 is not allowed"},
		{"PING_BODY_TOTAL", "10GB", `"10GB" is not a whole number`},
		{"PUSHOVER_EMERGENCY_RETRY_DELAY", "29", "29 is not allowed (allowed: 30 to 86400)"},
		{"PUSHOVER_SUBSCRIPTION_URL", "x", `"x" is not a web address`},
		{"STATUS_ERROR_CODE", "99", "99 is not allowed (allowed: 200 to 599)"},
		{"STATUS_NETWORKS", "10.0.0.0/8,office", `"office" is not a network (allowed: 10.0.0.0/8, 192.0.2.7, loopback, private, or none alone)`},
		{"STATUS_TOKEN_NAME", "a b", `"a b" is not the name of a parameter (allowed: letters, digits, - _ and .)`},
		{"STATUS_TOKEN_NAME", "check", `"check" has another meaning at /status/; choose another name`},
		{"STATUS_HTTP", "http://127.0.0.1/", `"http://127.0.0.1/" does not begin with a name and =`},
		{"STATUS_HTTP", "Wiki=http://127.0.0.1/",
			`"Wiki=http://127.0.0.1/" does not begin with a name and = (allowed in names: a letter, then letters, digits and -`},
		{"STATUS_HTTP", "wiki=127.0.0.1", `wiki: "127.0.0.1" is not a web address (allowed: name=https://HOST/PATH expect=200,204 timeout=1s)`},
		{"STATUS_HTTP", "wiki=http://u:geheim@h/", `wiki: "http://u:********@h/" may hold no user and password`},
		{"STATUS_HTTP", "a=http://h/; wiki=http://h/ expect=200,ok", "wiki: expect=200,ok is not allowed (allowed: status codes from 100 to 599"},
		{"STATUS_HTTP", "wiki=http://h/ timeout=2s", "wiki: timeout=2s is not allowed (allowed: 10ms to 1.5s)"},
		{"STATUS_HTTP", "wiki=http://h/ retries=3", `wiki: "retries=3" is not known`},
		{"STATUS_HTTP", "database=http://h/", `"database" is the name of another check, or a label`},
		{"STATUS_HTTP", "wiki=http://h/; wiki=http://i/", `"wiki" is the name of another check`},
		{"STATUS_COMMAND", "backup=backup-age",
			`backup: "backup-age" is not an absolute path (allowed: name=/absolute/path arguments timeout=1s)`},
		{"STATUS_COMMAND", "backup=/bin/true timeout=soon", "backup: timeout=soon is not allowed"},
		{"LOG_LEVEL", "loud", `"loud" is not one of debug, info, warn, error`},
		{"LOG_FORMAT", "xml", `"xml" is not one of auto, text, json`},
	}
	for _, tt := range tests {
		t.Run(tt.variable+"="+tt.value, func(t *testing.T) {
			_, err := config.Load(env{"PUNCTUAL_" + tt.variable: tt.value})
			if err == nil {
				t.Fatal("was accepted")
			}
			got := err.Error()
			name := "PUNCTUAL_" + tt.variable + ": "
			if !strings.HasPrefix(got, name) || !strings.Contains(got, tt.want) {
				t.Errorf("got  %s\nwant %s%s", got, name, tt.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one problem:\n%s", err)
			}
			if strings.Contains(err.Error(), "geh") {
				t.Errorf("the password is shown: %s", err)
			}
		})
	}
}

func TestRightValuesAreAccepted(t *testing.T) {
	tests := []struct{ variable, value string }{
		{"DATABASE_URL", "sqlite:/var/lib/punctual/p.db"},
		{"DATABASE_URL", "postgresql:///punctual?host=/run/postgresql"},
		{"LISTEN", "127.0.0.1:0"},
		{"LISTEN", "[::1]:8000"},
		{"SITE_ROOT", "https://example.org/cron"},
		{"SITE_ROOT", "http://192.0.2.7:8080"},
		{"SITE_ROOT", "http://[::1]:8080"},
		{"SITE_NAME", "Zürich’s «jobs»"},
		{"SMTP_HOST", "::1"},
		{"EMAIL_FROM", "Jobs <jobs@example.org>"},
		{"TRUSTED_PROXIES", "192.0.2.7, 2001:db8::/32,loopback"},
		{"TRUSTED_PROXIES", "none"},
		{"PING_BODY_LIMIT", "0"},
		{"PING_BODY_TOTAL", "0"},
	}
	for _, tt := range tests {
		_, err := config.Load(env{"PUNCTUAL_" + tt.variable: tt.value})
		if err != nil {
			t.Errorf("%s=%s: %v", tt.variable, tt.value, err)
		}
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	_, err := config.LoadWith(env{
		"PUNCTUAL_LISTEN":        "x",
		"PUNCTUAL_CHECK_LIMIT":   "many",
		"PUNCTUAL_SITE_ROOT":     "x",
		"PUNCTUAL_SMTP_PASSWORD": "geheim",
	}, map[string]string{"log-level": "loud", "ping-log-limit": "few"})
	if err == nil {
		t.Fatal("was accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 6 {
		t.Errorf("got %d lines, want 6:\n%s", len(lines), err)
	}
	for _, start := range []string{"PUNCTUAL_LISTEN: ", "PUNCTUAL_CHECK_LIMIT: ", "PUNCTUAL_SITE_ROOT: ", "PUNCTUAL_SMTP_USERNAME: ",
		"--log-level: ", "--ping-log-limit: "} {
		if !strings.Contains("\n"+err.Error(), "\n"+start) {
			t.Errorf("no line begins with %q:\n%s", start, err)
		}
	}
	if strings.Contains(err.Error(), "geheim") {
		t.Errorf("a secret is shown:\n%s", err)
	}
}

func TestSecretFilesFailLoudly(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "gone")
	tests := []struct {
		name string
		env  env
		want string
	}{
		{"missing", env{"PUNCTUAL_METRICS_KEY_FILE": missing},
			"PUNCTUAL_METRICS_KEY: the file that PUNCTUAL_METRICS_KEY_FILE names: open " + missing},
		{"empty", env{"PUNCTUAL_METRICS_KEY_FILE": write(t, " \n")}, "is empty"},
		{"both", env{"PUNCTUAL_METRICS_KEY_FILE": missing, "PUNCTUAL_METRICS_KEY": "x"},
			"PUNCTUAL_METRICS_KEY: set it or PUNCTUAL_METRICS_KEY_FILE, not both"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(tt.env)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}
