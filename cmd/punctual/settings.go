package main

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"punctual/internal/config"
	"punctual/internal/logs"
)

// settingFlags has a flag for every setting. It is a type of its own so that
// kong does not find Config.Validate and call it before the environment is read.
type settingFlags config.Config

// settings gives a command the flags of all settings:
//
//	type serveCmd struct {
//		Settings settings `embed:""`
//	}
//
// and its Run gets the values by c.Settings.open(w).
type settings struct {
	Flags settingFlags `embed:""`

	given map[string]string
}

// AfterApply notes which of the flags were on the command line; the others
// must not override the environment with their defaults.
func (s *settings) AfterApply(parsed *kong.Context) error { //nolint:unparam // kong asks for the error
	s.given = map[string]string{}
	for _, step := range parsed.Path {
		if step.Flag != nil && !step.Resolved {
			s.given[step.Flag.Name] = flagText(step.Flag.Target)
		}
	}
	return nil
}

func flagText(value reflect.Value) string {
	list, ok := value.Interface().([]string)
	if ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(value.Interface())
}

// load reads and checks the settings and touches nothing else.
func (s *settings) load(w *world) (*config.Config, error) {
	return config.LoadWith(w.env, s.given)
}

// open reads the settings and the secret key, and returns them with the logger
// they ask for, which has told the warnings. Where there is no key yet, who has
// opened the database calls EnsureSecretKey.
func (s *settings) open(w *world) (*config.Config, *slog.Logger, error) {
	c, err := s.load(w)
	if err != nil {
		return nil, nil, err
	}
	// a new one is made with the database, not by a start that fails before
	if !c.NewSecretKey() {
		if err := c.EnsureSecretKey(); err != nil {
			return nil, nil, err
		}
	}
	log, err := newLog(w, c)
	if err != nil {
		return nil, nil, err
	}
	for _, warning := range c.Warnings() {
		log.Warn(warning)
	}
	return c, log, nil
}

// newLog makes the logger that the settings ask for, on stderr.
func newLog(w *world, c *config.Config) (*slog.Logger, error) {
	levels, err := logs.ParseLevels(c.LogLevel)
	if err != nil {
		return nil, err
	}
	return logs.New(w.stderr, levels, c.LogFormat)
}

// helpText is the help of one flag; behind that of a setting stand its
// variable and its default. No other flag has a group.
func helpText(value *kong.Value) string {
	if value.Flag == nil || value.Flag.Group == nil {
		return value.Help
	}
	note := "$" + config.Variable(value.Name)
	if value.HasDefault {
		note += ", default " + value.Default
	}
	return fmt.Sprintf("%s (%s)", strings.TrimSuffix(value.Help, "."), note)
}
