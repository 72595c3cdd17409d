package config

import (
	"fmt"
	"io"
	"strings"

	"punctual/internal/redact"
)

// Print writes all settings, one NAME=value line each with a comment that
// says where the value came from. Secrets are printed as ********.
func (c *Config) Print(w io.Writer) error {
	for _, s := range settings(c) {
		_, err := fmt.Fprintf(w, "%s=%s  # %s\n", s.variable, s.shown(), c.origins[s.variable])
		if err != nil {
			return fmt.Errorf("printing the settings: %w", err)
		}
	}
	return nil
}

// What the tag "secret" of a setting says.
const (
	// secretWhole: nobody may see any of it.
	secretWhole = "true"
	// secretAddress: an address, whose password nobody may see.
	secretAddress = "url"
	// secretAddresses: name=URL, several of them with options.
	secretAddresses = "urls"
	// secretCommands: name=/program, several of them, whose arguments nobody may see.
	secretCommands = "commands"
)

// shown is the value as anybody may see it.
func (s setting) shown() string {
	text := s.text()
	switch {
	case text == "":
		return ""
	case s.secret == secretWhole:
		return redact.Hidden
	case s.secret == secretAddress:
		return redact.Address(text)
	case s.secret == secretAddresses:
		return eachEntry(text, func(i int, word string) string {
			name, address, found := strings.Cut(word, "=")
			if i > 0 || !found {
				return word
			}
			return name + "=" + redact.Address(address)
		})
	case s.secret == secretCommands:
		return eachEntry(text, func(i int, word string) string {
			switch {
			case i == 0, strings.HasPrefix(word, "timeout="):
				return word
			case i == 1:
				return redact.Hidden
			default:
				return ""
			}
		})
	}
	return text
}

// eachEntry shows the words of entries that stand one in a line or with ; between
// them. show gets the number of the word in its entry, from 0 on; what it makes ""
// is left out.
func eachEntry(text string, show func(i int, word string) string) string {
	var entries []string
	for _, entry := range splitEntries(text) {
		var words []string
		for i, word := range strings.Fields(entry) {
			shown := show(i, word)
			if shown != "" {
				words = append(words, shown)
			}
		}
		entries = append(entries, strings.Join(words, " "))
	}
	return strings.Join(entries, "; ")
}
