package kinds_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"punctual/internal/monitor"
)

// names are what checks may be called, and what is hard to put into a message.
var names = []string{
	`Nightly "dump"`, `C:\\backup\\new`, "two\nlines", "tab\there", "📦 café", `{"a": [1, "b"]}`, "$NAME $BODY $TAG1", `"`, `\`, "</script>&",
	"100% %d %s", "\u2028", "null", "-- x'",
}

var fence = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```$")

// recipe is a webhook as the documentation writes one: method and address, headers,
// an empty line, the body.
type recipe struct{ file, method, path, headers, body string }

// recipes are all of the documentation.
func recipes(t *testing.T) []recipe {
	t.Helper()
	var all []recipe
	for _, pattern := range []string{"../../../README.md", "../../../docs/*.md", "../../../templates/docs/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
				first, rest, _ := strings.Cut(m[1], "\n")
				method, address, ok := strings.Cut(first, " ")
				u, err := url.Parse(address)
				if !ok || err != nil || u.Scheme != "https" || method != "GET" && method != "POST" && method != "PUT" {
					continue
				}
				headers, body, _ := strings.Cut("\n"+rest, "\n\n")
				all = append(all, recipe{file, method, u.RequestURI(), strings.TrimSpace(headers), strings.TrimSpace(body)})
			}
		}
	}
	if len(all) < 3 {
		t.Fatalf("only %d recipes were found", len(all))
	}
	return all
}

// Every recipe of the documentation does what it says, whatever the check is
// called and the job has printed: JSON is JSON, and the name is in it.
func TestRecipesOfTheDocumentation(t *testing.T) {
	base, got := standIn(t, nil)
	for _, r := range recipes(t) {
		form := url.Values{"method_down": {r.method}, "url_down": {base + r.path}, "headers_down": {r.headers}, "body_down": {r.body}}
		config, err := webhook().FromForm("", form)
		if err != nil {
			t.Errorf("%s: %v\n%s", r.file, err, r.body)
			continue
		}
		for _, name := range names {
			ev := event(monitor.StatusDown, config)
			ev.Check.Name = name
			ev.Check.Tags = strings.Join(strings.Fields(name), " ")
			ev.LastPing.Body = []byte(name + "\x00\xff\x1b[31m")
			_, err := webhook().Send(soon(t), ev)
			if err != nil {
				t.Errorf("%s with %q: %v", r.file, name, err)
				continue
			}
			sent := <-got
			if !strings.Contains(r.headers, "application/json") && !strings.HasPrefix(r.body, "{") {
				continue
			}
			var message any
			if err := json.Unmarshal([]byte(sent.Body), &message); err != nil {
				t.Errorf("%s with %q sends no JSON: %v\n%s", r.file, name, err, sent.Body)
				continue
			}
			again, _ := json.Marshal(message)
			if strings.Contains(r.body, "$NAME") && !strings.Contains(string(again), marshalled(name)) {
				t.Errorf("%s with %q: the name is not in %s", r.file, name, again)
			}
		}
	}
}

// marshalled is a text as it stands between the quotation marks of JSON.
func marshalled(s string) string {
	quoted, _ := json.Marshal(s)
	return string(quoted[1 : len(quoted)-1])
}

func TestEscapedPlaceholders(t *testing.T) {
	base, got := standIn(t, nil)
	for body, want := range map[string]string{
		`"$NAME_ESCAPED"`:                   `"a \"b\" \\ $BODY_ESCAPED"`,
		`"$NAME_ESCAPED $STATUS"`:           `"a \"b\" \\ $BODY_ESCAPED down"`,
		`"$TAGS_ESCAPED|$TAG2_ESCAPED"`:     `"x \"y\"|\"y\""`,
		`"$TAG3_ESCAPED"`:                   `"$TAG3_ESCAPED"`,
		`"$BODY_ESCAPED"`:                   `"line\n\"two\"\ufffd"`,
		`$NAME_JSON $BODY_JSON`:             `"a \"b\" \\ $BODY_ESCAPED" "line\n\"two\"\ufffd"`,
		`$NAME $TAG1 $TAGS $SLUG_ESCAPED`:   `a "b" \ $BODY_ESCAPED x x "y" nightly-dump_ESCAPED`,
		`$NAME_JSON_ESCAPED $TAG10_ESCAPED`: `"a \"b\" \\ $BODY_ESCAPED"_ESCAPED $TAG10_ESCAPED`,
	} {
		c := config(t, map[string]any{"method_down": "POST", "url_down": base, "body_down": body})
		ev := event(monitor.StatusDown, c)
		ev.Check.Name = `a "b" \ $BODY_ESCAPED`
		ev.Check.Tags = `x "y"`
		ev.LastPing.Body = []byte("line\n\"two\"\xff")
		_, err := webhook().Send(soon(t), ev)
		if err != nil {
			t.Fatal(err)
		}
		sent := <-got
		if strings.ReplaceAll(sent.Body, "\uFFFD", `\ufffd`) != want {
			t.Errorf("%s becomes\n%s, want\n%s", body, sent.Body, want)
		}
	}
}
