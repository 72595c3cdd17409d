// Package browser lets tests drive the site in a real Chromium: one browser process per test binary, one private
// profile (cookies, storage) per test. What the page complains about on its console fails the test.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { os.Exit(browser.Closing(m).Run()) }
//
// or, with a database beside it, pgtest.Main(browser.Closing(m)).
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"punctual/internal/testkit/need"
	"punctual/internal/testkit/tempdir"
)

// shared is the one browser of this test binary: starting it takes longer than most tests.
var shared struct {
	once  sync.Once
	ctx   context.Context //nolint:containedctx // chromedp keeps the browser in a context
	close context.CancelFunc
	err   error
}

type runner interface{ Run() int }

// Closing returns m with the shared browser ended, and its profile removed, after the tests.
func Closing(m runner) interface{ Run() int } { return closing{m} }

type closing struct{ runner }

// Run runs the tests and returns their exit code.
func (c closing) Run() int {
	code := c.runner.Run()
	if shared.close != nil {
		shared.close()
	}
	return code
}

// New opens an empty page with a profile of its own, closed when the test ends, and returns the context that Run wants
// and the page's console. Without Chromium the test fails or skips as package need says.
func New(tb testing.TB) (context.Context, *Console) {
	tb.Helper()
	shared.once.Do(start)
	if shared.err != nil {
		need.Missing(tb, "Chromium", shared.err)
	}
	page, closeProfile, err := openProfile()
	if err != nil {
		tb.Fatalf("opening a page: %v", err)
	}
	ctx, closePage := chromedp.NewContext(shared.ctx, chromedp.WithTargetID(page))
	tb.Cleanup(func() {
		tb.Helper()
		closePage()
		if err := closeProfile(); err != nil {
			tb.Errorf("closing the page: %v", err)
		}
	})
	console := &Console{}
	chromedp.ListenTarget(ctx, console.hear)
	if err := chromedp.Run(ctx); err != nil {
		tb.Fatalf("opening a page: %v", err)
	}
	// before the one above: the page must still be there to have said everything
	tb.Cleanup(func() {
		tb.Helper()
		if err := Run(ctx, roundTrip); err != nil {
			tb.Errorf("asking the page for its last words: %v", err)
		}
		for _, problem := range console.Problems() {
			tb.Errorf("browser console: %s", problem)
		}
	})
	return ctx, console
}

// openProfile opens an empty page with a profile of its own. chromedp's own WithNewBrowserContext asks for a tab in a
// window that the profile does not have; current Chromium refuses that.
func openProfile() (page target.ID, closeProfile func() error, err error) {
	ctx := cdp.WithExecutor(shared.ctx, chromedp.FromContext(shared.ctx).Browser)
	profile, err := target.CreateBrowserContext().Do(ctx)
	if err != nil {
		return "", nil, err
	}
	closeProfile = func() error { return target.DisposeBrowserContext(profile).Do(ctx) }
	page, err = target.CreateTarget("about:blank").WithBrowserContextID(profile).WithNewWindow(true).Do(ctx)
	return page, closeProfile, err
}

func start() {
	path, err := find()
	if err != nil {
		shared.err = err
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		// root, as in most CI containers, cannot have one; only our own pages are opened
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		// nothing is drawn on a screen: a process less to talk to
		chromedp.Flag("in-process-gpu", true),
		// screenshots the same everywhere
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "en-US"),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	profile, err := os.MkdirTemp(tempdir.Parent(), "chromium-")
	if err != nil {
		shared.err = err
		return
	}
	options = append(options, chromedp.UserDataDir(profile))
	if tempdir.Parent() != "" {
		// what its processes share stays in memory
		options = append(options, chromedp.Flag("disable-dev-shm-usage", false))
	}
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	shared.ctx = ctx
	shared.close = func() {
		// asks it to quit and to tidy up; what is left after an error is killed below
		_ = chromedp.Cancel(ctx)
		closeAllocator()
		_ = os.RemoveAll(profile)
	}
	if err := chromedp.Run(ctx); err != nil {
		shared.err = fmt.Errorf("starting %s: %w", path, err)
	}
}

// browsers are what the tests can be run in, the best first. The headless shell is Chromium without windows, menus and
// services of its own: the same pages take two thirds of the time. Debian has it in a package of its own, and calls its
// browsers by scripts that add flags for people; on a developer's machine there may be Chrome.
var browsers = []string{
	"/usr/lib/chromium/chromium-headless-shell", "/usr/lib/chromium/chromium", "chromium", "chromium-browser", "google-chrome",
	"google-chrome-stable",
}

// find returns the path of the browser.
func find() (string, error) {
	for _, name := range browsers {
		path, err := exec.LookPath(name)
		if err == nil {
			return path, nil
		}
	}
	return "", errors.New("neither chromium nor google-chrome is in PATH")
}
