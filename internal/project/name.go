package project

import (
	"slices"
	"strings"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/text"
)

// Rename is Name for a project that is called was: that name may
// stay, whatever it is.
func Rename(was, typed string) (string, error) {
	if slices.Equal(strings.Fields(typed), strings.Fields(was)) && was != "" {
		return was, nil
	}
	return Name(typed)
}

// Name brings the name of a project into the form it is stored in. What
// is none fails with errs.Invalid about the field name.
func Name(typed string) (string, error) {
	name := text.OneLine(typed)
	switch {
	case name == "":
		return "", errs.Invalidf("name", "Please give the project a name.")
	case !text.Storable(name):
		return "", errs.Invalidf("name", "A project's name is a text in UTF-8.")
	case text.Longer(name, monitor.MaxProjectName):
		return "", errs.Invalidf("name", "A project's name has at most %d characters.", monitor.MaxProjectName)
	}
	return name, nil
}
