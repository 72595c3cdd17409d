package browser

import (
	"context"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// busy is for how long Run looks again for an element that the page keeps replacing.
const busy = 10 * time.Second

// Run is chromedp.Run for pages that change by themselves: an action whose element was replaced between being found and
// being used, so that nothing has happened yet, is done again with the new one. Each of the actions must therefore be
// one that finds its element itself, as chromedp's queries do; several in chromedp.Tasks count as one.
func Run(ctx context.Context, actions ...chromedp.Action) error {
	for _, action := range actions {
		err := chromedp.Run(ctx, action)
		for end := time.Now().Add(busy); replaced(err) && time.Now().Before(end); {
			err = chromedp.Run(ctx, action)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replaced tells whether Chromium does not know the element any more that an action was meant for: "Could not find node
// with given id", "No node with given id found".
func replaced(err error) bool {
	return err != nil && strings.Contains(err.Error(), "node with given id")
}
