//go:build !programs

package badge_test

import (
	"testing"

	"punctual/internal/db/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
