package incident

import (
	"fmt"
	"strings"
	"time"

	"punctual/internal/text"
)

// Process is who reports.
type Process struct {
	// address of the site
	Site    string
	Version string
	// serve, sendalerts, …
	Role string
	Host string
	PID  int
}

// Report is what the operators are told. Nothing in it is secret.
type Report struct {
	Process Process
	// of the error or, of news, of their being noticed
	At time.Time
	// one line: what failed
	Title string
	// reference number: on the page, in the log; "" = it has none
	Ref   string
	Error string
	// where it came up
	Place string
	Stack string
	// what else the line of the log says
	Facts []Fact
	// nil = it was none
	Request *Request

	// Errors like this that were not told one by one since the report before.
	More     int
	MoreFrom time.Time
	// the reference numbers of the last of them
	MoreRefs []string

	// Text is what there is to say where nothing failed: news of the
	// installation. The fields from Error on are empty then.
	Text string
}

// Fact is a name and its value.
type Fact struct{ Name, Value string }

// Subject is the subject of the mail, one line.
func (r *Report) Subject() string {
	return "[Punctual] " + text.Ellipsis(text.OneLine(r.Title), 120)
}

// moment is how times are written: nobody knows the zone of an operator.
const moment = "2006-01-02 15:04:05 UTC"

// Body is the text of the mail.
func (r *Report) Body() string {
	var b strings.Builder
	if r.Text != "" {
		fmt.Fprintf(&b, "%s\n\n", r.Text)
	} else {
		fmt.Fprintf(&b, "%s\n\n", r.Title)
		if r.Error != "" {
			fmt.Fprintf(&b, "    %s\n\n", strings.ReplaceAll(r.Error, "\n", "\n    "))
		}
	}
	text := r.moreText()
	if text != "" {
		fmt.Fprintf(&b, "%s\n\n", text)
	}
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-11s %s\n", name+":", value)
		}
	}
	line("Reference", r.Ref)
	line("Time", r.At.UTC().Format(moment))
	line("Place", r.Place)
	line("Process", r.process())
	line("Site", r.Process.Site)
	q := r.Request
	if q != nil {
		user := q.User
		if q.Email != "" {
			user += " " + q.Email
		}
		if user == "" {
			user = "nobody is logged in"
		}
		line("User", user)
		fmt.Fprintf(&b, "\n%s %s\n", q.Method, q.URL)
		for _, h := range q.Headers {
			fmt.Fprintf(&b, "    %s\n", h)
		}
	}
	if len(r.Facts) > 0 {
		b.WriteString("\n")
		for _, f := range r.Facts {
			line(f.Name, f.Value)
		}
	}
	if r.Stack != "" {
		fmt.Fprintf(&b, "\n%s", r.Stack)
	}
	if r.Ref != "" {
		b.WriteString("\nThe log has the reference number too. The same error is told at most once in ten minutes.\n")
	}
	return b.String()
}

func (r *Report) process() string {
	p := r.Process
	return fmt.Sprintf("punctual %s %s on %s, process %d", p.Role, p.Version, p.Host, p.PID)
}

func (r *Report) moreText() string {
	if r.More == 0 {
		return ""
	}
	text := fmt.Sprintf("And %d more since %s.", r.More, r.MoreFrom.UTC().Format(moment))
	if len(r.MoreRefs) > 0 {
		text += " Their last reference numbers: " + strings.Join(r.MoreRefs, ", ") + "."
	}
	return text
}

// Chat is the report for a chat that takes what Slack takes. It is short, as
// Discord refuses more than 2000 characters; the mail and the log have the rest.
func (r *Report) Chat() string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%s*\n", chatText(r.Title, 150))
	if r.Text != "" {
		fmt.Fprintf(&b, "%s\n", chatText(r.Text, 700))
	}
	if r.Error != "" {
		fmt.Fprintf(&b, "```%s```\n", chatText(strings.ReplaceAll(r.Error, "```", "'''"), 400))
	}
	text := r.moreText()
	if text != "" {
		fmt.Fprintf(&b, "%s\n", chatText(text, 200))
	}
	if r.Request != nil {
		fmt.Fprintf(&b, "%s %s\n", chatText(r.Request.Method, 20), chatText(r.Request.URL, 150))
	}
	if r.Place != "" {
		fmt.Fprintf(&b, "at %s\n", chatText(r.Place, 120))
	}
	if r.Ref != "" {
		fmt.Fprintf(&b, "reference %s, ", r.Ref)
	}
	fmt.Fprintf(&b, "%s, %s", r.At.UTC().Format(moment), chatText(r.process(), 120))
	return b.String()
}

// chatText is at most n characters of s, escaped as Slack wants it.
func chatText(s string, n int) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text.Ellipsis(s, n))
}
