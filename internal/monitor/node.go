package monitor

import (
	"time"

	"github.com/google/uuid"
)

// Node is a running process of Punctual.
type Node struct {
	ID uuid.UUID
	// serve, sendalerts, up, …
	Role      string
	Host      string
	PID       int
	Version   string
	StartedAt time.Time
	SeenAt    time.Time
}
