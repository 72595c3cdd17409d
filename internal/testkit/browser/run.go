package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// busy is for how long Run looks again for an element that the page keeps replacing.
const busy = 10 * time.Second

// patience is for how long Run waits for one action: for something to be shown that never is, in the end. The first page
// of a busy machine takes seconds, a look by axe at a long one half a minute.
const patience = 2 * time.Minute

// Run is chromedp.Run for pages that change by themselves: an action whose element was replaced between being found and
// being used, so that nothing has happened yet, is done again with the new one. Each of the actions must therefore be
// one that finds its element itself, as chromedp's queries do; several in chromedp.Tasks count as one. An action that
// takes longer than two minutes fails; how many there are, in a test that leads through dozens of pages, does not matter.
func Run(ctx context.Context, actions ...chromedp.Action) error {
	for _, action := range actions {
		err := once(ctx, action)
		for end := time.Now().Add(busy); replaced(err) && time.Now().Before(end); {
			err = once(ctx, action)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func once(ctx context.Context, action chromedp.Action) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := chromedp.Run(ctx, action)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("not done within %s: %w", patience, err)
	}
	return err
}

// Click clicks what the CSS selector finds first, when that can be seen, nothing on the page is busy (aria-busy), and it
// stays where it is: what is still arriving could move it away from under the pointer.
func Click(selector string) chromedp.Action {
	return chromedp.Tasks{
		chromedp.WaitVisible(selector, chromedp.ByQuery),
		chromedp.ActionFunc(func(ctx context.Context) error { return still(ctx, selector) }),
		chromedp.Click(selector, chromedp.ByQuery),
	}
}

// still returns when the element was twice in the same place.
func still(ctx context.Context, selector string) error {
	place := fmt.Sprintf(
		`document.querySelector("[aria-busy=true]") ? "" : JSON.stringify(document.querySelector(%q)?.getBoundingClientRect() ?? "")`, selector)
	for last := ""; ; {
		var now string
		if err := chromedp.Evaluate(place, &now).Do(ctx); err != nil {
			return err
		}
		if now != "" && now == last {
			return nil
		}
		last = now
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to stay where it is: %w", selector, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// replaced tells whether Chromium does not know the element any more that an action was meant for: "Could not find node
// with given id", "No node with given id found".
func replaced(err error) bool {
	return err != nil && strings.Contains(err.Error(), "node with given id")
}
