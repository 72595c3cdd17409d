package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// newLogger returns the program's logger. level is debug, info, warn or
// error; format is text, json, or auto: text when w is a terminal, else JSON
// (features §15). Colours are for terminals only.
func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	terminal := isTerminal(w)
	switch {
	case format == "json" || format == "auto" && !terminal:
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least})), nil
	case format == "text" || format == "auto":
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: least, NoColor: !terminal})), nil
	}
	return nil, fmt.Errorf("log format %q is not one of auto, text, json", format)
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}
