package logs_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"punctual/internal/logs"
)

// logTo is a log at the given levels that writes to the buffer.
func logTo(t *testing.T, out *bytes.Buffer, levels, format string) *slog.Logger {
	t.Helper()
	l, err := logs.ParseLevels(levels)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.New(out, l, format)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func TestFormats(t *testing.T) {
	for _, tt := range []struct{ level, format, want string }{
		{"info", "json", `"msg":"shown"`},
		// a buffer is no terminal
		{"info", "auto", `"msg":"shown"`},
		{"warn", "text", "WRN shown"},
	} {
		var out bytes.Buffer
		log := logTo(t, &out, tt.level, tt.format)
		log.Debug("hidden")
		log.Warn("shown")
		if !strings.Contains(out.String(), tt.want) || strings.Contains(out.String(), "hidden") || strings.Contains(out.String(), "\x1b") {
			t.Errorf("%s %s: %q, want %q in it", tt.level, tt.format, out.String(), tt.want)
		}
	}
	_, err := logs.New(&bytes.Buffer{}, logs.Levels{}, "xml")
	if err == nil {
		t.Error("the format xml was accepted")
	}
}

func TestLevelsOfAreas(t *testing.T) {
	everything := []string{"debug", "info", "warn", "error"}
	for _, tt := range []struct {
		levels string
		// the levels whose lines are written
		rest, http, alerts []string
	}{
		{"info", everything[1:], everything[1:], everything[1:]},
		{"ERROR", everything[3:], everything[3:], everything[3:]},
		{"info,http=warn,alerts=debug", everything[1:], everything[2:], everything},
		{" http=debug , error", everything[3:], everything, everything[3:]},
		{"alerts=error", everything[1:], everything[1:], everything[3:]},
	} {
		for area, want := range map[string][]string{"": tt.rest, logs.HTTP: tt.http, logs.Alerts: tt.alerts} {
			var out bytes.Buffer
			log := logTo(t, &out, tt.levels, "json")
			if area != "" {
				log = logs.In(log, area)
			}
			log.Debug("debug")
			log.With("a", 1).Info("info")
			log.WithGroup("g").Warn("warn")
			log.Error("error")
			var got []string
			for line := range strings.Lines(out.String()) {
				var l struct{ Msg, Area string }
				if err := json.Unmarshal([]byte(line), &l); err != nil {
					t.Fatal(err)
				}
				if l.Area != area {
					t.Errorf("%s: area %q, want %q", line, l.Area, area)
				}
				got = append(got, l.Msg)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q, area %q: %v, want %v", tt.levels, area, got, want)
			}
		}
	}
}

func TestLevelsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"loud":                 `"loud" is not one of debug, info, warn, error`,
		"":                     `"" is not one of debug`,
		"info,":                `"" is not one of debug`,
		"http=":                `"" is not one of debug`,
		"web=info":             `"web" is not one of the areas http, auth, ping`,
		"=info":                `"" is not one of the areas`,
		"info,warn":            `names a level twice`,
		"http=info,http=debug": `names a level twice`,
		"http=loud":            `"loud" is not one of debug`,
	} {
		_, err := logs.ParseLevels(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestLinesOfARequestHaveItsID(t *testing.T) {
	var out bytes.Buffer
	log := logs.In(logTo(t, &out, "info", "json"), logs.Auth)
	e := &logs.Event{ID: "abc"}
	ctx := logs.WithEvent(t.Context(), e)
	log.InfoContext(ctx, "within", logs.Took(1234567*time.Nanosecond))
	log.Info("without")
	within, without, _ := strings.Cut(out.String(), "\n")
	if !strings.Contains(within, `"duration_ms":1.234`) || !strings.Contains(within, `"request_id":"abc"`) ||
		strings.Contains(without, "request_id") {
		t.Errorf("log:\n%s", out.String())
	}
	if logs.EventOf(ctx) != e {
		t.Error("another event")
	}
	id := logs.EventOf(t.Context()).ID
	if len(id) != 8 || !logs.IsID(id) || id == logs.NewID() {
		t.Errorf("an id without a request: %q", id)
	}
}

func TestIDsOfOthers(t *testing.T) {
	for id, want := range map[string]bool{
		"f81d4fae-7dec-11d0-a765-00a0c91e6bf6": true, "a_b.C-9": true, strings.Repeat("x", 128): true,
		"": false, strings.Repeat("x", 129): false, "a b": false, "a\nb": false, "<b>": false, "ä": false, `a"b`: false,
	} {
		if logs.IsID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}
