package browser

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
)

// Console collects what went wrong in a page: console.error, uncaught exceptions, refused resources (violations of
// the content security policy among them) and requests that failed or were answered 400 and up.
type Console struct {
	mu       sync.Mutex
	problems []string
	allowed  []string
}

// Allow says that problems with text in them are expected, whether they were heard already or come later. A test that
// opens a missing page allows "status of 404".
func (c *Console) Allow(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.allowed = append(c.allowed, text)
}

// Problems returns what was heard so far and not allowed, oldest first.
func (c *Console) Problems() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.problems), func(problem string) bool {
		return slices.ContainsFunc(c.allowed, func(text string) bool { return strings.Contains(problem, text) })
	})
}

// hear takes any event of the page.
func (c *Console) hear(event any) {
	var problem string
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			problem = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeAssert {
			problem = "console." + e.Type.String() + ": " + arguments(e.Args)
		}
	case *runtime.EventExceptionThrown:
		problem = "uncaught: " + e.ExceptionDetails.Error()
	}
	if problem == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, problem)
}

func arguments(args []*runtime.RemoteObject) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = string(arg.Value)
		if arg.Description != "" {
			words[i] = arg.Description
		}
	}
	return strings.Join(words, " ")
}
