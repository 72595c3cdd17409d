package kinds_test

import (
	"encoding/json"
	"strings"
	"testing"

	"punctual/internal/errs"
)

func settingsOf(t *testing.T, text string) map[string]json.RawMessage {
	t.Helper()
	var sent map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &sent); err != nil {
		t.Fatal(err)
	}
	return sent
}

const user30 = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"

func TestAProgramSendsTheSettingsByTheirNames(t *testing.T) {
	const hook = `{"method_down":"PUT","url_down":"https://a.example/x","body_down":"a\nb","headers_down":{"X-A":"1"},"method_up":"POST","url_up":"","body_up":"","headers_up":{}}`
	for _, k := range []struct{ kind, before, sent, want string }{
		{"email", "", `{"address":"ops@example.org"}`, `{"address":"ops@example.org","up":true,"down":true}`},
		{"email", "", `{"address":"ops@example.org","up":false}`, `{"address":"ops@example.org","up":false,"down":true}`},
		{"email", `{"address":"ops@example.org","up":false,"down":true}`, `{"address":"it@example.org"}`,
			`{"address":"it@example.org","up":false,"down":true}`},
		{"po", "", `{"user":"` + user30 + `","priority_down":2}`, `{"user":"` + user30 + `","priority_down":2,"priority_up":0}`},
		{"webhook", "", `{"url_down":" https://a.example/x ","method_down":"put","body_down":"a\r\nb","headers_down":{"X-A":"1"}}`, hook},
		{"webhook", hook, `{"headers_down":{"X-B":"2"},"body_down":""}`, strings.NewReplacer(`"X-A":"1"`, `"X-B":"2"`, `a\nb`, ``).Replace(hook)},
		{"webhook", hook, `{}`, hook},
	} {
		got, err := offered()[k.kind].FromFields(k.before, settingsOf(t, k.sent))
		if err != nil || got != k.want {
			t.Errorf("%s, %s into %q:\n got %s, %v\nwant %s", k.kind, k.sent, k.before, got, err, k.want)
		}
	}
}

func TestAWrongSettingIsNamed(t *testing.T) {
	for _, k := range []struct{ kind, sent, field, words string }{
		{"email", `{}`, "address", "give an e-mail address"},
		{"email", `{"address":"nobody"}`, "address", "not a valid e-mail address"},
		{"email", `{"address":"A <a@example.org>"}`, "address", "not a valid e-mail address"},
		{"email", `{"address":7}`, "address", "must be a text"},
		{"email", `{"address":null}`, "address", "must be a text"},
		{"email", `{"address":"a\u0000@example.org"}`, "address", "must be a text"},
		{"email", `{"address":"a@example.org","up":1}`, "up", "must be true or false"},
		{"email", `{"address":"a@example.org","up":null}`, "up", "must be true or false"},
		{"email", `{"address":"a@example.org","up":false,"down":false}`, "down", "at least one"},
		{"email", `{"address":"a@example.org","Up":true}`, "Up", "there are address, down, up"},
		{"po", `{"user":"short"}`, "user", "30 letters"},
		{"po", `{"user":"` + user30 + `","priority_up":3}`, "priority_up", "from -3"},
		{"po", `{"user":"` + user30 + `","priority_up":1.5}`, "priority_up", "whole number"},
		{"po", `{"user":"` + user30 + `","priority_up":-3,"priority_down":-3}`, "priority_down", "at least one"},
		{"webhook", `{}`, "url_down", "at least one URL"},
		{"webhook", `{"url_up":"ftp://a.example"}`, "url_up", "http://"},
		{"webhook", `{"url_down":"https://a.example","method_down":"BREW"}`, "method_down", "GET, POST or PUT"},
		{"webhook", `{"url_down":"https://a.example","headers_down":{"X-A":"1\r\nX-B: 2"}}`, "headers_down", "not the name and the value"},
		{"webhook", `{"url_down":"https://a.example","headers_down":{"X A":"1"}}`, "headers_down", "not the name and the value"},
		{"webhook", `{"url_down":"https://a.example","headers_down":{"X-A":null}}`, "headers_down", "an object of texts"},
		{"webhook", `{"url_down":"https://a.example","headers_down":["X-A"]}`, "headers_down", "an object of texts"},
		{"webhook", `{"url_down":"https://a.example","headers_down":{"X-A":"` + strings.Repeat("x", 1000) + `"}}`, "headers_down",
			"more than 1000"},
		{"webhook", `{"url_down":"https://a.example","body_up":"` + strings.Repeat("x", 1001) + `"}`, "body_up", "more than 1000"},
		{"webhook", `{"url_down":"https://a.example","url":"x"}`, "url", "body_down, body_up, headers_down"},
	} {
		_, err := offered()[k.kind].FromFields("", settingsOf(t, k.sent))
		if errs.KindOf(err) != errs.Invalid || errs.FieldOf(err) != k.field || !strings.Contains(errs.Message(err), k.words) {
			t.Errorf("%s, %.80s: %q: %v; want %q: …%s…", k.kind, k.sent, errs.FieldOf(err), err, k.field, k.words)
		}
	}
}
