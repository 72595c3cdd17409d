package main

import (
	"errors"

	"github.com/alecthomas/kong"
)

// errHelpShown ends the parsing of a command line once help was printed.
var errHelpShown = errors.New("help was shown")

// helpFlag is --help. Kong's own calls os.Exit; this one ends with an error
// that report takes for success.
type helpFlag bool

// IgnoreDefault tells kong to act only when the flag is given.
func (helpFlag) IgnoreDefault() {}

// BeforeReset prints the help of the command that the flag was given to.
func (helpFlag) BeforeReset(parsed *kong.Context) error {
	if err := parsed.PrintUsage(false); err != nil {
		return err
	}
	return errHelpShown
}

// helpCmd is `punctual help [COMMAND]`, the same as `punctual COMMAND --help`.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command to explain."`
}

// Run prints the help; an unknown command is a usage error.
func (c *helpCmd) Run(parser *kong.Kong) error {
	_, err := parser.Parse(append(c.Command, "--help"))
	return asUsage(err)
}
