package monitor

import (
	"time"

	"github.com/google/uuid"
)

// Node is a running process of Punctual.
type Node struct {
	ID        uuid.UUID
	Role      string // serve, sendalerts, up, …
	Host      string
	PID       int
	Version   string
	StartedAt time.Time
	SeenAt    time.Time
}
