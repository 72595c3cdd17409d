package status_test

import (
	"context"
	"fmt"

	"punctual/internal/status"
)

// A check of one's own is a name and a function; internal/app appends it to the
// list of a process.
func Example() {
	// what your part has to tell
	backlog := func(context.Context) (int, error) { return 3, nil }
	lake := status.Check{Name: "lake", Title: "Data lake", Run: func(ctx context.Context) status.Finding {
		n, err := backlog(ctx)
		switch {
		case err != nil:
			return status.Failed("does not answer", err)
		case n > 1000:
			return status.Warn("is far behind", status.Field{Name: "backlog", Value: n})
		}
		return status.Healthy("keeps up", status.Field{Name: "backlog", Value: n})
	}}

	report, err := status.NewRunner([]status.Check{lake}, nil).Run(context.Background(), nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range report.Results {
		fmt.Println(r.Title, r.Severity, r.Message(), r.Fields[0].Name, r.Fields[0].Text())
	}
	fmt.Println("healthy:", report.Healthy())
	// Output:
	// Data lake ok keeps up backlog 3
	// healthy: true
}
