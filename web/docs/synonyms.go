package docs

import (
	"slices"
	"strings"
	"unicode"
)

// synonyms are words that people search for, and the words that the pages have for the same.
// Plurals are left out, see stem.
var synonyms = map[string]string{
	"2fa":               "factor",
	"alarm":             "notification integration",
	"alert":             "notification integration",
	"alerting":          "notification integration",
	"apikey":            "key token",
	"authenticator":     "factor",
	"bun":               "node",
	"callback":          "webhook",
	"colleague":         "team",
	"cronjob":           "crontab kubernetes",
	"daemon":            "systemd",
	"dashboard":         "wall",
	"daylight":          "clock",
	"dead man s switch": "introduction",
	"deadline":          "grace schedule",
	"deadman":           "introduction",
	"delay":             "grace",
	"deno":              "node",
	"deploy":            "hosting",
	"digest":            "report",
	"disable":           "pause",
	"dotnet":            "csharp",
	"dst":               "clock",
	"email":             "mail",
	"frequency":         "period",
	"golang":            "go",
	"grafana":           "prometheus",
	"healthcheck":       "client introduction",
	"heartbeat":         "introduction",
	"hook":              "webhook",
	"hotkey":            "keyboard",
	"install":           "hosting",
	"interval":          "period",
	"invite":            "team",
	"javascript":        "node",
	"js":                "node",
	"k8s":               "kubernetes",
	"key":               "token",
	"kiosk":             "wall",
	"late":              "grace",
	"login":             "signing",
	"maintenance":       "pause",
	"member":            "team",
	"mfa":               "factor",
	"mute":              "pause",
	"notify":            "notification integration",
	"on call":           "notification integration",
	"oncall":            "notification integration",
	"otp":               "factor",
	"overdue":           "late grace",
	"pager":             "notification integration",
	"passkey":           "factor security",
	"permission":        "team role",
	"python3":           "python",
	"repeat":            "reminder report",
	"return code":       "exit",
	"screen":            "wall",
	"secret":            "key token",
	"shield":            "badge",
	"shortcut":          "keyboard",
	"sign in":           "signing",
	"silence":           "pause",
	"snooze":            "pause",
	"summary":           "report",
	"task scheduler":    "powershell",
	"timeout":           "period grace",
	"timer":             "systemd oncalendar",
	"timezone":          "zone",
	"token":             "key",
	"tolerance":         "grace",
	"totp":              "factor",
	"tv":                "wall",
	"uptime":            "introduction",
	"user":              "team account",
	"watchdog":          "introduction",
	"window":            "powershell",
}

// longestSynonym is the most words that one entry of synonyms has.
const longestSynonym = 4

// term is one thing that is searched for: what was typed, and words for the same.
type term []string

// searchTerms are the terms of a query, each once: "cron jobs" finds "a cron job", and
// "dead man's switch" is one term.
func searchTerms(query string) []term {
	words := strings.FieldsFunc(strings.ToLower(query), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i := range words {
		words[i] = stem(words[i])
	}
	var terms []term
	for len(words) > 0 {
		t, used := firstTerm(words)
		words = words[used:]
		if !slices.ContainsFunc(terms, func(known term) bool { return known[0] == t[0] }) {
			terms = append(terms, t)
		}
	}
	return terms[:min(len(terms), maxDocWords)]
}

// stem takes the ending of a plural away.
func stem(word string) string {
	if len(word) > 3 && strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss") {
		return word[:len(word)-1]
	}
	return word
}

// firstTerm is the term that words begin with, and how many of them it takes: as many
// as an entry of synonyms has. Several words are found by their synonyms only.
func firstTerm(words []string) (term, int) {
	for n := min(longestSynonym, len(words)); n > 0; n-- {
		same := synonyms[strings.Join(words[:n], " ")]
		switch {
		case same != "" && n > 1:
			return strings.Fields(same), n
		case same != "":
			return append(term{words[0]}, strings.Fields(same)...), 1
		}
	}
	return term{words[0]}, 1
}
