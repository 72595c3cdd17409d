//go:build !programs

package ui_test

import (
	"testing"

	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }
