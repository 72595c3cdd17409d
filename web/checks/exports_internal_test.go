package checks

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// LoadList is what a list is made of.
func (s *Pages) LoadList(ctx context.Context, project uuid.UUID) (*listData, error) {
	return s.loadList(ctx, project)
}

// UpdateReader makes what one reader of a live list is sent.
func (s *Pages) UpdateReader(r *http.Request, p *monitor.Project, data *listData, now time.Time) error {
	page := s.listPage(r, p, monitor.RoleOwner, parseListFilter(nil), data)
	page.Now = now
	page.Site = &s.Instance
	page.TZ = time.UTC
	_, err := s.updateOf(page, page.Version, page.Now)
	return err
}
