package incident

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// Panic is a panic that was caught, as an error.
type Panic struct {
	// the part that panicked, one of a few names: it is a label of metrics
	Where string
	Value any

	// from where it happened outwards
	frames []runtime.Frame
}

// Error is the value of the panic.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap is the value of the panic where it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Catch runs f, and turns a panic in it into a *Panic: so a piece of work that
// is broken does not end the process.
func Catch(where string, f func() error) (err error) {
	defer func() {
		v := recover()
		if v != nil {
			err = Caught(where, v)
		}
	}()
	return f()
}

// Caught is the error of a panic with the value v, which the caller, deferred,
// has just recovered.
func Caught(where string, v any) *Panic {
	all := frames(2)
	for i, f := range all {
		// above it are those who caught it
		if f.Function == "runtime.gopanic" {
			all = all[i+1:]
			break
		}
	}
	// as for nil pointers
	for len(all) > 1 && strings.HasPrefix(all[0].Function, "runtime.") {
		all = all[1:]
	}
	return &Panic{Where: where, Value: v, frames: all}
}

// maxFrames is how much of a stack is kept.
const maxFrames = 40

// frames is the stack without the innermost skip functions.
func frames(skip int) []runtime.Frame {
	pcs := make([]uintptr, 64)
	pcs = pcs[:runtime.Callers(skip+1, pcs)]
	var list []runtime.Frame
	for more := runtime.CallersFrames(pcs); ; {
		f, ok := more.Next()
		if f.Function != "" {
			list = append(list, f)
		}
		if !ok {
			return list
		}
	}
}

// stackText is a stack as Go prints one, without arguments and addresses.
func stackText(list []runtime.Frame) string {
	var b strings.Builder
	for i, f := range list {
		if i == maxFrames {
			fmt.Fprintf(&b, "… and %d more\n", len(list)-i)
			break
		}
		fmt.Fprintln(&b, f.Function)
		if f.File != "" {
			fmt.Fprintf(&b, "\t%s:%d\n", f.File, f.Line)
		}
	}
	return b.String()
}

// place is where an error came up, short: "web.(*Server).details (details.go:40)".
func place(list []runtime.Frame) string {
	for _, f := range list {
		if strings.HasPrefix(f.Function, "punctual/") || strings.HasPrefix(f.Function, "main.") {
			return shortPlace(f)
		}
	}
	if len(list) == 0 {
		return "unknown"
	}
	return shortPlace(list[0])
}

func shortPlace(f runtime.Frame) string {
	if f.File == "" {
		return f.Function[strings.LastIndexByte(f.Function, '/')+1:]
	}
	return fmt.Sprintf("%s (%s:%d)", f.Function[strings.LastIndexByte(f.Function, '/')+1:], f.File[strings.LastIndexByte(f.File, '/')+1:],
		f.Line)
}

// located is an error with where it came up.
type located struct {
	error
	frames []runtime.Frame
}

// Unwrap is the error itself.
func (l *located) Unwrap() error { return l.error }

// From notes that err was returned by the function f, for whoever logs it where
// the stack no longer tells.
func From(f any, err error) error {
	fn := runtime.FuncForPC(reflect.ValueOf(f).Pointer())
	if fn == nil || err == nil {
		return err
	}
	name, method := strings.CutSuffix(fn.Name(), "-fm")
	frame := runtime.Frame{Function: name}
	// of the value of a method Go does not know where it is
	if !method {
		frame.File, frame.Line = fn.FileLine(fn.Entry())
	}
	return &located{err, []runtime.Frame{frame}}
}

// Here notes that err came up where Here is called from, or so many callers
// further out, for whoever logs it elsewhere. What is known already, by From or
// Here, stays.
func Here(out int, err error) error {
	_, known := errors.AsType[*located](err)
	if known {
		return err
	}
	return &located{err, frames(2 + out)}
}
