package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is stamped by the build: -ldflags "-X main.version=1.2.3".
var version = "dev"

// versionCmd is `punctual version`.
type versionCmd struct{}

// Run prints one line: version, compiler, platform.
func (versionCmd) Run(w *world) error {
	_, err := fmt.Fprintf(w.stdout, "punctual %s (%s, %s/%s)\n",
		buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// buildVersion is the stamped version or, in a build without a stamp, the
// commit the compiler noted.
func buildVersion() string {
	if version != "dev" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) string {
	var revision, suffix string
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			suffix = "-dirty"
		}
	}
	if revision == "" {
		return "dev"
	}
	return "dev-" + revision[:min(12, len(revision))] + suffix
}
