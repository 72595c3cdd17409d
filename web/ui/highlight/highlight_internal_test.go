package highlight

import (
	"testing"
)

func TestHighlight(t *testing.T) {
	h := newHighlighter()
	for _, test := range []struct{ language, code, want string }{
		{"bash", `if x; then curl "a $b" # it's over`,
			`<i class="w">if</i> x; <i class="w">then</i> curl <i class="s">&#34;a $b&#34;</i><i class="c"> # it&#39;s over</i>`},
		{"", "0 4 * * * backup.sh && curl https://example.org/#top", "0 4 * * * backup.sh &amp;&amp; curl https://example.org/#top"},
		{"sh", `echo "$HOME" ${x} $?`, `echo <i class="s">&#34;$HOME&#34;</i> <i class="v">${x}</i> <i class="v">$?</i>`},
		{"sh", "it's one line\n'two'", "it&#39;s one line\n<i class=\"s\">&#39;two&#39;</i>"},
		{"go", `x := iffy // if "y"`, `x := iffy<i class="c"> // if &#34;y&#34;</i>`},
		{"yaml", "- name: \"x\"\n  a.b/c: d", "- <i class=\"v\">name:</i> <i class=\"s\">&#34;x&#34;</i>\n  <i class=\"v\">a.b/c:</i> d"},
		{"ini", "[Unit]\nOnFailure=a", "<i class=\"v\">[Unit]</i>\n<i class=\"v\">OnFailure=</i>a"},
		{"cobol", "<b>", "&lt;b&gt;"},
	} {
		got := string(h.highlight(test.language, test.code))
		if got != test.want {
			t.Errorf("%s %q:\n got %s\nwant %s", test.language, test.code, got, test.want)
		}
	}
}
