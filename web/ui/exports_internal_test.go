package ui

import (
	"punctual/internal/limit"
)

// Bodies is the room for bodies of requests.
func (s *Site) Bodies() *limit.Bytes { return s.bodies }

// Parse parses the template of a page.
func (s *Site) Parse(name string) error {
	_, err := s.pages.page(name)
	return err
}
