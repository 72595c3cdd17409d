package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// roundTrip returns when everything that the page said before has been heard.
var roundTrip = chromedp.ActionFunc(func(ctx context.Context) error {
	_, err := page.GetFrameTree().Do(ctx)
	return err
})

// DisableJS makes the page behave as in a browser without JavaScript, from the next navigation on. chromedp's waits
// and queries go on working.
func DisableJS(ctx context.Context) error {
	if err := Run(ctx, emulation.SetScriptExecutionDisabled(true)); err != nil {
		return fmt.Errorf("disabling JavaScript: %w", err)
	}
	return nil
}

// Look shows the page in a window of width × height CSS pixels, light or dark, without motion, from now on. With height
// 0 the window is as high as the browser likes.
func Look(ctx context.Context, width, height int, dark bool) error {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	err := Run(ctx,
		chromedp.EmulateViewport(int64(width), int64(height)),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			// no half-faded pictures
			{Name: "prefers-reduced-motion", Value: "reduce"},
		}))
	if err != nil {
		return fmt.Errorf("looking at the page %d wide: %w", width, err)
	}
	return nil
}

// noSizeYet is how long a page may take to have a size.
const noSizeYet = 10 * time.Second

// Screenshot shows the page in a window of width × height CSS pixels, light or dark, from now on. Where $PUNCTUAL_ARTIFACTS
// names a directory, it writes what that looks like to screenshots/NAME.png there; with height 0 it is the whole page.
// Pictures take a quarter of the time of the tests that take them, so nobody takes them unasked.
func Screenshot(ctx context.Context, name string, width, height int, dark bool) error {
	if err := Look(ctx, width, height, dark); err != nil {
		return err
	}
	dir := os.Getenv("PUNCTUAL_ARTIFACTS")
	if dir == "" {
		return nil
	}
	var png []byte
	capture := chromedp.ActionFunc(func(ctx context.Context) (err error) {
		png, err = page.CaptureScreenshot().WithCaptureBeyondViewport(height == 0).WithOptimizeForSpeed(true).Do(ctx)
		return err
	})
	err := Run(ctx, capture)
	// For a moment after a page was led to a part of itself, Chromium knows no size of it.
	deadline := time.Now().Add(noSizeYet)
	for err != nil && strings.Contains(err.Error(), "0 width") && time.Now().Before(deadline) {
		err = Run(ctx, chromedp.Sleep(noSizeYet/100), capture)
	}
	if err != nil {
		return fmt.Errorf("taking the screenshot %s: %w", name, err)
	}
	file := filepath.Join(dir, "screenshots", name+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("keeping the screenshot %s: %w", name, err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		return fmt.Errorf("keeping the screenshot %s: %w", name, err)
	}
	return nil
}
