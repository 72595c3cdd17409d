// Package need decides what a test does when the machine lacks a tool it stands on (PostgreSQL, Chromium, systemd):
// fail where everything is supposed to be there, skip loudly on a laptop.
package need

import (
	"fmt"
	"os"
	"testing"
)

// required says whether a missing tool is a failure: in CI (CI=true) and under `make test` (PUNCTUAL_TEST_REQUIRE=1). A
// skip there would let a whole engine go untested unnoticed.
func required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("PUNCTUAL_TEST_REQUIRE") == "1"
}

// Missing ends the test because tool could not be found or used, for the reason in err: it fails the test when
// Required, else it says so on stderr (where it is seen without -v) and skips the test.
func Missing(tb testing.TB, tool string, err error) {
	tb.Helper()
	if required() {
		tb.Fatalf("%s is needed by this test: %v (.ci/deps installs it on Debian)", tool, err)
	}
	fmt.Fprintf(os.Stderr, "SKIPPED %s: no usable %s: %v\n", tb.Name(), tool, err)
	tb.Skipf("no usable %s: %v", tool, err)
}
