// Package assets serves the static files, from memory and under names that hold the
// hash of their content.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// stylesheet is the one file that all of css/ becomes: it names the others, in
// their order. That of tv/ stands alone.
const stylesheet = "css/app.css"

// asset is a file as it is sent.
type asset struct {
	// with the hash: css/app.3f2a9c1d04.css
	name        string
	contentType string
	etag        string
	plain       []byte
	// made when it is asked for first; nil: does not get smaller
	gzipped func() []byte
}

// Assets serves the static files from memory. Under a name that holds the hash
// of the content a file may be kept for ever; under its plain name browsers ask
// each time whether it has changed.
type Assets struct {
	// /static/ below the path of the site
	prefix string
	fsys   fs.FS
	dev    bool

	mu     sync.Mutex
	read   *files
	readAt time.Time
}

// files are the static files as they were read.
type files struct {
	byName map[string]*asset
	// what the sprite draws
	icons map[string]bool
}

// New reads all files; basePath is the path of the site, without a slash at its end. With
// dev they are read again as they are used, at most once a second. It fails where one
// cannot be read.
func New(fsys fs.FS, basePath string, dev bool) (*Assets, error) {
	read, err := readFiles(fsys)
	if err != nil {
		return nil, err
	}
	return &Assets{prefix: basePath + "/static/", fsys: fsys, dev: dev, read: read, readAt: time.Now()}, nil
}

// files are those of now. While somebody is writing one, they are those of before.
func (a *Assets) files() *files {
	if !a.dev {
		return a.read
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.readAt) < time.Second {
		return a.read
	}
	a.readAt = time.Now()
	fresh, err := readFiles(a.fsys)
	if err == nil {
		a.read = fresh
	}
	return a.read
}

func readFiles(fsys fs.FS) (*files, error) {
	a := &files{byName: map[string]*asset{}, icons: map[string]bool{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		switch {
		case err != nil:
			return err
		case path.Ext(name) == ".css" && !strings.HasPrefix(name, "tv/"):
			// A part of the stylesheet.
		default:
			a.add(name, data)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	css, err := joinStyles(fsys)
	if err != nil {
		return nil, err
	}
	a.add(stylesheet, a.resolveURLs(css))
	for _, m := range symbolID.FindAllSubmatch(a.byName["img/icons.svg"].content(), -1) {
		a.icons[string(m[1])] = true
	}
	return a, nil
}

// joinStyles puts the files that the stylesheet imports one behind the other.
func joinStyles(fsys fs.FS) ([]byte, error) {
	list, err := fs.ReadFile(fsys, stylesheet)
	if err != nil {
		return nil, err
	}
	var css bytes.Buffer
	for _, m := range cssImport.FindAllSubmatch(list, -1) {
		part, err := fs.ReadFile(fsys, path.Join(path.Dir(stylesheet), string(m[1])))
		if err != nil {
			return nil, err
		}
		css.Write(part)
	}
	return css.Bytes(), nil
}

var (
	cssImport = regexp.MustCompile(`(?m)^@import "([a-z/-]+\.css)";$`)
	symbolID  = regexp.MustCompile(`<symbol id="i-([a-z0-9-]+)"`)
	cssURL    = regexp.MustCompile(`url\(\.\./([a-z0-9/._-]+)\)`)
)

// resolveURLs puts the hashed names of other files into the stylesheet.
func (a *files) resolveURLs(css []byte) []byte {
	return cssURL.ReplaceAllFunc(css, func(m []byte) []byte {
		f := a.byName[string(cssURL.FindSubmatch(m)[1])]
		if f == nil {
			return m
		}
		return []byte("url(../" + f.name + ")")
	})
}

func (a *files) add(name string, data []byte) {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:5])
	ext := path.Ext(name)
	f := &asset{
		name:        strings.TrimSuffix(name, ext) + "." + hash + ext,
		contentType: contentType(ext),
		etag:        `"` + hash + `"`,
		plain:       data,
	}
	f.gzipped = sync.OnceValue(func() []byte { return compressed(data) })
	a.byName[name] = f
	a.byName[f.name] = f
}

func contentType(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	default:
		return "text/plain; charset=utf-8"
	}
}

// compressed returns data gzipped, nil where that saves less than a tenth. It
// cannot fail: it writes to memory at a level that exists.
func compressed(data []byte) []byte {
	var buf bytes.Buffer
	w, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	_, _ = w.Write(data)
	_ = w.Close()
	if buf.Len() >= len(data)*9/10 {
		return nil
	}
	return buf.Bytes()
}

func (f *asset) content() []byte {
	if f == nil {
		return nil
	}
	return f.plain
}

// Has tells whether there is a static file of the name.
func (a *Assets) Has(name string) bool { return a.files().byName[name] != nil }

// URL is the address of the file with the plain name, ready for a page.
func (a *Assets) URL(name string) (string, error) {
	f := a.files().byName[name]
	if f == nil {
		return "", fmt.Errorf("no static file %q", name)
	}
	return a.prefix + f.name, nil
}

// Serve answers /static/….
func (a *Assets) Serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/static/")
	f := a.files().byName[name]
	if f == nil {
		http.NotFound(w, r)
		return
	}
	cache := "no-cache"
	if name == f.name {
		cache = "public, max-age=31536000, immutable"
	}
	f.send(w, r, cache)
}

// Favicon answers /favicon.ico, for programs that do not read pages.
func (a *Assets) Favicon(w http.ResponseWriter, r *http.Request) {
	f := a.files().byName["img/favicon.ico"]
	if f == nil {
		http.NotFound(w, r)
		return
	}
	f.send(w, r, "public, max-age=86400")
}

// Robots lets search engines read what is for everybody.
func (a *Assets) Robots(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	base := strings.TrimSuffix(a.prefix, "/static/")
	fmt.Fprintf(w, "User-agent: *\nAllow: %[1]s/$\nAllow: %[1]s/docs/\nAllow: %[1]s/static/\nDisallow: %[1]s/\n", base)
}

func (f *asset) send(w http.ResponseWriter, r *http.Request, cache string) {
	h := w.Header()
	h.Set("Cache-Control", cache)
	h.Set("Etag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		small := f.gzipped()
		if small != nil {
			data = small
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	// the reader may have gone
	_, _ = w.Write(data)
}

// Icon draws a decorative picture; text beside it, or a label of the button
// around it, says what it means.
func (a *Assets) Icon(name string) (template.HTML, error) {
	own := "img/" + name + ".svg"
	if a.Has(own) {
		file, err := a.URL(own)
		return template.HTML(`<svg class="icon" aria-hidden="true"><use href="` + file + `#icon"/></svg>`), err //nolint:gosec // ours
	}
	if !a.files().icons[name] {
		return "", fmt.Errorf("no icon %q: add it to static/build/icons.txt", name)
	}
	sprite, err := a.URL("img/icons.svg")
	if err != nil {
		return "", err
	}
	drawn := `<svg class="icon" aria-hidden="true"><use href="` + sprite + `#i-` + name + `"/></svg>`
	return template.HTML(drawn), nil //nolint:gosec // both parts are ours
}
