package mail_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/mail"
	"punctual/internal/monitor"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is an alert that uses every part of the template.
func sample(down bool) mail.Alert {
	a := mail.Alert{
		To: "ops@example.net", Key: "0c5e3c70-6f0e-4d57-9f0a-2f3c0c7f7a11", Down: down,
		Name:        `Nightly <dump> & "friends"`,
		Sentence:    "No success signal came in time, and the grace time is over.",
		When:        "Sunday, 1 March 2026, 13:00:00 CET",
		Proof:       "Due 13:00:00 CET, decided 0.2 s later.",
		Description: "Dumps the database to the other site.\nRunbook: https://wiki.example.org/dump",
		Facts: []mail.Fact{
			{Label: "Project", Value: "Operations"}, {Label: "Tags", Value: "db, prod"},
			{Label: "Schedule", Value: "At 02:00 every day (0 2 * * *, Europe/Berlin)"},
			{Label: "Total pings", Value: "412, since 4 January 2026"},
			{Label: "Last ping", Value: "success, 1 day, 2 hours ago, from 192.0.2.7"},
		},
		Body: "dumping 14 tables…\n\tpg_dump: error: connection to server on socket \"/run/postgresql/.s.PGSQL.5432\" failed: <No " +
			"such file or directory>\nexit 1",
		BodyCut:        true,
		OtherDown:      []mail.Fact{{Label: "Mirror sync", Value: "last ping 3 days ago"}, {Label: "Certificates", Value: "never pinged"}},
		OtherDownTotal: 14,
		Link:           "https://punctual.example.org/cloaked/6b0fcbd59650507ee65f62b4611c5b059107d6b7/",
		Unsubscribe:    "https://punctual.example.org/integrations/0c5e3c70-6f0e-4d57-9f0a-2f3c0c7f7a11/unsub/sig/",
	}
	if !down {
		a.Sentence = "The job is reporting again. It was down for 2 hours, 5 minutes."
		a.Proof = ""
		a.Description = ""
		a.Body = ""
		a.BodyCut = false
		a.OtherDown = nil
		a.OtherDownTotal = 0
	}
	return a
}

// storm is a digest that uses every part of the template.
func storm() mail.Digest {
	alert := sample(true)
	return mail.Digest{
		To: alert.To, Key: alert.Key, Title: "2 checks are DOWN, 1 is UP", Project: "Operations", More: 4,
		Items: []mail.DigestItem{
			{Word: "DOWN", Down: true, Name: alert.Name, Sentence: alert.Sentence, When: alert.When, Link: alert.Link},
			{
				Word: "FLAPPING", Down: true, Name: "Mirror sync", When: alert.When, Link: alert.Link,
				Sentence: "It has gone down 3 times within 4 minutes and is down now. You are told again when it has stayed up or down for 5 minutes.",
			},
			{Word: "UP", Name: "Certificates", Sentence: "The job is reporting again.", When: alert.When, Link: alert.Link},
		},
		Link:        "https://punctual.example.org/projects/0c5e3c70-6f0e-4d57-9f0a-2f3c0c7f7a11/checks/",
		Unsubscribe: alert.Unsubscribe,
	}
}

func trouble(disabled bool) mail.Trouble {
	return mail.Trouble{
		To: "owner@example.org", Key: "channel-disabled-1", Disabled: disabled, Project: "Operations", Channel: "Webhook to hooks.example.org",
		Reason: "The server answered with status 410.", Check: "Nightly dump", Status: monitor.StatusDown,
		Link: "https://punctual.example.org/i/",
	}
}

func addressChange(to string) mail.EmailChange {
	return mail.EmailChange{To: to, Old: "owner@example.org", New: "boss@example.org", Link: "https://punctual.example.org/c/"}
}

func gone() mail.Removed {
	return mail.Removed{To: "member@example.net", Project: "Operations", By: "owner@example.org", Checks: 14,
		Link: "https://punctual.example.org/"}
}

func reportFrame() mail.ReportFrame {
	return mail.ReportFrame{
		To: "owner@example.org", Key: "report-1", Link: "https://punctual.example.org/",
		Settings: "https://punctual.example.org/accounts/profile/notifications/", Unsubscribe: "https://punctual.example.org/u/",
	}
}

