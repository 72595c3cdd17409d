package inbound_test

import (
	"strings"
	"testing"

	"punctual/internal/mail/inbound"
)

// TestBrokenMailIsRead: what real programs send and other readers of mail make sense
// of. Each says that the backup failed.
func TestBrokenMailIsRead(t *testing.T) {
	const html = "<p>backup FAILED</p>"
	for name, raw := range map[string]string{
		"charset twice":             "Content-Type: text/html; charset=utf-8; charset=UTF-8\n\n" + html,
		"charset without a value":   "Content-Type: text/html; charset\n\n" + html,
		"no semicolon":              "Content-Type: text/html charset=utf-8\n\n" + html,
		"a semicolon too many":      "Content-Type: text/html;; charset=utf-8;\n\n" + html,
		"quotes that do not end":    "Content-Type: text/html; charset=\"utf-8\n\n" + html,
		"quotes in the charset":     "Content-Type: text/html; charset='utf-8'\n\n" + html,
		"type in capitals":          "CONTENT-TYPE: TEXT/HTML\n\n" + html,
		"blank before the colon":    "Content-Type : text/html\n\n" + html,
		"type without a subtype":    "Content-Type: text\n\nbackup FAILED",
		"type that is none":         "Content-Type: ; charset=utf-8\n\nbackup FAILED",
		"encoding with a semicolon": "Content-Transfer-Encoding: base64;\n\nYmFja3VwIEZBSUxFRA==",
		"encoding in capitals":      "Content-Transfer-Encoding:  BASE64 \n\nYmFja3VwIEZBSUxFRA==",
		"base64 without padding":    "Content-Transfer-Encoding: base64\n\nYmFja3VwIEZBSUxFRA",
		"base64 with blanks":        "Content-Transfer-Encoding: base64\n\nYmFj a3VwIEZB\n\nSUxFRA==",
		"base64 in two pieces":      "Content-Transfer-Encoding: base64\n\nYmFja3VwIA==\nRkFJTEVE",
		"encoding that is unknown":  "Content-Transfer-Encoding: 8-bit\n\nbackup FAILED",
		"broken quoted-printable":   "Content-Transfer-Encoding: quoted-printable\n\nbackup FAI=\nLED =ZZ",
		"boundary without quotes": "Content-Type: multipart/mixed; boundary=----=_Part:1(2)\n\n------=_Part:1(2)\nContent-Type: " +
			"text/plain\n\nbackup FAILED\n------=_Part:1(2)--",
		"boundary is missing":    "Content-Type: multipart/mixed\n\n--XYZ\nContent-Type: text/plain\n\nbackup FAILED\n--XYZ--",
		"boundary is another":    "Content-Type: multipart/mixed; boundary=ABC\n\n--XYZ\n\nbackup FAILED\n--XYZ--",
		"boundary is not closed": "Content-Type: multipart/mixed; boundary=A\n\n--A\n\nbackup FAILED",
		"boundary with blanks":   "Content-Type: multipart/mixed; boundary=A\n\n--A  \n\nbackup FAILED\n--A--  ",
		"boundary twice":         "Content-Type: multipart/mixed; boundary=A; boundary=B\n\n--A\n\nbackup FAILED\n--A--",
		"in the second part":     "Content-Type: multipart/mixed; boundary=A\n\n--A\n\nstarted\n--A\n\nbackup FAILED\n--A--",
		"in the second HTML part": "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: " +
			"text/html\n\n<p>started\n--A\nContent-Type: text/html\n\n" + html + "\n--A--",
		"in a part of another text": "Content-Type: multipart/mixed; boundary=A\n\n--A\n\nstarted\n--A\nContent-Type: text/x-log\n\nbackup " +
			"FAILED\n--A--",
		"a bad header in a part": "Content-Type: multipart/mixed; boundary=A\n\n--A\nthis is no header\nbackup FAILED\n--A--",
		"multipart is encoded":   "Content-Type: multipart/mixed; boundary=A\nContent-Transfer-Encoding: base64\n\n--A\n\nbackup FAILED\n--A--",
		"no empty line":          "Subject: x\nbackup FAILED\nand more",
		"no header":              "backup FAILED",
		"line of an mbox":        "From root Mon Jan  1\nSubject: x\n\nbackup FAILED",
		"byte order mark":        "\xef\xbb\xbfContent-Type: text/plain\n\nbackup FAILED",
		"unknown charset":        "Content-Type: text/plain; charset=utf8mb4\n\nbackup FAILED",
		"type folded":            "Content-Type: text/html;\n\tcharset=utf-8\n\n" + html,
		"type twice":             "Content-Type: text/html\nContent-Type: application/octet-stream\n\n" + html,
	} {
		for ends, text := range map[string]string{"CRLF": strings.ReplaceAll(raw, "\n", "\r\n"), "LF": raw} {
			m := inbound.Parse([]byte(text))
			if !strings.Contains(m.Text+m.HTMLText(), "backup FAILED") {
				t.Errorf("%s (%s): text %q, HTML %q", name, ends, m.Text, m.HTML)
			}
		}
	}
}
