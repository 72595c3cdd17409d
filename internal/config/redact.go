package config

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"punctual/internal/redact"
)

// minSecret is the length from which a secret is looked for in texts: a shorter
// one would be found everywhere, and hides nothing.
const minSecret = 3

// Secrets are the texts of all settings that nobody may see, the longest first: of
// two one may be a part of the other. What redacts logs, reports or pages goes by
// this list.
func (c *Config) Secrets() []string {
	var secrets []string
	for _, s := range settings(c) {
		secrets = append(secrets, s.secrets()...)
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < minSecret })
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(secrets)
}

// Redactor returns a function that takes secrets out of a text: those of these
// settings, wherever they turn up, and what looks like one in an address.
func (c *Config) Redactor() func(text string) string {
	var pairs []string
	for _, secret := range c.Secrets() {
		pairs = append(pairs, secret, redact.Hidden)
	}
	known := strings.NewReplacer(pairs...)
	return func(text string) string {
		text = known.Replace(text)
		text = userInfo.ReplaceAllString(text, "${1}"+redact.Hidden+"@")
		text = webQuery.ReplaceAllString(text, "${1}?"+redact.Hidden)
		return passwordWord.ReplaceAllString(text, "${1}"+redact.Hidden)
	}
}

var (
	// userInfo is the password in postgres://user:password@host. One that should have
	// been escaped may hold "@" and "/": the last "@" is the one before the host.
	userInfo = regexp.MustCompile(`(://[^/\s:@"]*:)[^\s"]*@`)
	// webQuery is the query of a web address: many keep a key there.
	webQuery = regexp.MustCompile(`(https?://[^\s"?]*)\?[^\s"]+`)
	// passwordWord is a password in a connection string of words.
	passwordWord = regexp.MustCompile(`(?i)((?:ssl)?password\s*=\s*)(?:'(?:\\.|[^'\\])*'?|\S+)`)
)

// secrets are the texts that nobody may see of the setting.
func (s setting) secrets() []string {
	list, ok := s.value.Interface().([]string)
	if ok && s.secret != "" {
		return list
	}
	switch text := s.text(); s.secret {
	case secretWhole:
		return append(secretsOfURL(text), text)
	case secretAddress:
		return redact.Secrets(text)
	case secretAddresses:
		var secrets []string
		for _, word := range strings.Fields(strings.ReplaceAll(text, ";", " ")) {
			_, address, _ := strings.Cut(word, "=")
			parts := redact.Secrets(address)
			if len(parts) > 0 {
				// The rest of the address may be shown.
				secrets = append(secrets, parts[1:]...)
			}
		}
		return secrets
	}
	return nil
}

// secretsOfURL are the parts of a web address that is a secret as a whole: errors
// of clients repeat it without its password, or only its path.
func secretsOfURL(text string) []string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil
	}
	secrets := redact.Secrets(text)
	path := u.RequestURI()
	if len(path) > minSecretPath {
		secrets = append(secrets, path, u.Path)
	}
	return secrets
}

// minSecretPath is the length from which the path of a secret address is looked
// for by itself.
const minSecretPath = 8
