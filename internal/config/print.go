package config

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
)

// Print writes all settings, one NAME=value line each with a comment that
// says where the value came from. Secrets are printed as ********.
func (c *Config) Print(w io.Writer) error {
	for _, s := range settings(c) {
		if _, err := fmt.Fprintf(w, "%s=%s  # %s\n", s.variable, s.shown(), c.origins[s.variable]); err != nil {
			return fmt.Errorf("printing the settings: %w", err)
		}
	}
	return nil
}

// shown is the value as anybody may see it.
func (s setting) shown() string {
	text := s.text()
	switch {
	case text != "" && s.secret == "true":
		return hidden
	case s.secret == "url":
		return redactURL(text)
	}
	return text
}

// passwordParameter finds the passwords that libpq takes in the query.
var passwordParameter = regexp.MustCompile(`([?&](?:ssl)?password=)[^&]*`)

// redactURL hides the passwords in a database address, and all of an address
// that cannot be taken apart.
func redactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return hidden
	}
	if _, found := u.User.Password(); found {
		text = strings.Replace(u.Redacted(), ":xxxxx@", ":"+hidden+"@", 1)
	}
	return passwordParameter.ReplaceAllString(text, "${1}"+hidden)
}