func monthly() mail.Report {
	good := mail.ReportCell{Text: "No downtime"}
	none := mail.ReportCell{}
	return mail.Report{
		ReportFrame: reportFrame(), Period: "monthly", Sentence: "1 check is down now. In March, 2 checks had 5 downtime events.",
		Short: "1 check is down now · 2 checks had 5 downtime events", Down: true,
		Columns: [2]string{"March", "February"},
		Projects: []mail.ReportProject{
			{Name: "Operations", Link: "https://punctual.example.org/p/1/", More: 230, Checks: []mail.ReportCheck{
				{Name: `Nightly <dump> & "friends"`, Link: "https://punctual.example.org/c/1/", Down: true, Status: "down",
					Cells: [2]mail.ReportCell{{Text: "4 downtimes", Sub: "3 days, 2 hours"}, {Text: "1 downtime", Sub: "25 minutes"}}},
				{Name: "Certificates of every host in the fleet, renewed", Link: "https://punctual.example.org/c/2/", Status: "up",
					Cells: [2]mail.ReportCell{{Text: "1 downtime", Sub: "2 hours"}, good}},
				{Name: "Mirror sync", Link: "https://punctual.example.org/c/3/", Status: "late", Cells: [2]mail.ReportCell{good, none}},
			}},
			{Name: "Home lab", Link: "https://punctual.example.org/p/2/", Checks: []mail.ReportCheck{
				{Name: "NAS snapshots", Link: "https://punctual.example.org/c/4/", Status: "paused",
					Cells: [2]mail.ReportCell{{Text: "1 downtime", Sub: "5 hours"}, {Text: "Not watched"}}},
			}},
		},
		More: mail.ReportMore{Checks: 12, Projects: 2}, Others: "212 others had no downtime, 3 of them not watched",
	}
}

func quietWeek() mail.Report {
	r := monthly()
	r.Period = "weekly"
	r.Sentence = "Nothing is down now. In the week of 9–15 March, there was no downtime."
	r.Short = "nothing is down now · no downtime"
	r.Columns = [2]string{"9–15 Mar", "2–8 Mar"}
	r.More = mail.ReportMore{}
	r.Projects = nil
	r.Others = ""
	return r
}

func reminder(down int) mail.Nag {
	n := mail.Nag{ReportFrame: reportFrame(), Every: "hour", Down: down, Projects: []mail.ReportProject{
		{Name: "Operations", Link: "https://punctual.example.org/p/1/", Checks: []mail.ReportCheck{
			{Name: `Nightly <dump> & "friends"`, Link: "https://punctual.example.org/c/1/", Down: true, Since: "down for 3 hours, 5 minutes",
				LastPing: "last ping 1 day, 4 hours ago"},
			{Name: "Certificates of every host in the fleet, renewed", Link: "https://punctual.example.org/c/2/", Down: true,
				Since: "down for 20 minutes", LastPing: "never pinged"},
		}},
	}}
	if down > 2 {
		n.Every = "day"
		n.Projects[0].More = down - 3
		n.More = mail.ReportMore{Checks: 1, Projects: 1}
	}
	return n
}

