package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// version is stamped by the build: -ldflags "-X main.version=1.2.3".
var version = "dev"

// versionCmd is `punctual version`.
type versionCmd struct{}

// Run prints one line: version, compiler, platform.
func (versionCmd) Run(w *world) error {
	return printVersion(w.stdout)
}

func printVersion(out io.Writer) error {
	_, err := fmt.Fprintf(out, "punctual %s (%s, %s/%s)\n",
		buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// versionFlag is --version, which prints what the command prints and ends there.
type versionFlag bool

// IgnoreDefault tells kong to act only when the flag is given.
func (versionFlag) IgnoreDefault() {}

// BeforeReset prints the version, whatever else is on the command line.
func (versionFlag) BeforeReset(parsed *kong.Context) error {
	if err := printVersion(parsed.Stdout); err != nil {
		return err
	}
	return errHelpShown
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
