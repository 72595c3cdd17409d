//go:build programs

package check_test

import (
	"testing"

	"punctual/internal/db/pgtest"
	"punctual/internal/testkit/browser"
)

func TestMain(m *testing.M) { pgtest.Main(browser.Closing(m)) }
