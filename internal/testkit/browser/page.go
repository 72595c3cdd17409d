package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
			{Name: "prefers-reduced-motion", Value: "reduce"}, // no half-faded pictures
		}))
	if err != nil {
		return fmt.Errorf("looking at the page %d wide: %w", width, err)
	}
	return nil
}

// Screenshot writes what the page looks like in a window of width × height CSS pixels, light or dark, to NAME.png in
// artifacts/screenshots of the repository, or of the directory in $PUNCTUAL_ARTIFACTS. With height 0 it is the whole
// page. The page keeps that size and colour scheme.
func Screenshot(ctx context.Context, name string, width, height int, dark bool) error {
	if err := Look(ctx, width, height, dark); err != nil {
		return err
	}
	var png []byte
	err := Run(ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		png, err = page.CaptureScreenshot().WithCaptureBeyondViewport(height == 0).WithOptimizeForSpeed(true).Do(ctx)
		return err
	}))
	if err != nil {
		return fmt.Errorf("taking the screenshot %s: %w", name, err)
	}
	dir, err := artifacts()
	if err != nil {
		return err
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

// artifacts is where results of a test run are kept: beside go.mod, which is somewhere above a test's directory.
func artifacts() (string, error) {
	if dir := os.Getenv("PUNCTUAL_ARTIFACTS"); dir != "" {
		return dir, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "artifacts"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("finding the repository: no go.mod above the working directory")
		}
		dir = parent
	}
}
