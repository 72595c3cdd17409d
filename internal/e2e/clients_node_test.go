package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/go-cmp/cmp"
)

// npmModules installs testdata/node, once for the whole run, and returns where.
var npmModules = sync.OnceValues(func() (dir string, err error) {
	// TestMain removes it
	dir = filepath.Join(filepath.Dir(binary), "node")
	if err := os.CopyFS(dir, os.DirFS("testdata/node")); err != nil {
		return "", err
	}
	cmd, stop := command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error")
	defer stop()
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return dir, nil
})

// npmClient is healthchecks-io-client, in each version of the API.
func npmClient(u *user) {
	optional(u.T, "node")
	optional(u.T, "npm")
	dir, err := npmModules()
	// the registry cannot be reached
	if err != nil {
		fmt.Fprintf(os.Stderr, "SKIPPED %s: npm ci: %v\n", u.Name(), err)
		u.Skip("npm ci fails: ", err)
	}
	c := u.check()
	code, output := program(u.T, dir, "node", "client.js", u.site(""), u.APIKey, c.UUID)
	if code != 0 {
		u.Fatalf("exit %d\n%s", code, output)
	}
	type found struct {
		Listed       int
		Got          string
		Updated      int
		Paused       string
		Pings        []string
		Flips        []int
		Integrations []string
		Deleted      string
	}
	var got struct {
		Pings []string
		Found map[string]found
	}
	if err := json.Unmarshal([]byte(output), &got); err != nil {
		u.Fatalf("%v: %s", err, output)
	}
	want := found{
		Listed: 1, Got: "From npm", Updated: 60, Paused: "paused", Deleted: "Renamed",
		Pings: []string{"success", "fail", "success", "start"}, Flips: []int{1, 0, 1}, Integrations: []string{"email"},
	}
	diff := cmp.Diff(map[string]found{"v1": want, "v2": want, "v3": want}, got.Found)
	if diff != "" {
		u.Errorf("the client found (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"OK", "OK", "OK", "OK"}, got.Pings); diff != "" {
		u.Errorf("the pings answered (-want +got):\n%s", diff)
	}
	c.heard("start", "success fine", "fail broken", "success")
}
