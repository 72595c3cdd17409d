package web

import (
	"html"
	"strings"
	"testing"
)

func TestHighlight(t *testing.T) {
	h := newHighlighter()
	for _, test := range []struct{ language, code, want string }{
		{"bash", `if x; then curl "a $b" # it's over`, `<i class="w">if</i> x; <i class="w">then</i> curl <i class="s">&#34;a </i><i class="v">$b</i><i class="s">&#34;</i> <i class="c"># it&#39;s over</i>`},
		{"go", `x := iffy // if "y"`, `x := iffy <i class="c">// if &#34;y&#34;</i>`},
		{"yaml", "a: \"x\"", `<i class="v">a</i>: <i class="s">&#34;x&#34;</i>`},
		{"systemd", "[Unit]\nOnFailure=a", "<i class=\"w\">[Unit]</i>\n<i class=\"v\">OnFailure</i>=<i class=\"s\">a</i>"},
		{"json", `{"a": 1}`, `{<i class="v">&#34;a&#34;</i>: 1}`},
		{"cobol-2100", "<b>", "&lt;b&gt;"},
	} {
		if got := string(h.highlight(test.language, test.code)); got != test.want {
			t.Errorf("%s %q:\n got %s\nwant %s", test.language, test.code, got, test.want)
		}
	}
}

// What is copied is what was written, whatever a lexer makes of it.
func TestHighlightKeepsTheText(t *testing.T) {
	marks := strings.NewReplacer(`<i class="c">`, "", `<i class="s">`, "", `<i class="w">`, "", `<i class="v">`, "", "</i>", "")
	for _, language := range []string{"", "sh", "curl", "crontab", "ini", "yaml", "hcl", "systemd", "kubernetes", "python", "go", "js", "node", "csharp", "java", "json", "php", "ruby", "powershell", "html", "text"} {
		for _, code := range []string{"it's one line\n'two'", "<?php echo \"$x\";\n", "a\r\nb", "0 4 * * * backup.sh && curl https://example.org/#top", "\x00\xff {{", ""} {
			if got := html.UnescapeString(marks.Replace(string(colour(language, code)))); got != code {
				t.Errorf("%s: %q became %q", language, code, got)
			}
		}
	}
}

func BenchmarkHighlight(b *testing.B) {
	for b.Loop() {
		colour("bash", "#!/bin/sh\nset -e\nbackup.sh && curl -fsS -m 10 --retry 5 -o /dev/null \"https://example.org/ping/$UUID\"\n")
	}
}
