package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// minSecret is the length from which a secret is looked for in texts: a shorter
// one would be found everywhere, and hides nothing.
const minSecret = 3

// Redactor returns a function that takes secrets out of a text: those of these
// settings, wherever they turn up, and what looks like one in an address.
func (c *Config) Redactor() func(text string) string {
	var secrets, pairs []string
	for _, s := range settings(c) {
		secrets = append(secrets, s.secrets()...)
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // one may be part of another
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			pairs = append(pairs, secret, hidden)
		}
	}
	known := strings.NewReplacer(pairs...)
	return func(text string) string {
		text = known.Replace(text)
		text = userInfo.ReplaceAllString(text, "${1}"+hidden+"@")
		text = webQuery.ReplaceAllString(text, "${1}?"+hidden)
		return passwordWord.ReplaceAllString(text, "${1}"+hidden)
	}
}

var (
	// userInfo is the password in postgres://user:password@host.
	userInfo = regexp.MustCompile(`(://[^/\s:@"]*:)[^/\s@"]*@`)
	// webQuery is the query of a web address: many keep a key there.
	webQuery = regexp.MustCompile(`(https?://[^\s"?]*)\?[^\s"]+`)
	// passwordWord is a password in a connection string of words.
	passwordWord = regexp.MustCompile(`(?i)((?:ssl)?password=)\S+`)
)

// secrets are the texts that nobody may see of the setting.
func (s setting) secrets() []string {
	if list, ok := s.value.Interface().([]string); ok && s.secret != "" {
		return list
	}
	switch text := s.text(); s.secret {
	case "true":
		return []string{text}
	case "url":
		u, err := url.Parse(text)
		if err != nil {
			return []string{text}
		}
		secrets := []string{u.Query().Get("password"), u.Query().Get("sslpassword")}
		if password, found := u.User.Password(); found {
			_, escaped, _ := strings.Cut(u.User.String(), ":")
			secrets = append(secrets, text, password, escaped)
		}
		return secrets
	}
	return nil
}
