package browser_test

import (
	"context"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/testkit/browser"
)

func TestMain(m *testing.M) { os.Exit(browser.Closing(m).Run()) }

func TestTestsDoNotShareCookies(t *testing.T) {
	url := serve(t, `<p id=who>stranger</p>`)
	for range 2 {
		ctx, _ := browser.New(t)
		var cookies string
		run(t, ctx, chromedp.Navigate(url), chromedp.Evaluate("document.cookie", &cookies))
		if cookies != "" {
			t.Fatalf("found another page's cookies: %s", cookies)
		}
		run(t, ctx, chromedp.Evaluate("document.cookie = 'known=1'", nil))
	}
}

func TestProblemsOfThePageFailTheTest(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"console.error": {`<script src=/script.js?console.error("boom",1)></script>`, "boom"},
		"exception":     {`<script src=/script.js?nothing.there()></script>`, "nothing is not defined"},
		"policy":        {`<script>document.title = "inline"</script>`, "Content Security Policy"},
		"missing file":  {`<img src=/missing.png>`, "status of 404"},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, test.body)
			recorder := &recorder{TB: t}
			ctx, console := browser.New(recorder)
			run(t, ctx, chromedp.Navigate(url))
			recorder.end()
			got := strings.Join(recorder.errors, "\n")
			if !strings.Contains(got, test.want) {
				t.Fatalf("the test would have failed with %q, want %q", got, test.want)
			}
			console.Allow(test.want)
			problems := console.Problems()
			if len(problems) != 0 {
				t.Fatalf("still problems although allowed: %q", problems)
			}
		})
	}
}

func TestDisableJS(t *testing.T) {
	url := serve(t, `<p id=js>no</p><noscript><p id=plain>without</p></noscript>
		<script src=/script.js?document.querySelector("%23js").textContent="yes"></script>`)
	ctx, _ := browser.New(t)
	if err := browser.DisableJS(ctx); err != nil {
		t.Fatal(err)
	}
	var js string
	run(t, ctx, chromedp.Navigate(url), chromedp.WaitVisible("#plain"), chromedp.Text("#js", &js))
	if js != "no" {
		t.Fatalf("script ran: %s", js)
	}
}

func TestScreenshot(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PUNCTUAL_ARTIFACTS", dir)
	ctx, _ := browser.New(t)
	run(t, ctx, chromedp.Navigate(serve(t, `<link rel=stylesheet href=/style.css>`)))
	for _, test := range []struct {
		name           string
		height, pixels int
		dark           bool
		red            uint32
	}{
		{"light", 300, 300, false, 0xffff},
		{"dark", 300, 300, true, 0},
		{"whole", 0, 1000, false, 0xffff},
	} {
		if err := browser.Screenshot(ctx, test.name, 400, test.height, test.dark); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(filepath.Join(dir, "screenshots", test.name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		red, _, _, _ := picture.At(10, 10).RGBA()
		size := picture.Bounds().Size()
		if size.X != 400 || size.Y != test.pixels || red != test.red {
			t.Errorf("%s: %v, red %x", test.name, size, red)
		}
	}
}

func TestAccessibility(t *testing.T) {
	ctx, _ := browser.New(t)
	run(t, ctx, chromedp.Navigate(serve(t, `<main><h1 style="color: #ccc; background: #fff">Pale</h1><img src=/style.css></main>`)))
	for _, test := range []struct {
		rules []string
		want  []string
	}{
		{nil, []string{"color-contrast: ", "html-has-lang: ", "image-alt: "}},
		{[]string{"color-contrast"}, []string{"color-contrast: "}},
		{[]string{"duplicate-id-aria"}, nil},
	} {
		found, err := browser.Accessibility(ctx, test.rules...)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range found {
			found[i] = f[:strings.Index(f, " ")+1]
		}
		slices.Sort(found)
		if !slices.Equal(found, test.want) {
			t.Errorf("rules %q find %q, want %q", test.rules, found, test.want)
		}
	}
}

// serve answers / with the body, /script.js?CODE with the code, everything under the policy of the real site.
func serve(t *testing.T, body string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "script-src 'self'")
		fmt.Fprintf(w, "<!doctype html><link rel=icon href=data:,><title>page</title>%s", body)
	})
	mux.HandleFunc("GET /script.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		code := strings.NewReplacer("%23", "#", "%22", `"`).Replace(r.URL.RawQuery)
		fmt.Fprint(w, code)
	})
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		fmt.Fprint(w, `html { background: #f00; height: 1000px } body { margin: 0 }
			@media (prefers-color-scheme: dark) { html { background: #00f } }`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/"
}

func run(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := browser.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// recorder stands in for a test whose failure is wanted.
type recorder struct {
	testing.TB
	errors   []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}
