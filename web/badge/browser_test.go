//go:build programs

package badge

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"punctual/internal/testkit/browser"
	"punctual/internal/testkit/need"
)

// The table of widths says what a browser measures.
func TestWidths(t *testing.T) {
	t.Parallel()
	ctx, _ := browser.New(t)
	var known []rune
	for _, table := range widths {
		for i, w := range table.of {
			if w > 0 {
				known = append(known, table.first+rune(i))
			}
		}
	}
	var measured []float64
	var installed bool
	err := browser.Run(ctx,
		chromedp.Evaluate(`const c = document.createElement("canvas").getContext("2d");
			const width = (font, text) => { c.font = "110px " + font; return c.measureText(text).width };
			width("'DejaVu Sans',monospace", "im") !== width("monospace", "im")`, &installed),
		chromedp.Evaluate(fmt.Sprintf(`Array.from(%q).map(x => width("'DejaVu Sans'", x))`, string(known)), &measured),
	)
	if err != nil {
		t.Fatal(err)
	}
	if !installed {
		need.Missing(t, "DejaVu Sans", errors.New("the browser does not have the font"))
	}
	if len(measured) != len(known) {
		t.Fatalf("%d of %d characters are measured", len(measured), len(known))
	}
	for i, r := range known {
		d := measured[i] - float64(runeWidth(r))
		if d < -0.6 || d > 0.6 {
			t.Errorf("%q (U+%04X) is %.1f wide in DejaVu Sans, the table has %d", r, r, measured[i], runeWidth(r))
		}
	}
}

// shown are badges of every kind, for people to look at.
func shown() []picture {
	var out []picture
	for _, label := range []string{"prod", "Nightly dump", "a", "", "Ünïcödé Привет", "夜間バックアップ", "deploy 🚀 👩🏽‍🚀 🇱🇻", "نسخ احتياطي", `<b>"&'`,
		"WWWWWWWWMMMM", "iiiiilllll.....", "a long" + strings.Repeat(" long", 12) + " label"} {
		out = append(out, picture{label, "up", colors["up"].svg}, picture{label, "late", colors["late"].svg},
			picture{label, "down", colors["down"].svg})
	}
	return out
}

// Browsers show the pictures, as files and inside of a page, in the size they
// say, and keep their texts within them.
func TestBadgesInABrowser(t *testing.T) {
	t.Parallel()
	ctx, _ := browser.New(t)
	var page strings.Builder
	page.WriteString(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Badges</title><link rel="icon" href="data:,">
		<style>:root{color-scheme:light dark}body{font:16px/2 sans-serif;zoom:2}img,svg{vertical-align:middle;margin-right:6px}</style>`)
	pictures := shown()
	for i, p := range pictures {
		raw, err := p.svg()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&page, `<img alt="%s" data-width="%d" src="data:image/svg+xml;base64,%s">`, html.EscapeString(p.Title()), p.Width(),
			base64.StdEncoding.EncodeToString(raw))
		if i%3 == 2 {
			page.WriteString("<br>")
		}
		if i%12 == 0 {
			page.Write(raw)
		}
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page.String())
	}))
	t.Cleanup(site.Close)

	var wrong []string
	err := browser.Run(ctx, chromedp.Navigate(site.URL), chromedp.WaitReady("body"),
		chromedp.Evaluate(
			`[...document.images].filter(i => i.naturalWidth != i.dataset.width || i.naturalHeight != 20).map(i => i.alt + " " + i.naturalWidth)
			.concat([...document.querySelectorAll("svg text")].filter(x => { const b = x.getBBox(), s = x.ownerSVGElement.width.baseVal.value; return b.x < 3 || b.x + b.width > s - 3 }).map(x => x.textContent))`, &wrong))
	if err != nil {
		t.Fatal(err)
	}
	if len(wrong) > 0 {
		t.Errorf("not as wide as said, or beyond the edge: %q", wrong)
	}
	for _, dark := range []bool{false, true} {
		name := map[bool]string{false: "badges-light", true: "badges-dark"}[dark]
		if err := browser.Screenshot(ctx, name, 1280, 0, dark); err != nil {
			t.Error(err)
		}
	}
}
