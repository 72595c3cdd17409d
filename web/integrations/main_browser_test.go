//go:build programs

package integrations_test

import (
	"testing"

	"punctual/internal/db/pgtest"
	"punctual/internal/testkit/browser"
)

func TestMain(m *testing.M) { pgtest.Main(browser.Closing(m)) }
