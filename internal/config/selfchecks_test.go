package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"punctual/internal/config"
)

func TestSelfChecksOfOnesOwn(t *testing.T) {
	c := load(t, env{
		"PUNCTUAL_STATUS_HTTP":    "proxy=http://10.0.0.7/health?full=1 expect=200,204 timeout=500ms;;\n  wiki=https://wiki.example.org/ \n",
		"PUNCTUAL_STATUS_COMMAND": "backup=/usr/local/bin/backup-age --max  26h timeout=1.5s; plain=/bin/true; odd=/bin/echo timeout=1s last",
	})
	http := []config.HTTPCheck{
		{Name: "proxy", URL: "http://10.0.0.7/health?full=1", Expect: []int{200, 204}, Timeout: 500 * time.Millisecond},
		{Name: "wiki", URL: "https://wiki.example.org/", Timeout: time.Second},
	}
	got := c.HTTPChecks()
	if !reflect.DeepEqual(got, http) {
		t.Errorf("got  %+v\nwant %+v", got, http)
	}
	commands := []config.CommandCheck{
		{Name: "backup", Path: "/usr/local/bin/backup-age", Args: []string{"--max", "26h"}, Timeout: 1500 * time.Millisecond},
		{Name: "plain", Path: "/bin/true", Args: []string{}, Timeout: time.Second},
		{Name: "odd", Path: "/bin/echo", Args: []string{"timeout=1s", "last"}, Timeout: time.Second},
	}
	if got := c.CommandChecks(); !reflect.DeepEqual(got, commands) {
		t.Errorf("got  %+v\nwant %+v", got, commands)
	}

	var out strings.Builder
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	line := "PUNCTUAL_STATUS_HTTP=proxy=http://10.0.0.7/health?full=******** expect=200,204 timeout=500ms; wiki=https://wiki.example.org/ " +
		" # environment\n"
	if !strings.Contains(out.String(), line) {
		t.Errorf("printed without the line\n%s%s", line, &out)
	}
}

func TestEachWrongSelfCheckIsALineOfItsOwn(t *testing.T) {
	_, err := config.Load(env{"PUNCTUAL_STATUS_HTTP": "a=x; b=y", "PUNCTUAL_STATUS_COMMAND": "c=z; a=/bin/true; mail=/bin/true"})
	if err == nil {
		t.Fatal("was accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{"PUNCTUAL_STATUS_HTTP: a: ", "PUNCTUAL_STATUS_HTTP: b: ", "PUNCTUAL_STATUS_COMMAND: c: ",
		`PUNCTUAL_STATUS_COMMAND: "mail" is the name`} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d does not begin with %q:\n%s", i, want, err)
		}
	}
	if len(lines) != 4 {
		t.Errorf("%d lines, want 4:\n%s", len(lines), err)
	}
}
