package assets

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"punctual/static"
	"punctual/templates"
)

func realAssets(t *testing.T, basePath string) *Assets {
	t.Helper()
	a, err := New(static.FS, basePath, false)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func ask(a *Assets, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.Serve(w, r)
	return w
}

func TestFilesAreKeptForEverUnderTheirHash(t *testing.T) {
	a := realAssets(t, "")
	for name, contentType := range map[string]string{
		"css/app.css":                     "text/css; charset=utf-8",
		"js/app.js":                       "text/javascript; charset=utf-8",
		"vendor/uplot-1.6.32.iife.min.js": "text/javascript; charset=utf-8",
		"img/icons.svg":                   "image/svg+xml",
		"img/favicon.ico":                 "image/x-icon",
		"fonts/inter.woff2":               "font/woff2",
	} {
		url, err := a.URL(name)
		if err != nil {
			t.Error(err)
			continue
		}
		w := ask(a, url)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != contentType || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, %s, %d bytes", url, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
		cache := w.Header().Get("Cache-Control")
		if !strings.Contains(cache, "immutable") {
			t.Errorf("%s: Cache-Control %q", url, cache)
		}
		if cache := ask(a, "/static/"+name).Header().Get("Cache-Control"); cache != "no-cache" {
			t.Errorf("%s by its plain name: Cache-Control %q", name, cache)
		}
	}
}

func TestUnchangedFilesAreNotSentAgain(t *testing.T) {
	a := realAssets(t, "")
	etag := ask(a, "/static/css/app.css").Header().Get("Etag")
	w := ask(a, "/static/css/app.css", "If-None-Match", etag)
	if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("status %d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestTextIsSentCompressed(t *testing.T) {
	a := realAssets(t, "")
	w := ask(a, "/static/css/app.css", "Accept-Encoding", "br, gzip")
	if w.Header().Get("Content-Encoding") != "gzip" {
		t.Fatal("the stylesheet is not compressed")
	}
	if w.Body.Len() > 20_000 {
		t.Errorf("the stylesheet takes %d bytes compressed", w.Body.Len())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil || string(plain) != ask(a, "/static/css/app.css").Body.String() {
		t.Errorf("it does not unpack to itself: %v", err)
	}
	if ask(a, "/static/fonts/inter.woff2", "Accept-Encoding", "gzip").Header().Get("Content-Encoding") != "" {
		t.Error("a font, compressed already, is compressed again")
	}
}

func TestStylesheetNamesOtherFilesWithTheirHash(t *testing.T) {
	a := realAssets(t, "")
	css := ask(a, "/static/css/app.css").Body.String()
	for _, m := range cssURL.FindAllStringSubmatch(css, -1) {
		w := ask(a, "/static/"+m[1])
		if !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("url(../%s): status %d, Cache-Control %q", m[1], w.Code, w.Header().Get("Cache-Control"))
		}
	}
}

func TestAddressesHoldThePathOfTheSite(t *testing.T) {
	a := realAssets(t, "/cron")
	url, err := a.URL("js/app.js")
	if err != nil || !strings.HasPrefix(url, "/cron/static/js/app.") {
		t.Errorf("%s, %v", url, err)
	}
	w := httptest.NewRecorder()
	a.Robots(w, nil)
	if !strings.Contains(w.Body.String(), "Allow: /cron/docs/\n") {
		t.Errorf("robots.txt:\n%s", w.Body)
	}
}

func TestUnknownFilesAreNotFound(t *testing.T) {
	a := realAssets(t, "")
	for _, path := range []string{"/static/", "/static/none.css", "/static/../go.mod", "/static/css/tokens.css"} {
		w := ask(a, path)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	_, err := a.URL("none.css")
	if err == nil {
		t.Error("the address of a file that does not exist is no error")
	}
	if _, err := a.Icon("none"); err == nil {
		t.Error("an icon that does not exist is no error")
	}
}

// What a template names is only looked up when it is rendered; a rare branch
// must not fail then.
func TestTemplatesNameOnlyFilesThatExist(t *testing.T) {
	a := realAssets(t, "")
	uses := regexp.MustCompile(`\b(icon|asset) "([^"]+)"`)
	found := 0
	err := fs.WalkDir(templates.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(templates.FS, path)
		if err != nil {
			return err
		}
		for _, m := range uses.FindAllSubmatch(text, -1) {
			found++
			what := string(m[1])
			name := string(m[2])
			if what == "icon" && !a.files().icons[name] {
				t.Errorf("%s: no icon %q; add it to static/build/icons.txt", path, name)
			}
			if what == "asset" && a.files().byName[name] == nil {
				t.Errorf("%s: no static file %q", path, name)
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d uses found, %v", found, err)
	}
}

// A file that the stylesheet does not import would be on no page.
func TestEveryStyleIsPartOfTheStylesheet(t *testing.T) {
	list, err := fs.ReadFile(static.FS, stylesheet)
	if err != nil {
		t.Fatal(err)
	}
	var imported []string
	for _, m := range cssImport.FindAllSubmatch(list, -1) {
		imported = append(imported, "css/"+string(m[1]))
	}
	var files []string
	err = fs.WalkDir(static.FS, "css", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && name != stylesheet {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(imported)
	if !slices.Equal(imported, files) {
		t.Errorf("imported are %q, there are %q", imported, files)
	}
}

// Whoever works on styles sees them without another build.
func TestFilesAreReadAgainInDevelopment(t *testing.T) {
	t.Parallel()
	now := fstest.MapFS{"img/icons.svg": {Data: []byte("<svg/>")}, "css/app.css": {Data: []byte("")}, "js/a.js": {Data: []byte("1")}}
	a, err := New(now, "", true)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := a.URL("js/a.js")
	now["js/a.js"] = &fstest.MapFile{Data: []byte("2")}
	a.readAt = time.Time{}
	after, err := a.URL("js/a.js")
	if err != nil || before == after {
		t.Errorf("%s is still %s, %v", before, after, err)
	}
	if body := ask(a, after).Body.String(); body != "2" {
		t.Errorf("the file is %q", body)
	}
	delete(now, "css/app.css")
	a.readAt = time.Time{}
	if again, err := a.URL("js/a.js"); err != nil || again != after {
		t.Errorf("while a file is missing: %s, %v", again, err)
	}
}
