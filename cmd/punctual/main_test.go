package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this test binary as the command punctual.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"punctual": main})
}

// TestScripts runs the command lines of testdata/script, each in an empty
// directory and with no PUNCTUAL_ variables.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits is the script command `exits CODE PROGRAM ARGS…`: exec for a program
// that must end with that code.
func exits(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	want := args[0]
	if strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

func TestReportMakesExitCodes(t *testing.T) {
	tests := []struct {
		err    error
		code   int
		stderr string
	}{
		{nil, 0, ""},
		{fmt.Errorf("parsing: %w", errHelpShown), 0, ""},
		{errors.New("disk full"), 1, "punctual: disk full\n"},
		{usageError("-n is 0"), 2, "punctual: -n is 0\n"},
		{fmt.Errorf("schedule: %w", usageError("no zone")), 2, "punctual: schedule: no zone\n"},
		{errors.Join(errors.New("one"), errors.New("two")), 1, "punctual: one\npunctual: two\n"},
	}
	for _, tt := range tests {
		var stderr bytes.Buffer
		got := report(&stderr, tt.err)
		if got != tt.code || stderr.String() != tt.stderr {
			t.Errorf("report(%v) = %d, %q; want %d, %q", tt.err, got, stderr.String(), tt.code, tt.stderr)
		}
	}
}

func TestFirstSignalCancels(t *testing.T) {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("SIGTERM did not cancel the context")
	}
}

func TestEnvironment(t *testing.T) {
	env := environment([]string{"A=1", "B=x=y", "C=", "A=2", "broken"})
	if len(env) != 3 || env["A"] != "2" || env["B"] != "x=y" {
		t.Errorf("got %v", env)
	}
}

func TestVersionWithoutStampIsTheCommit(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	revision := setting("vcs.revision", strings.Repeat("0123456789", 4))
	tests := []struct {
		settings []debug.BuildSetting
		want     string
	}{
		{nil, "dev"},
		{[]debug.BuildSetting{revision, setting("vcs.modified", "false")}, "dev-012345678901"},
		{[]debug.BuildSetting{revision, setting("vcs.modified", "true")}, "dev-012345678901-dirty"},
	}
	for _, tt := range tests {
		got := versionOf(&debug.BuildInfo{Settings: tt.settings})
		if got != tt.want {
			t.Errorf("versionOf(%v) = %q, want %q", tt.settings, got, tt.want)
		}
	}
}

// A new key is made with the database, so that a start that fails leaves none.
func TestOpenReturnsWarningsAndMakesNoKey(t *testing.T) {
	var stderr bytes.Buffer
	dir := t.TempDir()
	w := &world{stderr: &stderr, now: time.Now, env: map[string]string{
		"PUNCTUAL_DATABASE_URL": "sqlite:" + dir + "/p.db",
		"PUNCTUAL_STIE_NAME":    "x",
	}}
	c, log, err := (&settings{}).open(w)
	if err != nil {
		t.Fatal(err)
	}
	if c.SecretKey != "" || log == nil || !strings.Contains(stderr.String(), "did you mean PUNCTUAL_SITE_NAME?") {
		t.Errorf("key %q, log %q", c.SecretKey, stderr.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("made %v, %v", left, err)
	}
}
