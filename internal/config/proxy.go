package config

import "net/url"

// OutgoingProxy is HTTP_PROXY taken apart; nil when it is not set, or wrong, which
// Validate refuses.
func (c *Config) OutgoingProxy() *url.URL {
	if c.HTTPProxy == "" {
		return nil
	}
	u, err := url.Parse(c.HTTPProxy)
	if err != nil {
		return nil
	}
	return u
}
