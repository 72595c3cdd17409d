package browser_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"punctual/internal/testkit/browser"
)

// A live page replaces an element just when it is to be clicked: the click finds the new one.
func TestRunFindsAgainWhatThePageReplaces(t *testing.T) {
	url := serve(t, `<div><button>Go</button></div>`)
	ctx, _ := browser.New(t)
	var nodes []*cdp.Node
	run(t, ctx, chromedp.Navigate(url), chromedp.Nodes("button", &nodes, chromedp.ByQuery),
		chromedp.Evaluate(
			`document.querySelector("div").innerHTML = "<button>Go</button>"; window.clicks = 0; document.addEventListener("click", () => { clicks++ })`, nil))
	tries := 0
	click := chromedp.ActionFunc(func(ctx context.Context) error {
		// as if it had been found before the page replaced it
		if tries++; tries == 1 {
			return chromedp.MouseClickNode(nodes[0]).Do(ctx)
		}
		return chromedp.Click("button", chromedp.ByQuery).Do(ctx)
	})
	if err := browser.Run(ctx, click); err != nil || tries != 2 {
		t.Fatalf("%d tries: %v", tries, err)
	}
	var clicks int
	if run(t, ctx, chromedp.Evaluate(`clicks`, &clicks)); clicks != 1 {
		t.Errorf("%d clicks", clicks)
	}
}
