// Package logs decides how much of the log is written and in which form, and
// holds what a request has to say of itself (docs/logs.md).
//
// It knows nobody: the parts of Punctual get a *slog.Logger of their area from
// internal/app and write to that.
package logs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// The keys that stand in many lines.
const (
	AreaKey    = "area"
	RequestKey = "request_id"
	// SuperuserKey is who acts in the name of the user.
	SuperuserKey = "superuser"
)

// In is the logger of an area, one of Areas: its lines name the area, and its
// level may be another than that of the rest.
func In(log *slog.Logger, area string) *slog.Logger { return log.With(AreaKey, area) }

// Took is how long something has taken, in milliseconds to the microsecond.
func Took(d time.Duration) slog.Attr {
	return slog.Float64("duration_ms", float64(d.Microseconds())/1000)
}

// New is the log of a program. format is text, json, or auto: text when w is a
// terminal, else JSON. Colours are for terminals only.
func New(w io.Writer, levels Levels, format string) (*slog.Logger, error) {
	terminal := isTerminal(w)
	var out slog.Handler
	switch {
	case format == "json" || format == "auto" && !terminal:
		out = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})
	case format == "text" || format == "auto":
		out = tint.NewTextHandler(w, &tint.Options{Level: slog.LevelDebug, NoColor: !terminal})
	default:
		return nil, fmt.Errorf("log format %q is not one of auto, text, json", format)
	}
	return slog.New(&handler{Handler: out, levels: levels, least: levels.least}), nil
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// names tells whether a line has a value for the key.
func names(line slog.Record, key string) (found bool) {
	line.Attrs(func(a slog.Attr) bool {
		found = a.Key == key
		return !found
	})
	return found
}

// handler lets those lines pass that their area has the level for, and writes
// the id of the request, and who acts in the user's name, into the lines of its
// context.
type handler struct {
	slog.Handler
	levels Levels
	least  slog.Level
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.least }

func (h *handler) Handle(ctx context.Context, line slog.Record) error {
	e, ok := fromContext(ctx)
	if ok {
		line = line.Clone()
		line.AddAttrs(slog.String(RequestKey, e.ID))
		if e.Superuser != "" && !names(line, SuperuserKey) {
			line.AddAttrs(slog.String(SuperuserKey, e.Superuser))
		}
	}
	return h.Handler.Handle(ctx, line)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	least := h.least
	for _, a := range attrs {
		if a.Key == AreaKey {
			least = h.levels.of(a.Value.String())
		}
	}
	return &handler{Handler: h.Handler.WithAttrs(attrs), levels: h.levels, least: least}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{Handler: h.Handler.WithGroup(name), levels: h.levels, least: h.least}
}
