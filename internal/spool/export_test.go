package spool

import (
	"context"
	"strconv"
)

// SmallPages makes files of small pages, so that a few entries fill many.
func SmallPages(opt Options) Options {
	opt.pageSize = 512
	return opt
}

// LimitPages makes the disk of the spool full once its file has so many pages.
func (s *Spool) LimitPages(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.file.number(`PRAGMA max_page_count = ` + strconv.Itoa(n))
	return err
}

// Exec changes the file behind the back of the spool.
func (s *Spool) Exec(query string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.file.conn.ExecContext(context.Background(), query, args...)
	return err
}

// Pages are all pages of the file, those that are free included.
func (s *Spool) Pages() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.number(`PRAGMA page_count`)
}

// Synchronous is how the log is flushed; 2 is FULL.
func (s *Spool) Synchronous() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.number(`PRAGMA synchronous`)
}

// FileSystemOf is the default of Options.FileSystem.
var FileSystemOf = fileSystemOf

// Defaults are the limits that l means.
func (l Limits) Defaults() Limits { return l.withDefaults() }