func TestMailsLookAsAgreed(t *testing.T) {
	c := composer(t)
	test := sample(true)
	test.Test = true
	test.Proof = ""
	test.Name = "TEST"
	flapping := sample(false)
	flapping.Flapping = true
	flapping.Sentence = storm().Items[1].Sentence
	for name, make := range map[string]func() (*mail.Message, error){
		"login": func() (*mail.Message, error) {
			return c.Login("a@example.net", "https://punctual.example.org/x/?a=1&b=2")
		},
		"alert-down":     func() (*mail.Message, error) { return c.Alert(sample(true)) },
		"alert-up":       func() (*mail.Message, error) { return c.Alert(sample(false)) },
		"alert-test":     func() (*mail.Message, error) { return c.Alert(test) },
		"alert-flapping": func() (*mail.Message, error) { return c.Alert(flapping) },
		"digest":         func() (*mail.Message, error) { return c.Digest(storm()) },
		"blind": func() (*mail.Message, error) {
			return c.Blind(mail.Blind{
				To: "owner@example.org", From: "3 Mar 01:58 UTC", Until: "3 Mar 02:17 UTC", Cause: "Punctual was stopped or restarted", Runs: 12,
				PingedSince: 8, Down: 1, More: 1, Link: "https://punctual.example.org/",
				Unknown: []mail.BlindRun{
					{Name: "db <backup>", Project: "Operations", Due: "3 Mar 02:00 UTC", Link: "https://punctual.example.org/checks/1/details/",
						Ran: "https://punctual.example.org/unknown-runs/1/success/x/", Failed: "https://punctual.example.org/unknown-runs/1/fail/x/"},
					{Name: "rotate logs", Project: "Operations", Due: "3 Mar 02:05 UTC", Link: "https://punctual.example.org/checks/2/details/",
						Ran: "https://punctual.example.org/unknown-runs/2/success/x/", Failed: "https://punctual.example.org/unknown-runs/2/fail/x/"},
				},
			})
		},
		"verify": func() (*mail.Message, error) {
			return c.Verify(mail.Verify{To: "ops@example.net", Project: "Operations", By: "owner@example.org",
				Link: "https://punctual.example.org/v/"})
		},
		"invite": func() (*mail.Message, error) {
			return c.Invite(mail.Invite{To: "new@example.net", Project: "Operations", By: "owner@example.org", Role: "member",
				Link: "https://punctual.example.org/l/"})
		},
		"transfer": func() (*mail.Message, error) {
			return c.Transfer(mail.Transfer{To: "new@example.net", Project: "Operations", By: "owner@example.org",
				Link: "https://punctual.example.org/s/"})
		},
		"email-change-old": func() (*mail.Message, error) { return c.EmailChange(addressChange("owner@example.org")) },
		"email-change-new": func() (*mail.Message, error) { return c.EmailChange(addressChange("boss@example.org")) },
		"two-factor": func() (*mail.Message, error) {
			return c.TwoFactor(mail.TwoFactor{To: "owner@example.org", Done: "The security key “At work” was added.", On: true, RecoveryCodes: 10,
				Link: "https://punctual.example.org/accounts/profile/#two-factor"})
		},
		"removed": func() (*mail.Message, error) { return c.Removed(gone()) },
		"removed-with-account": func() (*mail.Message, error) {
			v := gone()
			v.Closed = true
			v.Checks = 1
			return c.Removed(v)
		},
		"removed-by-operator": func() (*mail.Message, error) {
			v := gone()
			v.By = ""
			v.Owner = "owner@example.org"
			v.Closed = true
			v.Checks = 0
			return c.Removed(v)
		},
		"unused-account": func() (*mail.Message, error) {
			return c.Unused(mail.Unused{
				To: "owner@example.org", Since: "was made on 1 March 2026 and has never been logged in to, and none of its checks has been pinged",
				On: "8 April 2026", Projects: 1, Checks: 2,
				Link: "https://punctual.example.org/accounts/login/",
			})
		},
		"welcome": func() (*mail.Message, error) {
			return c.Welcome(mail.Welcome{To: "new@example.net", Link: "https://punctual.example.org/l/"})
		},
		"channel-disabled": func() (*mail.Message, error) { return c.Trouble(trouble(true)) },
		"alert-given-up":   func() (*mail.Message, error) { return c.Trouble(trouble(false)) },
		"report-monthly":   func() (*mail.Message, error) { return c.Report(monthly()) },
		"report-quiet":     func() (*mail.Message, error) { return c.Report(quietWeek()) },
		"nag":              func() (*mail.Message, error) { return c.Nag(reminder(2)) },
		"nag-many":         func() (*mail.Message, error) { return c.Nag(reminder(40)) },
	} {
		m, err := make()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		golden(t, name+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
		golden(t, name+".html", m.HTML)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	diff := cmp.Diff(string(want), got)
	if diff != "" {
		t.Errorf("%s (-want +got, -update accepts):\n%s", name, diff)
	}
}

func TestAnAlertIsTheSameMailInEveryAttempt(t *testing.T) {
	a, err := composer(t).Alert(sample(true))
	if err != nil {
		t.Fatal(err)
	}
	want := sample(true).Key + "@example.org"
	if a.MessageID != want {
		t.Errorf("message id %q, want %q", a.MessageID, want)
	}
	got := a.Headers["List-Unsubscribe"]
	if got != "<"+sample(true).Unsubscribe+">" {
		t.Errorf("List-Unsubscribe: %s", got)
	}
	if got := a.Headers["List-Unsubscribe-Post"]; got != "List-Unsubscribe=One-Click" {
		t.Errorf("List-Unsubscribe-Post: %s", got)
	}
}

func TestAReportIsOneMailPerDateAndEndsWithOneClick(t *testing.T) {
	for kind, m := range map[string]func() (*mail.Message, error){
		mail.KindReport: func() (*mail.Message, error) { return composer(t).Report(monthly()) },
		mail.KindNag:    func() (*mail.Message, error) { return composer(t).Nag(reminder(2)) },
	} {
		m, err := m()
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind != kind || m.MessageID != "report-1@example.org" || m.About != mail.AboutReport {
			t.Errorf("%s: kind %q, message id %q, about %q", kind, m.Kind, m.MessageID, m.About)
		}
		if m.Headers["List-Unsubscribe"] != "<https://punctual.example.org/u/>" ||
			m.Headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" {
			t.Errorf("%s: headers %v", kind, m.Headers)
		}
	}
}

func TestANameCannotBreakTheMail(t *testing.T) {
	a := sample(true)
	a.Name = "one\r\nBcc: x@example.net <script>alert(1)</script>"
	m, err := composer(t).Alert(a)
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "DOWN | one Bcc: x@example.net <script>alert(1)</script>" {
		t.Errorf("subject %q", m.Subject)
	}
	if strings.Contains(m.HTML, "<script>") {
		t.Error("the name is not escaped")
	}
}
