package monitor

import "strings"

// ClassifyHTTP returns what an HTTP ping says to check c, given what its URL
// says. Keyword rules, where they are on, override the URL (docs/contract.md §1.6).
// body is what is kept of the request body; bytes that are not UTF-8 are
// compared as they are.
func ClassifyHTTP(f *Filter, urlKind PingKind, method string, body []byte) PingKind {
	if f.Methods == "POST" && method != "POST" {
		return PingIgn
	}
	if !f.HTTPBody {
		return urlKind
	}
	return f.byKeywords(string(body))
}

// MailText is what the filters of a check read of an e-mail.
type MailText struct {
	// decoded
	Subject string
	// the text parts, and the text of the HTML parts
	Text string
	HTML string
}

// ClassifyEmail returns what an e-mail ping says to check c. subject is the
// decoded subject, bodies are the text parts and the text of HTML parts.
func ClassifyEmail(f *Filter, subject string, bodies ...string) PingKind {
	if !f.Subject && !f.Body {
		return PingSuccess
	}
	var text []string
	if f.Subject {
		text = append(text, subject)
	}
	if f.Body {
		text = append(text, bodies...)
	}
	return f.byKeywords(strings.Join(text, "\n"))
}

func (f *Filter) byKeywords(text string) PingKind {
	switch {
	case containsKeyword(text, f.FailureKW):
		return PingFail
	case containsKeyword(text, f.SuccessKW):
		return PingSuccess
	case containsKeyword(text, f.StartKW):
		return PingStart
	case f.DefaultFail:
		return PingFail
	default:
		return PingIgn
	}
}

// containsKeyword looks for any of the comma-separated keywords, as a
// case-sensitive substring.
func containsKeyword(text, keywords string) bool {
	for kw := range strings.SplitSeq(keywords, ",") {
		kw = strings.TrimSpace(kw)
		if kw != "" && strings.Contains(text, kw) {
			return true
		}
	}
	return false
}
