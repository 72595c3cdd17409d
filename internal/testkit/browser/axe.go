package browser

import (
	"context"
	// the checker below
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is axe-core (see testdata/axe/README.md).
//
//go:embed testdata/axe/axe.min.js
var axe string

// Accessibility returns what axe-core finds wrong with the page as it is now (size, colour scheme, open dialogs), one
// line for each broken rule with up to three of the elements that break it; none is nil. With rules, only those are
// looked at ("color-contrast"). Frames are left out: their content is foreign.
func Accessibility(ctx context.Context, rules ...string) ([]string, error) {
	var loaded bool
	if err := Run(ctx, chromedp.Evaluate(`"axe" in window`, &loaded)); err != nil {
		return nil, fmt.Errorf("looking for axe: %w", err)
	}
	if !loaded {
		err := Run(ctx, chromedp.Evaluate(axe+";0", nil), chromedp.ActionFunc(func(ctx context.Context) error {
			// half a megabyte: not again for the pages after this one
			_, err := page.AddScriptToEvaluateOnNewDocument(axe).Do(ctx)
			return err
		}))
		if err != nil {
			return nil, fmt.Errorf("loading axe: %w", err)
		}
	}
	only, err := json.Marshal(append([]string{}, rules...))
	if err != nil {
		return nil, fmt.Errorf("naming the rules of axe: %w", err)
	}
	var found []string
	err = Run(ctx, chromedp.Evaluate(fmt.Sprintf(findings, only), &found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	}))
	if err != nil {
		return nil, fmt.Errorf("running axe: %w", err)
	}
	return found, nil
}

// findings runs axe with the rules put in.
const findings = `(async rules => {
	const options = { iframes: false, resultTypes: ["violations"], ...(rules.length && { runOnly: { type: "rule", values: rules } }) };
	const { violations } = await axe.run(document, options);
	return violations.map(v => v.id + ": " + v.help + v.nodes.slice(0, 3).map(n =>
		"\n    " + n.target.join(" ") + "  " + [...n.any, ...n.all, ...n.none].map(c => c.message).join("; ").slice(0, 300)).join("") +
		(v.nodes.length > 3 ? "\n    and " + (v.nodes.length - 3) + " more" : ""));
})(%s)`
