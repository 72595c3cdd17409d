//go:build !programs

package web_test

import (
	"testing"

	"punctual/internal/db/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
