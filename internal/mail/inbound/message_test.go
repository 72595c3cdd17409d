package inbound_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/mail/inbound"
)

func crlf(s string) []byte {
	return []byte(strings.ReplaceAll(strings.TrimPrefix(s, "\n"), "\n", "\r\n"))
}

const mixed = `
From: =?iso-8859-1?Q?J=FCrgen?= <j@example.org>
To: check@example.org
Subject: =?utf-8?B?QmFja3VwIOKckw==?=
 done
Date: Sat, 21 Nov 2026 13:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=A

preamble
--A
Content-Type: multipart/alternative; boundary=B

--B
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

caf=E9 ok=
 yes
--B
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+Y2Fmw6kgPGI+b2s8L2I+PC9wPg==
--B--
--A
Content-Type: text/plain
Content-Disposition: attachment; filename="=?utf-8?Q?log=C3=A9.txt?="

12345
--A
Content-Type: application/pdf; name=report.pdf
Content-Transfer-Encoding: base64

AAECAw==
--A
Content-Type: message/rfc822

Subject: inner

inner text
--A--
`

func TestParse(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want inbound.Message
	}{
		"plain": {"Subject: hi\n\none\ntwo\n", inbound.Message{Subject: "hi", Text: "one\ntwo\n"}},
		"parts": {mixed, inbound.Message{
			Subject: "Backup ✓ done", Text: "café ok yes", HTML: "<p>café <b>ok</b></p>",
			Fields: []inbound.Field{{"From", "Jürgen <j@example.org>"}, {"To", "check@example.org"}, {"Date", "Sat, 21 Nov 2026 13:00:00 +0000"}},
			Attachments: []inbound.Attachment{
				{"logé.txt", "text/plain", 5}, {"report.pdf", "application/pdf", 4}, {"", "message/rfc822", 28},
			},
		}},
		"HTML only":          {"Content-Type: text/html\n\n<p>x", inbound.Message{HTML: "<p>x"}},
		"unknown charset":    {"Content-Type: text/plain; charset=klingon\n\nok", inbound.Message{Text: "ok"}},
		"unknown encoding":   {"Content-Transfer-Encoding: rot13\n\nok", inbound.Message{Text: "ok"}},
		"bytes without name": {"Subject: \xfcber\n\n\xff\x00ok", inbound.Message{Subject: "\uFFFDber", Text: "\uFFFDok"}},
		"broken base64":      {"Content-Transfer-Encoding: base64\n\nb2sg!!!!", inbound.Message{Text: "ok "}},
		"broken header":      {"From nobody\nSubject: =?utf-8?Q?=C3=BC?=\n\nbody", inbound.Message{Subject: "ü", Text: "body"}},
		"cut in a part":      {"Content-Type: multipart/mixed; boundary=A\n\n--A\n\nthe begi", inbound.Message{Text: "the begi"}},
		"no parts":           {"Content-Type: multipart/mixed; boundary=A\n\nnothing", inbound.Message{}},
		"empty":              {"", inbound.Message{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diff := cmp.Diff(&tt.want, inbound.Parse(crlf(tt.raw)))
			if diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestHTMLText(t *testing.T) {
	for source, want := range map[string]string{
		"<p class=x>one</p><div>two<br/>three</div>":                             "one\ntwo\nthree",
		"<head><title>no</title><style>p{}</style></head>yes<script>no</script>": "yes",
		"</head></a></script>still here":                                         "still here",
		"a &lt; b &amp;&#228;":                                                   "a < b &ä",
		"<!-- > no -->x <a href='https://error.example'>link</a>":                "x link",
		"<table><tr><td>a<td>b</tr></table>":                                     "a b",
		"a\r\n  <b>b</b>c":                                                       "a bc",
		"":                                                                       "",
	} {
		m := inbound.Message{HTML: source}
		got := m.HTMLText()
		if got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

func TestPartsInPartsEnd(t *testing.T) {
	raw := strings.Repeat("Content-Type: multipart/mixed; boundary=A\n\n--A\n", 5000)
	inbound.Parse(crlf(raw))
	many := "Content-Type: multipart/mixed; boundary=A\n\n" + strings.Repeat("--A\nContent-Type: x/y\n\nz\n", 5000)
	n := len(inbound.Parse(crlf(many)).Attachments)
	if n > 200 {
		t.Errorf("%d attachments", n)
	}
}

// TestALongHeaderCostsNoTime: a mail of a megabyte may be all header.
func TestALongHeaderCostsNoTime(t *testing.T) {
	for _, line := range []string{" folded\n", "X: y\n", "Content-Type: a\n", ";charset=utf-8", "--\n"} {
		inbound.Parse(crlf("Content-Type: multipart/mixed; boundary=A;\n" + strings.Repeat(line, (1<<20)/len(line))))
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{mixed, "Subject: x\n\nbody", "Content-Type: text/html\n\n<p>x<!--", "", "\n", ":"} {
		f.Add(crlf(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := inbound.Parse(raw)
		for _, s := range []string{m.Subject, m.Text, m.HTML, m.HTMLText()} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Errorf("cannot be stored: %q", s)
			}
		}
	})
}
