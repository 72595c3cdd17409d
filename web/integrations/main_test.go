//go:build !programs

package integrations_test

import (
	"testing"

	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }
