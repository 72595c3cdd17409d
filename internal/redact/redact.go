// Package redact takes secrets out of addresses: of databases, web hooks and
// proxies. It takes them apart the careful way: where an address can be read in
// two ways, what is secret in either stays hidden.
package redact

import (
	"net/url"
	"slices"
	"strings"
)

// Hidden stands where something secret was.
const Hidden = "********"

// shownParameters are the parameters of database addresses that may be shown; the
// values of all others are hidden.
var shownParameters = []string{
	"host", "hostaddr", "port", "dbname", "database", "user", "sslmode", "sslrootcert", "sslcert", "sslnegotiation", "connect_timeout",
	"application_name", "target_session_attrs", "search_path", "timezone", "statement_timeout", "lock_timeout",
	"pool_max_conns", "pool_min_conns", "pool_max_conn_lifetime", "pool_max_conn_idle_time", "pool_health_check_period",
	"default_query_exec_mode", "statement_cache_capacity", "description_cache_capacity", "mode", "cache", "_txlock", "_pragma",
}

// Address is the address as anybody may see it: without its password, and without
// the values of parameters that are not known to be harmless. A text that looks
// like no address, but as if it held a secret, is hidden whole.
func Address(text string) string {
	shown, _ := takeApart(text)
	return shown
}

// Secrets are the texts of an address that nobody may see, each in every spelling
// in which a driver may repeat it. The whole address is the first of them, if it
// holds any.
func Secrets(text string) []string {
	_, secrets := takeApart(text)
	if len(secrets) == 0 {
		return nil
	}
	list := []string{text}
	for _, secret := range secrets {
		list = append(list, secret)
		plain, err := url.PathUnescape(secret)
		if err == nil {
			list = append(list, plain)
		}
		if plain, err := url.QueryUnescape(secret); err == nil {
			list = append(list, plain)
		}
	}
	list = slices.DeleteFunc(list, func(s string) bool { return s == "" })
	slices.Sort(list[1:])
	return append(list[:1], slices.Compact(list[1:])...)
}

// takeApart returns what may be shown of an address, and what may not.
func takeApart(text string) (shown string, secrets []string) {
	if path, found := strings.CutPrefix(text, "sqlite:"); found {
		path, query, _ := strings.Cut(path, "?")
		tail, secrets := parameters(query)
		return "sqlite:" + path + tail, secrets
	}
	scheme, rest, found := strings.Cut(text, "://")
	switch {
	case found && !strings.ContainsAny(scheme, " =@/?"):
		return hierarchical(scheme, rest)
	case strings.Contains(text, "="):
		return words(text)
	case strings.ContainsAny(text, "@:? \t\r\n"):
		return Hidden, []string{text}
	default:
		return text, nil
	}
}

// hierarchical takes what follows scheme:// apart. A password may hold "@", "/"
// and "?" that should have been escaped, and the last "@" is the one before the
// host: to hide a little too much is better than half of a password.
func hierarchical(scheme, rest string) (shown string, secrets []string) {
	shown = scheme + "://"
	at := strings.LastIndexByte(rest, '@')
	if at >= 0 {
		user, password, hasPassword := strings.Cut(rest[:at], ":")
		rest = rest[at+1:]
		if hasPassword {
			secrets = append(secrets, password)
			// What stands between two "@" may be the host for a driver.
			secrets = append(secrets, strings.FieldsFunc(password, func(r rune) bool { return strings.ContainsRune("@/?#", r) })...)
			shown += user + ":" + Hidden + "@"
		} else {
			shown += user + "@"
		}
	}
	address, fragment, hasFragment := strings.Cut(rest, "#")
	address, query, _ := strings.Cut(address, "?")
	shown += address
	tail, hidden := parameters(query)
	shown += tail
	secrets = append(secrets, hidden...)
	if hasFragment && fragment != "" {
		shown += "#" + Hidden
		secrets = append(secrets, fragment)
	}
	return shown, secrets
}

// parameters is the query with the values hidden that may be secret, with its
// question mark.
func parameters(query string) (shown string, secrets []string) {
	if query == "" {
		return "", nil
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		switch {
		case err == nil && slices.Contains(shownParameters, strings.ToLower(plain)):
		case !found:
			pairs[i] = Hidden
			secrets = append(secrets, pair)
		case value != "":
			pairs[i] = name + "=" + Hidden
			secrets = append(secrets, value)
		}
	}
	return "?" + strings.Join(pairs, "&"), secrets
}

// words takes host=db password='it”s' apart, as libpq reads it.
func words(text string) (shown string, secrets []string) {
	var out []string
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, found := strings.Cut(rest, "=")
		name = strings.TrimSpace(name)
		if !found || strings.ContainsAny(name, " \t\r\n'\"@:/") {
			out = append(out, Hidden)
			secrets = append(secrets, rest)
			break
		}
		value, plain, end := wordValue(strings.TrimLeft(after, " \t\r\n"))
		rest = end
		if slices.Contains(shownParameters, strings.ToLower(name)) {
			out = append(out, name+"="+value)
			continue
		}
		out = append(out, name+"="+Hidden)
		secrets = append(secrets, value, plain)
	}
	return strings.Join(out, " "), secrets
}

// wordValue reads the value at the beginning of a text: as it stands there, what
// it means, and what follows it. A quotation mark that is not closed reaches to
// the end.
func wordValue(text string) (value, plain, rest string) {
	var b strings.Builder
	quoted := strings.HasPrefix(text, "'")
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && i == 0:
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case quoted && c == '\'':
			return text[:i+1], b.String(), text[i+1:]
		case !quoted && strings.ContainsRune(" \t\r\n", rune(c)):
			return text[:i], b.String(), text[i:]
		default:
			b.WriteByte(c)
		}
	}
	return text, b.String(), ""
}
